import { appendFileSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { type TarEntry, tarEntry } from '../tar.ts';

export interface FileNode {
	readonly type: TarEntry['type'];
	readonly mode: number;
	/** Seconds since the epoch. */
	readonly mtime: number;
	readonly linkTarget: string;
	readonly bytes: Uint8Array;
}

/** What a program is told when a file cannot be had: the kernel's words. */
export class FileError extends Error {}

export interface Mount {
	/** Absolute path of a file or folder on the host. */
	readonly source: string;
	/** Absolute path in the container. */
	readonly destination: string;
	readonly readOnly: boolean;
}

const missing = 'No such file or directory';
const nowhere: ReadonlyMap<string, FileNode> = new Map();

/**
 * A container's files: the image's, what was written over them, and mounts, which are real files of this host.
 * Empty trees share everything, so that thousands of containers cost nothing.
 */
export class FileTree {
	readonly #base: ReadonlyMap<string, FileNode>;
	readonly #mounts: readonly Mount[];
	/** null = deleted. */
	#upper: Map<string, FileNode | null> | null = null;

	constructor(base: ReadonlyMap<string, FileNode> = nowhere, mounts: readonly Mount[] = []) {
		this.#base = base;
		this.#mounts = [...mounts].sort((a, b) => b.destination.length - a.destination.length);
	}

	/** What stands at the path, links followed unless `follow` is false. */
	stat(path: string, follow = true, depth = 0): FileNode | null {
		const name = absolute(path);
		const mounted = this.#mounted(name);
		if (mounted !== null) return hostStat(mounted.path);
		const node = this.#node(name);
		if (node?.type !== 'symlink' || !follow || depth > 8) return node;
		return this.stat(posix.resolve(posix.dirname(name), node.linkTarget), true, depth + 1);
	}

	read(path: string): Uint8Array {
		const mounted = this.#mounted(absolute(path));
		if (mounted !== null) return onHost(() => readFileSync(mounted.path));
		const node = this.stat(path);
		if (node === null) throw new FileError(missing);
		if (node.type === 'directory') throw new FileError('Is a directory');
		return node.bytes;
	}

	write(path: string, bytes: Uint8Array, append = false): void {
		const name = absolute(path);
		const mounted = this.#mounted(name);
		if (mounted !== null) {
			if (mounted.readOnly) throw new FileError('Read-only file system');
			onHost(() => (append ? appendFileSync(mounted.path, bytes) : writeFileSync(mounted.path, bytes)));
			return;
		}
		const parent = this.stat(posix.dirname(name));
		if (parent?.type !== 'directory') throw new FileError(missing);
		const before = this.stat(name);
		if (before?.type === 'directory') throw new FileError('Is a directory');
		const content = append && before !== null ? Buffer.concat([before.bytes, bytes]) : bytes;
		this.put(name, { type: 'file', mode: before?.mode ?? 0o644, mtime: nowSeconds(), linkTarget: '', bytes: content });
	}

	mkdir(path: string): void {
		const name = absolute(path);
		const mounted = this.#mounted(name);
		if (mounted !== null) {
			if (mounted.readOnly) throw new FileError('Read-only file system');
			onHost(() => mkdirSync(mounted.path, { recursive: true }));
		} else if (this.stat(name) === null) {
			if (name !== '/') this.mkdir(posix.dirname(name));
			this.put(name, { type: 'directory', mode: 0o755, mtime: nowSeconds(), linkTarget: '', bytes: new Uint8Array() });
		} else if (this.stat(name)?.type !== 'directory') throw new FileError('File exists');
	}

	remove(path: string): void {
		const name = absolute(path);
		const mounted = this.#mounted(name);
		if (mounted !== null) {
			if (mounted.readOnly) throw new FileError('Read-only file system');
			onHost(() => rmSync(mounted.path, { recursive: true }));
			return;
		}
		if (this.#node(name) === null) throw new FileError(missing);
		this.#upper ??= new Map();
		for (const inside of [name, ...this.#names().filter((candidate) => candidate.startsWith(`${name}/`))]) this.#upper.set(inside, null);
	}

	/** Names in a folder, sorted. */
	names(path: string): readonly string[] {
		const folder = absolute(path);
		const mounted = this.#mounted(folder);
		if (mounted !== null) return onHost(() => readdirSync(mounted.path).sort());
		const node = this.stat(folder);
		if (node === null) throw new FileError(missing);
		if (node.type !== 'directory') return [posix.basename(folder)];
		const start = folder === '/' ? '/' : `${folder}/`;
		const found = new Set<string>();
		for (const name of this.#names()) if (name.startsWith(start) && name !== start) found.add(name.slice(start.length).split('/')[0] ?? '');
		return [...found].sort();
	}

	/** Sets a node as it is, whatever stood there. Under a mount it becomes a real file. */
	put(path: string, node: FileNode): void {
		const name = absolute(path);
		const mounted = this.#mounted(name);
		if (mounted === null) {
			this.#upper ??= new Map();
			this.#upper.set(name, node);
		} else if (node.type === 'directory') this.mkdir(name);
		else this.write(name, node.bytes);
	}

	/** The path and all below it, named relative to its parent, as an archive of it holds them. */
	entries(path: string): readonly TarEntry[] {
		const name = absolute(path);
		const node = this.stat(name, false);
		if (node === null) throw new FileError(missing);
		const top = name === '/' ? '.' : posix.basename(name);
		const entries = [tarEntry(top, node)];
		if (node.type !== 'directory') return entries;
		for (const child of this.names(name)) {
			for (const entry of this.entries(posix.join(name, child))) entries.push({ ...entry, path: posix.join(top, entry.path) });
		}
		return entries;
	}

	/** What differs from the image, as a layer of one holds it: deleted files as `.wh.` entries. */
	changes(): readonly TarEntry[] {
		return [...(this.#upper ?? [])].map(([name, node]) => {
			const relative = name.slice(1);
			if (node !== null) return tarEntry(relative, node);
			return tarEntry(posix.join(posix.dirname(relative), `.wh.${posix.basename(relative)}`));
		});
	}

	#names(): string[] {
		const upper = this.#upper;
		if (upper === null) return [...this.#base.keys()];
		const live = [...this.#base.keys()].filter((name) => upper.get(name) !== null);
		return [...new Set([...live, ...[...upper].filter(([, node]) => node !== null).map(([name]) => name)])];
	}

	#node(name: string): FileNode | null {
		const upper = this.#upper?.get(name);
		if (upper !== undefined) return upper;
		const base = this.#base.get(name);
		if (base !== undefined) return base;
		if (alwaysThere.has(name)) return { type: 'directory', mode: 0o755, mtime: 0, linkTarget: '', bytes: new Uint8Array() };
		return null;
	}

	#mounted(name: string): { path: string; readOnly: boolean } | null {
		for (const mount of this.#mounts) {
			if (name === mount.destination) return { path: mount.source, readOnly: mount.readOnly };
			if (name.startsWith(`${mount.destination}/`))
				return { path: `${mount.source}${name.slice(mount.destination.length)}`, readOnly: mount.readOnly };
		}
		return null;
	}
}

/** The files that layers give, later ones over earlier ones. */
export function filesOfLayers(layers: readonly (readonly TarEntry[])[]): ReadonlyMap<string, FileNode> {
	const files = new Map<string, FileNode>();
	for (const entry of layers.flat()) {
		const name = absolute(`/${entry.path}`);
		const base = posix.basename(name);
		if (base.startsWith('.wh.')) files.delete(posix.join(posix.dirname(name), base.slice(4)));
		else if (name !== '/') files.set(name, entry);
	}
	return files;
}

const alwaysThere = new Set(['/', '/tmp', '/dev', '/etc']);

function absolute(path: string): string {
	const name = posix.normalize(posix.join('/', path));
	return name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name;
}

function nowSeconds(): number {
	return Math.floor(Date.now() / 1000);
}

function hostStat(path: string): FileNode | null {
	const found = statSync(path, { throwIfNoEntry: false });
	if (found === undefined) return null;
	const type = found.isDirectory() ? 'directory' : found.isSymbolicLink() ? 'symlink' : 'file';
	return {
		type,
		mode: found.mode & 0o7777,
		mtime: Math.floor(found.mtimeMs / 1000),
		linkTarget: type === 'symlink' ? readlinkSync(path) : '',
		bytes: type === 'file' ? readFileSync(path) : new Uint8Array(),
	};
}

function onHost<T>(action: () => T): T {
	try {
		return action();
	} catch (error) {
		throw new FileError(error instanceof Error && 'code' in error && error.code === 'ENOENT' ? missing : String(error));
	}
}
