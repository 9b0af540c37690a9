import { DriverError } from './driver.ts';

/** Reading and writing of tar archives that fit in memory: plain ustar, with pax headers for long or non-ASCII names. */

export interface TarEntry {
	/** As it stands in the archive, without a trailing slash. */
	readonly path: string;
	readonly type: 'file' | 'directory' | 'symlink';
	/** Unix permission bits. */
	readonly mode: number;
	/** Seconds since the epoch. */
	readonly mtime: number;
	/** Empty unless it is a symlink. */
	readonly linkTarget: string;
	readonly bytes: Uint8Array;
}

const block = 512;

/** An entry with the usual values filled in. */
export function tarEntry(path: string, fields: Partial<Omit<TarEntry, 'path'>> = {}): TarEntry {
	const type = fields.type ?? 'file';
	return {
		path,
		type,
		mode: fields.mode ?? (type === 'file' ? 0o644 : 0o755),
		mtime: fields.mtime ?? 0,
		linkTarget: fields.linkTarget ?? '',
		bytes: fields.bytes ?? new Uint8Array(),
	};
}

/** All entries as one archive. */
export function writeTar(entries: Iterable<TarEntry>): Buffer {
	const parts: Uint8Array[] = [];
	for (const entry of entries) {
		const name = entry.type === 'directory' ? `${entry.path}/` : entry.path;
		const pax = [...paxRecord('path', name), ...paxRecord('linkpath', entry.linkTarget)];
		if (pax.length > 0) parts.push(...record('x', { ...tarEntry('pax'), bytes: Buffer.concat(pax) }, 'pax'));
		parts.push(...record(typeFlag[entry.type], entry, name));
	}
	parts.push(Buffer.alloc(2 * block));
	return Buffer.concat(parts);
}

/**
 * The entries of an archive, hard links as copies of what they point to; devices and the like are left out. Paths stand
 * as the archive has them: whoever unpacks it keeps them inside. Throws `invalid` for what is no archive, or a part of one.
 */
export function readTar(archive: Uint8Array): readonly TarEntry[] {
	const buffer = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
	const entries = new Map<string, TarEntry>();
	let special: { path?: string; linkpath?: string } = {};
	for (let at = 0; at + block <= buffer.length; ) {
		const header = buffer.subarray(at, at + block);
		if (header[0] === 0) break;
		checkSum(header);
		const size = number(header, 124, 12);
		// Nothing but a size that is right gets the reader on: it must go forward, and not beyond the end.
		if (at + block + size > buffer.length) throw invalid('it ends within an entry');
		const bytes = buffer.subarray(at + block, at + block + size);
		at += block + Math.ceil(size / block) * block;
		const flag = String.fromCharCode(header[156] ?? 0);
		if (flag === 'x') special = { ...special, ...readPax(bytes) };
		else if (flag === 'L') special.path = text(bytes, 0, bytes.length);
		else if (flag === 'K') special.linkpath = text(bytes, 0, bytes.length);
		else if (flag !== 'g') {
			const prefix = text(header, 345, 155);
			const name = special.path ?? (prefix === '' ? text(header, 0, 100) : `${prefix}/${text(header, 0, 100)}`);
			const linkTarget = special.linkpath ?? text(header, 157, 100);
			special = {};
			const path = name.replace(/\/+$/, '');
			const type = flag === '5' ? 'directory' : flag === '2' ? 'symlink' : 'file';
			const linked = flag === '1' ? entries.get(linkTarget)?.bytes : undefined;
			if (!['0', '\0', '1', '2', '5'].includes(flag)) continue;
			entries.set(path, {
				path,
				type,
				mode: number(header, 100, 8) & 0o7777,
				mtime: number(header, 136, 12),
				linkTarget: type === 'symlink' ? linkTarget : '',
				bytes: linked ?? bytes,
			});
		}
	}
	return [...entries.values()];
}

/** All that a stream brings. */
export async function collectBytes(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	for await (const chunk of chunks) parts.push(chunk);
	return Buffer.concat(parts);
}

const typeFlag = { file: '0', directory: '5', symlink: '2' } as const;

function record(flag: string, entry: TarEntry, name: string): Uint8Array[] {
	const size = entry.bytes.length;
	const header = Buffer.alloc(block);
	header.write(name.slice(0, 100), 0, 100);
	header.write(octal(entry.mode, 7), 100);
	header.write(octal(0, 7), 108);
	header.write(octal(0, 7), 116);
	header.write(octal(size, 11), 124);
	header.write(octal(Math.floor(entry.mtime), 11), 136);
	header.write('        ', 148);
	header.write(flag, 156);
	header.write(entry.linkTarget.slice(0, 100), 157, 100);
	header.write('ustar\x0000', 257);
	let sum = 0;
	for (const byte of header) sum += byte;
	header.write(`${octal(sum, 6)}\0 `, 148);
	return [header, entry.bytes, Buffer.alloc((block - (size % block)) % block)];
}

/** A pax record where the plain header cannot hold the value. Its length counts its own digits. */
function paxRecord(key: string, value: string): Uint8Array[] {
	const plain = Buffer.byteLength(value) <= 100 && /^[\x20-\x7e]*$/.test(value);
	if (plain) return [];
	const rest = Buffer.byteLength(` ${key}=${value}\n`);
	let length = rest;
	while (length !== rest + String(length).length) length = rest + String(length).length;
	return [Buffer.from(`${length} ${key}=${value}\n`)];
}

function readPax(bytes: Buffer): { path?: string; linkpath?: string } {
	const found: { path?: string; linkpath?: string } = {};
	for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
		const space = bytes.indexOf(0x20, at);
		const digits = space < 0 ? '' : bytes.toString('latin1', at, space);
		const length = /^[1-9]\d{0,9}$/.test(digits) ? Number(digits) : 0;
		if (length <= digits.length || at + length > bytes.length) throw invalid('a pax record has a wrong length');
		const [key, ...value] = bytes.toString('utf8', space + 1, at + length - 1).split('=');
		if (key === 'path') found.path = value.join('=');
		if (key === 'linkpath') found.linkpath = value.join('=');
		at += length;
	}
	return found;
}

/** The sum of the header's bytes with the sum itself as spaces; some old programs took bytes for signed numbers. */
function checkSum(header: Buffer): void {
	const wanted = number(header, 148, 8);
	let sum = 0;
	let signed = 0;
	for (const [index, byte] of header.entries()) {
		const counted = index >= 148 && index < 156 ? 0x20 : byte;
		sum += counted;
		signed += counted > 127 ? counted - 256 : counted;
	}
	if (wanted !== sum && wanted !== signed) throw invalid('the checksum of a header is wrong');
}

function octal(value: number, digits: number): string {
	return value.toString(8).padStart(digits, '0');
}

/** A number that is not below zero: octal digits, or, where the first bit is set, base 256. */
function number(header: Buffer, at: number, length: number): number {
	const field = header.subarray(at, at + length);
	if (((field[0] ?? 0) & 0x80) !== 0) {
		// Six bytes hold all sizes that there are; what is above them is no size.
		const high = field.subarray(1, length - 6);
		if (length < 8 || field[0] !== 0x80 || high.some((byte) => byte !== 0)) throw invalid('a number in a header is out of range');
		return field.readUIntBE(length - 6, 6);
	}
	const digits = text(header, at, length).trim();
	if (!/^[0-7]*$/.test(digits)) throw invalid('a number in a header is none');
	return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function invalid(reason: string): DriverError {
	return new DriverError('invalid', `The archive cannot be read: ${reason}.`);
}

function text(bytes: Buffer, at: number, length: number): string {
	const field = bytes.subarray(at, at + length);
	const end = field.indexOf(0);
	return field.toString('utf8', 0, end < 0 ? field.length : end);
}
