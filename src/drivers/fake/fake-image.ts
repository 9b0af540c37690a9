import { createHash } from 'node:crypto';
import { DriverError } from '../driver.ts';
import { readTar, type TarEntry, tarEntry, writeTar } from '../tar.ts';
import { type FileNode, filesOfLayers } from './file-tree.ts';

/** What an image says about the containers made of it. */
export interface ImageConfig {
	readonly architecture: string;
	readonly createdAt: number;
	readonly command: readonly string[];
	readonly entrypoint: readonly string[];
	readonly environment: readonly string[];
	readonly workdir: string;
	readonly ports: readonly number[];
	readonly stopSignal: string;
}

export interface FakeImage {
	/** `sha256:…` of its configuration. */
	readonly id: string;
	readonly config: ImageConfig;
	/** Tar archives, lowest first. */
	readonly layers: readonly Uint8Array[];
	/** Bytes. */
	readonly size: number;
	readonly files: ReadonlyMap<string, FileNode>;
}

export const defaultConfig: ImageConfig = {
	architecture: process.arch === 'x64' ? 'amd64' : process.arch,
	createdAt: 0,
	command: ['sh'],
	entrypoint: [],
	environment: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
	workdir: '/',
	ports: [],
	stopSignal: 'SIGTERM',
};

export function makeImage(config: ImageConfig, layers: readonly Uint8Array[]): FakeImage {
	const id = `sha256:${createHash('sha256').update(configJson(config, layers)).digest('hex')}`;
	const size = layers.reduce((sum, layer) => sum + layer.length, 0);
	return { id, config, layers, size, files: filesOfLayers(layers.map((layer) => readTar(layer))) };
}

/** An image whose programs are all that the fake engine simulates. `marker` makes images differ. */
export function makeBusyboxImage(marker = 'busybox', config: Partial<ImageConfig> = {}): FakeImage {
	const folders = ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys', 'var', 'root'].map((name) => tarEntry(name, { type: 'directory' }));
	const layer = writeTar([...folders, tarEntry('etc/image', { bytes: Buffer.from(`${marker}\n`) })]);
	return makeImage({ ...defaultConfig, ...config }, [layer]);
}

/** The name in its full form: `busybox` is `busybox:latest`, and so is `docker.io/library/busybox`. */
export function normalReference(reference: string): string {
	if (reference.startsWith('sha256:')) return reference;
	const name = reference.replace(/^docker\.io\//, '').replace(/^library\//, '');
	return /:[^/]+$/.test(name) ? name : `${name}:latest`;
}

/** An archive of the image as `docker save` makes it. */
export function saveImage(image: FakeImage, references: readonly string[]): Buffer {
	const configName = `${image.id.slice('sha256:'.length)}.json`;
	const layerNames = image.layers.map((layer) => `${digest(layer)}/layer.tar`);
	const manifest = [{ Config: configName, RepoTags: references, Layers: layerNames }];
	return writeTar([
		tarEntry(configName, { bytes: Buffer.from(configJson(image.config, image.layers)) }),
		...image.layers.map((layer, index) => tarEntry(layerNames[index] ?? '', { bytes: layer })),
		tarEntry('manifest.json', { bytes: Buffer.from(JSON.stringify(manifest)) }),
	]);
}

/** The images of an archive as `docker save` makes it, with their references. */
export function loadImages(archive: Uint8Array): readonly { readonly image: FakeImage; readonly references: readonly string[] }[] {
	const entries = new Map(readTar(archive).map((entry) => [entry.path, entry]));
	const manifest = parseJson(entries, 'manifest.json');
	if (!Array.isArray(manifest)) throw invalid('manifest.json is not a list');
	return manifest.map((item: unknown) => {
		const fields = asRecord(item);
		const config = readConfig(asRecord(parseJson(entries, String(fields['Config']))));
		const layers = strings(fields['Layers']).map((name) => resolveLayer(entries, name).bytes);
		return { image: makeImage(config, layers), references: strings(fields['RepoTags']).map(normalReference) };
	});
}

/** Archives may hold a layer once and link to it elsewhere: directly, so a link to a link is none. */
function resolveLayer(entries: ReadonlyMap<string, TarEntry>, name: string): TarEntry {
	const named = entries.get(name);
	const entry = named?.type === 'symlink' ? entries.get(named.linkTarget.replace(/^(\.\.\/)+/, '')) : named;
	if (entry === undefined) throw invalid(`${name} is missing`);
	if (entry.type !== 'file') throw invalid(`${name} is no file`);
	return entry;
}

function readConfig(json: Record<string, unknown>): ImageConfig {
	const config = asRecord(json['config'] ?? {});
	return {
		architecture: String(json['architecture'] ?? defaultConfig.architecture),
		createdAt: Date.parse(String(json['created'] ?? '')) || 0,
		command: strings(config['Cmd']),
		entrypoint: strings(config['Entrypoint']),
		environment: strings(config['Env']),
		workdir: String(config['WorkingDir'] ?? '') || '/',
		ports: Object.keys(asRecord(config['ExposedPorts'] ?? {})).map((port) => Number.parseInt(port, 10)),
		stopSignal: String(config['StopSignal'] ?? '') || 'SIGTERM',
	};
}

function configJson(config: ImageConfig, layers: readonly Uint8Array[]): string {
	return JSON.stringify({
		architecture: config.architecture,
		os: 'linux',
		created: new Date(config.createdAt).toISOString(),
		config: {
			Cmd: config.command,
			Entrypoint: config.entrypoint,
			Env: config.environment,
			WorkingDir: config.workdir,
			ExposedPorts: Object.fromEntries(config.ports.map((port) => [`${port}/tcp`, {}])),
			StopSignal: config.stopSignal,
		},
		rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${digest(layer)}`) },
	});
}

function digest(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}

function parseJson(entries: ReadonlyMap<string, TarEntry>, name: string): unknown {
	const entry = entries.get(name);
	if (entry === undefined) throw invalid(`${name} is missing`);
	try {
		return JSON.parse(Buffer.from(entry.bytes).toString());
	} catch (cause) {
		throw new DriverError('invalid', `The image archive cannot be read: ${name} is not JSON.`, { cause });
	}
}

function asRecord(value: unknown): Record<string, unknown> {
	if (typeof value !== 'object' || value === null) throw invalid('an object is missing');
	return Object.fromEntries(Object.entries(value));
}

function strings(value: unknown): readonly string[] {
	return Array.isArray(value) ? value.map(String) : [];
}

function invalid(reason: string): DriverError {
	return new DriverError('invalid', `The image archive cannot be read: ${reason}.`);
}
