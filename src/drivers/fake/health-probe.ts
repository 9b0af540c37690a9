import type { ContainerSettings, ContainerState } from '../driver.ts';
import { ByteQueue } from './byte-queue.ts';
import type { FakeContainer } from './fake-container.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Runs a container's health check every so often while it lives: the engine's part of health. */
export class HealthProbe {
	health: ContainerState['health'] = 'starting';
	#failures = 0;
	#probe: SimulatedProcess | null = null;
	readonly #timer: NodeJS.Timeout;
	readonly #container: FakeContainer;
	readonly #check: NonNullable<ContainerSettings['healthcheck']>;
	readonly #changed: () => void;

	constructor(container: FakeContainer, check: NonNullable<ContainerSettings['healthcheck']>, changed: () => void) {
		this.#container = container;
		this.#check = check;
		this.#changed = changed;
		this.#timer = setInterval(() => this.#run(), check.interval * 1000).unref();
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#probe?.end(137);
	}

	#run(): void {
		if (this.#probe !== null || this.#container.status !== 'running') return;
		const stdin = new ByteQueue();
		stdin.end();
		const command = ['sh', '-c', this.#check.test];
		const probe = this.#container.exec({ command, terminal: null, stdin, write: async () => undefined });
		this.#probe = probe;
		const timer = setTimeout(() => probe.end(137), this.#check.timeout * 1000).unref();
		probe.onExit((exitCode) => {
			clearTimeout(timer);
			this.#probe = null;
			this.#failures = exitCode === 0 ? 0 : this.#failures + 1;
			const health = exitCode === 0 ? 'healthy' : this.#failures >= this.#check.retries ? 'unhealthy' : this.health;
			if (health === this.health) return;
			this.health = health;
			this.#changed();
		});
	}
}
