import { createHash, type Hash } from 'node:crypto';
import type { DataHash } from './image-source.ts';
import { dataSize, type PaxFields, paddingOf, readPax, readTarHeader, TarError, tarBlock, tarText } from './tar-header.ts';

/** Bytes of a long name or of pax records. */
const largestExtra = 1024 * 1024;

/** What stands before the data of an entry. */
export interface ArchiveEntry {
	readonly type: 'file' | 'link' | 'symlink' | 'other';
	readonly name: string;
	/** Empty unless it is a link. */
	readonly target: string;
	/** Bytes of its data, which must be read before the next entry. */
	readonly size: number;
}

/**
 * Reads a tar as it comes, entry by entry, and keeps nothing of it. Throws a TarError for what is no tar, is compressed,
 * ends too early or holds sparse files.
 */
export class ArchiveReader {
	readonly #source: AsyncIterator<Uint8Array>;
	readonly #hash: Hash | null;
	readonly #wanted: DataHash | null;
	#piece: Uint8Array = new Uint8Array();
	/** Bytes of data and padding of the present entry that were not read yet. */
	#data = 0;
	#padding = 0;
	#begun = false;
	/** Whether all that came is what it must be, once all has come. */
	#right: boolean | undefined;

	/** `hash` = what the whole of the bytes must have; null = it is not looked at. */
	constructor(source: AsyncIterable<Uint8Array>, hash: DataHash | null) {
		this.#source = source[Symbol.asyncIterator]();
		this.#wanted = hash;
		this.#hash = hash === null ? null : createHash(hash.algorithm);
	}

	/** null = the archive has ended. What was left of the entry before is passed over. */
	async next(): Promise<ArchiveEntry | null> {
		for await (const _ of this.data());
		let pax: PaxFields = {};
		for (;;) {
			const block = await this.#block();
			if (block === null) return null;
			const header = readTarHeader(block);
			const { flag } = header;
			if ('xgLK'.includes(flag)) {
				const extra = await this.#extra(header.size);
				if (flag === 'x') pax = { ...pax, ...readPax(extra) };
				else if (flag === 'L') pax = { ...pax, path: tarText(extra, 0, extra.length) };
				else if (flag === 'K') pax = { ...pax, linkpath: tarText(extra, 0, extra.length) };
				continue;
			}
			if (flag === 'S' || pax.sparse === true) throw new TarError('it holds a sparse file');
			const size = dataSize(header, pax);
			this.#data = size;
			this.#padding = paddingOf(size);
			const name = pax.path ?? (header.prefix === '' ? header.name : `${header.prefix}/${header.name}`);
			const type = name.endsWith('/') ? 'other' : typeOf(flag);
			const target = type === 'link' || type === 'symlink' ? (pax.linkpath ?? header.linkTarget) : '';
			return { type, name, target, size };
		}
	}

	/** The data of the entry that was answered last. */
	async *data(): AsyncGenerator<Uint8Array> {
		while (this.#data > 0) {
			const part = await this.#take(this.#data);
			if (part === null) throw new TarError('it ends within an entry');
			this.#data -= part.length;
			yield part;
		}
		while (this.#padding > 0) {
			const part = await this.#take(this.#padding);
			if (part === null) throw new TarError('it ends within an entry');
			this.#padding -= part.length;
		}
	}

	/** The data as one; throws for more than `most` bytes, of which none is read. */
	async whole(what: string, size: number, most: number): Promise<Buffer> {
		if (size > most) throw new TarError(`${what} is larger than ${most} bytes`);
		const parts: Uint8Array[] = [];
		for await (const part of this.data()) parts.push(Buffer.from(part));
		return Buffer.concat(parts);
	}

	/** Reads what follows the archive; answers whether all that came is what it must be, which is true where there is no hash. */
	async finish(): Promise<boolean> {
		while ((await this.#take(Number.MAX_SAFE_INTEGER)) !== null);
		this.#right ??= this.#hash === null || this.#hash.digest('hex') === this.#wanted?.value;
		return this.#right;
	}

	/** Ends the source, also where it was not read to its end. */
	async close(): Promise<void> {
		await this.#source.return?.();
	}

	/** The next header; null = the archive has ended, by two blocks of zeros or the end of the bytes. */
	async #block(): Promise<Buffer | null> {
		const block = await this.#exactly(tarBlock);
		if (block === null || block.every((byte) => byte === 0)) {
			if (!this.#begun) throw new TarError('it is empty');
			return null;
		}
		if (!this.#begun && isCompressed(block)) throw new TarError('it is compressed: only the plain tar is taken');
		this.#begun = true;
		return block;
	}

	async #extra(size: number): Promise<Buffer> {
		if (size > largestExtra) throw new TarError(`a name or its pax records are larger than ${largestExtra} bytes`);
		const bytes = size === 0 ? Buffer.alloc(0) : await this.#exactly(size);
		const padding = paddingOf(size);
		if (bytes === null || (padding > 0 && (await this.#exactly(padding)) === null)) throw new TarError('it ends within an entry');
		return bytes;
	}

	/** null = no more comes. */
	async #exactly(length: number): Promise<Buffer | null> {
		const bytes = Buffer.alloc(length);
		let filled = 0;
		while (filled < length) {
			const part = await this.#take(length - filled);
			if (part === null) {
				if (filled === 0) return null;
				throw new TarError('it ends within a header');
			}
			bytes.set(part, filled);
			filled += part.length;
		}
		return bytes;
	}

	/** Some bytes, at most so many. */
	async #take(most: number): Promise<Uint8Array | null> {
		while (this.#piece.length === 0) {
			const { done, value } = await this.#source.next();
			if (done === true) return null;
			this.#hash?.update(value);
			this.#piece = value;
		}
		const part = this.#piece.subarray(0, most);
		this.#piece = this.#piece.subarray(part.length);
		return part;
	}
}

function typeOf(flag: string): ArchiveEntry['type'] {
	if (flag === '0' || flag === '\0' || flag === '7') return 'file';
	if (flag === '1') return 'link';
	return flag === '2' ? 'symlink' : 'other';
}

/** Whether it begins as gzip, bzip2, xz or zstd does. */
function isCompressed(bytes: Buffer): boolean {
	const start = bytes.toString('latin1', 0, 6);
	return start.startsWith('\x1f\x8b\b') || start.startsWith('BZh') || start === '\xfd7zXZ\0' || start.startsWith('(\xb5/\xfd');
}
