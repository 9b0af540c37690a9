/**
 * The fake driver: sandboxes and containers in memory, whose processes are simulated. It keeps the whole contract,
 * except that a sandbox has no network namespace.
 *
 * Settings: `engine`, a FakeEngine that several drivers share (only code can give it); without it the driver has an
 * engine of its own that ends with it. `delay`, an object of method name → ms: how long calls take.
 */
import os from 'node:os';
import type { HostFacts } from '../../model/host.ts';
import {
	type Driver,
	type DriverCapabilities,
	DriverError,
	type DriverEvent,
	type DriverFactory,
	type DriverOptions,
	type ObservedSandbox,
	type ObservedState,
} from '../driver.ts';
import { FakeContainerDriver } from './container-driver.ts';
import { FakeEngine } from './fake-engine.ts';
import { FakeImageDriver } from './image-driver.ts';
import { FakeSandboxDriver } from './sandbox-driver.ts';

export { FakeEngine } from './fake-engine.ts';
export { defaultConfig, type FakeImage, makeBusyboxImage, makeImage } from './fake-image.ts';

export const createDriver: DriverFactory = async (options) => new FakeDriver(options, engineOf(options.settings));

class FakeDriver implements Driver {
	readonly name = 'fake';
	readonly capabilities: DriverCapabilities = {
		pause: true,
		exec: true,
		attach: true,
		archive: true,
		commit: true,
		updateLimits: true,
		healthcheck: true,
		privileged: true,
		networkNamespace: false,
	};
	readonly sandboxes: FakeSandboxDriver;
	readonly containers: FakeContainerDriver;
	readonly images: FakeImageDriver;
	readonly #engine: FakeEngine;
	readonly #owner: string;
	readonly #closed = new AbortController();

	constructor(options: DriverOptions, engine: FakeEngine) {
		this.#engine = engine;
		this.#owner = options.owner;
		this.sandboxes = new FakeSandboxDriver(engine, options.owner);
		this.containers = new FakeContainerDriver(engine, options.owner);
		this.images = new FakeImageDriver(engine);
	}

	facts(signal: AbortSignal): Promise<HostFacts> {
		return this.#engine.faults.call('facts', signal, () => ({ ...this.#engine.facts, hostname: os.hostname(), labels: {} }));
	}

	list(signal: AbortSignal): Promise<ObservedState> {
		return this.#engine.faults.call('list', signal, () => this.#engine.list(this.#owner));
	}

	observe(sandboxId: string, signal: AbortSignal): Promise<ObservedSandbox> {
		return this.#engine.faults.call('observe', signal, () => this.#engine.observe(this.#owner, sandboxId));
	}

	async *events(signal: AbortSignal): AsyncGenerator<DriverEvent> {
		this.#engine.faults.checkAway();
		const queue: DriverEvent[] = [];
		let wake: (() => void) | null = null;
		let over = false;
		const end = (): void => {
			over = true;
			wake?.();
		};
		const stopWatching = this.#engine.watch(this.#owner, (event) => {
			queue.push(event);
			wake?.();
		});
		const stopListening = this.#engine.faults.onAway(end);
		const ending = AbortSignal.any([signal, this.#closed.signal]);
		ending.addEventListener('abort', end, { once: true });
		if (ending.aborted) over = true;
		try {
			while (!over) {
				const event = queue.shift();
				if (event !== undefined) yield event;
				else {
					await new Promise<void>((resolve) => {
						wake = resolve;
					});
				}
			}
		} finally {
			stopWatching();
			stopListening();
			ending.removeEventListener('abort', end);
		}
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}
}

function engineOf(settings: DriverOptions['settings']): FakeEngine {
	const { engine, delay } = settings;
	if (engine !== undefined && !(engine instanceof FakeEngine))
		throw new DriverError('invalid', 'The setting engine of the fake driver is not a FakeEngine.');
	const made = engine ?? new FakeEngine();
	if (typeof delay === 'object' && delay !== null)
		for (const [method, duration] of Object.entries(delay)) made.faults.delay(method, Number(duration));
	return made;
}
