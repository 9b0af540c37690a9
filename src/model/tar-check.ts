import { dataSize, type PaxFields, paddingOf, readPax, readTarHeader, TarError, type TarHeader, tarBlock, tarText } from './tar-header.ts';

/** Bytes of a long name or of pax records; more is no archive that anybody made to be unpacked. */
const largestExtra = 1024 * 1024;

/** What is read before the data of an entry: long names and pax records. */
interface Extra {
	readonly flag: string;
	readonly parts: Buffer[];
	/** Bytes that have not come yet. */
	missing: number;
	readonly padding: number;
}

/**
 * Looks at a tar as it comes, in pieces of any size, and keeps nothing of it. It reads every header as the engines do,
 * so that no entry is hidden from it. Throws a TarError for
 * - what is no tar, is compressed, or ends within an entry;
 * - names and hard links that climb out of the folder that the archive is unpacked into (symbolic links may lead
 *   anywhere in the container: the driver never follows one out of it);
 * - sparse files, which would unpack to more than their bytes, so that a limit of bytes would be none.
 */
export class TarCheck {
	readonly #block = Buffer.alloc(tarBlock);
	#filled = 0;
	/** Bytes of data, and after them of padding, that are still to come. */
	#data = 0;
	#padding = 0;
	#extra: Extra | null = null;
	#pax: PaxFields = {};
	/** Blocks of zeros so far: two end the archive, and whatever follows is nothing. */
	#zeros = 0;

	push(bytes: Uint8Array): void {
		let rest = bytes;
		while (rest.length > 0 && this.#zeros < 2) rest = rest.subarray(this.#take(rest));
	}

	/** No more comes. */
	end(): void {
		if (this.#data > 0 || this.#extra !== null) throw new TarError('it ends within an entry');
		const beginning = this.#block.subarray(0, this.#filled);
		if (this.#zeros === 0 && beginning.length > 0) throw new TarError('it ends within a header');
		if (beginning.some((byte) => byte !== 0)) throw new TarError('something follows its end');
	}

	/** Takes some of the bytes; answers how many. */
	#take(bytes: Uint8Array): number {
		if (this.#extra !== null) return this.#takeExtra(this.#extra, bytes);
		if (this.#data > 0) {
			const taken = Math.min(this.#data, bytes.length);
			this.#data -= taken;
			return taken;
		}
		if (this.#padding > 0) {
			const taken = Math.min(this.#padding, bytes.length);
			this.#padding -= taken;
			return taken;
		}
		const part = bytes.subarray(0, tarBlock - this.#filled);
		this.#block.set(part, this.#filled);
		this.#filled += part.length;
		if (this.#filled === tarBlock) {
			this.#filled = 0;
			this.#readBlock();
		}
		return part.length;
	}

	#takeExtra(extra: Extra, bytes: Uint8Array): number {
		const part = bytes.subarray(0, extra.missing);
		// A copy: the piece that it is part of may be used again.
		extra.parts.push(Buffer.from(part));
		extra.missing -= part.length;
		if (extra.missing === 0) {
			this.#extra = null;
			this.#padding = extra.padding;
			this.#readExtra(extra.flag, Buffer.concat(extra.parts));
		}
		return part.length;
	}

	#readBlock(): void {
		if (this.#block.every((byte) => byte === 0)) {
			this.#zeros += 1;
			return;
		}
		if (this.#zeros > 0) throw new TarError('something follows its end');
		if (isCompressed(this.#block)) throw new TarError('it is compressed: send the tar itself');
		const header = readTarHeader(this.#block);
		if (!['x', 'g', 'L', 'K'].includes(header.flag)) {
			this.#checkEntry(header);
			return;
		}
		if (header.size > largestExtra) throw new TarError(`a name or its pax records are larger than ${largestExtra} bytes`);
		const padding = paddingOf(header.size);
		if (header.size > 0) this.#extra = { flag: header.flag, parts: [], missing: header.size, padding };
	}

	#readExtra(flag: string, bytes: Buffer): void {
		// Said once for all entries, which engines do not heed.
		if (flag === 'g') return;
		if (flag === 'x') this.#pax = { ...this.#pax, ...readPax(bytes) };
		else if (flag === 'L') this.#pax = { ...this.#pax, path: tarText(bytes, 0, bytes.length) };
		else this.#pax = { ...this.#pax, linkpath: tarText(bytes, 0, bytes.length) };
	}

	#checkEntry(header: TarHeader): void {
		const pax = this.#pax;
		this.#pax = {};
		if (header.flag === 'S' || pax.sparse === true) throw new TarError('it holds a sparse file');
		const short = header.prefix === '' ? header.name : `${header.prefix}/${header.name}`;
		// The header's own name too, in case that what unpacks knows no longer one.
		for (const name of [header.name, short, pax.path ?? '']) checkPlace(name, 'a name');
		if (header.flag === '1') for (const name of [header.linkTarget, pax.linkpath ?? '']) checkPlace(name, 'a hard link');
		this.#data = dataSize(header, pax);
		// Old archives have folders that look like files; whether data follows one is read in two ways.
		if (header.flag === '\0' && this.#data > 0 && (pax.path ?? short).endsWith('/')) throw new TarError('it holds a folder with data');
		this.#padding = paddingOf(this.#data);
	}
}

/** Whether it begins as gzip, bzip2, xz or zstd does. */
function isCompressed(bytes: Buffer): boolean {
	const start = bytes.toString('latin1', 0, 6);
	return start.startsWith('\x1f\x8b\b') || start.startsWith('BZh') || start === '\xfd7zXZ\0' || start.startsWith('(\xb5/\xfd');
}

function checkPlace(path: string, what: string): void {
	let depth = 0;
	for (const part of path.split('/')) {
		if (part === '' || part === '.') continue;
		depth += part === '..' ? -1 : 1;
		if (depth < 0) throw new TarError(`${what} in it leads out of the folder: ${path.slice(0, 100)}`);
	}
}
