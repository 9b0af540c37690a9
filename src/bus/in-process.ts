import { fail } from '../model/errors.ts';
import type { AgentLink, Bus, ControlLink } from './bus.ts';

type Wake = (sandboxId: string | null) => void;

/** The bus of one process: calls are calls, a wake-up is a call at the next turn of the event loop. */
export class InProcessBus implements Bus {
	readonly #agents = new Map<string, AgentLink>();
	readonly #listeners = new Map<string, Set<Wake>>();

	wake(hostname: string, sandboxId: string | null): void {
		for (const listener of this.#listeners.get(hostname) ?? []) setImmediate(listener, sandboxId);
	}

	agent(hostname: string): AgentLink {
		const agent = this.#agents.get(hostname);
		if (agent === undefined)
			throw fail('host-not-up', `Host ${hostname} is not up: its agent cannot be reached. Try again when it is back.`);
		return agent;
	}

	/** Makes an agent reachable; the returned function takes it away. */
	connect(hostname: string, agent: AgentLink): () => void {
		this.#agents.set(hostname, agent);
		return () => {
			if (this.#agents.get(hostname) === agent) this.#agents.delete(hostname);
		};
	}

	/** Control's side as an agent sees it. */
	controlLink(control: Omit<ControlLink, 'onWake'>): ControlLink {
		return {
			register: (facts, signal) => control.register(facts, signal),
			heartbeat: (hostname, signal) => control.heartbeat(hostname, signal),
			assignments: (hostname, signal) => control.assignments(hostname, signal),
			sandbox: (hostname, sandboxId, signal) => control.sandbox(hostname, sandboxId, signal),
			report: (hostname, report, signal) => control.report(hostname, report, signal),
			network: (hostname, knownVersion, signal) => control.network(hostname, knownVersion, signal),
			volumes: (hostname, signal) => control.volumes(hostname, signal),
			server: (hostname, call, signal) => control.server(hostname, call, signal),
			servers: (hostname, signal) => control.servers(hostname, signal),
			image: (hostname, imageId, signal) => control.image(hostname, imageId, signal),
			onWake: (hostname, wake, signal) => this.#listen(hostname, wake, signal),
		};
	}

	#listen(hostname: string, wake: Wake, signal: AbortSignal): void {
		const listeners = this.#listeners.get(hostname) ?? new Set<Wake>();
		this.#listeners.set(hostname, listeners);
		listeners.add(wake);
		signal.addEventListener('abort', () => listeners.delete(wake), { once: true });
	}
}
