import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerSpec, SandboxSpec } from '../../../src/model/spec.ts';
import { AgentWorld, owner } from '../../support/agent/agent-world.ts';
import { type CrashMoment, CrashPoint } from '../../support/agent/crash-point.ts';
import { containerSpec, operation, sandboxSpec } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';

const box = 'sandbox-1';
const web = 'container-1';

interface Scenario {
	/** null = from nothing; otherwise from a sandbox with a running container. */
	readonly ask: (world: AgentWorld) => void;
	readonly fromNothing?: boolean;
	/** Status of the holder and of the container at the end. */
	readonly end: readonly [string | null, string | null];
	/** How often the container is started on the way, however often the agent crashes. */
	readonly starts: number;
}

function ofContainer(kind: string, goal: ContainerSpec['goal'], args: object = {}, fields: Partial<ContainerSpec> = {}) {
	return ({ control }: AgentWorld) =>
		control.changeContainer(box, { id: web, goal, operation: operation(kind, { args: { timeout: 0, ...args } }), ...fields });
}

function ofSandbox(kind: string, goal: SandboxSpec['goal']) {
	return ({ control }: AgentWorld) => control.change(box, { goal, operation: operation(kind, { args: { timeout: 0 } }) });
}

const create = (world: AgentWorld) =>
	world.control.add(
		sandboxSpec({
			operation: operation('create', { id: 'create-box' }),
			containers: [
				containerSpec({ image: 'registry.example/app:1', operation: operation('create', { id: 'create-web', args: { run: true } }) }),
			],
		}),
	);

const scenarios: Record<string, Scenario> = {
	create: { ask: create, fromNothing: true, end: ['running', 'running'], starts: 1 },
	stop: { ask: ofContainer('stop', 'Stopped'), end: ['running', 'stopped'], starts: 0 },
	reboot: { ask: ofContainer('reboot', 'Running'), end: ['running', 'running'], starts: 1 },
	kill: { ask: ofContainer('kill', 'Stopped', { signal: 'SIGKILL' }), end: ['running', 'stopped'], starts: 0 },
	rebuild: { ask: ofContainer('rebuild', 'Running', { wasRunning: true }, { revision: 2 }), end: ['running', 'running'], starts: 1 },
	'delete of the container': { ask: ofContainer('delete', 'Deleted'), end: ['running', null], starts: 0 },
	'stop of the sandbox': { ask: ofSandbox('stop', 'Stopped'), end: ['stopped', 'stopped'], starts: 0 },
	'delete of the sandbox': { ask: ofSandbox('delete', 'Deleted'), end: [null, null], starts: 0 },
};

/** Plays the scenario with a crash at the given call, and an agent that starts after it. Answers the calls of the first agent. */
async function play(t: TestContext, scenario: Scenario, at: number, moment: CrashMoment): Promise<readonly string[]> {
	const world = await AgentWorld.make(t);
	const { engine, control } = world;
	const image = engine.images.get('zunbox/busybox:latest');
	engine.registry.add('registry.example/app:1', image);
	if (scenario.fromNothing !== true) {
		await world.start();
		create(world);
		await control.quiet(box);
		await world.stop();
	}
	let starts = 0;
	const unwatch = engine.watch(owner, ({ containerId, action }) => {
		if (containerId === web && action === 'start') starts += 1;
	});
	const point = new CrashPoint(at, moment);
	world.wrap = (driver) => point.driver(driver);
	world.wrapLink = (link) => point.link(link);
	await world.start();
	scenario.ask(world);
	const finished = async (): Promise<void> => {
		await eventually('all is done', () => !control.has(box) || isQuiet(control.spec(box)));
	};
	// A report may be told by its time, on a slow machine: then there are fewer calls this time, and none to crash at.
	if (at > 0) await Promise.race([point.crashed, finished().then(() => delay(1_000))]);
	else await finished();
	await world.stop();
	world.wrap = (driver) => driver;
	world.wrapLink = (link) => link;
	await world.start();
	await finished();
	const holder = () => engine.observe(owner, box).sandbox?.status ?? null;
	await eventually(`${scenario.end} is reached`, () => holder() === scenario.end[0] && world.status(box, web) === scenario.end[1]);
	await world.stop();
	unwatch();
	assert.equal(starts, scenario.starts, `started ${starts} times`);
	const folders = await readdir(path.join(world.stateDirectory, 'sandboxes'));
	assert.deepEqual(folders, control.has(box) ? [box] : []);
	return point.calls;
}

function isQuiet(spec: SandboxSpec): boolean {
	return [spec, ...spec.containers].every(({ operation }) => operation === null);
}

describe('an agent that is killed at any call of', () => {
	for (const [name, scenario] of Object.entries(scenarios)) {
		test(`${name}: the next one reaches the goal, and nothing is done twice`, async (t) => {
			const calls = await play(t, scenario, 0, 'before');
			assert.ok(calls.length >= 2, `${calls}`);
			for (const [index, call] of calls.entries()) {
				for (const moment of ['before', 'after'] as const) {
					await t.test(`${moment} ${call} (${index + 1})`, (inner) => play(inner, scenario, index + 1, moment).then(() => {}));
				}
			}
		});
	}
});
