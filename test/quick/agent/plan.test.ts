import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nameContents } from '../../../src/agent/hooks/name-files.ts';
import { endingOf } from '../../../src/agent/plan/ending.ts';
import { judge, retryAt } from '../../../src/agent/plan/failure.ts';
import { hookNames, type Step } from '../../../src/agent/plan/step.ts';
import { sandboxReport } from '../../../src/agent/report/report.ts';
import type { ContainerState, ObservedSandbox, SandboxState } from '../../../src/drivers/driver.ts';
import type { ContainerSpec, SandboxSpec } from '../../../src/model/spec.ts';
import { SimulatedHost } from '../../support/agent/simulated-host.ts';
import { containerSpec, containerState, holderState, operation, portSpec, sandboxSpec } from '../../support/agent/specs.ts';

const now = 100_000;
const acked = { startedAt: 90_000 };

interface Case {
	readonly sandbox?: Partial<SandboxSpec>;
	readonly container?: Partial<ContainerSpec>;
	readonly holder?: Partial<SandboxState> | null;
	readonly state?: Partial<ContainerState> | null;
}

function host({ sandbox = {}, container = {}, holder = {}, state = {} }: Case): SimulatedHost {
	const observed: ObservedSandbox = {
		sandbox: holder === null ? null : holderState({ startedAt: 1_000, ...holder }),
		containers: state === null ? [] : [containerState(state)],
	};
	const made = new SimulatedHost(sandboxSpec({ containers: [containerSpec(container)], ...sandbox }), observed);
	if (holder !== null) made.memory.holdings.names = nameContents({ hosts: [], dns: { nameservers: [], search: [] } });
	return made;
}

/** A step in a few words. */
function words(step: Step): string {
	switch (step.kind) {
		case 'setUp':
			return `setUp ${step.hooks.join(' ')}`;
		case 'tearDown':
			return `tearDown ${step.hooks.length === hookNames.length ? 'all' : step.hooks.join(' ')}`;
		case 'report':
			return step.operations.map(({ id, outcome }) => `${id} ${outcome}`).join(', ');
		case 'wait':
			return `wait ${step.until - now}`;
		case 'startContainer':
			return `start ${step.cause}`;
		case 'createContainer':
			return step.thenStart ? 'create and start' : 'create';
		case 'stopContainer':
			return `stop ${step.timeout}`;
		default:
			return step.kind;
	}
}

const stopped = { status: 'stopped', exitCode: 1, startedAt: 90_000, finishedAt: 95_000 } as const;
const always = { name: 'always', maximumRetryCount: 0 } as const;

const table: Record<string, readonly [Case, readonly string[]]> = {
	'all as wanted': [{}, []],
	'nothing there': [{ holder: null, state: null }, ['setUp names holder start', 'ensureImage']],
	'ports are plugged with the start': [
		{ sandbox: { ports: [portSpec('p')] }, holder: { status: 'stopped' }, state: null },
		['setUp start rules ports', 'ensureImage'],
	],
	'a port is missing in a sandbox that runs': [{ sandbox: { ports: [portSpec('p')] } }, ['setUp rules ports']],
	'a reboot is told as started before anything is done': [{ container: { operation: operation('reboot') } }, ['operation-reboot started']],
	'a stop is done at once': [{ container: { goal: 'Stopped', operation: operation('stop') } }, ['stop 10']],
	'stop with grace': [{ container: { goal: 'Stopped', operation: operation('stop', { ...acked, args: { timeout: 3 } }) } }, ['stop 3']],
	'stop without a word about grace': [{ container: { goal: 'Stopped', operation: operation('stop', acked) } }, ['stop 10']],
	'stop of what is stopped': [
		{ container: { goal: 'Stopped', operation: operation('stop', acked) }, state: stopped },
		['operation-stop done'],
	],
	'start of what runs': [{ container: { operation: operation('start', acked) } }, ['operation-start done']],
	'start of what ran for it and ended': [
		{ container: { operation: operation('start', acked) }, state: { ...stopped, startedAt: 90_001 } },
		['operation-start done'],
	],
	'start of what ran before': [
		{ container: { operation: operation('start', acked) }, state: { ...stopped, startedAt: 89_999 } },
		['start asked'],
	],
	'start in a sandbox that is stopped': [
		{ sandbox: { goal: 'Stopped' }, container: { operation: operation('start', acked) }, holder: { status: 'stopped' }, state: stopped },
		['operation-start failed'],
	],
	'reboot of what runs since before': [{ container: { operation: operation('reboot', acked) }, state: { startedAt: 89_999 } }, ['stop 10']],
	'reboot half-way': [{ container: { operation: operation('reboot', acked) }, state: { ...stopped, startedAt: 80_000 } }, ['start asked']],
	'reboot that is done': [
		{ container: { operation: operation('reboot', acked) }, state: { startedAt: 90_000 } },
		['operation-reboot done'],
	],
	kill: [{ container: { goal: 'Stopped', operation: operation('kill', { ...acked, args: { signal: 'SIGKILL' } }) } }, ['killContainer']],
	'kill that is done': [
		{ container: { goal: 'Stopped', operation: operation('kill', { ...acked, args: { signal: 'SIGKILL' } }) }, state: stopped },
		['operation-kill done'],
	],
	'signal to what does not run': [
		{ container: { operation: operation('kill', { ...acked, args: { signal: 'SIGHUP' } }) }, state: { ...stopped, finishedAt: 80_000 } },
		['operation-kill failed'],
	],
	'pause of what does not run': [
		{ container: { goal: 'Paused', operation: operation('pause', acked) }, state: stopped },
		['operation-pause failed'],
	],
	'rebuild fetches the image first': [{ container: { revision: 2, operation: operation('rebuild', acked) } }, ['ensureImage']],
	'delete of what runs': [{ container: { goal: 'Deleted', operation: operation('delete', acked) } }, ['removeContainer']],
	'delete after a stop': [
		{ container: { goal: 'Deleted', operation: operation('delete', { ...acked, args: { stop: true } }) } },
		['stop 10'],
	],
	'delete of what is gone': [
		{ container: { goal: 'Deleted', operation: operation('delete', acked) }, state: null },
		['operation-delete done'],
	],
	'an unknown operation': [{ container: { operation: operation('levitate', acked) } }, ['operation-levitate failed']],
	'ended by itself': [{ state: stopped }, []],
	'ended a moment ago': [{ state: { ...stopped, finishedAt: now - 400 } }, ['wait 600']],
	'ended, and its policy waits': [
		{ container: { restartPolicy: always, restartCount: 6 }, state: { ...stopped, finishedAt: now - 400 } },
		['wait 6000'],
	],
	'ended, and its policy starts it': [
		{ container: { restartPolicy: always }, state: { ...stopped, finishedAt: now - 100 } },
		['start policy'],
	],
	'lost with the run of the sandbox before': [{ holder: { startedAt: 92_000 }, state: stopped }, ['start recovery']],
	'running in namespaces that are no more': [{ holder: { startedAt: 92_000 }, state: { startedAt: 90_000 } }, ['stop 10']],
	'the holder has stopped': [{ holder: { status: 'stopped' }, state: stopped }, ['setUp start']],
	'member of a sandbox that is no more': [{ state: { joinsCurrentSandbox: false } }, ['ensureImage']],
	'stopped as wanted, and lost': [{ container: { goal: 'Stopped' }, state: null }, []],
	'a stranger in the sandbox': [{ sandbox: { containers: [] } }, ['removeContainer']],
	'sandbox stop: containers first': [
		{ sandbox: { goal: 'Stopped', operation: operation('stop', { ...acked, args: { timeout: 2 } }) } },
		['stop 2'],
	],
	'sandbox stop: then the holder': [
		{ sandbox: { goal: 'Stopped', operation: operation('stop', acked) }, state: stopped },
		['tearDown start rules ports'],
	],
	'sandbox stop: done': [
		{ sandbox: { goal: 'Stopped', operation: operation('stop', acked) }, holder: { status: 'stopped' }, state: stopped },
		['operation-stop done'],
	],
	'sandbox pause: containers first': [{ sandbox: { goal: 'Paused', operation: operation('pause', acked) } }, ['pauseContainer']],
	'sandbox pause: then the holder': [
		{ sandbox: { goal: 'Paused', operation: operation('pause', acked) }, state: { status: 'paused' } },
		['pauseSandbox'],
	],
	'sandbox unpause: the holder first': [
		{ sandbox: { operation: operation('unpause', acked) }, holder: { status: 'paused' }, state: { status: 'paused' } },
		['unpauseSandbox'],
	],
	'sandbox update': [{ sandbox: { operation: operation('update', acked) } }, ['setUp limits']],
	'sandbox delete: containers first': [{ sandbox: { goal: 'Deleted', operation: operation('delete', acked) } }, ['removeContainer']],
	'sandbox delete: then all else': [{ sandbox: { goal: 'Deleted', operation: operation('delete', acked) }, state: null }, ['tearDown all']],
};

describe('plan', () => {
	for (const [name, [situation, expected]] of Object.entries(table)) {
		test(name, () => assert.deepEqual(host(situation).plan().map(words), expected));
	}

	test('lets containers of one sandbox be worked on beside one another, and each by one step at a time', () => {
		const made = host({ sandbox: { containers: ['a', 'b', 'c'].map((id) => containerSpec({ id, goal: 'Stopped' })) }, state: null });
		made.containers = ['a', 'b', 'c'].map((id) => containerState({ id }));
		const [first] = made.plan();
		assert.ok(first !== undefined);
		made.memory.begin(first, new AbortController());
		assert.deepEqual(
			made.plan().map((step) => 'containerId' in step && step.containerId),
			['b', 'c'],
		);
	});

	test('waits for the steps of containers before it takes the sandbox away from under them', () => {
		const made = host({ holder: { status: 'stopped' } });
		const step: Step = { kind: 'removeContainer', containerId: 'container-1' };
		made.memory.begin(step, new AbortController());
		assert.deepEqual(made.plan(), []);
		made.memory.end(step);
		assert.deepEqual(made.plan().map(words), ['setUp start']);
	});

	test('a container never starts without its ports', () => {
		const made = host({ sandbox: { ports: [portSpec('p')] }, state: { status: 'created', startedAt: null } });
		assert.deepEqual(made.plan().map(words), ['setUp rules ports']);
		for (const step of made.plan()) made.memory.begin(step, new AbortController());
		assert.deepEqual(made.plan(), []);
	});
});

describe('ending', () => {
	const pauses = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
	test('restarts wait twice as long each time, up to a minute', () => {
		for (const [restartCount, pause] of pauses.entries()) {
			const made = host({ container: { restartPolicy: always, restartCount }, state: { ...stopped, startedAt: 94_000 } });
			const [container] = made.spec?.containers ?? [];
			assert.ok(made.spec !== null && container !== undefined);
			assert.deepEqual(endingOf(made.spec, container, made.observed(), made.context()), { kind: 'restarting', at: 95_000 + pause });
		}
	});

	test('a long run forgets the restarts before it', () => {
		const made = host({ container: { restartPolicy: always, restartCount: 9 }, state: { ...stopped, startedAt: 85_000 } });
		assert.deepEqual(made.plan().map(words), ['start policy']);
	});

	for (const [exitCode, count, ends] of [
		[0, 0, true],
		[1, 0, false],
		[1, 2, false],
		[1, 3, true],
	] as const) {
		test(`on-failure:3 after exit ${exitCode} and ${count} restarts: ${ends ? 'it has ended' : 'it restarts'}`, () => {
			const restartPolicy = { name: 'on-failure', maximumRetryCount: 3 } as const;
			const made = host({ container: { restartPolicy, restartCount: count }, state: { ...stopped, exitCode } });
			assert.ok(made.spec !== null);
			const [seen] = sandboxReport(made.spec, made.observed(), made.context(), []).containers;
			assert.deepEqual([seen?.ended, seen?.status], [ends, ends ? 'Stopped' : 'Restarting']);
		});
	}
});

describe('failures', () => {
	const failure = (fields: object = {}) => {
		const step: Step = { kind: 'createContainer', containerId: 'container-1', thenStart: true };
		return {
			step,
			reason: 'no',
			transient: true,
			count: 1,
			firstAt: now,
			lastAt: now,
			operationId: 'operation-create',
			run: 1_000,
			...fields,
		};
	};
	const { settings } = host({}).context();

	test('transient ones pause 0.2 s, twice as long each time, up to 5 s; repairs 1 s up to a minute', () => {
		const pause = (fields: object) => retryAt(failure(fields), settings) - now;
		assert.deepEqual(
			[1, 2, 5, 6, 50].map((count) => pause({ count })),
			[200, 400, 3200, 5000, 5000],
		);
		assert.deepEqual(
			[1, 2, 6, 7, 50].map((count) => pause({ count, transient: false })),
			[1000, 2000, 32_000, 60_000, 60_000],
		);
	});

	test('an operation fails by what does not pass, or not in time; a delete never does', () => {
		const context = host({}).context();
		const create = operation('create', acked);
		const verdict = (fields: object, asked = create) => judge(failure(fields), asked, context).kind;
		assert.equal(verdict({}), 'wait');
		assert.equal(verdict({ lastAt: now - 500 }), 'go');
		assert.equal(verdict({ transient: false }), 'failed');
		assert.equal(verdict({ firstAt: now - settings.operationDeadline }), 'failed');
		assert.equal(verdict({ operationId: 'an earlier one', transient: false }), 'go');
		assert.equal(verdict({ operationId: 'operation-delete', transient: false, firstAt: 0 }, operation('delete', acked)), 'wait');
	});
});
