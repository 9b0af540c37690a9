import type { FakeContainer } from './fake-container.ts';
import { abortable, pauseFor } from './faults.ts';

/** The image's stop signal, and SIGKILL after `timeout` seconds. A frozen container is thawed to be told. */
export async function stopContainer(container: FakeContainer, timeout: number, signal: AbortSignal): Promise<void> {
	const { process } = container;
	if (process === null) return;
	const { promise: exited, resolve } = Promise.withResolvers<void>();
	process.onExit(() => resolve());
	container.unpause();
	process.signal(container.image.config.stopSignal);
	const waiting = new AbortController();
	try {
		await abortable(Promise.race([exited, pauseFor(timeout * 1000, waiting.signal).catch(() => undefined)]), signal);
	} finally {
		waiting.abort();
	}
	process.end(137);
}
