import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { owner } from '../../support/agent/agent-world.ts';
import { type CrashMoment, CrashPoint } from '../../support/agent/crash-point.ts';
import { ServerWorld, serverPort, spawnBody } from '../../support/agent/server-world.ts';

const server = 'server-1';
const box = 'sandbox-1';
const volume = { volumeId: 'volume-1', device: '/dev/loop7', readOnly: false };
const parts = { ports: [serverPort('port-1')], volumes: [volume] };
const spawn = { ...spawnBody({ metadata: { zunbox_sandbox: box } }), ...parts };

interface Scenario {
	/** Calls that are answered before. */
	readonly before: readonly (readonly [string, object])[];
	readonly call: readonly [string, object];
	/** Holder, ports and volumes at the end. */
	readonly end: readonly [string | null, string, string];
}

const spawned = ['spawn', spawn] as const;
const whole = ['running', 'port-1', 'volume-1'] as const;

const scenarios: Record<string, Scenario> = {
	spawn: { before: [], call: spawned, end: whole },
	destroy: { before: [spawned], call: ['destroy', {}], end: [null, '', ''] },
	'power-off': { before: [spawned], call: ['power-off', { timeout: 0 }], end: ['stopped', '', 'volume-1'] },
	'power-on': { before: [spawned, ['power-off', { timeout: 0 }]], call: ['power-on', parts], end: whole },
	pause: { before: [spawned], call: ['pause', {}], end: ['paused', 'port-1', 'volume-1'] },
	unpause: { before: [spawned, ['pause', {}]], call: ['unpause', {}], end: whole },
	'attach-port': {
		before: [spawned],
		call: ['attach-port', { port: serverPort('port-2') }],
		end: ['running', 'port-1,port-2', 'volume-1'],
	},
	'detach-port': { before: [spawned], call: ['detach-port', { portId: 'port-1' }], end: ['running', '', 'volume-1'] },
	'detach-volume': { before: [spawned], call: ['detach-volume', { volumeId: 'volume-1' }], end: ['running', 'port-1', ''] },
};

/** Plays it with an agent that is killed at the given call of its own, and asks again as the driver does. Answers its calls. */
async function play(t: TestContext, scenario: Scenario, at: number, moment: CrashMoment): Promise<readonly string[]> {
	const world = await ServerWorld.make(t);
	const { agents } = world;
	let creations = 0;
	const unwatch = agents.engine.watch(owner, ({ containerId, action }) => {
		if (containerId === null && action === 'create') creations += 1;
	});
	await world.start();
	for (const [kind, body] of scenario.before) assert.equal((await world.call(server, kind, body)).status, 200, kind);
	await world.stop();
	const point = new CrashPoint(at, moment);
	agents.wrap = (driver) => point.driver(world.networked(driver));
	agents.wrapLink = (link) => point.link(link);
	await world.start();
	const [kind, body] = scenario.call;
	const first = world.ask('PUT', `/servers/${server}/${kind}`, body).catch(() => null);
	if (at > 0) await Promise.race([point.crashed, first]);
	else assert.equal((await first)?.status, 200);
	await world.stop();
	await first;
	agents.wrap = (driver) => world.networked(driver);
	agents.wrapLink = (link) => link;
	await world.start();
	assert.deepEqual(await world.call(server, kind, body), { status: 200, body: {} });
	const ports = [...world.networking.ports.keys()].join();
	const volumes = [...world.volumes.mounted.keys()].join();
	// A port goes with the namespace that it is in.
	const there = world.holder(box) === 'running' || world.holder(box) === 'paused' ? ports : '';
	assert.deepEqual([world.holder(box), there, volumes], scenario.end);
	await world.stop();
	unwatch();
	assert.ok(creations <= 1, `made ${creations} times`);
	return point.calls;
}

describe('an agent that is killed at any call of its own, and asked again, ends', () => {
	for (const [name, scenario] of Object.entries(scenarios)) {
		test(name, async (t) => {
			const calls = await play(t, scenario, 0, 'before');
			assert.ok(calls.includes('server'), `${calls}`);
			for (const [index, call] of calls.entries()) {
				for (const moment of ['before', 'after'] as const) {
					await t.test(`${moment} ${call} (${index + 1})`, (inner) => play(inner, scenario, index + 1, moment).then(() => {}));
				}
			}
		});
	}
});
