/** Images of Glance run as containers, and those of containers go there, with the stock client. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { makeBusyboxArchive } from '../../src/drivers/images/busybox-archive.ts';
import { engineOk } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { query } from '../support/leaks.ts';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { CloudWorld } from './support/world.ts';

/** What the archive names itself; nobody has it on this engine. */
const ownName = 'nginx:latest';

describe('images of Glance', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	let folder: string;
	let file: string;
	const endings: (() => unknown)[] = [];
	const lifetime = { after: (ending: () => unknown) => endings.push(ending) };

	before(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'zunbox-glance-'));
		file = path.join(folder, 'image.tar');
		await writeFile(file, (await makeBusyboxArchive(ownName)).tar);
		world = await CloudWorld.start();
		network = await makeNetwork(lifetime, world.alpha.account, '10.91.0.0/24');
	});
	afterEach(() => world.clear());
	after(async () => {
		for (const { id, name } of await images()) {
			if (name.startsWith('glance-')) await world.admin.account.call('glance', `DELETE /v2/images/${id}`);
		}
		await world.remove();
		for (const ending of endings) await ending();
		await rm(folder, { recursive: true });
	});

	/** All, or those of the name. */
	async function images(named?: string) {
		const query = new URLSearchParams({ limit: '500', ...(named === undefined ? {} : { name: `eq:${named}` }) });
		const found = await world.admin.account.list('glance', `GET /v2/images?${query}`, 'images');
		return found.map(({ id, name, status, owner }) => ({ id: String(id), name: String(name), status, owner }));
	}

	async function put(name: string): Promise<string> {
		const format = ['--container-format', 'docker', '--disk-format', 'raw', '--private', '--file', file];
		return String((await world.alpha.openstackShow('image', 'create', ...format, name))['id']);
	}

	async function namesOnHost(): Promise<readonly string[]> {
		const found: { RepoTags: string[] | null }[] = JSON.parse((await engineOk('GET', '/images/json')).text);
		return found.flatMap(({ RepoTags }) => RepoTags ?? []);
	}

	const inNetwork = () => ['--net', `network=${network.name}`];

	test('run as containers of those who may use them, and take no name on the host', async () => {
		const { alpha, beta } = world;
		const name = `glance-${randomUUID()}`;
		const id = await put(name);
		await alpha.openstack('appcontainer', 'run', '--name', 'web', '--image-driver', 'glance', ...inNetwork(), name, 'sleep', '1000');
		const shown = await alpha.settled('containers', 'web', 'Running');
		assert.deepEqual([shown['image'], shown['image_driver']], [name, 'glance']);
		assert.match((await alpha.execute('web', 'cat /etc/passwd')).output, /nobody/);
		const names = await namesOnHost();
		assert.ok(names.some((one) => one.startsWith(`zunbox.local/glance/${id}:`)));
		assert.ok(!names.includes(ownName), names.join());

		for (const image of [id, name]) {
			const answer = await beta.call('POST /v1/containers', { image, image_driver: 'glance' });
			assert.equal(answer.status, 400, answer.text);
		}
		const found = await alpha.openstackList('appcontainer', 'image', 'search', '--image-driver', 'glance', name);
		assert.deepEqual(
			found.map((row) => row['ID']),
			[id],
		);
		assert.deepEqual(await beta.openstackList('appcontainer', 'image', 'search', '--image-driver', 'glance', name), []);
		const wrong = await alpha.call('POST /v1/containers', { image: `${name}-not`, image_driver: 'glance' });
		assert.equal(wrong.status, 400, wrong.text);

		// A second image of the name: which one is meant cannot be known.
		const twin = await put(name);
		const twice = await alpha.call('POST /v1/containers', { image: name, image_driver: 'glance' });
		assert.equal(twice.status, 409, twice.text);
		assert.ok(twice.text.includes(twin) && twice.text.includes(id));
	});

	test('are made of containers, in their project, and run again', async () => {
		const { alpha } = world;
		await alpha.container({ name: 'source', nets: [{ network: network.id }], command: ['sleep', '1000'] });
		await alpha.execute('source', 'sh -c "echo kept > /kept"');
		const repository = `glance-${randomUUID()}`;
		const before = await namesOnHost();
		const { uuid } = await alpha.ok('POST /v1/containers/source/commit', { repository, tag: '2' });
		await eventually(
			'it is in Glance',
			async () => {
				const [image] = await images(`${repository}:2`);
				assert.deepEqual(image, { id: uuid, name: `${repository}:2`, status: 'active', owner: await alpha.account.projectId() });
				return true;
			},
			{ timeout: 60_000 },
		);
		await eventually('nothing is left of it on the way', async () => {
			assert.deepEqual(query(world.service.database, 'select * from image_upload'), []);
			assert.deepEqual((await namesOnHost()).toSorted(), before.toSorted());
			return true;
		});
		await alpha.container({
			...{ name: 'copy', image: `${repository}:2`, image_driver: 'glance', image_pull_policy: 'ifnotpresent' },
			...{ nets: [{ network: network.id }], command: ['sleep', '1000'] },
		});
		assert.equal((await alpha.execute('copy', 'cat /kept')).output, 'kept\n');
		await alpha.openstack('image', 'save', '--file', path.join(folder, 'saved.tar'), String(uuid));
		await rm(path.join(folder, 'saved.tar'));
	});
});
