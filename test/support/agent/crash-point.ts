import type { ControlLink } from '../../../src/bus/bus.ts';
import type { Driver } from '../../../src/drivers/driver.ts';

/** `before` = the process ends before the call has any effect; `after` = it has it, and its answer is never heard. */
export type CrashMoment = 'before' | 'after';

const acting = {
	sandboxes: ['create', 'start', 'stop', 'pause', 'unpause', 'update', 'remove'],
	containers: ['create', 'start', 'stop', 'pause', 'unpause', 'kill', 'update', 'remove'],
	images: ['pull'],
} as const;

/**
 * Counts what an agent does to the world outside, and at one of these calls ends its process: from then on nothing of
 * what it does has an effect, and nothing is ever answered.
 */
export class CrashPoint {
	/** Names of the calls so far. */
	readonly calls: string[] = [];
	readonly #at: number;
	readonly #moment: CrashMoment;
	#crashed = Promise.withResolvers<void>();
	#dead = false;

	/** `at`: number of the call, 1 = the first; 0 = never. */
	constructor(at: number, moment: CrashMoment) {
		this.#at = at;
		this.#moment = moment;
	}

	/** Resolves when it has struck. */
	get crashed(): Promise<void> {
		return this.#crashed.promise;
	}

	driver(driver: Driver): Driver {
		for (const [part, names] of Object.entries(acting)) {
			const methods: object = Reflect.get(driver, part);
			for (const name of names) this.#wrap(methods, name, `${part}.${name}`, true);
		}
		for (const name of ['list', 'observe']) this.#wrap(driver, name, name, false);
		return driver;
	}

	link(link: ControlLink): ControlLink {
		const reached: ControlLink = {
			register: (...args) => link.register(...args),
			heartbeat: (...args) => link.heartbeat(...args),
			assignments: (...args) => link.assignments(...args),
			sandbox: (...args) => link.sandbox(...args),
			report: (...args) => link.report(...args),
			network: (...args) => link.network(...args),
			volumes: (...args) => link.volumes(...args),
			server: (...args) => link.server(...args),
			servers: (...args) => link.servers(...args),
			image: (...args) => link.image(...args),
			onWake: (...args) => link.onWake(...args),
		};
		for (const name of ['report', 'server']) this.#wrap(reached, name, name, true);
		for (const name of ['assignments', 'sandbox', 'heartbeat']) this.#wrap(reached, name, name, false);
		return reached;
	}

	#wrap(target: object, name: string, label: string, counted: boolean): void {
		const original: unknown = Reflect.get(target, name);
		if (typeof original !== 'function') throw new Error(`there is no ${label}`);
		const never = new Promise<never>(() => {});
		Reflect.set(target, name, async (...args: unknown[]): Promise<unknown> => {
			if (this.#dead) return await endOf(args, never);
			const strikes = counted && this.calls.push(label) === this.#at;
			if (strikes && this.#moment === 'before') this.#die();
			if (this.#dead) return await endOf(args, never);
			const answer: unknown = await Reflect.apply(original, target, args);
			if (strikes) this.#die();
			return this.#dead ? await endOf(args, never) : answer;
		});
	}

	#die(): void {
		this.#dead = true;
		this.#crashed.resolve();
	}
}

/** A process that is gone answers nothing; the test's own clean-up aborts the signal that each call has. */
async function endOf(args: readonly unknown[], never: Promise<never>): Promise<never> {
	const signal = args.find((arg) => arg instanceof AbortSignal);
	if (signal === undefined) return await never;
	const { promise, reject } = Promise.withResolvers<never>();
	signal.addEventListener('abort', () => reject(signal.reason), { once: true });
	if (signal.aborted) reject(signal.reason);
	return await promise;
}
