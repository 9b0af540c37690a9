import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { number, text, texts } from '../../src/drivers/docker/engine/json.ts';
import { accepted, ClientWorld } from '../support/clients/client-world.ts';
import type { Fields } from '../support/crash-client.ts';
import { engine, engineOk, pushImage, removeImage } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { Registry } from '../support/registry.ts';

/** Commands that no service can make work, that this one cannot, or that are held by another test. */
const notRunHere: Readonly<Record<string, string>> = {
	'appcontainer attach': 'needs a terminal: test/clients/streams.test.ts',
	'appcontainer add floating ip': 'needs a network service with floating IPs, which the embedded one has not (ports are published instead)',
	'appcontainer remove floating ip': 'the same',
	'capsule create': 'test/clients/capsule.test.ts',
	'capsule delete': 'test/clients/capsule.test.ts',
	'capsule list': 'test/clients/capsule.test.ts',
	'capsule show': 'test/clients/capsule.test.ts',
};

/** Asks what a network service and an SDK that knows no containers can ask. */
const sdkScript = `
import json, openstack
from keystoneauth1.adapter import Adapter
cloud = openstack.connect()
container = Adapter(cloud.session, service_type='container', interface='public')
print(json.dumps({
    'project': cloud.current_project.name,
    'networks': [network.name for network in cloud.network.networks()],
    'groups': [group.name for group in cloud.list_security_groups()],
    'container': container.get('/containers', microversion='1.40').json()['containers'],
    'version': container.get('/containers', microversion='1.32').headers['OpenStack-API-Version'],
    'endpoint': cloud.session.get_endpoint(service_type='container'),
    'made': cloud.create_network('by-sdk').name,
    'deleted': cloud.delete_network('by-sdk'),
}))
`;

/** The plugin of Debian's python3-zunclient, unmodified, against the whole service. */
describe('openstack appcontainer', () => {
	let world: ClientWorld;
	const image = 'zunbox/busybox';
	const idle = ['sh', '-c', 'trap "exit 0" TERM; trap "echo hup" HUP; echo out; echo err >&2; while :; do sleep 0.1; done'];

	before(async () => {
		world = await ClientWorld.start();
	});
	afterEach(() => world.clear());
	after(() => world.remove());

	/** `openstack appcontainer`; what it wrote. */
	const app = (...words: readonly string[]) => world.openstack('appcontainer', ...words);
	/** As JSON. */
	const show = (...words: readonly string[]) => world.show('appcontainer', ...words);
	const list = (...words: readonly string[]) => world.list('appcontainer', ...words);
	/** What follows the image is the container's command, also what looks like an option. */
	const make = async (verb: 'create' | 'run', ...words: readonly string[]): Promise<Fields> =>
		JSON.parse(await app(verb, '-f', 'json', ...words));
	const gone = (path: string) => eventually(`${path} is gone`, async () => (await engine('GET', path)).status === 404);

	test('token issue, catalog list, and the SDK', async () => {
		const [token, catalog, sdk] = await Promise.all([world.show('token', 'issue'), world.list('catalog', 'list'), world.python(sdkScript)]);
		assert.ok(token['project_id']);
		assert.ok(catalog.some((entry) => entry['Type'] === 'container'));
		assert.deepEqual(JSON.parse(sdk), {
			project: 'admin',
			networks: ['default'],
			groups: ['default'],
			container: [],
			version: 'container 1.32',
			endpoint: `${world.service.url}/v1`,
			made: 'by-sdk',
			deleted: true,
		});
	});

	test('create, show, list, set, start, stop, restart, pause, unpause, kill, rebuild, delete', async () => {
		const file = path.join(world.folder, 'injected');
		writeFileSync(file, 'from the outside');
		const words = '--name life --cpu 0.5 --memory 64 --environment A=1 --workdir /tmp --label tier=web --image-pull-policy ifnotpresent';
		const more = '--hostname inside --auto-heal --expose-port 80/tcp --net network=default --restart unless-stopped --wait';
		const made = await make(
			'create',
			...`${words} ${more} --mount`.split(' '),
			`type=bind,source=${file},destination=/injected`,
			...['--healthcheck', 'cmd=true,interval=30s', image, ...idle],
		);
		assert.equal(made['status'], 'Created');
		const engineSide = await world.inspect(made);
		assert.deepEqual(texts(engineSide, 'Config', 'Cmd'), idle);
		assert.equal(text(engineSide, 'Config', 'WorkingDir'), '/tmp');
		assert.equal(number(engineSide, 'HostConfig', 'Memory'), 64 << 20);
		const state = async () => text(await world.inspect(made), 'State', 'Status');

		await accepted(app('start', 'life'));
		await world.settled('life', 'Running');
		assert.equal(await state(), 'running');
		const [shown, rows, injected] = await Promise.all([
			show('show', 'life', '--all-projects'),
			list('list', '--name', 'life', '--status', 'Running', '--limit', '3', '--sort-key', 'name'),
			app('exec', 'life', 'cat', '/injected'),
		]);
		assert.deepEqual([shown['uuid'], shown['ports']], [made['uuid'], [80]]);
		assert.deepEqual(
			rows.map((row) => row['uuid']),
			[made['uuid']],
		);
		assert.equal(injected.trim(), 'from the outside');

		await accepted(app('pause', 'life'));
		await world.settled('life', 'Paused');
		assert.equal(await state(), 'paused');
		await accepted(app('unpause', 'life'));
		await world.settled('life', 'Running');
		await accepted(app('kill', '--signal', 'SIGHUP', 'life'));
		await eventually('it got the signal', async () => /^hup$/m.test(await app('logs', 'life')));
		await world.settled('life', 'Running');

		const before = text(await world.inspect(made), 'State', 'StartedAt');
		await accepted(app('restart', '--timeout', '5', 'life'));
		await eventually('it was started again', async () => text(await world.inspect(made), 'State', 'StartedAt') > before);
		await world.settled('life', 'Running');
		const id = text(await world.inspect(made), 'Id');
		await accepted(app('rebuild', '--image', `${image}:latest`, 'life'));
		await eventually('another one took its place', async () => {
			const answer = await engine('GET', `/containers/zunbox-${made['uuid']}/json`);
			return answer.status === 200 && text(answer.json(), 'Id') !== id && text(answer.json(), 'State', 'Status') === 'running';
		});
		await world.settled('life', 'Running');
		await show('set', 'life', '--name', 'lively', '--memory', '96', '--cpu', '0.6');
		await eventually('the limit holds', async () => number(await world.inspect(made), 'HostConfig', 'Memory') === 96 << 20);
		await accepted(app('stop', '--timeout', '20', 'lively'));
		assert.equal((await world.settled('lively', 'Stopped'))['exit_code'], 0);
		assert.equal(await state(), 'exited');
		assert.match(await app('delete', 'lively', '--wait'), /accepted[\s\S]*success/);
		await gone(`/containers/zunbox-${made['uuid']}/json`);
	});

	test('run, exec, logs, top, stats, cp, commit, action list and show', async (t) => {
		await make('run', '--name', 'looks', '--memory', '64', image, ...idle);
		const shown = await world.settled('looks', 'Running');
		// Its exit code is that of the command.
		const [right, wrong] = await Promise.all([
			world.tryOpenstack('appcontainer', 'exec', 'looks', 'echo', 'two  words'),
			world.tryOpenstack('appcontainer', 'exec', 'looks', 'sh', '-c', 'exit 7'),
		]);
		assert.deepEqual([right.code, right.out.trim(), wrong.code], [0, 'two  words', 7]);
		const [out, err, timed] = await Promise.all([
			app('logs', '--stdout', 'looks'),
			app('logs', '--stderr', '--tail', '5', 'looks'),
			app('logs', '--timestamps', '--since', '1000000000', 'looks'),
		]);
		assert.deepEqual([out.trim(), err.trim()], ['out', 'err']);
		assert.match(timed, /^\d{4}-\d\d-\d\dT\S+ out$/m);
		// Its author used print as Python 2 had it.
		const [top, stats] = await Promise.all([world.tryOpenstack('appcontainer', 'top', 'looks'), show('stats', 'looks')]);
		assert.match(top.text, /unsupported operand type\(s\) for %: 'NoneType' and 'str'/);
		assert.ok(Number(stats['MEM USAGE(MiB)']) > 0 && stats['MEM LIMIT(MiB)'] === 64 && stats['CONTAINER'] === 'looks');

		mkdirSync(path.join(world.folder, 'out'));
		writeFileSync(path.join(world.folder, 'in.bin'), Buffer.from([0, 255, 10, 13, 128, 0]));
		await app('cp', 'in.bin', 'looks:/tmp');
		await app('cp', 'looks:/tmp/in.bin', 'out');
		assert.deepEqual([...readFileSync(path.join(world.folder, 'out/in.bin'))], [0, 255, 10, 13, 128, 0]);
		const id = /The image is (\S+)\.$/m.exec(await app('commit', 'looks', `${world.host}/committed:two`))?.[1] ?? '';
		t.after(() => removeImage(id));
		assert.match(texts((await engineOk('GET', `/images/${id}/json`)).json(), 'RepoTags').join(), /\/committed:two$/);

		const actions = await list('action', 'list', 'looks');
		assert.deepEqual(
			actions.map(({ action }) => action),
			['commit', 'create'],
		);
		const action = await show('action', 'show', 'looks', String(actions[1]?.['request_id']));
		assert.deepEqual([action['action'], action['container_uuid']], ['create', shown['uuid']]);
	});

	test('network attach, list and detach, add and remove security group', async () => {
		await make('run', '--name', 'wired', '--net', 'network=default', image, ...idle);
		await world.settled('wired', 'Running');
		const network = await world.show('network', 'create', 'side');
		await world.openstack('subnet', 'create', 'leaf', '--network', 'side', '--subnet-range', '10.77.4.0/24');
		const port = await world.show('port', 'create', 'twig', '--network', 'side', '--fixed-ip', 'ip-address=10.77.4.9');
		const links = () => app('exec', 'wired', 'ip', '-o', 'addr');
		await accepted(app('network', 'attach', 'wired', '--port', String(port['id'])));
		await eventually('the address is inside', async () => /10\.77\.4\.9\/24/.test(await links()));
		const rows = await list('network', 'list', 'wired');
		assert.equal(rows.find((row) => row['net_id'] === network['id'])?.['port_id'], port['id']);
		await accepted(app('network', 'detach', 'wired', '--port', String(port['id'])));
		await eventually('the address is gone', async () => !/10\.77\.4\.9\//.test(await links()));

		const group = String((await world.show('security', 'group', 'create', 'web'))['id']);
		const groups = async () => JSON.stringify((await world.api.ok('GET /v1/containers/wired'))['security_groups']);
		const old = ['--os-container-api-version', '1.14', 'appcontainer'];
		await accepted(world.openstack(...old, 'add', 'security', 'group', 'wired', group));
		await eventually('it has the group', async () => (await groups()).includes(group));
		await accepted(world.openstack(...old, 'remove', 'security', 'group', 'wired', group));
		await eventually('it has the group no more', async () => !(await groups()).includes(group));
	});

	test('images and registries', async (t) => {
		const registry = new Registry();
		await registry.start();
		t.after(() => registry.remove());
		const repo = `${registry.address}/team/box`;
		await pushImage(image, `${repo}:v2`);
		t.after(() => removeImage(`${repo}:v2`));
		const uuid = String((await show('image', 'pull', `${repo}:v2`, world.host))['uuid']);
		await eventually('it is pulled', async () => (await engine('GET', `/images/${repo}:v2/json`)).status === 200);
		const [images, one, found] = await Promise.all([
			list('image', 'list', '--sort-key', 'repo'),
			show('image', 'show', uuid),
			list('image', 'search', 'busybox', '--image-driver', 'docker'),
		]);
		assert.ok(images.some((row) => row['uuid'] === uuid));
		assert.deepEqual([one['repo'], one['tag']], [repo, 'v2']);
		assert.ok(found.every((row) => typeof row['name'] === 'string' || typeof row['Name'] === 'string'));
		await app('image', 'delete', uuid);
		await gone(`/images/${repo}:v2/json`);

		const made = await show('registry', 'create', '--name', 'house', '--domain', registry.address, '--username', 'u', '--password', 'p');
		await show('registry', 'update', 'house', '--name', 'home');
		const [rows, shown] = await Promise.all([list('registry', 'list', '--name', 'home'), show('registry', 'show', 'home')]);
		assert.deepEqual([rows.map((row) => row['uuid']), shown['password']], [[made['uuid']], '***']);
		await accepted(app('registry', 'delete', 'home'));
		assert.equal((await list('registry', 'list')).length, 0);
	});

	test('hosts, services, zones, quotas and quota classes', async () => {
		const [hosts, host, zones] = await Promise.all([
			list('host', 'list', '--sort-key', 'hostname'),
			show('host', 'show', world.host),
			list('availability', 'zone', 'list'),
		]);
		assert.deepEqual([hosts.length, hosts[0]?.['hostname'], host['hostname']], [1, world.host, world.host]);
		assert.deepEqual(zones, [{ availability_zone: 'nova' }]);
		const service = async () => (await list('service', 'list'))[0] ?? {};
		await app('service', 'disable', world.host, 'zun-compute', '--reason', 'repair');
		assert.deepEqual([(await service())['Disabled'], (await service())['Disabled Reason']], [true, 'repair']);
		await app('service', 'enable', world.host, 'zun-compute');
		await app('service', 'forcedown', world.host, 'zun-compute');
		assert.equal((await service())['State'], 'down');
		await app('service', 'forcedown', '--unset', world.host, 'zun-compute');
		await eventually('it is up', async () => (await service())['State'] === 'up');
		await app('service', 'delete', world.host, 'zun-compute');
		await eventually('its agent says so again', async () => (await service())['State'] === 'up', { timeout: 60_000 });

		const project = String((await world.show('token', 'issue'))['project_id']);
		assert.equal((await show('quota', 'default', project))['containers'], 200);
		await show('quota', 'class', 'update', 'default', '--containers', '150');
		assert.equal((await show('quota', 'class', 'get', 'default'))['containers'], 150);
		assert.equal((await show('quota', 'update', project, '--containers', '0'))['containers'], 0);
		assert.match((await world.tryOpenstack('appcontainer', 'create', image)).text, /Quota exceeded.*HTTP 403/);
		assert.deepEqual((await show('quota', 'get', project, '--usages'))['containers'], { limit: 0, in_use: 0 });
		await app('quota', 'delete', project);
		assert.equal((await show('quota', 'get', project))['containers'], 150);
	});

	test('leaves no command out', async () => {
		const groups = await world.list('command', 'list', '--group', 'openstack.container.v1');
		const commands = texts(groups[0], 'Commands');
		assert.equal(commands.length, 57);
		assert.deepEqual(
			commands.filter((command) => !world.hasRun(command) && !(command in notRunHere)),
			[],
		);
	});
});
