/** Volumes of Cinder in sandboxes: made, attached through Nova, formatted, mounted, detached and deleted. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { type Fields, fieldsIn, listIn } from './cloud/account.ts';
import { serverOf } from './support/looks.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { CloudWorld } from './support/world.ts';

describe('volumes of Cinder', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	const endings: (() => unknown)[] = [];
	const own: string[] = [];

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork({ after: (ending: () => unknown) => endings.push(ending) }, world.alpha.account, '10.78.0.0/24');
	});
	afterEach(async () => {
		for (const what of ['containers', 'sandboxes'] as const) {
			for (const { uuid } of await world.alpha.list(what)) await world.alpha.call(`DELETE /v1/${what}/${uuid}?force=true`);
		}
		await world.nothingIsLeft({ volumes: own });
		for (const id of own.splice(0)) await world.alpha.account.ok('cinder', `DELETE /volumes/${id}`);
		await world.nothingIsLeft();
	});
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	/** A volume of the user's own, available; in the list of what stays. */
	async function makeVolume(name: string): Promise<string> {
		const made = fieldsIn(await world.alpha.account.ok('cinder', 'POST /volumes', { volume: { name, size: 1 } }), 'volume');
		const id = String(made['id']);
		own.push(id);
		await hasStatus(id, 'available');
		return id;
	}

	async function hasStatus(id: string, status: string): Promise<void> {
		const look = async () => {
			const volume = fieldsIn(await world.alpha.account.ok('cinder', `GET /volumes/${id}`), 'volume');
			if (volume['status'] !== status) throw new Error(JSON.stringify(volume));
			return true;
		};
		await eventually(`volume ${id} is ${status}`, look, { timeout: 90_000, interval: 200 });
	}

	async function volumes(): Promise<readonly Fields[]> {
		return listIn(await world.alpha.account.ok('cinder', 'GET /volumes/detail'), 'volumes');
	}

	function mounts(what: object) {
		return { nets: [{ network: network.id }], command: ['sleep', '1000'], mounts: [{ type: 'volume', destination: '/data', ...what }] };
	}

	async function does(container: string, command: string): Promise<string> {
		const { output, code } = await world.alpha.execute(container, `sh -c "${command}"`);
		assert.equal(code, 0, output);
		return output.trim();
	}

	async function remove(container: string): Promise<void> {
		await world.alpha.ok(`DELETE /v1/containers/${container}?stop=true`);
		await world.alpha.gone('containers', container);
	}

	test('one by size is made in the user’s project, has that size, and goes with its sandbox', async () => {
		const { alpha, admin } = world;
		const web = await alpha.container({ name: 'web', ...mounts({ size: 1 }) });
		const [volume, ...others] = await volumes();
		assert.ok(volume !== undefined && others.length === 0);
		assert.deepEqual([volume['size'], volume['status'], volume['user_id']], [1, 'in-use', await alpha.account.userId()]);
		const server = await serverOf(admin.account, web['sandbox_id']);
		assert.deepEqual(
			listIn(volume, 'attachments').map((attachment) => attachment['server_id']),
			[server['id']],
		);
		assert.match(JSON.stringify(web['mounts']), new RegExp(String(volume['id'])));
		// It is full when it is full, and its neighbours do not notice.
		const filled = await alpha.execute('web', 'sh -c "dd if=/dev/zero of=/data/large bs=1048576 count=1200"');
		assert.notEqual(filled.code, 0);
		assert.match(filled.output, /No space left on device/);
		await does('web', 'rm /data/large && echo here > /data/small && echo there > /tmp/file');
		await remove('web');
		await eventually('the volume is gone', async () => (await volumes()).length === 0, { timeout: 90_000, interval: 200 });
	});

	test('one that is there keeps its data from container to container and sandbox to sandbox, and is formatted only once', async () => {
		const { alpha } = world;
		const name = `data-${randomUUID().slice(0, 8)}`;
		const id = await makeVolume(name);
		const word = randomUUID();
		const box = await alpha.sandbox({ name: 'box', nets: [{ network: network.id }] });
		const { nets: _, ...joining } = mounts({ source: name });
		await alpha.container({ name: 'writer', sandbox: box['uuid'], ...joining });
		await does('writer', `echo ${word} > /data/word && sync`);
		const shown = await alpha.ok('GET /v1/sandboxes/box');
		assert.deepEqual(
			listIn(shown, 'volumes').map((volume) => volume['volume_id']),
			[id],
		);
		// With the last container that mounts it, it goes from the sandbox.
		await remove('writer');
		await hasStatus(id, 'available');
		const isFree = async () => listIn(await alpha.ok('GET /v1/sandboxes/box'), 'volumes').length === 0;
		await eventually('the sandbox has no volume', isFree, { timeout: 60_000, interval: 200 });
		await alpha.container({ name: 'reader', sandbox: box['uuid'], ...joining });
		assert.equal(await does('reader', 'cat /data/word'), word);
		const taken = await alpha.call('POST /v1/containers?run=true', { image: 'zunbox/busybox', name: 'thief', ...mounts({ source: id }) });
		assert.equal(taken.status, 400);
		assert.match(taken.text, /is attached to sandbox/);
		await alpha.ok('DELETE /v1/sandboxes/box?force=true');
		await alpha.gone('sandboxes', 'box');
		await hasStatus(id, 'available');
		const words = ['--name', 'other', '--net', `network=${network.name}`, '--image-pull-policy', 'never'];
		await alpha.openstack(
			'appcontainer',
			'run',
			...words,
			'--mount',
			`source=${name},destination=/data`,
			'zunbox/busybox',
			'sleep',
			'1000',
		);
		await alpha.settled('containers', 'other', 'Running');
		assert.equal(await does('other', 'cat /data/word'), word);
		await alpha.ok('POST /v1/containers/other/reboot');
		await alpha.settled('containers', 'other', 'Running');
		assert.equal(await does('other', 'cat /data/word'), word);
		await remove('other');
		await hasStatus(id, 'available');
	});

	test('one with something else on it is refused with the reason, and is not written to', async () => {
		const { alpha } = world;
		const id = await makeVolume('foreign');
		const file = path.join(world.place.folder, 'data/cinder/volumes', `volume-${id}`);
		const bytes = Buffer.alloc(1 << 20, 'no file system ');
		const disk = await open(file, 'r+');
		await disk.write(bytes, 0, bytes.length, 0);
		await disk.close();
		const wish = { image: 'zunbox/busybox', image_pull_policy: 'never', name: 'web', ...mounts({ source: id }) };
		const made = await alpha.ok('POST /v1/containers?run=true', wish);
		const failed = await alpha.settled('containers', made['uuid'], 'Error');
		assert.match(String(failed['status_reason']), /file system/);
		await hasStatus(id, 'available');
		const after = await open(file, 'r');
		const { buffer } = await after.read(Buffer.alloc(bytes.length), 0, bytes.length, 0);
		await after.close();
		assert.ok(buffer.equals(bytes));
	});

	test('is waited for when the service ends in the middle, and nothing is made twice', async () => {
		const { alpha } = world;
		const id = await makeVolume('kept');
		const made = await alpha.ok('POST /v1/containers?run=true', {
			image: 'zunbox/busybox',
			image_pull_policy: 'never',
			name: 'web',
			...mounts({ source: 'kept' }),
			mounts: [
				{ type: 'volume', source: 'kept', destination: '/kept' },
				{ type: 'volume', size: 1, destination: '/made' },
			],
		});
		await eventually('the volume is asked for', async () => (await volumes()).length === 2, { timeout: 60_000, interval: 20 });
		await world.service.end();
		await world.startService();
		await alpha.settled('containers', made['uuid'], 'Running');
		assert.deepEqual(
			(await volumes()).map(({ status }) => status),
			['in-use', 'in-use'],
		);
		await does('web', 'echo one > /kept/file && echo two > /made/file');
		// In the middle of the removal as well.
		await alpha.ok('DELETE /v1/containers/web?stop=true');
		await world.service.end();
		await world.startService();
		await alpha.gone('containers', 'web');
		await hasStatus(id, 'available');
		await eventually('the other is gone', async () => (await volumes()).length === 1, { timeout: 90_000, interval: 200 });
	});

	test('stays through a stop and a start, and is let go when the server is deleted behind our back', async () => {
		const { alpha, admin } = world;
		const id = await makeVolume('steady');
		const web = await alpha.container({ name: 'web', ...mounts({ source: id }) });
		await does('web', 'echo steady > /data/file');
		await alpha.ok(`POST /v1/sandboxes/${web['sandbox_id']}/stop`);
		await alpha.settled('sandboxes', web['sandbox_id'], 'Stopped');
		await alpha.ok(`POST /v1/sandboxes/${web['sandbox_id']}/start`);
		await alpha.settled('sandboxes', web['sandbox_id'], 'Running');
		await alpha.ok('POST /v1/containers/web/start').catch(() => null);
		await alpha.settled('containers', 'web', 'Running');
		assert.equal(await does('web', 'cat /data/file'), 'steady');
		const server = await serverOf(admin.account, web['sandbox_id']);
		await admin.account.ok('nova', `DELETE /servers/${server['id']}`);
		await alpha.settled('sandboxes', web['sandbox_id'], 'Error');
		await hasStatus(id, 'available');
	});

	test('what cannot be had is a clear answer, and leaves nothing', async () => {
		const { alpha, admin } = world;
		const absent = await alpha.call('POST /v1/sandboxes', { nets: [{ network: network.id }], volumes: [{ source: 'nowhere' }] });
		assert.deepEqual([absent.status, /nowhere could not be found/.test(absent.text)], [404, true]);
		const project = await alpha.account.projectId();
		await admin.account.ok('cinder', `PUT /os-quota-sets/${project}`, { quota_set: { volumes: 0 } });
		try {
			const made = await alpha.ok('POST /v1/sandboxes', { nets: [{ network: network.id }], volumes: [{ size: 1 }] });
			const failed = await alpha.settled('sandboxes', made['uuid'], 'Error');
			assert.match(String(failed['status_reason']), /VolumeLimitExceeded|Maximum number of volumes/);
			await world.nothingIsLeft({ rows: [String(made['uuid'])] });
		} finally {
			await admin.account.ok('cinder', `DELETE /os-quota-sets/${project}`);
		}
	});

	test('the service has no volumes of its own then, and says so', async () => {
		const answer = await world.alpha.call('GET /v1/volumes');
		assert.equal(answer.status, 501);
		assert.match(answer.text, /openstack volume/);
	});
});
