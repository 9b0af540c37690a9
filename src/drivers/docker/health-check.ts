import type { ContainerSettings } from '../driver.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { field, number } from './engine/json.ts';

const second = 1_000_000_000;

/** Least time between two checks, and that one may take, in ns: each starts a process, which costs the host and not the container. */
const least = second;

/** Times of an image's check that make processes come fast when they are short. 0 stands for what the engine takes by default. */
const times = ['Interval', 'Timeout', 'StartInterval'] as const;

/** Images whose checks are remembered. */
const mostImages = 256;

/** What images say of their own health checks. An image's id is the digest of what it says, so it is asked for once. */
export class ImageHealthChecks {
	readonly #engine: EngineClient;
	readonly #known = new Map<string, unknown>();

	constructor(engine: EngineClient) {
		this.#engine = engine;
	}

	/** undefined where the image has none, or is not there. */
	async of(image: string, signal: AbortSignal): Promise<unknown> {
		if (this.#known.has(image)) return this.#known.get(image);
		const path = `/images/${encodeURIComponent(image)}/json`;
		const { status, body } = await this.#engine.json({ method: 'GET', path, signal, accept: [400, 404] });
		const check = field(body, 'Config', 'Healthcheck');
		// A name may stand for another image the next moment.
		if (status === 200 && image.startsWith('sha256:')) {
			const [oldest] = this.#known.keys();
			if (this.#known.size >= mostImages && oldest !== undefined) this.#known.delete(oldest);
			this.#known.set(image, check);
		}
		return check;
	}
}

/**
 * The engine's `Healthcheck` of a container; null = that of the image is as it may be, or there is none. What is left out
 * the engine takes from the image, so what is too short there is said here.
 */
export function engineHealthCheck(own: ContainerSettings['healthcheck'], ofImage: unknown): Readonly<Record<string, unknown>> | null {
	const short = times.filter((name) => number(ofImage, name) > 0 && number(ofImage, name) < least);
	const raised = Object.fromEntries(short.map((name) => [name, least]));
	if (own === null) return short.length === 0 ? null : raised;
	return {
		...raised,
		Test: ['CMD-SHELL', own.test],
		Interval: Math.max(least, nanoseconds(own.interval)),
		Timeout: Math.max(least, nanoseconds(own.timeout)),
		Retries: own.retries,
	};
}

function nanoseconds(seconds: number): number {
	return Math.round(seconds * second);
}
