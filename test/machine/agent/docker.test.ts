/** The agent on a real Docker Engine: what is lost behind its back comes back, and nothing is left at the end. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Agent } from '../../../src/agent/agent.ts';
import { NoNetworking } from '../../../src/agent/network/no-networking.ts';
import { NoVolumes } from '../../../src/agent/volumes/no-volumes.ts';
import { createDriver } from '../../../src/drivers/docker/index.ts';
import type { Driver } from '../../../src/drivers/driver.ts';
import { newId } from '../../../src/model/ids.ts';
import { ScriptedControl } from '../../support/agent/scripted-control.ts';
import { containerSpec, operation, sandboxSpec } from '../../support/agent/specs.ts';
import { containersOf, engineOk, ensureBusybox, sweepOwner, testOwner } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';

describe('the agent on Docker', { timeout: 240_000 }, () => {
	const owner = testOwner();
	const control = new ScriptedControl();
	const [box, web, job] = [newId(), newId(), newId()];
	let driver: Driver;
	let agent: Agent;
	let stateDirectory: string;
	let image: string;

	const begin = async (): Promise<void> => {
		driver = await createDriver({ owner, stateDirectory, settings: {} });
		agent = new Agent({ link: control, driver, networking: new NoNetworking(), volumes: new NoVolumes(), stateDirectory });
		await agent.start();
	};
	const end = async (): Promise<void> => {
		await agent.stop();
		await driver.close();
	};
	const asked = (id: string, command: readonly string[]) =>
		containerSpec({ id, image, command, operation: operation('create', { id: `create-${id}`, args: { run: true } }) });
	const observe = () => driver.observe(box, AbortSignal.timeout(30_000));
	const status = async (id: string) => (await observe()).containers.find((state) => state.id === id)?.status ?? null;
	const exec = async (command: readonly string[]) => {
		const result = await agent.link.exec(web, { command, timeout: 10_000, maxOutput: 4096 }, AbortSignal.timeout(15_000));
		return Buffer.from(result.output).toString();
	};

	before(async () => {
		stateDirectory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-agent-'));
		image = await ensureBusybox();
		await begin();
	});
	after(async () => {
		await end();
		await sweepOwner(owner);
		await rm(stateDirectory, { recursive: true, force: true });
	});

	test('makes a sandbox and its containers, with the names that they are to know', async () => {
		const hosts = [{ address: '10.99.0.2', names: ['database'] }];
		const create = operation('create', { id: 'create-box' });
		control.add(
			sandboxSpec({ id: box, hosts, operation: create, containers: [asked(web, ['sleep', '1000']), asked(job, ['sh', '-c', 'exit 4'])] }),
		);
		await control.quiet(box);
		assert.equal(control.outcomes(`create-${web}`).at(-1)?.outcome, 'done');
		assert.equal(control.seen(box, web)?.status, 'Running');
		assert.match(await exec(['cat', '/etc/hosts']), /10\.99\.0\.2\tdatabase/);
	});

	test('tells a container that ended by itself with its exit code', async () => {
		await eventually('it is told', () => control.spec(box).containers.find(({ id }) => id === job)?.goal === 'Stopped');
		assert.equal(control.seen(box, job)?.exitCode, 4);
		assert.equal(await status(web), 'running');
	});

	test('fails what cannot be started, in the words of the engine', async () => {
		const bad = newId();
		control.changeContainer(box, { id: bad }, asked(bad, ['/no/such/program']));
		await control.quiet(box);
		const last = control.outcomes(`create-${bad}`).at(-1);
		assert.equal(last?.outcome, 'failed');
		assert.match(last?.error ?? '', /no such file|not found/);
		control.changeContainer(box, { id: bad, goal: 'Deleted', operation: operation('delete') });
		await eventually('it is gone', () => control.spec(box).containers.every(({ id }) => id !== bad));
	});

	test('changes names while the container runs', async () => {
		control.change(box, { hosts: [{ address: '10.99.0.3', names: ['elsewhere'] }] });
		await eventually('the container sees it', async () => (await exec(['cat', '/etc/hosts'])).includes('10.99.0.3\telsewhere'));
	});

	test('reboots, stops and starts', async () => {
		const ask = async (kind: string, goal: 'Running' | 'Stopped') => {
			control.changeContainer(box, { id: web, goal, operation: operation(kind, { id: `${kind}-${web}`, args: { timeout: 0 } }) });
			await control.quiet(box);
			assert.equal(control.outcomes(`${kind}-${web}`).at(-1)?.outcome, 'done');
			return await status(web);
		};
		assert.equal(await ask('reboot', 'Running'), 'running');
		assert.equal(await ask('stop', 'Stopped'), 'stopped');
		assert.equal(await ask('start', 'Running'), 'running');
	});

	test('brings everything back when the holder is killed, and when it is removed', async () => {
		const holder = async () => {
			const all = await containersOf(owner);
			const ours = (await Promise.all(all.map(({ Id }) => engineOk('GET', `/containers/${Id}/json`)))).map((answer) =>
				JSON.parse(answer.text),
			);
			return ours.find((one) => !one.HostConfig.NetworkMode.startsWith('container:'))?.Id;
		};
		for (const [method, call] of [
			['POST', '/kill'],
			['DELETE', '?force=1'],
		] as const) {
			const before = (await observe()).sandbox?.startedAt ?? 0;
			await engineOk(method, `/containers/${await holder()}${call}`);
			await eventually('it runs in a new run of the sandbox', async () => {
				const { sandbox, containers } = await observe();
				const state = containers.find(({ id }) => id === web);
				const anew = sandbox?.status === 'running' && (sandbox.startedAt ?? 0) > before;
				return anew && state?.status === 'running' && (state.startedAt ?? 0) >= (sandbox.startedAt ?? 0);
			});
		}
		assert.equal(await status(job), 'stopped', 'what ended before stays as it is');
		assert.ok(control.reports.every(({ containers }) => !containers.some(({ id, ended }) => id === web && ended)));
	});

	test('leaves containers running when it stops, and knows them when it starts', async () => {
		const before = (await observe()).containers.find(({ id }) => id === web);
		await end();
		await begin();
		control.change(box, { labels: { seen: 'again' } });
		await eventually('it reports', () => control.seen(box, web)?.status === 'Running');
		const now = (await observe()).containers.find(({ id }) => id === web);
		assert.deepEqual([now?.runtimeId, now?.startedAt], [before?.runtimeId, before?.startedAt]);
	});

	test('removes all of it', async () => {
		control.change(box, { goal: 'Deleted', operation: operation('delete') });
		await eventually('control forgets it', () => !control.has(box));
		assert.deepEqual(await containersOf(owner), []);
	});
});
