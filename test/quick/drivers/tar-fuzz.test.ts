import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DriverError } from '../../../src/drivers/driver.ts';
import { loadImages } from '../../../src/drivers/fake/fake-image.ts';
import { readTar, type TarEntry, tarEntry, writeTar } from '../../../src/drivers/tar.ts';

/** Reads it, or says that it is no archive: nothing else, and not for ever. */
function readOrRefuse(archive: Uint8Array): readonly TarEntry[] | null {
	try {
		return readTar(archive);
	} catch (error) {
		assert.ok(error instanceof DriverError && error.code === 'invalid', String(error));
		return null;
	}
}

/** One entry's archive with a field of its header set, and its checksum put right unless `sum` is given. */
function withField(at: number, text: string, sum?: string): Buffer {
	const archive = writeTar([tarEntry('a', { bytes: Buffer.from('hello') })]);
	archive.write(text, at, 'latin1');
	archive.write('        ', 148);
	const total = archive.subarray(0, 512).reduce((whole, byte) => whole + byte, 0);
	archive.write(sum ?? `${total.toString(8).padStart(6, '0')}\0 `, 148);
	return archive;
}

/** An archive whose first record is a pax header with this text. */
function withPax(text: string): Buffer {
	const archive = writeTar([tarEntry('pax', { bytes: Buffer.from(text) }), tarEntry('a', { bytes: Buffer.from('hello') })]);
	archive.write('x', 156);
	archive.write('        ', 148);
	const total = archive.subarray(0, 512).reduce((whole, byte) => whole + byte, 0);
	archive.write(`${total.toString(8).padStart(6, '0')}\0 `, 148);
	return archive;
}

const refused = (archive: Uint8Array) => assert.throws(() => readTar(archive), { code: 'invalid' });

describe('tar archives that are none', () => {
	const path = fc.oneof(
		fc.constantFrom('../a', '/etc/passwd', 'a/../../b', '.', './x', 'a//b', `${'d/'.repeat(200)}f`, 'é', '\u202e', 'a\\b', '__proto__'),
		fc.stringMatching(/^[a-z]{1,120}$/),
	);
	const entry = fc.record({
		path,
		type: fc.constantFrom('file' as const, 'directory' as const, 'symlink' as const),
		mode: fc.integer({ min: 0, max: 0o7777 }),
		mtime: fc.integer({ min: 0, max: 2 ** 31 }),
		linkTarget: path,
		bytes: fc.uint8Array({ maxLength: 1100 }),
	});
	const entries = fc.uniqueArray(
		entry.map((fields) =>
			tarEntry(fields.path, {
				...fields,
				linkTarget: fields.type === 'symlink' ? fields.linkTarget : '',
				bytes: fields.type === 'file' ? fields.bytes : new Uint8Array(),
			}),
		),
		{ maxLength: 5, selector: (made) => made.path },
	);

	test('what was written is read, whatever its paths', () => {
		fc.assert(
			fc.property(entries, (written) => {
				const read = readTar(writeTar(written));
				assert.deepEqual(
					read.map((found) => ({ ...found, bytes: [...found.bytes] })),
					written.map((made) => ({ ...made, bytes: [...made.bytes] })),
				);
			}),
			{ numRuns: 300 },
		);
	});

	test('one that is cut anywhere is refused or has fewer entries, each whole', () => {
		fc.assert(
			fc.property(entries, fc.nat(), (written, at) => {
				const archive = writeTar(written);
				const read = readOrRefuse(archive.subarray(0, at % archive.length)) ?? [];
				assert.ok(read.length <= written.length);
				for (const [index, found] of read.entries()) assert.deepEqual(Buffer.from(found.bytes), Buffer.from(written[index]?.bytes ?? []));
			}),
			{ numRuns: 500 },
		);
	});

	test('flipped bytes are refused or read, never more', () => {
		fc.assert(
			fc.property(entries, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }), (written, flips) => {
				const archive = writeTar(written);
				for (const [at, byte] of flips) archive[at % archive.length] = byte;
				readOrRefuse(archive);
			}),
			{ numRuns: 1000 },
		);
	});

	test('any bytes', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
				readOrRefuse(bytes);
			}),
			{ numRuns: 500 },
		);
	});

	test('fields of any text, with a checksum that is right', () => {
		const field = fc.constantFrom(0, 100, 124, 136, 148, 156, 157, 257, 345);
		const text = fc.oneof(
			fc.constantFrom('-0000001000\0', '77777777777\0', '\xff'.repeat(12), '\x80', '+5', '1e3', ' ', 'zzz', '0x10'),
			fc.string(),
		);
		fc.assert(
			fc.property(field, text, (at, value) => {
				readOrRefuse(withField(at, value.slice(0, 12)));
			}),
			{ numRuns: 1000 },
		);
	});

	test('pax records of any text', () => {
		const part = fc.constantFrom('5', '12', '0.5', '1e-9', '-3', '99999', ' ', '=', 'path=x', 'linkpath=y', '\n', 'NaN', '\0', 'é');
		fc.assert(
			fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
				readOrRefuse(withPax(parts.join('')));
			}),
			{ numRuns: 1000 },
		);
	});

	test('a size below zero does not hold the reader for ever', () => refused(withField(124, '-0000001000\0')));
	test('a size that is no number is refused', () => refused(withField(124, 'zzzzzzzzzzz\0')));
	test('a size beyond the end is refused', () => refused(withField(124, '77777777777\0')));
	test('a wrong checksum is refused', () => refused(withField(0, 'b', '0000000\0 ')));
	test('an archive that is cut within an entry is refused', () => refused(withField(0, 'a').subarray(0, 514)));
	test('a pax record with a length of less than one does not hold the reader for ever', () =>
		refused(withPax(`1e-300 path=${'x'.repeat(20)}\n`)));
	test('a pax record that is longer than its header is refused', () => refused(withPax('99 path=x\n')));
	test('signed sums, as some old programs wrote them, are taken', () => {
		const archive = writeTar([tarEntry('a')]);
		archive.write('\xe9', 1, 'latin1');
		archive.write('        ', 148);
		const total = archive.subarray(0, 512).reduce((whole, byte) => whole + (byte > 127 ? byte - 256 : byte), 0);
		archive.write(`${total.toString(8).padStart(6, '0')}\0 `, 148);
		assert.equal(readTar(archive).length, 1);
	});
	test('sizes in base 256 are read', () => {
		assert.equal(Buffer.from(readTar(withField(124, `\x80${'\0'.repeat(10)}\x05`))[0]?.bytes ?? []).toString(), 'hello');
		refused(withField(124, '\xff'.repeat(12)));
	});
});

describe('image archives that are none', () => {
	const archiveOf = (manifest: unknown, ...more: readonly TarEntry[]) =>
		writeTar([
			tarEntry('manifest.json', { bytes: Buffer.from(JSON.stringify(manifest)) }),
			tarEntry('c.json', { bytes: Buffer.from('{}') }),
			...more,
		]);
	const one = { Config: 'c.json', RepoTags: ['a:b'], Layers: ['l'] };

	test('a layer that links to itself', () => {
		const loop = tarEntry('l', { type: 'symlink', linkTarget: '../l' });
		assert.throws(() => loadImages(archiveOf([one], loop)), { code: 'invalid' });
	});

	test('manifests and configurations of any form are read or refused', () => {
		const odd = fc.oneof(fc.json(), fc.string()).map((text) => Buffer.from(text));
		const manifest = fc.oneof(
			fc.constant([one]),
			fc.array(fc.oneof(fc.constant(one), fc.anything({ maxDepth: 1 }))),
			fc.anything({ maxDepth: 2 }),
		);
		fc.assert(
			fc.property(manifest, odd, odd, (listed, config, layer) => {
				const image = archiveOf(
					JSON.parse(JSON.stringify(listed) ?? 'null'),
					tarEntry('c.json', { bytes: config }),
					tarEntry('l', { bytes: layer }),
				);
				try {
					loadImages(image);
				} catch (error) {
					assert.ok(error instanceof DriverError && error.code === 'invalid', String(error));
				}
			}),
			{ numRuns: 500 },
		);
	});
});
