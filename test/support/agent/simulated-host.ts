import assert from 'node:assert/strict';
import { nameContents } from '../../../src/agent/hooks/name-files.ts';
import { portKey } from '../../../src/agent/hooks/ports.ts';
import { defaultPlanSettings, type PlanContext } from '../../../src/agent/plan/context.ts';
import { isToBeginFirst, runOf } from '../../../src/agent/plan/facts.ts';
import { plan } from '../../../src/agent/plan/plan.ts';
import { isContainerStep, isExclusive, type Step, targetOf } from '../../../src/agent/plan/step.ts';
import { sandboxReport } from '../../../src/agent/report/report.ts';
import { Memory } from '../../../src/agent/run/memory.ts';
import { operationIdOf } from '../../../src/agent/run/obsolete.ts';
import type { ContainerState, ObservedSandbox, SandboxState } from '../../../src/drivers/driver.ts';
import type { ContainerSpec, OperationReport, SandboxSpec } from '../../../src/model/spec.ts';
import { takeReport } from './model-control.ts';
import { containerState } from './specs.ts';

/** How a step of the simulation ends; null = well. */
export type Fault = { readonly transient: boolean } | null;

/**
 * One sandbox on a host, its engine and its control, in memory and without time of its own: what a plan's steps do is
 * done at once, and a wait moves the clock. It holds the planner to its invariants at each plan.
 */
export class SimulatedHost {
	spec: SandboxSpec | null;
	holder: SandboxState | null;
	containers: ContainerState[];
	memory = new Memory();
	now = 100_000;
	/** Every step that was run, in order. */
	readonly history: Step[] = [];
	/** Every operation report that control took. */
	readonly reports: OperationReport[] = [];
	/** Asked before each step. */
	fault: (step: Step) => Fault = () => null;

	constructor(spec: SandboxSpec | null, observed: ObservedSandbox) {
		this.spec = spec;
		this.holder = observed.sandbox;
		this.containers = [...observed.containers];
	}

	observed(): ObservedSandbox {
		return { sandbox: this.holder, containers: this.containers };
	}

	context(): PlanContext {
		return this.memory.context(this.spec, this.now, true, defaultPlanSettings);
	}

	/** Plans, and checks what must be true of every plan. */
	plan(): readonly Step[] {
		const steps = plan(this.spec, this.observed(), this.context());
		const targets = steps.map(targetOf).filter((target) => target !== null);
		assert.equal(new Set(targets).size, targets.length, `two steps on one target: ${JSON.stringify(steps)}`);
		if (steps.some(isExclusive)) assert.ok(!steps.some(isContainerStep), `not kept apart: ${JSON.stringify(steps)}`);
		for (const step of steps) {
			const container = this.spec?.containers.find(({ id }) => 'containerId' in step && step.containerId === id);
			const operation = this.spec?.goal === 'Deleted' || container?.goal === 'Deleted' ? null : (container?.operation ?? null);
			const unacknowledged = operation !== null && isToBeginFirst(operation);
			assert.ok(!unacknowledged || step.kind === 'ensureImage', `acted before control knew: ${JSON.stringify(step)}`);
		}
		return steps;
	}

	/** One round: answers whether anything was left to do. */
	round(): boolean {
		if (this.spec !== null) this.memory.prune(this.spec);
		this.memory.excuse(this.observed());
		const steps = this.plan();
		for (const step of steps) this.#run(step);
		this.#tell([]);
		return steps.length > 0;
	}

	/** Rounds until the plan is empty; fails when it is not after `limit` of them. */
	settle(limit = 80): void {
		for (let n = 0; n < limit; n += 1) if (!this.round()) return;
		assert.fail(`not settled after ${limit} rounds: ${JSON.stringify({ plan: this.plan(), spec: this.spec, observed: this.observed() })}`);
	}

	/** The agent's process is lost, and another begins with what the host shows. */
	crash(): void {
		const { ports, portsOf, volumes } = this.memory.holdings;
		this.memory = new Memory();
		Object.assign(this.memory.holdings, { ports, portsOf, volumes });
	}

	container(id: string): ContainerState | null {
		return this.containers.find((state) => state.id === id) ?? null;
	}

	#run(step: Step): void {
		this.now += 10;
		if (step.kind === 'report') {
			this.#tell(step.operations);
			return;
		}
		if (step.kind === 'wait') {
			this.now = Math.max(this.now, step.until);
			return;
		}
		this.history.push(step);
		const operationId = operationIdOf(step, this.spec);
		const run = runOf(this.observed());
		this.memory.begin(step, new AbortController());
		const fault = this.fault(step);
		if (fault === null) this.#do(step);
		this.memory.end(step);
		if (fault === null) this.memory.succeeded(step);
		else this.memory.failed(step, { reason: `${step.kind} failed`, transient: fault.transient, operationId, run }, this.now);
	}

	#do(step: Step): void {
		const { holdings } = this.memory;
		switch (step.kind) {
			case 'setUp':
				for (const hook of step.hooks) this.#hook(hook);
				return;
			case 'tearDown':
				if (step.hooks.includes('start')) this.#stopHolder();
				holdings.ports = new Map();
				if (!step.hooks.includes('holder')) return;
				this.holder = null;
				this.containers = this.containers.map((state) => ({ ...state, joinsCurrentSandbox: false }));
				Object.assign(holdings, { names: null, volumes: new Map() });
				return;
			case 'pauseSandbox':
			case 'unpauseSandbox':
				if (this.holder !== null) this.holder = { ...this.holder, status: step.kind === 'pauseSandbox' ? 'paused' : 'running' };
				return;
			case 'ensureImage':
				this.memory.imagesReady.set(step.containerId, step.key);
				return;
			case 'createContainer': {
				assert.equal(this.container(step.containerId), null);
				const revision = this.#wanted(step.containerId)?.revision ?? 0;
				const fresh = { id: step.containerId, revision, status: 'created', startedAt: null, command: [] } as const;
				this.containers.push(containerState({ ...fresh, joinsCurrentSandbox: this.holder !== null }));
				if (step.thenStart) this.#start(step.containerId);
				return;
			}
			case 'startContainer':
				this.#start(step.containerId);
				return;
			case 'stopContainer':
			case 'killContainer':
				this.#change(step.containerId, { status: 'stopped', exitCode: 137, finishedAt: this.now });
				return;
			case 'pauseContainer':
				this.#change(step.containerId, { status: 'paused' });
				return;
			case 'unpauseContainer':
				this.#change(step.containerId, { status: 'running' });
				return;
			case 'removeContainer':
				this.containers = this.containers.filter((state) => state.id !== step.containerId);
				return;
			case 'updateContainer':
			case 'report':
			case 'wait':
				return;
		}
	}

	#hook(hook: string): void {
		const { holdings } = this.memory;
		const spec = this.spec;
		assert.ok(spec !== null);
		if (hook === 'names') holdings.names = nameContents(spec);
		if (hook === 'holder') this.holder = { id: spec.id, status: 'created', startedAt: null, finishedAt: null };
		if (hook === 'volumes') {
			holdings.volumes = new Map(spec.volumes.filter(({ detached }) => !detached).map(({ id }) => [id, `/volumes/${id}`]));
			holdings.detached.clear();
			for (const { id, detached } of spec.volumes) if (detached) holdings.detached.add(id);
		}
		if (hook === 'start' && this.holder !== null) this.holder = { ...this.holder, status: 'running', startedAt: this.now };
		if (hook === 'ports') {
			assert.equal(this.holder?.status, 'running', 'ports are plugged into what runs');
			holdings.ports = new Map(spec.ports.map((port) => [port.id, portKey(port)]));
		}
	}

	#stopHolder(): void {
		if (this.holder?.status === 'running' || this.holder?.status === 'paused') {
			this.holder = { ...this.holder, status: 'stopped', finishedAt: this.now };
		}
		for (const state of this.containers) {
			if (state.status === 'running' || state.status === 'paused') this.#change(state.id, { status: 'stopped', finishedAt: this.now });
		}
	}

	#start(id: string): void {
		assert.equal(this.holder?.status, 'running', 'a container is started in what runs');
		const missing = this.spec?.ports.some((port) => !this.memory.holdings.ports.has(port.id)) ?? false;
		assert.ok(!missing, 'a container is started without a port');
		const state = this.container(id);
		assert.ok(state?.joinsCurrentSandbox, 'a container is started in a sandbox that is no more');
		const started = { status: 'running', startedAt: this.now, exitCode: null, error: null } as const;
		if (state.status !== 'running') this.#change(id, started);
	}

	#change(id: string, fields: Partial<ContainerState>): void {
		this.containers = this.containers.map((state) => (state.id === id ? { ...state, ...fields } : state));
	}

	#wanted(id: string): ContainerSpec | undefined {
		return this.spec?.containers.find((container) => container.id === id);
	}

	#tell(operations: readonly OperationReport[]): void {
		if (this.spec === null) return;
		this.reports.push(...operations);
		this.spec = takeReport(this.spec, sandboxReport(this.spec, this.observed(), this.context(), operations));
	}
}
