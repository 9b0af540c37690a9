import type { ContainerSettings } from '../driver.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { field, number } from './engine/json.ts';

const second = 1_000_000_000;

/** Least time between two checks, and that one may take, in ns: each starts a process, which costs the host and not the container. */
const least = second;

/** Times of an image's check that make processes come fast when they are short. 0 stands for what the engine takes by default. */
const times = ['Interval', 'Timeout', 'StartInterval'] as const;

/** What the image says of its own health check; undefined where it has none, or is not there. */
export async function imageHealthCheck(engine: EngineClient, image: string, signal: AbortSignal): Promise<unknown> {
	const path = `/images/${encodeURIComponent(image)}/json`;
	const { body } = await engine.json({ method: 'GET', path, signal, accept: [400, 404] });
	return field(body, 'Config', 'Healthcheck');
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
