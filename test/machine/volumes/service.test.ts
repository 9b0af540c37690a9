/** Volumes of sandboxes through the whole service: API, control, agent, Docker, kernel. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { containersOf, engine, ensureBusybox, sweepOwner, testOwner } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { run, VolumeHost } from './host.ts';
import { VolumeService } from './service.ts';

describe('volumes of sandboxes', { timeout: 300_000 }, () => {
	const owner = testOwner();
	const ends: (() => Promise<void>)[] = [];
	let host: VolumeHost;
	let service: VolumeService;
	let image: string;
	let box: string;

	before(async () => {
		image = await ensureBusybox();
		host = await VolumeHost.make({ after: (end) => ends.push(async () => void (await Reflect.apply(end ?? (() => {}), null, []))) });
		service = new VolumeService(host.folder, owner);
		await service.start();
		box = await sandbox({ name: 'box' });
	});
	after(async () => {
		await service.stop();
		await sweepOwner(owner);
		for (const end of ends) await end();
	});

	/** Answers its id when it runs; the host may need a moment to be there at all. */
	async function sandbox(body: object): Promise<string> {
		return await eventually('the sandbox runs', async () => {
			const id = String((await service.ask('POST', '/v1/sandboxes', body))['uuid']);
			const seen = await service.ask('GET', `/v1/sandboxes/${id}?wait=Running&timeout=60`);
			if (seen['status'] === 'Running') return id;
			await service.remove('sandboxes', id);
			throw new Error(JSON.stringify(seen));
		});
	}

	async function volume(body: object): Promise<string> {
		return String((await service.ask('POST', '/v1/volumes', body))['uuid']);
	}

	const shown = (id: string) => service.ask('GET', `/v1/volumes/${id}`);
	const available = (id: string) => eventually('it is available', async () => (await shown(id))['status'] === 'available');
	const attached = async () => JSON.stringify((await service.ask('GET', `/v1/sandboxes/${box}`))['volumes']);

	test('two containers share one that was attached live; it is of its size, and read-only where that was asked for', async () => {
		const id = await volume({ name: 'data', size: 1 });
		const before = await service.container(box, image, []);
		await service.ask('POST', `/v1/sandboxes/${box}/volumes`, { volume: 'data' });
		const writer = await service.container(box, image, [{ source: 'data', destination: '/data' }]);
		const reader = await service.container(box, image, [{ source: id, destination: '/seen', read_only: true }]);
		assert.equal((await service.shell(before, 'ls /data')).code, 1, 'containers from before do not see it');
		assert.equal((await service.shell(writer, 'echo first > /data/note')).code, 0);
		assert.equal((await service.shell(reader, 'cat /seen/note')).output, 'first\n');
		const refused = await service.shell(reader, 'echo second > /seen/note');
		assert.match(refused.output, /Read-only file system/);
		assert.equal((await service.shell(writer, 'ls -A /data')).output, 'note\n', 'no lost+found');
		const full = await service.shell(writer, 'dd if=/dev/zero of=/data/big bs=1M count=1100; rm /data/big');
		assert.match(full.output, /No space left on device/);
		assert.equal((await service.shell(writer, 'cat /data/note')).output, 'first\n');
		assert.match((await service.shell(writer, 'mount')).output, /on \/data type ext4 \(.*nosuid,nodev/);

		const inUse = await service.send('DELETE', `/v1/volumes/${id}`);
		assert.equal(inUse.status, 409, inUse.text);
		const mounted = await service.send('DELETE', `/v1/sandboxes/${box}/volumes/data`);
		assert.equal(mounted.status, 409, mounted.text);
		assert.match(mounted.text, /is mounted by container/);
		for (const container of [before, writer, reader]) await service.remove('containers', container);
	});

	test('data stays through container, stop and start, the end of the service, and sandbox', async () => {
		const mounts = [{ source: 'data', destination: '/data' }];
		const first = await service.container(box, image, mounts);
		assert.equal((await service.shell(first, 'cat /data/note')).output, 'first\n');
		await service.ask('POST', `/v1/sandboxes/${box}/stop?timeout=0`);
		assert.equal((await service.ask('GET', `/v1/sandboxes/${box}?wait=Stopped&timeout=60`))['status'], 'Stopped');
		await service.ask('POST', `/v1/sandboxes/${box}/start`);
		assert.equal((await service.ask('GET', `/v1/containers/${first}?wait=Running&timeout=60`))['status'], 'Running');
		assert.equal((await service.shell(first, 'cat /data/note')).output, 'first\n');

		const mountsBefore = await host.mounts();
		await service.stop();
		assert.deepEqual(await host.mounts(), mountsBefore, 'the service stops, and the volume stays where it is');
		await service.start();
		assert.equal((await service.shell(first, 'cat /data/note; echo more >> /data/note')).output, 'first\n');

		// As after a reboot of the host: nothing runs, nothing is mounted.
		await service.stop();
		for (const { Id, State } of await containersOf(owner)) if (State === 'running') await engine('POST', `/containers/${Id}/kill`);
		for (const point of await host.mounts()) await run('umount', point);
		await eventually('no loop device is left', async () => (await host.loops()).length === 0);
		await service.start();
		await eventually('the container is back', async () => (await service.ask('GET', `/v1/containers/${first}`))['status'] === 'Running', {
			timeout: 60_000,
		});
		await eventually('it sees its data', async () => (await service.shell(first, 'cat /data/note')).output === 'first\nmore\n');

		await service.remove('sandboxes', box);
		await available('data');
		assert.deepEqual(await host.mounts(), []);
		box = await sandbox({ name: 'other', volumes: [{ source: 'data' }] });
		const second = await service.container(box, image, mounts);
		assert.equal((await service.shell(second, 'cat /data/note')).output, 'first\nmore\n');
		await service.remove('containers', second);
	});

	test('detaching gives it back, also from a sandbox that is stopped, and deleting removes its data', async () => {
		const { uuid } = await shown('data');
		await service.ask('POST', `/v1/sandboxes/${box}/stop?timeout=0`);
		assert.equal((await service.ask('GET', `/v1/sandboxes/${box}?wait=Stopped&timeout=60`))['status'], 'Stopped');
		await service.ask('DELETE', `/v1/sandboxes/${box}/volumes/data`);
		await available('data');
		assert.equal(await attached(), '[]');
		assert.deepEqual(await host.mounts(), []);
		await service.ask('POST', `/v1/sandboxes/${box}/start`);
		assert.equal((await service.ask('GET', `/v1/sandboxes/${box}?wait=Running&timeout=60`))['status'], 'Running');
		await service.remove('volumes', String(uuid));
		await eventually('its data is gone', async () => (await host.leftovers()).length === 0);
	});

	test('one whose image is lost says so in its sandbox, and is what it was when the image is back', async () => {
		const id = await volume({ name: 'precious', size: 1 });
		const own = await sandbox({ volumes: [{ source: id }] });
		const mounts = [{ source: id, destination: '/data' }];
		const first = await service.container(own, image, mounts);
		assert.equal((await service.shell(first, 'echo mine > /data/note')).code, 0);
		const stop = async () => {
			await service.ask('POST', `/v1/sandboxes/${own}/stop?timeout=0`);
			assert.equal((await service.ask('GET', `/v1/sandboxes/${own}?wait=Stopped&timeout=60`))['status'], 'Stopped');
		};
		await stop();
		await service.stop();
		for (const point of await host.mounts()) await run('umount', point);
		await eventually('no loop device is left', async () => (await host.loops()).length === 0);
		const elsewhere = `${host.folder}/elsewhere`;
		await rename(host.image(id), elsewhere);
		await service.start();
		await service.ask('POST', `/v1/sandboxes/${own}/start`);
		const seen = await eventually('it says so', async () => {
			const found = await service.ask('GET', `/v1/sandboxes/${own}`);
			return found['status'] === 'Stopped' && found['status_reason'] !== null && found;
		});
		assert.match(String(seen['status_reason']), /data of volume .* is lost/);
		await rename(elsewhere, host.image(id));
		await service.ask('POST', `/v1/sandboxes/${own}/start`);
		assert.equal((await service.ask('GET', `/v1/containers/${first}?wait=Running&timeout=60`))['status'], 'Running');
		assert.equal((await service.shell(first, 'cat /data/note')).output, 'mine\n');
		await service.remove('sandboxes', own);
		await service.remove('volumes', id);
		await eventually('its data is gone', async () => (await host.leftovers()).length === 0);
	});

	test('one made by size goes with its sandbox', async () => {
		const own = await sandbox({ volumes: [{ size: 1 }] });
		const found = JSON.stringify((await service.ask('GET', `/v1/sandboxes/${own}/volumes`))['volumes']);
		assert.match(found, /"auto_remove":true/);
		assert.equal((await host.mounts()).length, 1);
		await service.remove('sandboxes', own);
		await eventually('its data is gone', async () => (await host.leftovers()).length === 0);
		assert.deepEqual((await service.ask('GET', '/v1/volumes'))['volumes'], []);
	});

	test('an injected file is there with its bytes, and goes with its container', async () => {
		const contents = randomBytes(3000);
		const web = await service.container(box, image, [{ type: 'bind', source: contents.toString('base64'), destination: '/etc/secret' }]);
		const digest = createHash('sha256').update(contents).digest('hex');
		assert.equal((await service.shell(web, 'sha256sum /etc/secret')).output.split(' ')[0], digest);
		assert.match((await service.shell(web, 'ls -l /etc/secret')).output, /^-rw-r--r--/);
		await service.remove('containers', web);
		await eventually('it is gone', async () => (await host.leftovers()).length === 0);
	});

	test('one for which the host has no room says so', async () => {
		const huge = await volume({ size: 1000 });
		const body = { volumes: [{ source: huge }] };
		const { uuid } = await service.ask('POST', '/v1/sandboxes', body).catch((error: unknown) => {
			// Control knows it before the host has to try.
			assert.match(String(error), /room/);
			return { uuid: null };
		});
		if (uuid !== null) {
			const seen = await service.ask('GET', `/v1/sandboxes/${uuid}?wait=Running&timeout=60`);
			assert.equal(seen['status'], 'Error');
			assert.match(String(seen['status_reason']), /no room|disk/i);
			await service.remove('sandboxes', String(uuid));
		}
		await service.remove('volumes', huge);
	});

	test('nothing is left of all this', async () => {
		await service.remove('sandboxes', box);
		await eventually('no volume is left', async () => (await host.leftovers()).length === 0);
	});
});
