/** Capsules through the whole service on a real Docker Engine: what their containers really do, and in which order. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { containersOf, engineOk, ensureBusybox, sweepOwner, testOwner } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { VolumeHost } from '../volumes/host.ts';
import { VolumeService } from '../volumes/service.ts';

interface Member {
	readonly uuid: string;
	readonly status: string;
	readonly exit_code: number | null;
	readonly restart_count: number;
}

interface Capsule {
	readonly uuid: string;
	readonly status: string;
	readonly status_reason: string | null;
	readonly init_containers: readonly Member[];
	readonly containers: readonly Member[];
}

describe('capsules', { timeout: 400_000 }, () => {
	const owner = testOwner();
	const ends: (() => Promise<void>)[] = [];
	let host: VolumeHost;
	let service: VolumeService;
	let image: string;

	before(async () => {
		image = await ensureBusybox();
		host = await VolumeHost.make({ after: (end) => ends.push(async () => void (await Reflect.apply(end ?? (() => {}), null, []))) });
		service = new VolumeService(host.folder, owner);
		await service.start();
		await eventually('the host is up', async () => {
			const { uuid, status } = await service.ask('POST', '/v1/sandboxes', { name: 'probe' });
			await service.remove('sandboxes', String(uuid));
			return status !== 'Error';
		});
	});
	after(async () => {
		await service.stop();
		await sweepOwner(owner);
		for (const end of ends) await end();
	});

	const data = { name: 'data', mountPath: '/data' };
	const shell = (line: string, rest: object = {}) => ({ image, command: ['sh', '-c', line], ...rest });

	async function create(name: string, spec: object): Promise<string> {
		const template = { kind: 'capsule', metadata: { name }, spec };
		return String((await service.ask('POST', '/v1/capsules/', { template }))['uuid']);
	}

	async function show(id: string, query = ''): Promise<Capsule> {
		const answer = await service.send('GET', `/v1/capsules/${id}${query}`);
		assert.equal(answer.status, 200, answer.text);
		const capsule: Capsule = JSON.parse(answer.text);
		return capsule;
	}

	async function reaches(id: string, status: string): Promise<Capsule> {
		const capsule = await show(id, `?wait=${status}&timeout=90`);
		assert.equal(capsule.status, status, JSON.stringify(capsule));
		return capsule;
	}

	function only(members: readonly Member[]): Member {
		const [member] = members;
		assert.ok(member !== undefined);
		return member;
	}

	/** What the engine has of the capsule. */
	const made = async (id: string) => (await containersOf(owner)).filter(({ Labels }) => Labels['zunbox.sandbox'] === id);

	/** Nothing of it is left in the engine; volumes are the caller's. */
	async function remove(id: string): Promise<void> {
		const answer = await service.send('DELETE', `/v1/capsules/${id}`);
		assert.equal(answer.status, 204, answer.text);
		await eventually('it is gone', async () => (await service.send('GET', `/v1/capsules/${id}`)).status === 404, { timeout: 60_000 });
		assert.deepEqual(
			(await made(id)).map(({ Names }) => Names),
			[],
		);
	}

	test('init containers run one after another and then the containers, over a volume that each sees as it was told', async () => {
		const id = await create('ordered', {
			volumes: [{ name: 'data', cinder: { size: 1, autoRemove: true } }],
			initContainers: [
				shell('sleep 2; echo one >> /data/log', { volumeMounts: [data] }),
				// Started too early it would be first; and it must be tried again.
				shell('echo two >> /data/log; [ $(grep -c two /data/log) = 3 ]', { volumeMounts: [data] }),
			],
			containers: [
				shell('echo started; cat /data/log; echo x > /data/log; sleep 1000', {
					name: 'reader',
					volumeMounts: [{ ...data, readOnly: true }],
				}),
				shell('nc -l -p 8080 -e echo from the neighbour', { name: 'server' }),
			],
		});
		const capsule = await reaches(id, 'Running');
		assert.deepEqual(
			capsule.init_containers.map(({ status, exit_code, restart_count }) => [status, exit_code, restart_count]),
			[
				['Stopped', 0, 0],
				['Stopped', 0, 2],
			],
		);
		const reader = only(capsule.containers).uuid;
		const log = await eventually('the reader has spoken', async () => {
			const { text } = await service.send('GET', `/v1/containers/${reader}/logs`);
			return text.includes('Read-only') && text.includes('two') && String(JSON.parse(text));
		});
		// Which of its two outputs comes first is the engine's to say.
		assert.ok(log.includes('started\none\ntwo\ntwo\ntwo\n'), log);

		const heard = await service.shell(reader, 'nc 127.0.0.1 8080');
		assert.equal(heard.output, 'from the neighbour\n');
		const byName = await service.ask('GET', '/v1/containers/capsule-ordered-reader');
		assert.equal(byName['uuid'], reader);
		assert.deepEqual((await service.ask('GET', '/v1/containers'))['containers'], []);
		await remove(id);
		assert.deepEqual((await service.ask('GET', '/v1/volumes'))['volumes'], []);
		await eventually('no data is left', async () => (await host.leftovers()).length === 0, { timeout: 60_000 });
	});

	test('an init container that fails for good says so, and nothing else has run', async () => {
		const id = await create('broken', {
			restartPolicy: 'Never',
			initContainers: [shell('exit 3', { name: 'setup' })],
			containers: [shell('sleep 1000')],
		});
		const capsule = await eventually('it fails', async () => {
			const seen = await show(id);
			return seen.status === 'Error' && seen.containers.every(({ status }) => status === 'Created') && seen;
		});
		assert.equal(capsule.status_reason, 'Init container capsule-broken-setup ended with exit code 3.');
		const started = await Promise.all(
			(await made(id)).map(async ({ Id }) => {
				const inspected: unknown = (await engineOk('GET', `/containers/${Id}/json`)).json();
				return JSON.stringify(inspected).includes('"StartedAt":"0001-01-01T00:00:00Z"');
			}),
		);
		assert.deepEqual(started.sort(), [false, false, true], 'the holder and the init container were started, the other was not');
		await remove(id);
	});

	test('a service that ends in the middle of it goes on where it was', async () => {
		const id = await create('resumed', {
			volumes: [{ name: 'data', cinder: { size: 1 } }],
			initContainers: [
				shell('echo first >> /data/log; sleep 5', { volumeMounts: [data] }),
				shell('echo second >> /data/log', { volumeMounts: [data] }),
			],
			containers: [shell('cat /data/log; sleep 1000', { volumeMounts: [data] })],
		});
		await eventually('the first one runs', async () => only((await show(id)).init_containers).status === 'Running');
		await service.stop();
		await service.start();
		const capsule = await reaches(id, 'Running');
		const { text } = await service.send('GET', `/v1/containers/${only(capsule.containers).uuid}/logs`);
		assert.equal(JSON.parse(text), 'first\nsecond\n');
		await remove(id);
		// Without autoRemove its data stays, under a name to find it by.
		const volume = await service.ask('GET', '/v1/volumes/resumed-data');
		assert.equal(volume['status'], 'available');
		await service.remove('volumes', String(volume['uuid']));
	});

	test('it stops and starts, and its containers are killed with their grace', async () => {
		const id = await create('paused', {
			restartPolicy: 'OnFailure',
			initContainers: [shell('true')],
			containers: [shell('trap "exit 0" TERM; while true; do sleep 0.1; done'), shell('exit 0', { name: 'job' })],
		});
		await eventually('the job has ended', async () => (await show(id)).containers[1]?.status === 'Stopped');
		assert.equal((await reaches(id, 'Running')).status_reason, null);
		await service.ask('POST', `/v1/capsules/${id}/stop?timeout=20`);
		const stopped = await reaches(id, 'Stopped');
		assert.equal(only(stopped.containers).exit_code, 0);
		assert.ok((await made(id)).every(({ State }) => State !== 'running'));
		await service.ask('POST', `/v1/capsules/${id}/start`);
		const running = await reaches(id, 'Running');
		assert.equal(only(running.init_containers).status, 'Stopped');
		await remove(id);
	});
});
