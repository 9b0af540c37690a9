import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { number, text, texts } from '../../src/drivers/docker/engine/json.ts';
import { accepted, ClientWorld, list, tableRows } from '../support/clients/client-world.ts';
import { containersOf, engineOk } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';

/** Capsules through both stock clients: one sandbox in the engine, with the containers of the template in it. */
describe('zun capsule-… and openstack capsule …', () => {
	let world: ClientWorld;
	const image = 'zunbox/busybox';

	before(async () => {
		world = await ClientWorld.start();
	});
	after(() => world.remove());

	const template = (name: string) => `
capsuleVersion: beta
kind: capsule
metadata:
  name: ${name}
  labels:
    app: web
spec:
  restartPolicy: Always
  initContainers:
  - image: ${image}
    command: ["sh", "-c", "echo made > /data/file"]
    volumeMounts:
    - name: shared
      mountPath: /data
  containers:
  - image: ${image}
    command: ["sh", "-c", "cat /data/file; while :; do sleep 0.2; done"]
    env:
      WHO: one
    resources:
      requests:
        cpu: 0.5
        memory: 64
    volumeMounts:
    - name: shared
      mountPath: /data
  - image: ${image}
    command: ["sleep", "1000"]
    workDir: /tmp
  volumes:
  - name: shared
    cinder:
      size: 1
      autoRemove: true
`;

	async function running(name: string) {
		return eventually(`${name} runs`, async () => {
			const shown = await world.api.ok(`GET /v1/capsules/${name}`);
			return shown['status'] === 'Running' ? shown : null;
		});
	}

	/** What of the capsule is in the engine. */
	async function inEngine(capsule: unknown) {
		return (await containersOf(world.service.owner)).filter((found) => found.Labels['zunbox.sandbox'] === capsule);
	}

	for (const client of ['zun', 'openstack'] as const) {
		test(`${client}: create, list, show, delete`, async () => {
			const name = `pod-${client}`;
			const file = path.join(world.folder, `${name}.yaml`);
			writeFileSync(file, template(name));
			if (client === 'zun') await accepted(world.zun('capsule-create', '-f', file));
			else await world.openstack('capsule', 'create', '--file', file);
			const shown = await running(name);
			const { uuid } = shown;

			const found = await inEngine(uuid);
			// The holder, two containers, and the init container that has ended.
			assert.deepEqual(found.map(({ State }) => State).sort(), ['exited', 'running', 'running', 'running']);
			const [first, second] = list(shown, 'containers');
			const inspected = (await engineOk('GET', `/containers/zunbox-${first?.['uuid']}/json`)).json();
			assert.ok(texts(inspected, 'Config', 'Env').includes('WHO=one'));
			assert.equal(number(inspected, 'HostConfig', 'Memory'), 64 << 20);
			const other = (await engineOk('GET', `/containers/zunbox-${second?.['uuid']}/json`)).json();
			assert.equal(text(other, 'HostConfig', 'NetworkMode'), text(inspected, 'HostConfig', 'NetworkMode'));
			assert.equal(text(other, 'Config', 'WorkingDir'), '/tmp');
			// Beyond Zun: its members are containers like all others. What the init container made is there.
			assert.equal((await world.zun('logs', String(first?.['uuid']))).trim(), 'made');

			if (client === 'zun') {
				const [json, table, rows] = await Promise.all([
					world.zun('capsule-describe', name, '-f', 'json'),
					world.zun('capsule-describe', String(uuid)),
					world.zun('capsule-list', '--limit', '5', '--sort-key', 'name'),
				]);
				assert.deepEqual([JSON.parse(json).uuid, JSON.parse(json).labels], [uuid, { app: 'web' }]);
				assert.match(table, /\| status +\| Running +\|/);
				assert.deepEqual(
					tableRows(rows).map((row) => [row['name'], row['status']]),
					[[name, 'Running']],
				);
				await accepted(world.zun('capsule-delete', name));
			} else {
				assert.equal((await world.show('capsule', 'show', name))['uuid'], uuid);
				assert.deepEqual(
					(await world.list('capsule', 'list', '--all-projects')).map((row) => row['name']),
					[name],
				);
				assert.match(await world.openstack('capsule', 'delete', name), /has been accepted/);
			}
			await eventually('nothing of it is left', async () => (await inEngine(uuid)).length === 0);
			// Its row goes when the host has told that nothing is left.
			await eventually('it is gone', async () => (await world.api.call(`GET /v1/capsules/${uuid}`)).status === 404);
		});
	}

	test('a template with a mistake is the client’s error, and leaves nothing', async () => {
		const file = path.join(world.folder, 'wrong.yaml');
		writeFileSync(file, template('wrong').replace('image: zunbox/busybox', 'picture: zunbox/busybox'));
		assert.match((await world.tryZun('capsule-create', '-f', file)).text, /HTTP 400/);
		assert.match((await world.tryOpenstack('capsule', 'create', '--file', file)).text, /HTTP 400/);
		assert.equal((await world.list('capsule', 'list')).length, 0);
	});

	test('leaves no command out', () => {
		const commands = ['capsule-create', 'capsule-list', 'capsule-describe', 'capsule-delete'];
		const plugin = ['capsule create', 'capsule list', 'capsule show', 'capsule delete'];
		assert.deepEqual(
			[...commands, ...plugin].filter((command) => !world.hasRun(command)),
			[],
		);
	});
});
