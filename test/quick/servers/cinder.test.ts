/** Volumes of a volume service: made, attached, mounted, detached and deleted with sandboxes that are servers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Capsules } from '../../../src/control/capsules/capsules.ts';
import { VolumeControl } from '../../../src/control/volume-control.ts';
import { DriverError } from '../../../src/drivers/driver.ts';
import { ProviderError } from '../../../src/providers/provider-error.ts';
import { eventually } from '../../support/eventually.ts';
import { image, never, patience, ServerWorld } from '../../support/servers/server-world.ts';

const project = 'project-of-ann';
const removal = { force: true, stop: false, allProjects: false };

async function world(t: Parameters<typeof ServerWorld.make>[0]): Promise<ServerWorld> {
	return await ServerWorld.make(t, { withVolumes: true });
}

function mount(what: object) {
	return { mounts: [{ type: 'volume' as const, destination: '/data', ...what }] };
}

async function gone({ control, ann, cloud }: ServerWorld): Promise<void> {
	await eventually('all is gone', async () => (await control.service.sandboxes.list(ann, { limit: 10, filters: {} })).length === 0);
	await cloud.settled();
	for (const table of ['server_volume', 'volume', 'volume_attachment'] as const)
		assert.deepEqual(await control.store.db.selectFrom(table).selectAll().execute(), []);
}

/** Waits until the provisioner has nothing left to do. */
async function idle({ control, cloud }: ServerWorld): Promise<void> {
	await eventually('nothing is left to do', async () =>
		(await control.store.db.selectFrom('server').select('work').execute()).every(({ work }) => work === 0),
	);
	await cloud.settled();
}

describe('a volume by size', () => {
	test('is made in the project, attached before its container starts, and deleted with the sandbox', async (t) => {
		const here = await world(t);
		const web = await here.run('web', mount({ size: 2 }));
		assert.equal(web.status, 'Running', String(web.statusReason));
		const [volume, ...others] = here.cloud.volumes.all.values();
		assert.ok(volume !== undefined && others.length === 0);
		assert.deepEqual([volume.projectId, volume.size, volume.status], [project, 2, 'in-use']);
		assert.equal(volume.serverId, here.cloud.serverOf(web.sandboxId)?.id);
		assert.deepEqual(web.mounts, [{ type: 'volume', volumeId: volume.volumeId, destination: '/data', readOnly: false }]);
		assert.equal(here.volumes.mounted.get(volume.volumeId), web.sandboxId);
		assert.deepEqual((await here.control.service.sandboxes.show(here.ann, web.sandboxId)).volumes, [
			{ volumeId: volume.volumeId, readOnly: false },
		]);
		await here.control.service.containers.delete(here.ann, web.id, removal);
		await gone(here);
		assert.equal(here.cloud.volumes.all.size, 0);
	});

	test('of a sandbox is shared by containers that name it, and outlives them', async (t) => {
		const here = await world(t);
		const { sandboxes, containers } = here.control.service;
		const { id } = await sandboxes.create(here.ann, { name: 'box', volumes: [{ size: 1 }] });
		await sandboxes.wait(here.ann, id, 'Running', patience, never);
		await idle(here);
		const [{ volumeId } = { volumeId: '' }] = (await sandboxes.show(here.ann, id)).volumes;
		const one = await here.run('one', { sandbox: 'box', ...mount({ source: volumeId }) });
		const two = await here.run('two', { sandbox: 'box', ...mount({ source: volumeId, readOnly: true }) });
		assert.deepEqual([one.status, two.status], ['Running', 'Running']);
		for (const container of [one, two]) await containers.delete(here.ann, container.id, removal);
		await eventually('they are gone', async () => (await containers.list(here.ann, { limit: 10, filters: {} })).length === 0);
		await idle(here);
		assert.equal(here.cloud.volumes.all.get(volumeId)?.status, 'in-use');
		await sandboxes.delete(here.ann, id, { force: true });
		await gone(here);
		assert.equal(here.cloud.volumes.all.size, 0);
	});

	test('is made for a container that joins a sandbox that runs', async (t) => {
		const here = await world(t);
		await here.run('first');
		const { sandboxId } = await here.control.service.containers.show(here.ann, 'first');
		const second = await here.run('second', { sandbox: sandboxId, ...mount({ size: 1 }) });
		assert.equal(second.status, 'Running', String(second.statusReason));
		await idle(here);
		const server = await here.control.store.db.selectFrom('server').select('delegation').executeTakeFirstOrThrow();
		assert.equal(server.delegation, null);
		assert.equal([...here.cloud.volumes.all.values()][0]?.status, 'in-use');
	});

	test('that the service refuses is the reason, and nothing stays behind', async (t) => {
		const here = await world(t);
		here.script.fail('createVolume', new ProviderError('refused', 'VolumeLimitExceeded: Maximum number of volumes allowed (1) exceeded'));
		const web = await here.run('web', mount({ size: 1 }));
		assert.equal(web.status, 'Error');
		assert.match(String(web.statusReason), /Maximum number of volumes/);
		await eventually('it holds nothing', () => Object.values(here.cloud.left()).every((count) => count === 0));
		here.cloud.volumes.breaks = true;
		const other = await here.run('other', mount({ size: 1 }));
		assert.match(String(other.statusReason), /could not make volume/);
		await eventually('nor does the other', () => here.cloud.volumes.all.size === 0);
	});

	test('that a joining container cannot have leaves the sandbox and its others alone', async (t) => {
		const here = await world(t);
		const first = await here.run('first');
		here.script.fail('createVolume', new ProviderError('refused', 'over the limit'));
		const second = await here.run('second', { sandbox: first.sandboxId, ...mount({ size: 1 }) });
		assert.deepEqual([second.status, second.statusReason], ['Error', 'over the limit']);
		assert.equal((await here.control.service.containers.show(here.ann, 'first')).status, 'Running');
		await here.control.service.containers.delete(here.ann, second.id, removal);
		await eventually(
			'it goes',
			async () => (await here.control.service.containers.list(here.ann, { limit: 10, filters: {} })).length === 1,
		);
		await idle(here);
		assert.deepEqual(await here.control.store.db.selectFrom('server_volume').selectAll().execute(), []);
	});
});

describe('a volume that is there', () => {
	test('is attached by its name, detached with its last container, and attached to another', async (t) => {
		const here = await world(t);
		const { containers } = here.control.service;
		const volumeId = here.cloud.volumes.make(project, 'data');
		const base = await here.run('base');
		const one = await here.run('one', { sandbox: base.sandboxId, ...mount({ source: 'data' }) });
		const two = await here.run('two', { sandbox: base.sandboxId, ...mount({ source: volumeId }) });
		assert.deepEqual([one.status, two.status], ['Running', 'Running'], `${one.statusReason} ${two.statusReason}`);
		await assert.rejects(here.run('thief', mount({ source: 'data' })), /is attached to sandbox/);
		await containers.delete(here.ann, one.id, removal);
		await eventually('it goes', async () => (await containers.list(here.ann, { limit: 10, filters: {} })).length === 2);
		await idle(here);
		assert.equal(here.cloud.volumes.all.get(volumeId)?.status, 'in-use');
		await containers.delete(here.ann, two.id, removal);
		await eventually('it is free', () => here.cloud.volumes.all.get(volumeId)?.status === 'available');
		assert.equal(here.volumes.mounted.size, 0);
		await idle(here);
		const other = await here.run('other', mount({ source: 'data' }));
		assert.equal(other.status, 'Running', String(other.statusReason));
		await containers.delete(here.ann, other.id, removal);
		await eventually('it is free again', () => here.cloud.volumes.all.get(volumeId)?.status === 'available');
	});

	test('is looked for with the user’s rights before anything is written', async (t) => {
		const here = await world(t);
		here.cloud.volumes.make(project, 'twice');
		here.cloud.volumes.make(project, 'twice');
		here.cloud.volumes.make('another-project', 'theirs');
		const used = here.cloud.volumes.make(project, 'used');
		here.cloud.volumes.reserve(used, 'a-server-of-theirs');
		here.cloud.volumes.attached(used);
		const broken = here.cloud.volumes.make(project, 'broken');
		Object.assign(here.cloud.volumes.all.get(broken) ?? {}, { state: 'broken', status: 'error' });
		const cases = { twice: /Several volumes/, theirs: /could not be found/, used: /is in-use/, broken: /must be available/ };
		for (const [source, words] of Object.entries(cases)) await assert.rejects(here.run('web', mount({ source })), words);
		await assert.rejects(here.run('web', mount({ size: 5000 })), /GiB/);
		assert.deepEqual(await here.control.store.db.selectFrom('sandbox').selectAll().execute(), []);
	});

	test('that its host cannot mount fails its container with the reason, and is let go', async (t) => {
		const here = await world(t);
		const volumeId = here.cloud.volumes.make(project, 'foreign');
		const base = await here.run('base');
		t.mock.method(here.volumes, 'attach', () => Promise.reject(new DriverError('failed', 'it holds an xfs file system')));
		const web = await here.run('web', { sandbox: base.sandboxId, ...mount({ source: 'foreign' }) });
		const failed = await eventually('it is told', async () => {
			const view = await here.control.service.containers.show(here.ann, web.id);
			return view.status === 'Error' && view;
		});
		assert.match(String(failed.statusReason), /xfs/);
		await eventually('it is free', () => here.cloud.volumes.all.get(volumeId)?.status === 'available');
		assert.equal((await here.control.service.containers.show(here.ann, 'base')).status, 'Running');
	});

	test('that the compute service does not connect is tried again, and then given up', async (t) => {
		const here = await world(t);
		const volumeId = here.cloud.volumes.make(project, 'data');
		here.cloud.volumes.unconnectable = true;
		const base = await here.run('base');
		const web = await here.run('web', { sandbox: base.sandboxId, ...mount({ source: 'data' }) });
		assert.deepEqual([web.status, /could not connect volume/.test(String(web.statusReason))], ['Error', true]);
		assert.equal(here.script.calls.filter((call) => call === 'attachVolume').length, 3);
		await idle(here);
		assert.equal(here.cloud.volumes.all.get(volumeId)?.status, 'available');
		assert.deepEqual(await here.control.store.db.selectFrom('server_volume').selectAll().execute(), []);
		assert.equal((await here.control.service.containers.show(here.ann, 'base')).status, 'Running');
	});

	test('is waited for while the volume service or the compute service is away', async (t) => {
		const here = await world(t);
		here.cloud.volumes.make(project, 'data');
		const away = new ProviderError('unavailable', 'the volume service does not answer');
		const backs = ['volume', 'attachVolume'].map((call) => here.script.failAlways(call, away));
		const made = await here.control.service.containers.create(here.ann, {
			name: 'web',
			image,
			command: ['sleep', '1000'],
			run: true,
			...mount({ source: 'data' }),
		});
		await eventually(
			'it is told',
			async () => (await here.control.service.sandboxes.show(here.ann, made.sandboxId)).statusReason === away.message,
		);
		assert.equal((await here.control.service.containers.show(here.ann, 'web')).status, 'Creating');
		for (const back of backs) back();
		assert.equal((await here.control.service.containers.wait(here.ann, made.id, 'Running', patience, never)).status, 'Running');
	});

	test('survives a stop and a start of its sandbox, and is free when its server is deleted behind our back', async (t) => {
		const here = await world(t);
		const volumeId = here.cloud.volumes.make(project, 'data');
		const web = await here.run('web', mount({ source: 'data' }));
		const { sandboxes, containers } = here.control.service;
		await sandboxes.stop(here.ann, web.sandboxId, { timeout: 0 });
		await sandboxes.wait(here.ann, web.sandboxId, 'Stopped', patience, never);
		await idle(here);
		await sandboxes.start(here.ann, web.sandboxId);
		assert.equal((await containers.wait(here.ann, web.id, 'Running', patience, never)).status, 'Running');
		assert.equal(here.volumes.mounted.get(volumeId), web.sandboxId);
		await here.cloud.act(here.cloud.serverOf(web.sandboxId)?.id ?? '', 'delete');
		await sandboxes.wait(here.ann, web.sandboxId, 'Error', patience, never);
		await eventually('it holds nothing', async () => (await here.control.store.db.selectFrom('server').selectAll().execute()).length === 0);
		assert.equal(here.cloud.volumes.all.get(volumeId)?.status, 'available');
		assert.deepEqual(await here.control.store.db.selectFrom('volume').selectAll().execute(), []);
	});

	test('that is taken away with the compute service’s own tools is kept', async (t) => {
		const here = await world(t);
		const { sandboxes } = here.control.service;
		const { id } = await sandboxes.create(here.ann, { volumes: [{ size: 1 }] });
		await sandboxes.wait(here.ann, id, 'Running', patience, never);
		await idle(here);
		const [volumeId = ''] = here.cloud.volumes.all.keys();
		await eventually('its host has told of it', async () =>
			(await here.control.store.db.selectFrom('volume').select('made').execute()).every(({ made }) => made === 1),
		);
		await here.cloud.detachVolume(here.cloud.serverOf(id)?.id ?? '', volumeId);
		await idle(here);
		await eventually('it is forgotten', async () => (await sandboxes.show(here.ann, id)).volumes.length === 0);
		assert.equal(here.cloud.volumes.all.get(volumeId)?.status, 'available');
	});

	test('is attached and detached as a volume of the sandbox; one made with it is kept then', async (t) => {
		const here = await world(t);
		const { sandboxes } = here.control.service;
		const volumes = new VolumeControl(here.control.deps);
		const kept = here.cloud.volumes.make(project, 'data');
		const { id } = await sandboxes.create(here.ann, { name: 'box', volumes: [{ size: 1 }] });
		const attached = await volumes.attach(here.ann, 'box', 'data', true);
		assert.deepEqual([attached.id, attached.provider, attached.attachment?.readOnly], [kept, 'cinder', true]);
		await sandboxes.wait(here.ann, id, 'Running', patience, never);
		await idle(here);
		const all = await volumes.attached(here.ann, 'box');
		assert.deepEqual(all.map((volume) => volume.id).sort(), [...here.cloud.volumes.all.keys()].sort());
		const web = await here.run('web', { sandbox: 'box', ...mount({ source: 'data' }) });
		await assert.rejects(volumes.detach(here.ann, 'box', 'data'), /is mounted by container web/);
		await here.control.service.containers.delete(here.ann, web.id, removal);
		await eventually(
			'it goes',
			async () => (await here.control.service.containers.list(here.ann, { limit: 10, filters: {} })).length === 0,
		);
		for (const volume of all) await volumes.detach(here.ann, 'box', volume.id);
		await idle(here);
		await eventually('they are forgotten', async () => (await sandboxes.show(here.ann, id)).volumes.length === 0);
		assert.deepEqual(
			[...here.cloud.volumes.all.values()].map(({ status }) => status),
			['available', 'available'],
		);
		await sandboxes.delete(here.ann, id, { force: true });
		await gone(here);
		assert.equal(here.cloud.volumes.all.size, 2);
	});

	test('is of a capsule: shared by its members; one that is made for it goes with it, or stays by its name', async (t) => {
		const here = await world(t);
		const capsules = new Capsules(here.control.deps);
		const kept = here.cloud.volumes.make(project, 'data');
		const member = { image, command: ['sleep', '1000'], interactive: false, tty: false, exposedPorts: [] };
		const mounts = ['own', 'made', 'stays'].map((volume) => ({ volume, destination: `/${volume}`, readOnly: false }));
		const { id } = await capsules.create(here.ann, {
			name: 'pod',
			labels: {},
			annotations: {},
			restartPolicy: 'Always',
			volumes: [
				{ name: 'own', volume: { id: 'data' }, autoRemove: false },
				{ name: 'made', volume: { size: 1 }, autoRemove: true },
				{ name: 'stays', volume: { size: 2 }, autoRemove: false },
			],
			initContainers: [],
			containers: [
				{ ...member, mounts },
				{ ...member, mounts },
			],
			publish: [],
		});
		await eventually('it runs', async () => (await capsules.show(here.ann, id)).status === 'Running');
		await idle(here);
		assert.equal(here.volumes.mounted.size, 3);
		await capsules.delete(here.ann, id);
		await gone(here);
		const left = [...here.cloud.volumes.all.values()].map(({ name, size, status }) => [name, size, status]);
		assert.deepEqual(left, [
			['data', 1, 'available'],
			['pod-stays', 2, 'available'],
		]);
		assert.ok(here.cloud.volumes.all.has(kept));
	});
});
