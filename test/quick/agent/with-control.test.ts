/** The agent and control as they are wired in the service, over a database in memory and the fake driver. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Agent } from '../../../src/agent/agent.ts';
import { NoNetworking } from '../../../src/agent/network/no-networking.ts';
import { NoVolumes } from '../../../src/agent/volumes/no-volumes.ts';
import { Hosts } from '../../../src/control/hosts.ts';
import { DriverError } from '../../../src/drivers/driver.ts';
import { createDriver, FakeEngine } from '../../../src/drivers/fake/index.ts';
import { quickPlan } from '../../support/agent/agent-world.ts';
import { principal, startControl } from '../../support/control.ts';
import { eventually } from '../../support/eventually.ts';

const image = 'zunbox/busybox:latest';
const ann = principal('project-of-ann');
const never = new AbortController().signal;
const patience = 30_000;

async function service(t: TestContext) {
	const control = await startControl();
	const engine = new FakeEngine();
	const stateDirectory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-agent-'));
	const driver = await createDriver({ owner: 'test', stateDirectory, settings: { engine } });
	const agent = new Agent({
		link: control.bus.controlLink(control.link),
		driver,
		networking: new NoNetworking(),
		volumes: new NoVolumes(),
		stateDirectory,
		options: { hostname: 'host-1', lookInterval: 100, longestPause: 100, plan: quickPlan },
	});
	control.bus.connect('host-1', agent.link);
	await agent.start();
	t.after(async () => {
		engine.faults.clear();
		await agent.stop();
		await control.close();
		await rm(stateDirectory, { recursive: true, force: true });
	});
	const { containers, sandboxes } = control.service;
	const run = async (name: string, fields: object = {}) => {
		const made = await containers.create(ann, {
			name,
			image,
			imagePullPolicy: 'ifnotpresent',
			command: ['sleep', '1000'],
			run: true,
			...fields,
		});
		return await containers.wait(ann, made.id, 'Running', patience, never);
	};
	return { control, engine, containers, sandboxes, run };
}

describe('the agent with control', () => {
	test('tells anew how all stands when control had given its host up', async (t) => {
		const { control, containers, run } = await service(t);
		const web = await run('web');
		const hosts = new Hosts(control.deps, 60_000);
		await hosts.forceDown('host-1', true);
		await eventually('it is Unknown', async () => (await containers.show(ann, web.id)).status === 'Unknown');
		await hosts.forceDown('host-1', false);
		const back = await eventually('it runs again', async () => {
			const view = await containers.show(ann, web.id);
			return view.status === 'Running' && view;
		});
		assert.deepEqual([back.statusReason, back.startedAt], [null, web.startedAt]);
	});

	test('makes a sandbox for a container, and takes both away again', async (t) => {
		const { engine, containers, sandboxes, run } = await service(t);
		const web = await run('web');
		assert.equal(web.status, 'Running');
		assert.equal((await sandboxes.show(ann, web.sandboxId)).status, 'Running');
		await containers.delete(ann, web.id, { force: true, stop: false, allProjects: false });
		await containers.wait(ann, web.id, 'Deleted', patience, never).catch(() => null);
		await sandboxes.wait(ann, web.sandboxId, 'Deleted', patience, never).catch(() => null);
		assert.deepEqual(engine.list('test'), { sandboxes: [], containers: [] });
	});

	test('each action ends in the status that it is to end in', async (t) => {
		const { containers, run } = await service(t);
		const { id } = await run('web');
		const reach = async (status: string) => assert.equal((await containers.wait(ann, id, status, patience, never)).status, status);
		await containers.stop(ann, id, { timeout: 0 });
		await reach('Stopped');
		await containers.start(ann, id);
		await reach('Running');
		await containers.pause(ann, id);
		await reach('Paused');
		await containers.unpause(ann, id);
		await reach('Running');
		await containers.reboot(ann, id, { timeout: 0 });
		await reach('Running');
		await containers.rebuild(ann, id, { image: null, imageDriver: null });
		await reach('Running');
		await containers.kill(ann, id, { signal: null });
		await reach('Stopped');
		const actions = await containers.operations(ann, id);
		assert.deepEqual(
			actions.map(({ kind, state }) => `${kind} ${state}`),
			['kill', 'rebuild', 'reboot', 'unpause', 'pause', 'start', 'stop', 'create'].map((kind) => `${kind} done`),
		);
	});

	test('operations that are asked for at once take effect one after another', async (t) => {
		const { containers, run } = await service(t);
		const { id } = await run('web');
		await containers.stop(ann, id, { timeout: 0 });
		await containers.wait(ann, id, 'Stopped', patience, never);
		await containers.start(ann, id);
		await containers.update(ann, id, { memory: 64 });
		await containers.delete(ann, id, { force: true, stop: false, allProjects: false });
		await containers.wait(ann, id, 'Deleted', patience, never).catch(() => null);
		const states = (await containers.operations(ann, id)).map(({ kind, state }) => `${kind} ${state}`);
		assert.equal(states[0], 'delete done');
	});

	test('a container that ends by itself is Stopped with its exit code; one that cannot be started is Error with the reason', async (t) => {
		const { containers, run } = await service(t);
		const box = await run('web');
		const job = await containers.create(ann, {
			sandbox: box.sandboxId,
			image,
			imagePullPolicy: 'ifnotpresent',
			command: ['sh', '-c', 'exit 5'],
			run: true,
		});
		const ended = await containers.wait(ann, job.id, 'Stopped', patience, never);
		assert.deepEqual([ended.status, ended.exitCode], ['Stopped', 5]);
		const bad = await containers.create(ann, { sandbox: box.sandboxId, image: 'no/such:image', run: true });
		const failed = await containers.wait(ann, bad.id, 'Running', patience, never);
		assert.equal(failed.status, 'Error');
		assert.match(failed.statusReason ?? '', /no\/such:image/);
		const missing = await containers.create(ann, {
			sandbox: box.sandboxId,
			image,
			imagePullPolicy: 'ifnotpresent',
			command: ['/no/such'],
			run: true,
		});
		assert.equal((await containers.wait(ann, missing.id, 'Running', patience, never)).status, 'Error');
		await containers.delete(ann, missing.id, { force: true, stop: false, allProjects: false });
	});

	test('a sandbox that no host can make is Error with the reason, and nothing of it is on the host', async (t) => {
		const { engine, containers, sandboxes } = await service(t);
		engine.faults.failCall('sandboxes.start', 1, new DriverError('failed', 'no such runtime'));
		const made = await containers.create(ann, { image, imagePullPolicy: 'ifnotpresent', run: true });
		const failed = await containers.wait(ann, made.id, 'Running', patience, never);
		assert.equal(failed.status, 'Error');
		assert.match(failed.statusReason ?? '', /no such runtime/);
		assert.equal((await sandboxes.show(ann, made.sandboxId)).status, 'Error');
		assert.deepEqual(engine.list('test').containers, []);
	});

	test('a sandbox stops, starts and is deleted with all in it', async (t) => {
		const { engine, containers, sandboxes, run } = await service(t);
		const { id, sandboxId } = await run('web');
		await sandboxes.stop(ann, sandboxId, { timeout: 0 });
		assert.equal((await sandboxes.wait(ann, sandboxId, 'Stopped', patience, never)).status, 'Stopped');
		assert.equal((await containers.wait(ann, id, 'Stopped', patience, never)).status, 'Stopped');
		await sandboxes.start(ann, sandboxId);
		assert.equal((await containers.wait(ann, id, 'Running', patience, never)).status, 'Running');
		await sandboxes.delete(ann, sandboxId, { force: true });
		await sandboxes.wait(ann, sandboxId, 'Deleted', patience, never).catch(() => null);
		assert.deepEqual(engine.list('test'), { sandboxes: [], containers: [] });
	});

	test('what is lost comes back, and control shows it', async (t) => {
		const { engine, containers, sandboxes, run } = await service(t);
		const { id, sandboxId } = await run('web');
		engine.loseEverything();
		const before = Date.now();
		for (;;) {
			const state = engine.observe('test', sandboxId).containers.find((one) => one.id === id);
			if (state?.status === 'running') break;
			assert.ok(Date.now() - before < patience, 'it did not come back');
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		assert.equal((await containers.wait(ann, id, 'Running', patience, never)).status, 'Running');
		assert.equal((await sandboxes.show(ann, sandboxId)).status, 'Running');
	});
});
