import { createHash } from 'node:crypto';
import { type TarEntry, tarEntry, writeTar } from '../tar.ts';

/** An image as one tar that an engine loads. */
export interface ImageArchive {
	/** What it is called once it is loaded, such as `zunbox/busybox:latest`. */
	readonly reference: string;
	/** `sha256:…` of its configuration: what the Docker Engine calls the image's id. */
	readonly id: string;
	readonly tar: Buffer;
}

export interface ImageContent {
	readonly architecture: ImageArchitecture;
	/** The one layer, directories before what is in them. */
	readonly files: readonly TarEntry[];
	readonly entrypoint: readonly string[] | null;
	readonly command: readonly string[] | null;
	readonly environment: readonly string[];
	readonly labels: Readonly<Record<string, string>>;
}

export type ImageArchitecture = 'amd64' | 'arm64';

/** The images' word for the machine that this runs on. Throws for one that there are no images for. */
export function hostArchitecture(): ImageArchitecture {
	if (process.arch === 'x64') return 'amd64';
	if (process.arch === 'arm64') return 'arm64';
	throw new Error(`Zunbox has no images for the ${process.arch} architecture; it runs on amd64 and arm64`);
}

/**
 * Makes an image of one layer without any engine. The tar is an OCI image layout that also carries the manifest.json of
 * `docker save`, so that old engines and new ones, and every OCI tool, take the same file. The same content gives the
 * same bytes and so the same id. `reference` is told the id, for a tag that names the content.
 */
export function makeImageArchive(content: ImageContent, reference: string | ((id: string) => string)): ImageArchive {
	const layer = writeTar(content.files);
	const config = json({
		architecture: content.architecture,
		os: 'linux',
		created: '1970-01-01T00:00:00Z',
		config: {
			Env: content.environment,
			...(content.entrypoint === null ? {} : { Entrypoint: content.entrypoint }),
			...(content.command === null ? {} : { Cmd: content.command }),
			Labels: content.labels,
		},
		rootfs: { type: 'layers', diff_ids: [digest(layer)] },
		history: [{ created: '1970-01-01T00:00:00Z', created_by: 'zunbox' }],
	});
	const id = digest(config);
	const name = typeof reference === 'string' ? reference : reference(id);
	const manifest = json({
		schemaVersion: 2,
		mediaType: 'application/vnd.oci.image.manifest.v1+json',
		config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...described(config) },
		layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...described(layer) }],
	});
	const index = json({
		schemaVersion: 2,
		mediaType: 'application/vnd.oci.image.index.v1+json',
		manifests: [
			{
				mediaType: 'application/vnd.oci.image.manifest.v1+json',
				...described(manifest),
				platform: { architecture: content.architecture, os: 'linux' },
				annotations: {
					'io.containerd.image.name': `docker.io/${name}`,
					'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
				},
			},
		],
	});
	const tar = writeTar([
		tarEntry('blobs', { type: 'directory' }),
		tarEntry('blobs/sha256', { type: 'directory' }),
		...[config, layer, manifest].map((blob) => tarEntry(blobPath(blob), { bytes: blob })),
		tarEntry('oci-layout', { bytes: json({ imageLayoutVersion: '1.0.0' }) }),
		tarEntry('index.json', { bytes: index }),
		tarEntry('manifest.json', { bytes: json([{ Config: blobPath(config), RepoTags: [name], Layers: [blobPath(layer)] }]) }),
	]);
	return { reference: name, id, tar };
}

function json(value: unknown): Buffer {
	return Buffer.from(JSON.stringify(value));
}

function digest(bytes: Uint8Array): string {
	return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function described(blob: Buffer): { digest: string; size: number } {
	return { digest: digest(blob), size: blob.length };
}

function blobPath(blob: Buffer): string {
	return `blobs/${digest(blob).replace(':', '/')}`;
}
