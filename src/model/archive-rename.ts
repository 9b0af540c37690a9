import { createHash } from 'node:crypto';
import { ArchiveReader } from './archive-reader.ts';
import type { DataHash } from './image-source.ts';
import { paddingOf, TarError, tarBlock } from './tar-header.ts';

/** Bytes of what is kept in memory of an archive: its list of images; the configuration of an image is looked at only up to that. */
const largestDescription = 4 << 20;
/** Entries and layers that no image has. */
const mostEntries = 10_000;
const mostLayers = 1000;

/** Files that say what an archive holds, in its root. All others are content. */
const descriptions = new Set(['manifest.json', 'repositories', 'index.json', 'oci-layout']);

export interface Renaming {
	/** What the image is to be named; nothing that the archive says about names is heard. */
	readonly reference: string;
	/** What all bytes of the archive must have; null = it is not looked at. */
	readonly hash: DataHash | null;
	/** Told the id of the image, the digest of its configuration, when all has been read and is right. */
	readonly onImage?: (id: string) => void;
}

/** The bytes are not those that their hash stands for. */
export class WrongDataError extends Error {
	override readonly name = 'WrongDataError';

	constructor() {
		super('the data is not what its checksum says');
	}
}

/** Where content of the archive went. */
interface Part {
	readonly name: string;
	/** `sha256:…`; null = it is too large to be a configuration. */
	readonly digest: string | null;
}

/**
 * An archive of one image, as `docker save` makes it, under another name. The result is made anew: files are numbered,
 * links are followed, and the list of images, which names them, is written here, as the last entry and only when all
 * before it was read and is what its hash says. So an engine takes nothing of an archive that is broken off, wrong or
 * made to give its own names, and whoever wrote it has no say in where anything is unpacked. What is kept meanwhile does
 * not grow with the layers. Throws a TarError for what is no such archive, and WrongDataError.
 */
export async function* renameArchive(source: AsyncIterable<Uint8Array>, renaming: Renaming): AsyncGenerator<Uint8Array> {
	const reader = new ArchiveReader(source, renaming.hash);
	try {
		const parts = new Map<string, Part>();
		const links = new Map<string, string>();
		let list: Buffer | null = null;
		for (let entry = await reader.next(); entry !== null; entry = await reader.next()) {
			if (entry.type === 'other') continue;
			const place = normalPath(entry.name);
			if (parts.has(place) || links.has(place)) throw new TarError(`it holds ${place.slice(0, 100)} twice`);
			if (parts.size + links.size >= mostEntries) throw new TarError(`it holds more than ${mostEntries} files`);
			if (descriptions.has(place)) {
				if (entry.type !== 'file') throw new TarError(`${place} is a link`);
				if (place !== 'manifest.json') continue;
				if (list !== null) throw new TarError('it holds manifest.json twice');
				list = await reader.whole(place, entry.size, largestDescription);
			} else if (entry.type === 'file') {
				const name = `part-${parts.size}`;
				const digest = entry.size > largestDescription ? null : createHash('sha256');
				yield fileHeader(name, entry.size);
				for await (const piece of reader.data()) {
					digest?.update(piece);
					yield piece;
				}
				yield Buffer.alloc(paddingOf(entry.size));
				parts.set(place, { name, digest: digest === null ? null : `sha256:${digest.digest('hex')}` });
			} else {
				links.set(place, entry.type === 'link' ? normalPath(entry.target) : besides(place, entry.target));
			}
		}
		if (!(await reader.finish())) throw new WrongDataError();
		const { config, layers } = readList(list);
		const find = (place: string): Part => findPart(parts, links, place);
		const { name: Config, digest } = find(config);
		if (digest === null) throw new TarError('the configuration of its image is too large');
		const manifest = [{ Config, RepoTags: [renaming.reference], Layers: layers.map((layer) => find(layer).name) }];
		const bytes = Buffer.from(JSON.stringify(manifest));
		renaming.onImage?.(digest);
		yield Buffer.concat([
			fileHeader('manifest.json', bytes.length),
			bytes,
			Buffer.alloc(paddingOf(bytes.length)),
			Buffer.alloc(2 * tarBlock),
		]);
	} catch (error) {
		// What came wrong is not to be judged by what it seems to be.
		if (error instanceof TarError && !(await reader.finish())) throw new WrongDataError();
		throw error;
	} finally {
		await reader.close();
	}
}

/** The one image of the list. */
function readList(list: Buffer | null): { readonly config: string; readonly layers: readonly string[] } {
	if (list === null) throw new TarError('it holds no manifest.json: make it with docker save');
	let images: unknown;
	try {
		images = JSON.parse(list.toString('utf8'));
	} catch {
		throw new TarError('manifest.json is not JSON');
	}
	if (!Array.isArray(images) || images.length !== 1) throw new TarError('manifest.json does not list exactly one image');
	const image: unknown = images[0];
	if (typeof image !== 'object' || image === null || !('Config' in image) || !('Layers' in image)) {
		throw new TarError('manifest.json does not say what its image is made of');
	}
	const { Config: config, Layers: layers } = image;
	if (typeof config !== 'string' || !Array.isArray(layers) || !layers.every((layer) => typeof layer === 'string')) {
		throw new TarError('manifest.json does not say what its image is made of');
	}
	if (layers.length > mostLayers) throw new TarError(`its image has more than ${mostLayers} layers`);
	return { config, layers };
}

function findPart(parts: ReadonlyMap<string, Part>, links: ReadonlyMap<string, string>, place: string): Part {
	let at = normalPath(place);
	// Links that lead in a circle end here too.
	for (let steps = 0; steps < 8; steps += 1) {
		const part = parts.get(at);
		if (part !== undefined) return part;
		const target = links.get(at);
		if (target === undefined) break;
		at = target;
	}
	throw new TarError(`${place.slice(0, 100)}, of which its image is made, is not in it`);
}

/** Where a symbolic link leads. */
function besides(place: string, target: string): string {
	return target.startsWith('/') ? normalPath(target) : normalPath(`${place.slice(0, place.lastIndexOf('/') + 1)}${target}`);
}

/** One form of all paths to the same file, as seen from the root of the archive. */
function normalPath(path: string): string {
	const parts: string[] = [];
	for (const part of path.split('/')) {
		if (part === '..') parts.pop();
		else if (part !== '' && part !== '.') parts.push(part);
	}
	return parts.join('/');
}

function fileHeader(name: string, size: number): Buffer {
	const header = Buffer.alloc(tarBlock);
	header.write(name, 0, 100);
	header.write('0000644\0', 100);
	header.write('0000000\0', 108);
	header.write('0000000\0', 116);
	const octal = size.toString(8);
	if (octal.length <= 11) {
		header.write(octal.padStart(11, '0'), 124);
	} else {
		// Eight GiB and more: a number of twelve bytes whose first bit says so.
		header.writeUInt8(0x80, 124);
		header.writeUIntBE(size, 130, 6);
	}
	header.write('00000000000\0', 136);
	header.write('        ', 148);
	header.write('0', 156);
	header.write('ustar\x0000', 257);
	const sum = header.reduce((total, byte) => total + byte, 0);
	header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
	return header;
}
