import type { ControlLink } from '../../bus/bus.ts';
import type { Driver, ObservedSandbox } from '../../drivers/driver.ts';
import { failPoint } from '../../faults/fail-point.ts';
import { messageOf } from '../../model/errors.ts';
import type { OperationReport, SandboxReport, SandboxSpec } from '../../model/spec.ts';
import type { SandboxHooks } from '../hooks/sandbox-hooks.ts';
import type { PullManager } from '../images/pull-manager.ts';
import type { HostNetworking } from '../network/host-networking.ts';
import type { AgentOptions } from '../options.ts';
import type { PlanContext } from '../plan/context.ts';
import { untold } from '../plan/facts.ts';
import { exponential } from '../plan/failure.ts';
import { plan } from '../plan/plan.ts';
import { isGone } from '../plan/removal.ts';
import { type Executors, execute, sandboxTarget, targetOf, tearDownTarget } from '../plan/step.ts';
import { sandboxReport, unknownReport } from '../report/report.ts';
import { ToldReport } from '../report/told-report.ts';
import { withDeadline } from './deadlines.ts';
import { makeExecutors } from './executors.ts';
import { Foldable } from './foldable.ts';
import { lookAtHost } from './host-look.ts';
import type { Limiter } from './limiter.ts';
import { Memory } from './memory.ts';
import { nothingObserved, sameObservation } from './observation.ts';
import { type Outcomes, type Standing, Waiters } from './standing.ts';
import { StepRunner } from './step-runner.ts';
import type { Turns } from './turns.ts';

/** ms that a step runs before control is told that it does. */
const tellAfter = 100;

export interface WorkerDeps {
	readonly hostname: () => string;
	readonly link: ControlLink;
	readonly driver: Driver;
	readonly networking: HostNetworking;
	readonly stateDirectory: string;
	readonly hooks: SandboxHooks;
	readonly pulls: PullManager;
	/** Bounds on calls to the engine, shared by all sandboxes. */
	readonly calls: Limiter;
	readonly waits: Limiter;
	/** Bound on rounds, shared by all sandboxes. */
	readonly turns: Turns;
	readonly options: AgentOptions;
	/** Where the ends of servers' operations are kept. */
	readonly outcomes: Outcomes;
	/** Ends everything. */
	readonly signal: AbortSignal;
	/** Nothing of the sandbox is left, here or in control. */
	readonly onGone: (worker: SandboxWorker) => void;
}

/**
 * The lane of one sandbox. In rounds, one at a time: ask control what is wanted, ask the engine what is there, plan,
 * set the steps going, tell control. Steps run beside the rounds, never two on one target; each that ends causes a
 * round. A sandbox that is as wanted has no round and no timer.
 */
export class SandboxWorker {
	readonly sandboxId: string;
	readonly #deps: WorkerDeps;
	readonly #memory = new Memory();
	readonly #executors: Executors;
	readonly #steps: StepRunner;
	/** undefined = not asked for yet. */
	#spec: SandboxSpec | null | undefined = undefined;
	#specStale = true;
	readonly #seen = new Foldable<ObservedSandbox>();
	#observedStale = true;
	/** What of the spec is kept while the sandbox is at rest: the rest of it is asked for again when something happens. */
	#resting: { readonly version: number; readonly files: readonly string[] } | null = null;
	/** Steps that have ended: an observation that one of them ended during is not trusted. */
	#ended = 0;
	#loop: Promise<void> | null = null;
	#due = false;
	#timer: NodeJS.Timeout | null = null;
	/** Runs while control has not been told of steps that run. */
	#tellTimer: NodeJS.Timeout | null = null;
	#tellDue = false;
	#failedRounds = 0;
	readonly #waiters = new Waiters();
	#told: ToldReport | null = null;

	constructor(sandboxId: string, deps: WorkerDeps) {
		this.sandboxId = sandboxId;
		this.#deps = deps;
		const { driver, hooks, pulls, calls, waits, options, signal } = deps;
		const memory = this.#memory;
		this.#executors = makeExecutors({
			sandboxId,
			memory,
			driver,
			hooks,
			pulls,
			settings: options.plan,
			progressInterval: options.progressInterval,
			spec: () => this.#spec ?? null,
			state: (id) => this.#seen.get()?.containers.find((state) => state.id === id) ?? null,
			tell: () => {
				this.#tellDue = true;
				this.#poke();
			},
			report: (operations) => this.#report(operations),
			waitUntil: (until) => this.#wakeIn(until - options.now()),
		});
		const onEnd = (engine: boolean): void => {
			if (engine) {
				this.#ended += 1;
				this.#observedStale = true;
			}
			this.#poke();
		};
		this.#steps = new StepRunner({ sandboxId, memory, executors: this.#executors, calls, waits, options, signal, onEnd });
	}

	/** Control has something new. */
	wantedChanged(): void {
		this.#specStale = true;
		this.#poke();
	}

	/**
	 * The first answer of `look` that is not null to how the sandbox stands, after control was asked anew what is wanted.
	 * Rejects when the signal is aborted, or the agent stops.
	 */
	async until<T>(look: (standing: Standing) => T | null, signal: AbortSignal): Promise<T> {
		const answer = this.#waiters.wait(look, AbortSignal.any([signal, this.#deps.signal]));
		this.wantedChanged();
		return await answer;
	}

	/** The engine says that something happened. What a step of ours does is looked at when it ends. */
	engineChanged(containerId: string | null): void {
		if (this.#memory.running.has(containerId ?? sandboxTarget)) return;
		this.#observedStale = true;
		this.#poke();
	}

	/** Something may have been done to the ports behind our back. */
	checkPorts(): void {
		if (this.#memory.running.has(sandboxTarget)) return;
		this.#memory.holdings.portsOf = null;
		this.#poke();
	}

	/** Which volumes the host holds for it, as a look at all of them showed. Injected files need not be among them. */
	sawVolumes(volumes: ReadonlyMap<string, string>): void {
		const { holdings, running } = this.#memory;
		if (running.has(sandboxTarget)) return;
		const files = new Set(this.#resting?.files ?? filesOf(this.#spec ?? null));
		const held = new Map([...[...holdings.volumes].filter(([id]) => files.has(id)), ...volumes]);
		const same = holdings.volumes.size === held.size && [...held].every(([id, path]) => holdings.volumes.get(id) === path);
		if (same) return;
		holdings.volumes = held;
		this.#poke();
	}

	/**
	 * Its part of a look at everything: goes into a round only when something differs from what is known. `version` is
	 * null when control does not count it to the host; `work` = control has an unfinished operation; `at` = when the look began.
	 */
	saw(observed: ObservedSandbox | null, version: number | null, work: boolean, at: number): void {
		const seen = observed ?? nothingObserved;
		const idle = this.#isIdle();
		const known = this.#resting?.version ?? (this.#spec === undefined ? undefined : (this.#spec?.version ?? null));
		const before = this.#seen.get();
		if (before === null) {
			this.#seen.set(seen);
			this.#memory.seenAt = at;
			this.#observedStale = false;
			this.wantedChanged();
		} else if (known !== version || (idle && work)) {
			this.#observedStale = true;
			this.wantedChanged();
		} else if (idle && !sameObservation(seen, before)) {
			this.engineChanged(null);
		} else if (this.#told?.status === 'Unknown') this.#poke();
	}

	/** Tells control that nothing is known of it, once. */
	async reportUnknown(reason: string): Promise<void> {
		const told = this.#told;
		if (told === null || told.status === 'Unknown' || this.#loop !== null) return;
		await this.#send(unknownReport(told.report(), reason));
	}

	/** Ends when no round and no step runs; after the signal of its deps was aborted that is soon. */
	async settled(): Promise<void> {
		while (this.#loop !== null || !this.#steps.idle) await Promise.allSettled([this.#loop, this.#steps.settled()]);
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
		if (this.#tellTimer !== null) clearTimeout(this.#tellTimer);
		this.#tellTimer = null;
	}

	#poke(): void {
		this.#due = true;
		if (this.#loop === null && !this.#deps.signal.aborted) this.#loop = this.#rounds();
	}

	async #rounds(): Promise<void> {
		// The first round begins after the caller is done: several causes at one moment make one round.
		await Promise.resolve();
		while (this.#due && !this.#deps.signal.aborted) {
			try {
				await this.#deps.turns.run(this.#spec !== undefined, () => this.#round());
				this.#failedRounds = 0;
				this.#tellWaiters();
			} catch (error) {
				this.#failedRounds += 1;
				const { options, signal } = this.#deps;
				if (signal.aborted) break;
				const pause = exponential(100, options.longestPause, this.#failedRounds);
				options.log.warn({ sandbox: this.sandboxId, error: messageOf(error), pause }, 'a round failed, another follows');
				this.#observedStale = true;
				this.#specStale = true;
				this.#wakeIn(pause);
				break;
			}
		}
		this.#loop = null;
		if (this.#isOver()) this.#deps.onGone(this);
		else this.#rest();
	}

	/** Nothing is to be done: of what is known, as little is kept as will do. Most sandboxes are like this at most times. */
	#rest(): void {
		const spec = this.#spec ?? null;
		if (spec === null || this.#due || this.#specStale || this.#observedStale || !this.#isIdle()) return;
		this.#resting = { version: spec.version, files: filesOf(spec) };
		this.#spec = undefined;
		this.#seen.fold();
		this.#memory.rest();
	}

	#isIdle(): boolean {
		return this.#loop === null && this.#timer === null && this.#memory.running.size === 0;
	}

	async #round(): Promise<void> {
		this.#due = false;
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
		const spec = await this.#askSpec();
		const observed = await this.#observe();
		const { driver, networking, stateDirectory, options, signal } = this.#deps;
		if (spec !== null) {
			this.#memory.prune(spec);
			this.#memory.excuse(observed);
			const looked = await lookAtHost(spec, observed, this.#memory, { driver, networking, stateDirectory, log: options.log }, signal);
			// What was seen before a step ended says nothing about after it: the round that the step caused decides.
			if (looked && this.#due) return;
		}
		this.#steps.abortObsolete(spec);
		const steps = plan(spec, observed, this.#context());
		let told = false;
		for (const step of steps) if (targetOf(step) !== null) this.#steps.launch(step, spec, observed);
		for (const step of steps) {
			if (targetOf(step) !== null) continue;
			await execute(this.#executors, step, signal);
			told ||= step.kind === 'report';
		}
		if (told) return;
		if (this.#memory.running.size > 0 && !this.#tellDue) this.#tellSoon();
		else await this.#report([]);
	}

	/** Only what is known to be so: after a change that no round has seen there is nothing to tell yet. */
	#tellWaiters(): void {
		if (this.#waiters.none || this.#due || this.#specStale || this.#observedStale) return;
		const { holdings, failures } = this.#memory;
		const holder = this.#seen.get()?.sandbox?.status ?? null;
		this.#waiters.tell({
			spec: this.#spec ?? null,
			holder: holder === 'running' || holder === 'paused' || holder === null ? holder : 'stopped',
			gone: this.#isOver(),
			ports: new Set(holdings.ports.keys()),
			volumes: new Set(holdings.volumes.keys()),
			failure: failures.get(sandboxTarget) ?? failures.get(tearDownTarget) ?? null,
		});
	}

	#context(): PlanContext {
		const { driver, options } = this.#deps;
		return this.#memory.context(this.#spec ?? null, options.now(), driver.capabilities.networkNamespace, options.plan);
	}

	async #askSpec(): Promise<SandboxSpec | null> {
		if (!this.#specStale && this.#spec !== undefined) return this.#spec;
		this.#specStale = false;
		const { link, hostname } = this.#deps;
		const spec = await this.#linked((signal) => link.sandbox(hostname(), this.sandboxId, signal));
		this.#spec = spec;
		this.#resting = null;
		return spec;
	}

	async #observe(): Promise<ObservedSandbox> {
		const { driver, calls, options, signal } = this.#deps;
		let seen = this.#seen.get();
		while (this.#observedStale || seen === null) {
			this.#observedStale = false;
			const ended = this.#ended;
			const look = (deadline: AbortSignal): Promise<ObservedSandbox> => {
				this.#memory.seenAt = options.now();
				return driver.observe(this.sandboxId, deadline);
			};
			seen = await withDeadline(60_000, signal, (deadline) => calls.run(() => look(deadline), deadline));
			if (ended !== this.#ended) this.#observedStale = true;
		}
		this.#seen.set(seen);
		return seen;
	}

	/** Tells control how things stand if that is news, and takes its answer as what is wanted now. */
	async #report(operations: readonly OperationReport[]): Promise<void> {
		const spec = this.#spec ?? null;
		const observed = this.#seen.get();
		if (spec === null || observed === null) return;
		const known = new Set(operations.map(({ id }) => id));
		const at = this.#deps.options.now();
		const begun = untold(spec).filter(({ id }) => !known.has(id));
		const outcomes: OperationReport[] = [...begun.map(({ id }) => ({ id, outcome: 'started' as const, error: null, at })), ...operations];
		const report = sandboxReport(spec, observed, this.#context(), outcomes);
		const isNews = outcomes.length > 0 || this.#told?.says(report) !== true;
		if (!isNews && spec.tellAgain !== true) return;
		await this.#send(report);
		for (const { id, outcome } of operations) {
			const failure = [...this.#memory.failures.values()].find((candidate) => candidate.operationId === id);
			if (outcome === 'retry' && failure !== undefined) this.#memory.retriesReported.set(id, failure.count);
		}
	}

	async #send(report: SandboxReport): Promise<void> {
		failPoint('agent.report.before');
		const before = this.#spec;
		const { link, hostname } = this.#deps;
		const answer = await this.#linked((signal) => link.report(hostname(), report, signal));
		failPoint('agent.report.after');
		if (before?.serverId !== undefined) this.#deps.outcomes.tell(report.operations);
		this.#told = new ToldReport(report);
		this.#tellDue = false;
		if (this.#tellTimer !== null) clearTimeout(this.#tellTimer);
		this.#tellTimer = null;
		this.#spec = answer;
		if (answer === null || report.operations.length > 0 || answer.version !== before?.version) this.#poke();
	}

	/** Most steps end at once, and control is told of them together with how they ended: each report waits for its disk. */
	#tellSoon(): void {
		this.#tellTimer ??= setTimeout(() => {
			this.#tellTimer = null;
			this.#tellDue = true;
			this.#poke();
		}, tellAfter);
	}

	#isOver(): boolean {
		if (this.#spec !== null || this.#memory.running.size > 0 || this.#due || this.#specStale) return false;
		const observed = this.#seen.get();
		return observed !== null && isGone(observed) && this.#memory.tornDown;
	}

	#linked<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
		return withDeadline(this.#deps.options.linkTimeout, this.#deps.signal, call);
	}

	/** One timer: a plan has one wait, and a round that fails ends before or after it. A round clears it. */
	#wakeIn(ms: number): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = setTimeout(
			() => {
				this.#timer = null;
				this.#observedStale = true;
				this.#poke();
			},
			Math.max(1, ms),
		);
	}
}

/** The volumes among the sandbox's that are injected files. */
function filesOf(spec: SandboxSpec | null): readonly string[] {
	return (spec?.volumes ?? []).filter((volume) => volume.provider === 'file').map((volume) => volume.id);
}
