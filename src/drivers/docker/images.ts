import { DriverError, type ImageDriver, type ImageState, type PullRequest } from '../driver.ts';
import type { EngineClient, EngineRequest } from './engine/engine-client.ts';
import { answerError } from './engine/errors.ts';
import { items, number, text, texts, time } from './engine/json.ts';
import { jsonLines } from './engine/json-lines.ts';
import { splitReference } from './image-reference.ts';
import { mapLimited } from './map-limited.ts';
import { PullProgressCounter, type PullTotals } from './pull-progress.ts';

/** ms without a word from the engine after which a pull or push is given up; of a load also without a piece that it took. */
const silence = 300_000;
const loadSilence = 600_000;
/** Longest time of a load in ms, however it goes on. */
const longestLoad = 4 * 3_600_000;

export class DockerImages implements ImageDriver {
	readonly #engine: EngineClient;

	constructor(engine: EngineClient) {
		this.#engine = engine;
	}

	async inspect(reference: string, signal: AbortSignal): Promise<ImageState | null> {
		const inspected = await this.#inspect(reference, signal);
		return inspected === null ? null : imageState(inspected);
	}

	async list(signal: AbortSignal): Promise<readonly ImageState[]> {
		const { body } = await this.#engine.json({ method: 'GET', path: '/images/json', signal });
		const states = await mapLimited(items(body), 16, (row) => this.inspect(text(row, 'Id'), signal));
		return states.filter((state) => state !== null);
	}

	async pull(request: PullRequest, signal: AbortSignal): Promise<ImageState> {
		const { repository, tag } = splitReference(request.reference);
		if (tag.includes(':')) await this.#checkRight(request, signal);
		const call = { method: 'POST', path: '/images/create', query: { fromImage: repository, tag }, signal } as const;
		const totals = await this.#transfer(call, request);
		const inspected = await this.#inspect(request.reference, signal);
		if (inspected === null) throw new DriverError('image-not-found', `the image ${request.reference} is not there after its pull`);
		// The engine tells nothing of the layers of an image that was there already.
		const layers = totals.layersTotal || items(inspected, 'RootFS', 'Layers').length;
		request.onProgress?.({ ...totals, layersDone: layers, layersTotal: layers, bytesDone: totals.bytesTotal });
		return imageState(inspected);
	}

	async push(request: PullRequest, signal: AbortSignal): Promise<void> {
		const { repository, tag } = splitReference(request.reference);
		const path = `/images/${encodeURIComponent(repository)}/push`;
		await this.#transfer({ method: 'POST', path, query: { tag }, signal }, request);
	}

	async load(tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<readonly string[]> {
		return await whileItMoves(loadSilence, signal, async (ending, moved) => {
			const request = { method: 'POST', path: '/images/load', query: { quiet: true }, timeout: longestLoad } as const;
			const answer = await this.#engine.stream({ ...request, tar: telling(tar, moved), signal: ending });
			const references: string[] = [];
			for await (const line of jsonLines(answer.body)) {
				moved();
				const error = text(line, 'error');
				if (error !== '') throw answerError(0, error);
				const loaded = /^Loaded image(?: ID)?: (\S+)/.exec(text(line, 'stream'))?.[1];
				if (loaded !== undefined) references.push(loaded);
			}
			return references;
		});
	}

	async *save(reference: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
		const path = `/images/${encodeURIComponent(reference)}/get`;
		yield* (await this.#engine.stream({ method: 'GET', path, signal, timeout: 600_000 })).body;
	}

	async tag(reference: string, newReference: string, signal: AbortSignal): Promise<void> {
		const { repository, tag } = splitReference(newReference);
		const path = `/images/${encodeURIComponent(reference)}/tag`;
		await this.#imageCall({ method: 'POST', path, query: { repo: repository, tag }, signal });
	}

	async remove(reference: string, signal: AbortSignal): Promise<void> {
		await this.#engine.json({
			method: 'DELETE',
			path: `/images/${encodeURIComponent(reference)}`,
			signal,
			accept: [404],
			timeout: 300_000,
			long: true,
		});
	}

	/**
	 * Has the registry say that the image may be had with this login. A pull by digest of what the engine knows asks
	 * nobody, so that it would give anybody what another pulled.
	 */
	async #checkRight({ reference, auth }: PullRequest, signal: AbortSignal): Promise<void> {
		const path = `/distribution/${encodeURIComponent(reference)}/json`;
		const headers = { 'X-Registry-Auth': authHeader(auth) };
		const answer = await this.#engine.json({ method: 'GET', path, headers, signal, accept: [404], timeout: 60_000 });
		if (answer.status === 404) throw new DriverError('image-not-found', text(answer.body, 'message'));
	}

	async #inspect(reference: string, signal: AbortSignal): Promise<unknown> {
		const path = `/images/${encodeURIComponent(reference)}/json`;
		const answer = await this.#engine.json({ method: 'GET', path, signal, accept: [404] });
		return answer.status === 404 ? null : answer.body;
	}

	async #imageCall(request: EngineRequest): Promise<void> {
		const answer = await this.#engine.json({ ...request, accept: [404] });
		if (answer.status === 404) throw new DriverError('image-not-found', text(answer.body, 'message'));
	}

	/** A pull or a push: the engine answers 200 at once, and what goes wrong comes inside of the stream. */
	async #transfer(request: EngineRequest, { auth, onProgress }: PullRequest): Promise<PullTotals> {
		const counter = new PullProgressCounter();
		try {
			return await whileItMoves(silence, request.signal, async (signal, moved) => {
				const answer = await this.#engine.stream({
					...request,
					signal,
					timeout: silence,
					headers: { 'X-Registry-Auth': authHeader(auth) },
				});
				for await (const line of jsonLines(answer.body)) {
					moved();
					const error = text(line, 'errorDetail', 'message') || text(line, 'error');
					if (error !== '') throw transferError(0, error);
					if (counter.add(line)) onProgress?.(counter.totals());
				}
				return counter.totals();
			});
		} catch (error) {
			throw error instanceof DriverError && error.code === 'not-found' ? transferError(404, error.message) : error;
		}
	}
}

/** Gives the work up when it has not `moved` for so many ms. */
async function whileItMoves<T>(
	limit: number,
	signal: AbortSignal,
	work: (signal: AbortSignal, moved: () => void) => Promise<T>,
): Promise<T> {
	const quiet = new AbortController();
	const late = new DriverError('timeout', `the engine has said nothing about the image for ${limit / 1000} s`);
	const timer = setTimeout(() => quiet.abort(late), limit);
	try {
		return await work(AbortSignal.any([signal, quiet.signal]), () => timer.refresh());
	} finally {
		clearTimeout(timer);
	}
}

async function* telling(pieces: AsyncIterable<Uint8Array>, moved: () => void): AsyncGenerator<Uint8Array> {
	for await (const piece of pieces) {
		moved();
		yield piece;
	}
}

/** What goes wrong with an image's transfer: whatever is said to be missing is the image. */
function transferError(status: number, message: string): DriverError {
	// What a server answered that is no registry is not for who named it.
	const error = answerError(status, message.replace(/(response body).*$/s, '$1, which is not that of a registry'));
	if (error.code !== 'not-found' && error.code !== 'path-not-found') return error;
	return new DriverError('image-not-found', error.message);
}

/** The engine wants it for a push also where there is nothing to tell, and in URL-safe base64 with its padding. */
function authHeader(auth: PullRequest['auth']): string {
	const content = auth === null ? {} : { username: auth.username, password: auth.password, serveraddress: auth.domain };
	return Buffer.from(JSON.stringify(content)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** From the engine's description. */
function imageState(inspected: unknown): ImageState {
	return {
		id: text(inspected, 'Id'),
		references: [...texts(inspected, 'RepoTags'), ...texts(inspected, 'RepoDigests')],
		size: number(inspected, 'Size'),
		architecture: text(inspected, 'Architecture'),
		createdAt: time(inspected, 'Created') ?? 0,
		command: texts(inspected, 'Config', 'Cmd'),
		entrypoint: texts(inspected, 'Config', 'Entrypoint'),
	};
}
