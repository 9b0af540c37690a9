import type { ObservedSandbox } from '../../drivers/driver.ts';
import type { PullProgress } from '../../model/container.ts';
import type { SandboxSpec } from '../../model/spec.ts';
import { Holdings } from '../hooks/hook.ts';
import { nameContents } from '../hooks/name-files.ts';
import { portKey } from '../hooks/ports.ts';
import type { HostLook, PlanContext, PlanSettings, StepFailure } from '../plan/context.ts';
import { runOf } from '../plan/facts.ts';
import { hookNames, imageTarget, isContainerStep, type Step, sandboxTarget, targetOf, tearDownTarget } from '../plan/step.ts';

/** A step that runs, and how to end it. */
export interface RunningStep {
	readonly step: Step;
	readonly abort: AbortController;
}

/**
 * What the agent remembers of one sandbox between two plans. Losing it with the process costs a few looks or another
 * attempt, never a wrong step.
 */
export class Memory {
	readonly running = new Map<string, RunningStep>();
	readonly failures = new Map<string, StepFailure>();
	readonly applied = new Set<string>();
	readonly retriesReported = new Map<string, number>();
	readonly restartCounts = new Map<string, number>();
	readonly restartStreaks = new Map<string, number>();
	readonly imagesReady = new Map<string, string>();
	/** The wish and what the engine answered to it, by container: a name may stand for another image a moment later. */
	readonly images = new Map<string, { readonly key: string; readonly id: string }>();
	readonly pulls = new Map<string, PullProgress>();
	readonly loginPulls = new Map<string, string>();
	readonly holdings = new Holdings();
	tornDown = false;
	/** When the last look at the engine began, ms since the epoch; null = this moment. */
	seenAt: number | null = null;
	/** What names are wanted, of the spec last asked about: with many neighbours it takes long to tell. */
	#names: { readonly of: SandboxSpec; readonly contents: string } | null = null;

	/** What a plan is made with. */
	context(spec: SandboxSpec | null, now: number, networked: boolean, settings: PlanSettings): PlanContext {
		return {
			now,
			seenAt: this.seenAt ?? now,
			busy: new Map([...this.running].map(([target, { step }]) => [target, step])),
			failures: this.failures,
			applied: this.applied,
			retriesReported: this.retriesReported,
			restartCounts: this.restartCounts,
			restartStreaks: this.restartStreaks,
			imagesReady: this.imagesReady,
			pulls: this.pulls,
			loginPulls: this.loginPulls,
			host: this.#host(spec, networked),
			tornDown: this.tornDown,
			settings,
		};
	}

	begin(step: Step, abort: AbortController): void {
		const target = targetOf(step);
		if (target !== null) this.running.set(target, { step, abort });
		if (step.kind === 'setUp') this.tornDown = false;
	}

	end(step: Step): void {
		const target = targetOf(step);
		if (target !== null) this.running.delete(target);
	}

	succeeded(step: Step): void {
		const target = targetOf(step);
		if (step.kind === 'tearDown') {
			this.failures.delete(tearDownTarget);
			if (step.hooks.length === hookNames.length) this.tornDown = true;
		} else if (target !== null) this.failures.delete(target);
		if (step.kind === 'setUp' && step.operationId !== null) this.applied.add(step.operationId);
		if (step.kind === 'killContainer' || step.kind === 'updateContainer') this.applied.add(step.operationId);
	}

	failed(step: Step, failure: Pick<StepFailure, 'reason' | 'transient' | 'operationId' | 'run'>, now: number): void {
		const target = step.kind === 'tearDown' ? tearDownTarget : targetOf(step);
		if (target === null) return;
		const before = this.failures.get(target);
		const again = before !== undefined && before.operationId === failure.operationId && before.step.kind === step.kind ? before : null;
		this.failures.set(target, {
			...failure,
			step,
			count: (again?.count ?? 0) + 1,
			firstAt: again?.firstAt ?? now,
			lastAt: now,
		});
	}

	/**
	 * What failed for good in a sandbox that went down meanwhile, failed with it: it is worth another try. Asked with what
	 * was observed after the failure.
	 */
	excuse(observed: ObservedSandbox): void {
		const run = runOf(observed);
		for (const [target, failure] of this.failures) {
			if (isContainerStep(failure.step) && failure.run !== run) this.failures.set(target, { ...failure, transient: true });
		}
	}

	/** Lets go of what can be told again when it is needed. */
	rest(): void {
		this.#names = null;
	}

	/** Forgets containers and operations that are no more. */
	prune(spec: SandboxSpec): void {
		const containers = new Set(spec.containers.map((container) => container.id));
		const operations = new Set([spec.operation?.id, ...spec.containers.map((container) => container.operation?.id)]);
		for (const id of this.applied) if (!operations.has(id)) this.applied.delete(id);
		for (const id of this.retriesReported.keys()) if (!operations.has(id)) this.retriesReported.delete(id);
		const byContainer = [this.restartCounts, this.restartStreaks, this.imagesReady, this.images, this.pulls, this.loginPulls];
		for (const map of byContainer) {
			for (const id of map.keys()) if (!containers.has(id)) map.delete(id);
		}
		const targets = new Set([sandboxTarget, tearDownTarget, ...[...containers].flatMap((id) => [id, imageTarget(id)])]);
		for (const [target, failure] of this.failures) {
			const unknown = !targets.has(target) && failure.step.kind !== 'removeContainer';
			// With its operation a failure is over: what is wanted then fits what is there.
			const over = failure.operationId !== null && !operations.has(failure.operationId);
			if (unknown || over) this.failures.delete(target);
		}
	}

	#namesOf(spec: SandboxSpec): string {
		if (this.#names?.of !== spec) this.#names = { of: spec, contents: nameContents(spec) };
		return this.#names.contents;
	}

	#host(spec: SandboxSpec | null, networked: boolean): HostLook {
		const { names, volumes, detached, ports } = this.holdings;
		const wanted = new Map(spec?.ports.map((port) => [port.id, portKey(port)]));
		return {
			names: spec !== null && names === this.#namesOf(spec),
			volumes: new Set(volumes.keys()),
			detachedVolumes: detached,
			ports: new Set([...ports].filter(([id, key]) => wanted.get(id) === key).map(([id]) => id)),
			strayPorts: [...ports.keys()].filter((id) => !wanted.has(id)),
			networked,
		};
	}
}
