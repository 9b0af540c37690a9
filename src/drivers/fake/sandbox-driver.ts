import type { SandboxDriver, SandboxSettings } from '../driver.ts';
import type { FakeEngine } from './fake-engine.ts';

export class FakeSandboxDriver implements SandboxDriver {
	readonly #engine: FakeEngine;
	readonly #owner: string;

	constructor(engine: FakeEngine, owner: string) {
		this.#engine = engine;
		this.#owner = owner;
	}

	create(settings: SandboxSettings, signal: AbortSignal): Promise<void> {
		return this.#call('create', signal, () => this.#engine.createSandbox(this.#owner, settings));
	}

	start(sandboxId: string, signal: AbortSignal): Promise<void> {
		return this.#call('start', signal, () => this.#engine.startSandbox(this.#owner, sandboxId));
	}

	stop(sandboxId: string, signal: AbortSignal): Promise<void> {
		return this.#call('stop', signal, () => this.#engine.stopSandbox(this.#owner, sandboxId));
	}

	pause(sandboxId: string, signal: AbortSignal): Promise<void> {
		return this.#call('pause', signal, () => this.#engine.pauseSandbox(this.#owner, sandboxId, true));
	}

	unpause(sandboxId: string, signal: AbortSignal): Promise<void> {
		return this.#call('unpause', signal, () => this.#engine.pauseSandbox(this.#owner, sandboxId, false));
	}

	update(sandboxId: string, limits: { readonly cpu: number | null; readonly memory: number | null }, signal: AbortSignal): Promise<void> {
		return this.#call('update', signal, () => {
			this.#engine.sandbox(this.#owner, sandboxId).limits = limits;
		});
	}

	remove(sandboxId: string, signal: AbortSignal): Promise<void> {
		return this.#call('remove', signal, () => this.#engine.removeSandbox(this.#owner, sandboxId));
	}

	/** There is no kernel behind it: always null, as `capabilities.networkNamespace` says. */
	networkNamespacePath(sandboxId: string, signal: AbortSignal): Promise<string | null> {
		return this.#call('networkNamespacePath', signal, () => {
			this.#engine.sandbox(this.#owner, sandboxId);
			return null;
		});
	}

	#call<T>(method: string, signal: AbortSignal, effect: () => T): Promise<T> {
		return this.#engine.faults.call(`sandboxes.${method}`, signal, effect);
	}
}
