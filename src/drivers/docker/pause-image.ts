import { DriverError } from '../driver.ts';
import type { ImageArchive } from '../images/image-archive.ts';
import { makePauseArchive } from '../images/pause-archive.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { answerError } from './engine/errors.ts';
import { text } from './engine/json.ts';
import { jsonLines } from './engine/json-lines.ts';

/**
 * The image of the sandbox's first process. It is named by its id, so that nobody's image of the same tag can take its
 * place, and is only loaded after the engine has said that it lacks it: nothing is asked before.
 */
export class PauseImage {
	readonly #engine: EngineClient;
	readonly #override: string | null;
	#archive: Promise<ImageArchive> | null = null;

	constructor(engine: EngineClient, override: string | null) {
		this.#engine = engine;
		this.#override = override;
	}

	/** Calls `create` with the image's name, and once more after loading the image when it fails with `image-not-found`. */
	async use<T>(signal: AbortSignal, create: (image: string) => Promise<T>): Promise<T> {
		if (this.#override !== null) return create(this.#override);
		this.#archive ??= makePauseArchive();
		const archive = await this.#archive;
		try {
			return await create(archive.id);
		} catch (error) {
			if (!(error instanceof DriverError) || error.code !== 'image-not-found') throw error;
		}
		await this.#load(archive, signal);
		try {
			return await create(archive.id);
		} catch (error) {
			// An engine that stores images with containerd gives them other ids.
			if (!(error instanceof DriverError) || error.code !== 'image-not-found') throw error;
			return create(archive.reference);
		}
	}

	async #load(archive: ImageArchive, signal: AbortSignal): Promise<void> {
		const answer = await this.#engine.stream({
			method: 'POST',
			path: '/images/load',
			query: { quiet: true },
			tar: chunks(archive.tar),
			signal,
		});
		for await (const line of jsonLines(answer.body)) {
			const error = text(line, 'error');
			if (error === '') continue;
			const { code } = answerError(0, error);
			throw new DriverError(code, `the image of the sandbox's first process could not be loaded: ${error}`);
		}
	}
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
	yield bytes;
}
