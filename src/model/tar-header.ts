/** How the blocks of a tar archive are read: ustar, GNU and pax. */

/** Why an archive cannot be read, or is not taken. */
export class TarError extends Error {
	override readonly name = 'TarError';

	constructor(reason: string) {
		super(`The archive cannot be read: ${reason}.`);
	}
}

/** Bytes of a block: headers have one, data fills whole ones. */
export const tarBlock = 512;

export interface TarHeader {
	/** Type of the entry, such as `0` for a file; `x`, `g`, `L` and `K` say something of what follows. */
	readonly flag: string;
	/** As it stands in the header itself, which has no room for long ones. */
	readonly name: string;
	/** The first part of a name that is longer than `name` can be; empty where there is none. */
	readonly prefix: string;
	readonly linkTarget: string;
	/** Bytes, as the header says. */
	readonly size: number;
	readonly mode: number;
	/** Seconds since the epoch. */
	readonly mtime: number;
}

/** What pax records say of the entry that follows. */
export interface PaxFields {
	readonly path?: string;
	readonly linkpath?: string;
	readonly size?: number;
	/** Whether only parts of the file are in the archive. */
	readonly sparse?: boolean;
}

/** Reads a block that is a header; throws a TarError for one that is none. */
export function readTarHeader(header: Buffer): TarHeader {
	checkSum(header);
	return {
		flag: String.fromCharCode(header[156] ?? 0),
		name: tarText(header, 0, 100),
		prefix: header.toString('latin1', 257, 263) === 'ustar\0' ? tarText(header, 345, 155) : '',
		linkTarget: tarText(header, 157, 100),
		size: number(header, 124, 12),
		mode: number(header, 100, 8) & 0o7777,
		mtime: number(header, 136, 12),
	};
}

/** Bytes of data that follow the header: links, folders and devices have none, whatever their header says. */
export function dataSize({ flag, size }: Pick<TarHeader, 'flag' | 'size'>, pax: PaxFields): number {
	return /[1-6]/.test(flag) ? 0 : (pax.size ?? size);
}

/** Bytes that fill the last block of so much data. */
export function paddingOf(size: number): number {
	return (tarBlock - (size % tarBlock)) % tarBlock;
}

/** The records of a pax header; throws a TarError for what is none. */
export function readPax(bytes: Buffer): PaxFields {
	const found: { path?: string; linkpath?: string; size?: number; sparse?: boolean } = {};
	for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
		const space = bytes.indexOf(0x20, at);
		const digits = space < 0 ? '' : bytes.toString('latin1', at, space);
		const length = /^[1-9]\d{0,9}$/.test(digits) ? Number(digits) : 0;
		if (length <= digits.length || at + length > bytes.length) throw new TarError('a pax record has a wrong length');
		const [key = '', ...value] = bytes.toString('utf8', space + 1, at + length - 1).split('=');
		if (key === 'path') found.path = value.join('=');
		if (key === 'linkpath') found.linkpath = value.join('=');
		if (key === 'size') found.size = paxSize(value.join('='));
		if (key.startsWith('GNU.sparse.')) found.sparse = true;
		at += length;
	}
	return found;
}

/** Text up to its first zero byte. */
export function tarText(bytes: Buffer, at: number, length: number): string {
	const field = bytes.subarray(at, at + length);
	const end = field.indexOf(0);
	return field.toString('utf8', 0, end < 0 ? field.length : end);
}

function paxSize(value: string): number {
	const size = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
	if (!Number.isSafeInteger(size)) throw new TarError('a pax record has a size that is none');
	return size;
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
	if (wanted !== sum && wanted !== signed) throw new TarError('the checksum of a header is wrong');
}

/** A number that is not below zero: octal digits, or, where the first bit is set, base 256. */
function number(header: Buffer, at: number, length: number): number {
	const field = header.subarray(at, at + length);
	if (((field[0] ?? 0) & 0x80) !== 0) {
		// Six bytes hold all sizes that there are; what is above them is no size.
		const high = field.subarray(1, length - 6);
		if (length < 8 || field[0] !== 0x80 || high.some((byte) => byte !== 0)) throw new TarError('a number in a header is out of range');
		return field.readUIntBE(length - 6, 6);
	}
	const digits = tarText(header, at, length).trim();
	if (!/^[0-7]*$/.test(digits)) throw new TarError('a number in a header is none');
	return digits === '' ? 0 : Number.parseInt(digits, 8);
}
