import type { ControlLink } from '../../bus/bus.ts';
import { DriverError, type ImageDriver, type ImageState } from '../../drivers/driver.ts';
import { failPoint } from '../../faults/fail-point.ts';
import { renameArchive, WrongDataError } from '../../model/archive-rename.ts';
import type { PullProgress } from '../../model/container.ts';
import type { ImageSource } from '../../model/image-source.ts';
import { TarError } from '../../model/tar-header.ts';

export interface ArchiveLoaderDeps {
	readonly hostname: () => string;
	readonly link: Pick<ControlLink, 'image'>;
	readonly images: ImageDriver;
}

export interface ArchiveWish {
	/** What the image is to be named. */
	readonly reference: string;
	readonly source: ImageSource;
	readonly onProgress: (progress: PullProgress) => void;
}

/**
 * Brings images of the image service to the host: asks control for the archive and hands it to the engine as it comes.
 * The archive is somebody's of whom nothing is known, and the engine is everybody's: of it the engine gets the content
 * alone, under a name of ours, and nothing unless all of it was what its checksum says.
 */
export class ArchiveLoader {
	readonly #deps: ArchiveLoaderDeps;

	constructor(deps: ArchiveLoaderDeps) {
		this.#deps = deps;
	}

	/** Fails with a DriverError or an error of control: `invalid` for what is no archive of an image. */
	async load({ reference, source, onProgress }: ArchiveWish, signal: AbortSignal): Promise<ImageState> {
		const { hostname, link, images } = this.#deps;
		let imageId = '';
		let failure: unknown = null;
		const archive = async function* (): AsyncGenerator<Uint8Array> {
			try {
				const data = counted(await link.image(hostname(), source.imageId, signal), source, onProgress);
				yield* renameArchive(data, {
					reference,
					hash: source.hash,
					onImage: (id) => {
						imageId = id;
					},
				});
				failPoint('agent.image-load.read');
			} catch (error) {
				failure = error;
				throw error;
			}
		};
		const loaded = await images.load(archive(), signal).catch((error: unknown) => {
			// An engine whose request breaks off does not know why.
			throw asDriverError(failure ?? error, source);
		});
		failPoint('agent.image-load.loaded');
		const state = await images.inspect(reference, signal);
		if (state === null) throw new DriverError('failed', `Image ${source.imageId} is not there after it was loaded.`);
		if (!(await this.#isRight(state, imageId, loaded, signal))) {
			await images.remove(reference, signal);
			throw new DriverError('invalid', `Image ${source.imageId} was taken for something else by the engine.`);
		}
		return state;
	}

	/** Some engines know images by the digest of their manifest, which is theirs to make: only the names tell then. */
	async #isRight(state: ImageState, imageId: string, loaded: readonly string[], signal: AbortSignal): Promise<boolean> {
		if (loaded.length !== 1) return false;
		return state.id === imageId || (await this.#deps.images.inspect(imageId, signal)) === null;
	}
}

async function* counted(
	data: AsyncIterable<Uint8Array>,
	{ size }: ImageSource,
	onProgress: (progress: PullProgress) => void,
): AsyncGenerator<Uint8Array> {
	let bytesDone = 0;
	for await (const piece of data) {
		bytesDone += piece.length;
		onProgress({ layersDone: 0, layersTotal: 1, bytesDone, bytesTotal: Math.max(size ?? 0, bytesDone) });
		yield piece;
	}
}

function asDriverError(error: unknown, { imageId }: ImageSource): unknown {
	if (error instanceof TarError) return new DriverError('invalid', `Image ${imageId} cannot be run. ${error.message}`, { cause: error });
	if (error instanceof WrongDataError) return new DriverError('unavailable', `Image ${imageId}: ${error.message}.`, { cause: error });
	return error;
}
