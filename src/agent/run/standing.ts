import type { OperationReport, SandboxSpec } from '../../model/spec.ts';
import type { StepFailure } from '../plan/context.ts';

/** How a sandbox stands on the host, for those who wait until it is as they asked. */
export interface Standing {
	/** What is wanted, as control said after the waiting began; null = the host has nothing to do with it (any more). */
	readonly spec: SandboxSpec | null;
	/** What the engine shows of its holder; null = nothing. */
	readonly holder: 'running' | 'paused' | 'stopped' | null;
	/** Whether nothing of it is left on the host, and nothing is wanted. */
	readonly gone: boolean;
	/** Ports that are plugged, wanted or not. */
	readonly ports: ReadonlySet<string>;
	/** Volumes that are attached, wanted or not. */
	readonly volumes: ReadonlySet<string>;
	/** What went wrong last with the sandbox as a whole, and did not succeed since. */
	readonly failure: StepFailure | null;
}

/** Those who wait for one sandbox. */
export class Waiters {
	readonly #looks = new Set<(standing: Standing) => void>();

	/** Whether nobody waits. */
	get none(): boolean {
		return this.#looks.size === 0;
	}

	/** The first answer of `look` that is not null, asked each time that the sandbox's standing is told. Rejects with the signal's reason. */
	async wait<T>(look: (standing: Standing) => T | null, signal: AbortSignal): Promise<T> {
		signal.throwIfAborted();
		const { promise, resolve, reject } = Promise.withResolvers<T>();
		const told = (standing: Standing): void => {
			const answer = look(standing);
			if (answer !== null) resolve(answer);
		};
		const end = (): void => reject(signal.reason);
		signal.addEventListener('abort', end, { once: true });
		this.#looks.add(told);
		try {
			return await promise;
		} finally {
			this.#looks.delete(told);
			signal.removeEventListener('abort', end);
		}
	}

	tell(standing: Standing): void {
		for (const look of [...this.#looks]) look(standing);
	}
}

/** How many ends of operations are remembered; each is asked for within moments of it. */
const remembered = 1000;

/**
 * How the latest operations of servers' sandboxes ended, by id. An operation may end before the one who asked for it has
 * heard its id; and a sandbox's worker is gone when a failed one has left the host.
 */
export class Outcomes {
	readonly #recent = new Map<string, OperationReport>();

	/** Keeps those that ended. */
	tell(operations: readonly OperationReport[]): void {
		for (const operation of operations) {
			if (operation.outcome === 'done' || operation.outcome === 'failed') this.#recent.set(operation.id, operation);
		}
		for (const id of this.#recent.keys()) {
			if (this.#recent.size <= remembered) return;
			this.#recent.delete(id);
		}
	}

	/** How it ended; null = not yet, or long ago. */
	of(operationId: string): OperationReport | null {
		return this.#recent.get(operationId) ?? null;
	}
}
