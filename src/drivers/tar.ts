import { dataSize, type PaxFields, readPax, readTarHeader, TarError, tarBlock, tarText } from '../model/tar-header.ts';
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

const block = tarBlock;

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
	try {
		return readEntries(Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength));
	} catch (error) {
		throw error instanceof TarError ? new DriverError('invalid', error.message, { cause: error }) : error;
	}
}

function readEntries(buffer: Buffer): readonly TarEntry[] {
	const entries = new Map<string, TarEntry>();
	let special: PaxFields = {};
	for (let at = 0; at + block <= buffer.length; ) {
		if (buffer[at] === 0) break;
		const header = readTarHeader(buffer.subarray(at, at + block));
		const { flag } = header;
		const size = dataSize(header, ['x', 'g', 'L', 'K'].includes(flag) ? {} : special);
		// Nothing but a size that is right gets the reader on: it must go forward, and not beyond the end.
		if (at + block + size > buffer.length) throw new TarError('it ends within an entry');
		const bytes = buffer.subarray(at + block, at + block + size);
		at += block + Math.ceil(size / block) * block;
		if (flag === 'x') special = { ...special, ...readPax(bytes) };
		else if (flag === 'L') special = { ...special, path: tarText(bytes, 0, bytes.length) };
		else if (flag === 'K') special = { ...special, linkpath: tarText(bytes, 0, bytes.length) };
		else if (flag !== 'g') {
			const name = special.path ?? (header.prefix === '' ? header.name : `${header.prefix}/${header.name}`);
			const linkTarget = special.linkpath ?? header.linkTarget;
			special = {};
			const path = name.replace(/\/+$/, '');
			const type = flag === '5' ? 'directory' : flag === '2' ? 'symlink' : 'file';
			const linked = flag === '1' ? entries.get(linkTarget)?.bytes : undefined;
			if (!['0', '\0', '1', '2', '5'].includes(flag)) continue;
			const { mode, mtime } = header;
			entries.set(path, { path, type, mode, mtime, linkTarget: type === 'symlink' ? linkTarget : '', bytes: linked ?? bytes });
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

function octal(value: number, digits: number): string {
	return value.toString(8).padStart(digits, '0');
}
