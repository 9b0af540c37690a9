import { SandboxWorker, type WorkerDeps } from './worker.ts';

/** The sandboxes that the host has to do with. */
export class Workers {
	readonly #workers = new Map<string, SandboxWorker>();
	readonly #deps: WorkerDeps;

	/** `gone` is called after a sandbox has left the host. */
	constructor(deps: Omit<WorkerDeps, 'onGone'>, gone: () => void) {
		this.#deps = {
			...deps,
			onGone: (worker) => {
				this.#workers.delete(worker.sandboxId);
				gone();
			},
		};
	}

	/** The one of the sandbox, made if there is none. */
	of(sandboxId: string): SandboxWorker {
		const known = this.#workers.get(sandboxId);
		if (known !== undefined) return known;
		const worker = new SandboxWorker(sandboxId, this.#deps);
		this.#workers.set(sandboxId, worker);
		return worker;
	}

	/** The one of the sandbox; undefined when there is none. */
	find(sandboxId: string): SandboxWorker | undefined {
		return this.#workers.get(sandboxId);
	}

	all(): readonly SandboxWorker[] {
		return [...this.#workers.values()];
	}
}
