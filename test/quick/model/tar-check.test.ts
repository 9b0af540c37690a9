/** The look at a tar as it comes: what it refuses, and that it sees the same in pieces of any size. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { readTar, type TarEntry, tarEntry, writeTar } from '../../../src/drivers/tar.ts';
import { TarCheck } from '../../../src/model/tar-check.ts';
import { TarError } from '../../../src/model/tar-header.ts';

/** null = taken; otherwise why not. */
function check(archive: Uint8Array, pieceSize = archive.length): string | null {
	const looking = new TarCheck();
	try {
		for (let at = 0; at < archive.length; at += Math.max(1, pieceSize)) looking.push(archive.subarray(at, at + pieceSize));
		looking.end();
		return null;
	} catch (error) {
		assert.ok(error instanceof TarError, String(error));
		return error.message;
	}
}

/** One record with fields of its header set by their offset, and the checksum put right; with data, without an end. */
function record(fields: Readonly<Record<number, string>>, data = ''): Buffer {
	const archive = Buffer.from(writeTar([tarEntry('a', { bytes: Buffer.from(data) })])).subarray(
		0,
		512 + Math.ceil(data.length / 512) * 512,
	);
	for (const [at, text] of Object.entries(fields)) archive.write(text, Number(at), 'latin1');
	archive.write('        ', 148);
	const total = archive.subarray(0, 512).reduce((whole, byte) => whole + byte, 0);
	archive.write(`${total.toString(8).padStart(6, '0')}\0 `, 148);
	return archive;
}

const flagAt = 156;
const linkAt = 157;
const sizeAt = 124;
const file = record({}, 'hello');
const end = Buffer.alloc(1024);
const whole = (...parts: readonly Buffer[]) => Buffer.concat([...parts, end]);
const pax = (...records: readonly string[]) => {
	const lines = records.map((text) => {
		const rest = Buffer.byteLength(text) + 2;
		const length = rest + String(rest + String(rest).length).length;
		return `${length} ${text}\n`;
	});
	return record({ [flagAt]: 'x' }, lines.join(''));
};

describe('a tar is looked at as it comes', () => {
	for (const [what, archive] of [
		['nothing', Buffer.alloc(0)],
		['the end alone', end],
		['a file', whole(file)],
		['a file without an end', file],
		['a file without padding', file.subarray(0, 512 + 5)],
		['one block of zeros at the end', Buffer.concat([file, Buffer.alloc(512)])],
		['anything behind the end', whole(file, end, Buffer.from('x'.repeat(700)))],
		['a name that goes down and up', whole(record({ 0: 'a/../b' }, 'x'))],
		['an absolute name', whole(record({ 0: '/etc/x' }, 'x'))],
		['a symbolic link out', whole(record({ [flagAt]: '2', [linkAt]: '../../etc' }))],
		['a folder with a size and no data', whole(record({ [flagAt]: '5', [sizeAt]: '00000001000' }), file)],
		['records for all', whole(record({ [flagAt]: 'g' }, '11 path=..\n'), file)],
		['a size in pax records', whole(pax('size=5'), record({ [sizeAt]: '00000000000' }, 'hello'))],
	] as const) {
		test(`${what} is taken, in pieces of any size`, () => {
			for (const size of [1, 7, 511, 512, 513, archive.length]) assert.equal(check(archive, size), null, `pieces of ${size}`);
		});
	}

	for (const [what, archive, reason] of [
		['text', Buffer.from('x'.repeat(2000)), /number in a header|checksum/],
		['a wrong checksum', Buffer.concat([file.subarray(0, 148), Buffer.from('000001\0 '), file.subarray(156)]), /checksum/],
		['half a header', file.subarray(0, 300), /within a header/],
		['half of the data', file.subarray(0, 514), /within an entry/],
		['half of a long name', record({ [flagAt]: 'L' }, 'n'.repeat(600)).subarray(0, 700), /within an entry/],
		['gzip', gzipSync(whole(file)), /compressed|within a header/],
		['gzip of much', gzipSync(Buffer.from(crypto.getRandomValues(new Uint8Array(5000)))), /compressed/],
		['a name that climbs', whole(record({ 0: '../x' }, 'x')), /leads out/],
		['a name that climbs later', whole(record({ 0: 'a/./../../x' }, 'x')), /leads out/],
		['an absolute name that climbs', whole(record({ 0: '/../x' }, 'x')), /leads out/],
		['a prefix that climbs', whole(record({ 345: '../..' }, 'x')), /leads out/],
		['a long name that climbs', whole(record({ [flagAt]: 'L' }, `${'a/'.repeat(100)}${'../'.repeat(101)}x`), file), /leads out/],
		['a pax name that climbs', whole(pax('path=../../x'), file), /leads out/],
		['a hard link that climbs', whole(record({ [flagAt]: '1', [linkAt]: '../../etc/shadow' })), /hard link/],
		['a long hard link that climbs', whole(record({ [flagAt]: 'K' }, '../etc'), record({ [flagAt]: '1', [linkAt]: 'b' })), /hard link/],
		['a pax hard link that climbs', whole(pax('linkpath=..'), record({ [flagAt]: '1', [linkAt]: 'b' })), /hard link/],
		['a GNU sparse file', whole(record({ [flagAt]: 'S' }, 'x')), /sparse/],
		['a pax sparse file', whole(pax('GNU.sparse.major=1'), file), /sparse/],
		['an old folder with data', whole(record({ 0: 'a/', [flagAt]: '\0' }, 'x')), /folder with data/],
		['pax records of a wrong length', whole(record({ [flagAt]: 'x' }, '99 path=x\n'), file), /wrong length/],
		['a pax size that is none', whole(pax('size=1e9'), file), /size/],
		['a long name without end', record({ [flagAt]: 'L', [sizeAt]: '00100000000' }, 'x'), /larger than/],
		['an entry behind a block of zeros', Buffer.concat([file, Buffer.alloc(512), file]), /follows its end/],
		['a size below zero', whole(record({ [sizeAt]: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' })), /out of range/],
		// What a reader of the header's size alone would take for data.
		['an entry that a size hides', whole(pax('size=0'), record({ [sizeAt]: '00000001000' }), record({ 0: '../x' }, 'x')), /leads out/],
	] as const) {
		test(`${what} is refused, in pieces of any size`, () => {
			for (const size of [1, 7, 511, 512, 513, archive.length]) assert.match(check(archive, size) ?? 'taken', reason, `pieces of ${size}`);
		});
	}

	test('every split of an archive in two gives the same', () => {
		const archive = whole(pax('path=long/name'), file, record({ [flagAt]: 'L' }, 'n'.repeat(520)), file);
		for (let at = 0; at <= archive.length; at += 1) {
			const looking = new TarCheck();
			looking.push(archive.subarray(0, at));
			looking.push(archive.subarray(at));
			looking.end();
		}
	});

	test('any bytes are taken or refused, and what is taken can be read', () => {
		const entry = fc.record({
			path: fc.constantFrom('a', 'b/c', '../d', '/e', 'f/../../g', `${'h/'.repeat(90)}i`, 'é'),
			type: fc.constantFrom('file' as const, 'directory' as const, 'symlink' as const),
			bytes: fc.uint8Array({ maxLength: 1100 }),
		});
		const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
		fc.assert(
			fc.property(
				fc.array(entry, { maxLength: 4 }),
				fc.array(change, { maxLength: 3 }),
				fc.integer({ min: 1, max: 1500 }),
				(entries, changes, size) => {
					const made = entries.map(
						({ path, type, bytes }): TarEntry => tarEntry(path, { type, bytes: type === 'file' ? bytes : new Uint8Array() }),
					);
					const archive = writeTar(made);
					for (const { at, byte } of changes) archive[at % archive.length] = byte;
					const refused = check(archive);
					assert.equal(check(archive, size), refused);
					if (refused !== null) return;
					for (const { path } of readTar(archive)) assert.ok(!/^\/*(\.\.|[^/]+\/+\.\.\/+\.\.)(\/|$)/.test(path), path);
				},
			),
			{ numRuns: 500 },
		);
	});
});
