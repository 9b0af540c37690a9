import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { effectiveGoal } from '../../../src/agent/plan/facts.ts';
import type { ContainerState, ObservedSandbox } from '../../../src/drivers/driver.ts';
import type { ContainerSpec, OperationSpec, SandboxSpec } from '../../../src/model/spec.ts';
import { SimulatedHost } from '../../support/agent/simulated-host.ts';
import { containerSpec, containerState, holderState, operation, portSpec, sandboxSpec, volumeSpec } from '../../support/agent/specs.ts';

const ids = ['a', 'b', 'c'];
const startedAt = fc.constantFrom(null, 50_000, 99_000);

const containerGoals = {
	create: ['Created', 'Running'],
	start: ['Running'],
	stop: ['Stopped'],
	reboot: ['Running'],
	pause: ['Paused'],
	unpause: ['Running'],
	kill: ['Stopped', 'Running'],
	rebuild: ['Running', 'Created'],
	update: ['Running', 'Stopped', 'Created', 'Paused'],
	delete: ['Deleted'],
} as const satisfies Record<string, readonly ContainerSpec['goal'][]>;

const sandboxGoals = {
	create: 'Running',
	start: 'Running',
	stop: 'Stopped',
	pause: 'Paused',
	unpause: 'Running',
	update: 'Running',
	delete: 'Deleted',
} as const satisfies Record<string, SandboxSpec['goal']>;

const args = fc.record({
	timeout: fc.constantFrom(null, 3),
	run: fc.boolean(),
	stop: fc.boolean(),
	wasRunning: fc.boolean(),
	signal: fc.constantFrom('SIGKILL', 'SIGHUP'),
});

const asked = fc
	.constantFrom(...Object.entries(containerGoals))
	.chain(([kind, goals]) => fc.record({ kind: fc.constant(kind), goal: fc.constantFrom(...goals), args, startedAt }));
const quiet = fc.constantFrom<ContainerSpec['goal']>('Created', 'Running', 'Stopped', 'Paused', 'Deleted');

function anyContainer(id: string): fc.Arbitrary<ContainerSpec> {
	const policy = fc.constantFrom(
		null,
		{ name: 'always', maximumRetryCount: 0 } as const,
		{ name: 'on-failure', maximumRetryCount: 2 } as const,
	);
	return fc.record({ revision: fc.constantFrom(1, 2), policy, ask: fc.option(asked), goal: quiet }).map(({ revision, policy, ask, goal }) =>
		containerSpec({
			id,
			revision,
			restartPolicy: policy,
			goal: ask?.goal ?? goal,
			operation: ask === null ? null : operation(ask.kind, { id: `${id}-${ask.kind}`, args: ask.args, startedAt: ask.startedAt }),
		}),
	);
}

const anyOperation: fc.Arbitrary<{ goal: SandboxSpec['goal']; operation: OperationSpec | null }> = fc.oneof(
	fc.constantFrom<SandboxSpec['goal']>('Running', 'Stopped', 'Paused', 'Deleted').map((goal) => ({ goal, operation: null })),
	fc.record({ entry: fc.constantFrom(...Object.entries(sandboxGoals)), startedAt }).map(({ entry: [kind, goal], startedAt }) => ({
		goal,
		operation: operation(kind, { id: `sandbox-${kind}`, startedAt }),
	})),
);

const anySpec: fc.Arbitrary<SandboxSpec> = fc
	.record({ wanted: anyOperation, containers: fc.tuple(...ids.slice(0, 2).map(anyContainer)), count: fc.integer({ min: 0, max: 2 }) })
	.map(({ wanted, containers, count }) =>
		sandboxSpec({ ...wanted, containers: containers.slice(0, count), ports: [portSpec('port-1')], volumes: [volumeSpec('volume-1')] }),
	);

function anyState(id: string): fc.Arbitrary<ContainerState> {
	return fc
		.record({
			status: fc.constantFrom<ContainerState['status']>('created', 'running', 'paused', 'stopped', 'dead'),
			revision: fc.constantFrom(1, 2),
			exitCode: fc.constantFrom(0, 1, 137),
			startedAt: fc.constantFrom(40_000, 60_000, 90_000),
			finishedAt: fc.constantFrom(91_000, 99_500),
			joinsCurrentSandbox: fc.boolean(),
			error: fc.constantFrom(null, 'no such command'),
		})
		.map((fields) => {
			const made = fields.status === 'created';
			const active = fields.status === 'running' || fields.status === 'paused';
			const finishedAt = made || active ? null : fields.finishedAt;
			return containerState({ ...fields, id, finishedAt, startedAt: made ? null : fields.startedAt, error: active ? null : fields.error });
		});
}

const anyObserved: fc.Arbitrary<ObservedSandbox> = fc
	.record({
		holder: fc.option(fc.constantFrom('created', 'running', 'paused', 'stopped')),
		containers: fc.subarray(ids).chain((some) => fc.tuple(...some.map(anyState))),
	})
	.map(({ holder, containers }) => ({
		sandbox: holder === null ? null : holderState({ status: holder, startedAt: holder === 'created' ? null : 50_000 }),
		containers: holder === null ? containers.map((state) => ({ ...state, joinsCurrentSandbox: false })) : containers,
	}));

/** Holds what is there at the end against what control wants then. */
function assertAtGoal(host: SimulatedHost): void {
	const { spec } = host;
	if (spec === null) {
		assert.deepEqual(host.observed(), { sandbox: null, containers: [] });
		return;
	}
	assert.equal(spec.operation, null, 'the sandbox has an unfinished operation');
	const holder = host.holder?.status ?? null;
	if (spec.goal === 'Running') assert.equal(holder, 'running');
	if (spec.goal === 'Paused') assert.equal(holder, 'paused');
	if (spec.goal === 'Stopped') assert.notEqual(holder, 'running');
	const known = new Set(spec.containers.map(({ id }) => id));
	assert.ok(
		host.containers.every(({ id }) => known.has(id)),
		'a stray is left',
	);
	for (const container of spec.containers) {
		assert.equal(container.operation, null, `${container.id} has an unfinished operation`);
		const status = host.container(container.id)?.status ?? null;
		const goal = effectiveGoal(spec, container);
		if (goal === 'Running') assert.equal(status, 'running');
		// What was asked to be paused with its sandbox while it could not run any more, stays as it is until that runs again.
		if (goal === 'Paused' && container.goal === 'Paused' && spec.goal === 'Running') assert.equal(status, 'paused');
		if (goal === 'Paused') assert.notEqual(status, 'running');
		if (goal === 'Stopped') assert.ok(status !== 'running' && status !== 'paused', `${container.id} is ${status}`);
	}
}

describe('the planner', () => {
	test('reaches any goal from any state, and then has nothing to do', () => {
		fc.assert(
			fc.property(anySpec, anyObserved, (spec, observed) => {
				const host = new SimulatedHost(spec, observed);
				host.settle();
				assertAtGoal(host);
				assert.deepEqual(host.plan(), []);
			}),
			{ numRuns: 3_000 },
		);
	});

	test('reaches any goal through transient failures and crashes of the agent', () => {
		const trouble = fc.array(fc.constantFrom('fine', 'fails', 'crash'), { maxLength: 40 });
		fc.assert(
			fc.property(anySpec, anyObserved, trouble, (spec, observed, troubles) => {
				const host = new SimulatedHost(spec, observed);
				const queue = [...troubles];
				host.fault = () => (queue.shift() === 'fails' ? { transient: true } : null);
				for (let n = 0; n < troubles.length; n += 1) {
					host.round();
					if (troubles[n] === 'crash') host.crash();
				}
				host.fault = () => null;
				host.settle();
				assertAtGoal(host);
			}),
			{ numRuns: 1_500 },
		);
	});

	test('deletes whatever there is, whatever fails for a while', () => {
		const failures = fc.array(fc.constantFrom(null, { transient: true }, { transient: false }), { maxLength: 30 });
		fc.assert(
			fc.property(anySpec, anyObserved, failures, startedAt, (spec, observed, faults, startedAt) => {
				const host = new SimulatedHost({ ...spec, goal: 'Deleted', operation: operation('delete', { startedAt }) }, observed);
				const queue = [...faults];
				host.fault = () => queue.shift() ?? null;
				host.settle(200);
				assert.equal(host.spec, null);
				assert.deepEqual(host.observed(), { sandbox: null, containers: [] });
			}),
			{ numRuns: 1_000 },
		);
	});

	test('removes a leftover that control knows nothing of', () => {
		fc.assert(
			fc.property(anyObserved, (observed) => {
				const host = new SimulatedHost(null, observed);
				host.settle();
				assert.deepEqual(host.observed(), { sandbox: null, containers: [] });
			}),
		);
	});

	test('fails what cannot be done, and leaves nothing half-made of a sandbox that cannot be built', () => {
		fc.assert(
			fc.property(fc.constantFrom('holder', 'start', 'ports'), (hook) => {
				const create = operation('create', { id: 'create' });
				const web = containerSpec({ operation: operation('create', { id: 'web', args: { run: true } }) });
				const host = new SimulatedHost(sandboxSpec({ operation: create, containers: [web], ports: [portSpec('port-1')] }), {
					sandbox: null,
					containers: [],
				});
				let half = false;
				host.fault = (step) => {
					if (step.kind !== 'setUp' || half || !step.hooks.includes(hook)) return null;
					half = true;
					if (hook !== 'holder') host.holder = holderState({ status: 'created', startedAt: null });
					return { transient: false };
				};
				for (let n = 0; n < 8 && !host.reports.some(({ outcome }) => outcome === 'failed'); n += 1) host.round();
				const failed = host.reports.find(({ outcome }) => outcome === 'failed');
				assert.deepEqual({ id: failed?.id, error: failed?.error }, { id: 'create', error: 'setUp failed' });
				assert.equal(host.holder, null);
			}),
		);
	});
});
