import type { AgentLink, ControlLink } from '../bus/bus.ts';
import type { Driver } from '../drivers/driver.ts';
import { messageOf } from '../model/errors.ts';
import { every, pause } from '../model/repeat.ts';
import { DriverAgentLink } from './agent-link.ts';
import { SandboxHooks } from './hooks/sandbox-hooks.ts';
import { ArchiveLoader } from './images/archive-loader.ts';
import { PullManager } from './images/pull-manager.ts';
import type { HostNetworking } from './network/host-networking.ts';
import { NetworkSync } from './network-sync.ts';
import { type AgentOptions, defaultAgentOptions } from './options.ts';
import { Reconciler } from './reconcile.ts';
import { Limiter } from './run/limiter.ts';
import { untilDone } from './run/repeat.ts';
import { Outcomes } from './run/standing.ts';
import { Turns } from './run/turns.ts';
import { Workers } from './run/workers.ts';
import { ServerCalls } from './server-socket/server-calls.ts';
import type { HostVolumes } from './volumes/host-volumes.ts';
import { VolumeSweep } from './volumes/volume-sweep.ts';

export interface AgentDeps {
	readonly link: ControlLink;
	readonly driver: Driver;
	readonly networking: HostNetworking;
	readonly volumes: HostVolumes;
	/** Folder of the agent's own; it exists. */
	readonly stateDirectory: string;
	readonly options?: Partial<AgentOptions>;
}

/** How long it takes at most until the engine tells events after it was asked to, in ms. */
const eventsGap = 200;

/**
 * One per host: makes true what control wants of the host's sandboxes, and tells it what is. It keeps nothing on disk
 * but the sandboxes' name files: what it must know after a crash is in the engine, in the kernel and in control.
 */
export class Agent {
	readonly #deps: AgentDeps;
	readonly #options: AgentOptions;
	readonly #stop = new AbortController();
	readonly #networks: NetworkSync;
	readonly #workers: Workers;
	readonly #reconciler: Reconciler;
	readonly #volumeSweep: VolumeSweep;
	readonly #loops: Promise<unknown>[] = [];
	readonly #link: AgentLink;
	readonly #servers: ServerCalls;
	#hostname = '';
	/** The facts that control has (JSON). */
	#registered = '';

	constructor(deps: AgentDeps) {
		this.#deps = deps;
		this.#options = { ...defaultAgentOptions, ...deps.options };
		this.#link = new DriverAgentLink(deps.driver, deps.networking);
		const { link, driver, networking, volumes, stateDirectory } = deps;
		const { log } = this.#options;
		const hostname = (): string => this.#hostname;
		const signal = this.#stop.signal;
		this.#networks = new NetworkSync(link, networking, hostname, signal);
		const confirmAfter = this.#options.volumeConfirmation;
		this.#volumeSweep = new VolumeSweep({ hostname, link, volumes, confirmAfter, log, signal });
		const shared = { hostname, link, driver, stateDirectory, options: this.#options, signal };
		const outcomes = new Outcomes();
		const workerDeps = {
			...shared,
			networking,
			hooks: new SandboxHooks({ driver, networking, networks: this.#networks, volumes, stateDirectory, log }),
			pulls: new PullManager(driver.images, new ArchiveLoader({ hostname, link, images: driver.images }), this.#options.maxPulls),
			calls: new Limiter(this.#options.maxCalls),
			waits: new Limiter(this.#options.maxWaits, Math.ceil(this.#options.maxWaits / 4)),
			turns: new Turns(this.#options.maxRounds),
			outcomes,
		};
		// Volumes that were made with a sandbox go with it.
		this.#workers = new Workers(workerDeps, () => void this.#volumeSweep.sweep());
		this.#reconciler = new Reconciler({ ...shared, volumes, workers: this.#workers });
		this.#servers = new ServerCalls({ ...shared, networking, volumes, workers: this.#workers, outcomes });
	}

	/** What control calls for looks and streams. */
	get link(): AgentLink {
		return this.#link;
	}

	/** What a compute service's driver on this host calls. */
	get servers(): ServerCalls {
		return this.#servers;
	}

	/** Name that control knows the host by; empty before the first registration. */
	get hostname(): string {
		return this.#hostname;
	}

	/** Ends when the host is registered; goes on trying until then. Work goes on by itself from there. */
	async start(): Promise<void> {
		const {
			options: { log, longestPause },
			signal,
		} = this.#context();
		await untilDone(
			() => this.#register(),
			(error) => log.warn({ error: messageOf(error) }, 'the host cannot be registered yet'),
			longestPause,
			signal,
		);
		if (signal.aborted) return;
		this.#deps.link.onWake(this.#hostname, (sandboxId) => this.#wake(sandboxId), signal);
		this.#keep('the heartbeat', this.#options.heartbeatInterval, (deadline) => this.#heartbeat(deadline));
		this.#keep('the look at what the host offers', this.#options.factsInterval, () => this.#register());
		this.#keep('the look at everything', this.#options.lookInterval, async () => {
			await this.#reconciler.look();
			void this.#volumeSweep.sweep();
		});
		if (this.#deps.driver.capabilities.networkNamespace) {
			this.#keep('the look at the networks', this.#options.networkCheckInterval, (deadline) => this.#keepNetworks(deadline));
		}
		this.#loops.push(this.#followEvents());
	}

	/** Ends what it does and leaves sandboxes and containers as they are. Steps under way are given up. */
	async stop(): Promise<void> {
		this.#stop.abort(new DOMException('the agent stops', 'AbortError'));
		await Promise.allSettled([...this.#loops, this.#volumeSweep.settled(), ...this.#workers.all().map((worker) => worker.settled())]);
	}

	#context(): { readonly options: AgentOptions; readonly signal: AbortSignal } {
		return { options: this.#options, signal: this.#stop.signal };
	}

	/** Tells control what the host offers, if that is news. */
	async #register(): Promise<void> {
		const { options, signal } = this.#context();
		const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.linkTimeout)]);
		const found = await this.#deps.driver.facts(deadline);
		const facts = { ...found, hostname: options.hostname ?? found.hostname, labels: options.labels };
		if (JSON.stringify(facts) === this.#registered) return;
		await this.#deps.link.register(facts, deadline);
		this.#registered = JSON.stringify(facts);
		this.#hostname = facts.hostname;
	}

	/** Control may have forgotten the host: then it is told anew what the host offers. */
	async #heartbeat(deadline: AbortSignal): Promise<void> {
		try {
			await this.#deps.link.heartbeat(this.#hostname, deadline);
		} catch (error) {
			this.#registered = '';
			await this.#register();
			this.#warn('the heartbeat', error);
		}
	}

	/** A change of a sandbox may be one of the rules of its ports. */
	#wake(sandboxId: string | null): void {
		if (sandboxId !== null) this.#workers.of(sandboxId).wantedChanged();
		else void this.#volumeSweep.sweep();
		if (this.#deps.driver.capabilities.networkNamespace)
			this.#networks.refresh().catch((error: unknown) => this.#warn('applying the networks', error));
	}

	async #keepNetworks(deadline: AbortSignal): Promise<void> {
		await this.#networks.refresh();
		const repaired = await this.#networks.check(deadline);
		if (repaired.length === 0) return;
		this.#options.log.warn({ repaired }, 'networks were changed by somebody else, and are repaired');
		for (const worker of this.#workers.all()) worker.checkPorts();
	}

	/** Events first, and a look at everything whenever some may have been missed. */
	async #followEvents(): Promise<void> {
		const { signal } = this.#context();
		let wait = 100;
		while (!signal.aborted) {
			const began = performance.now();
			const looked = this.#lookAround(eventsGap);
			try {
				for await (const event of this.#deps.driver.events(signal)) {
					this.#workers.find(event.sandboxId)?.engineChanged(event.containerId);
				}
			} catch (error) {
				this.#warn('following the engine', error);
			}
			await looked;
			if (performance.now() - began > this.#options.longestPause) wait = 100;
			await pause(wait, signal);
			wait = Math.min(this.#options.longestPause, wait * 2);
		}
	}

	/** Looks at everything a moment after events began to be followed, so that nothing falls between. */
	async #lookAround(delay: number): Promise<void> {
		const { signal } = this.#context();
		await pause(delay, signal);
		if (!signal.aborted) await this.#reconciler.look().catch((error: unknown) => this.#warn('the look at everything', error));
	}

	/** Runs something every so often, each time with a deadline. */
	#keep(what: string, interval: number, work: (deadline: AbortSignal) => Promise<void>): void {
		const { options, signal } = this.#context();
		const run = (): Promise<void> => work(AbortSignal.any([signal, AbortSignal.timeout(options.linkTimeout)]));
		this.#loops.push(every(interval, run, (error) => this.#warn(what, error), signal));
	}

	#warn(what: string, error: unknown): void {
		if (!this.#stop.signal.aborted) this.#options.log.warn({ error: messageOf(error) }, `${what} failed`);
	}
}
