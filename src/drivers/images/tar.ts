/** One member of a tar: what images need and no more. Paths are relative, without `./`. */
export type TarEntry =
	| { readonly type: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array }
	| { readonly type: 'folder'; readonly path: string; readonly mode: number }
	| { readonly type: 'symlink'; readonly path: string; readonly target: string };

const block = 512;
const typeFlags = { file: '0', folder: '5', symlink: '2' } as const;

/**
 * Writes a POSIX ustar. The same entries give the same bytes at any time on any machine: owner root, time 0, in the
 * order given. Throws a RangeError for a path, target or size that the format cannot hold.
 */
export function writeTar(entries: readonly TarEntry[]): Buffer {
	const parts: Buffer[] = [];
	for (const entry of entries) {
		parts.push(header(entry));
		if (entry.type === 'file') {
			parts.push(Buffer.from(entry.content), Buffer.alloc(padding(entry.content.length)));
		}
	}
	parts.push(Buffer.alloc(2 * block));
	return Buffer.concat(parts);
}

function padding(size: number): number {
	return (block - (size % block)) % block;
}

function header(entry: TarEntry): Buffer {
	const bytes = Buffer.alloc(block);
	const { prefix, name } = splitPath(entry.type === 'folder' ? `${entry.path}/` : entry.path);
	bytes.write(name, 0);
	writeOctal(bytes, 100, 8, entry.type === 'symlink' ? 0o777 : entry.mode);
	writeOctal(bytes, 108, 8, 0);
	writeOctal(bytes, 116, 8, 0);
	writeOctal(bytes, 124, 12, entry.type === 'file' ? entry.content.length : 0);
	writeOctal(bytes, 136, 12, 0);
	bytes.fill(' ', 148, 156);
	bytes.write(typeFlags[entry.type], 156);
	if (entry.type === 'symlink') {
		if (Buffer.byteLength(entry.target) > 100) throw new RangeError(`link target is too long for a tar: ${entry.target}`);
		bytes.write(entry.target, 157);
	}
	bytes.write('ustar\x0000', 257, 'latin1');
	bytes.write('root', 265);
	bytes.write('root', 297);
	bytes.write(prefix, 345);
	let sum = 0;
	for (const byte of bytes) sum += byte;
	bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
	return bytes;
}

/** A path that is longer than the name's 100 bytes is cut at a slash into a prefix of at most 155 bytes and a name. */
function splitPath(path: string): { prefix: string; name: string } {
	if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
	for (let at = path.indexOf('/'); at > 0 && at < path.length - 1; at = path.indexOf('/', at + 1)) {
		const prefix = path.slice(0, at);
		const name = path.slice(at + 1);
		if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { prefix, name };
	}
	throw new RangeError(`path is too long for a tar: ${path}`);
}

function writeOctal(bytes: Buffer, offset: number, width: number, value: number): void {
	const digits = value.toString(8);
	if (digits.length >= width) throw new RangeError(`${value} does not fit into ${width} bytes of a tar's header`);
	bytes.write(`${digits.padStart(width - 1, '0')}\0`, offset, 'latin1');
}
