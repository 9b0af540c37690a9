import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { flag, number, text, texts } from '../../src/drivers/docker/engine/json.ts';
import { accepted, ClientWorld, list, tableFields, tableRows } from '../support/clients/client-world.ts';
import { engine, engineOk, pushImage, removeImage } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { Registry } from '../support/registry.ts';

/** Commands that no service can make work, or that are held by another test. */
const notRunHere: Readonly<Record<string, string>> = {
	attach: 'needs a terminal: test/clients/streams.test.ts',
	'capsule-create': 'test/clients/capsule.test.ts',
	'capsule-delete': 'test/clients/capsule.test.ts',
	'capsule-describe': 'test/clients/capsule.test.ts',
	'capsule-list': 'test/clients/capsule.test.ts',
	help: 'asks no service',
	'bash-completion': 'asks no service',
};

/** Debian's python3-zunclient, unmodified, against the whole service: what each command does is looked up in the engine. */
describe('zun', () => {
	let world: ClientWorld;
	const image = 'zunbox/busybox';
	const idle = ['sh', '-c', 'trap "exit 0" TERM; trap "echo hup" HUP; echo out; echo err >&2; while :; do sleep 0.1; done'];

	before(async () => {
		world = await ClientWorld.start();
	});
	afterEach(() => world.clear());
	after(() => world.remove());

	test('create with every option, show, list, update, delete', async () => {
		const file = path.join(world.folder, 'injected');
		writeFileSync(file, 'from the outside');
		const words =
			'--cpu 0.5 -m 64 -e A=1 -e B=two --workdir /tmp --label tier=web --image-pull-policy ifnotpresent -i --image-driver docker';
		const more = '--hostname inside --availability-zone nova --auto-heal --restart on-failure:3 --hint kind=any';
		const made = tableFields(
			await world.zun(
				...`create -n full ${words} ${more} --security-group default --net network=default --runtime runc`.split(' '),
				...['--host', world.host, '--entrypoint', 'sh -c', '--healthcheck', 'cmd=true,interval=5s,retries=2,timeout=3s'],
				...['--mount', `type=bind,source=${file},destination=/injected`, '--mount', 'size=1,destination=/data', image, 'sleep 1000'],
			),
		);
		const shown = await world.settled('full', 'Created');
		assert.equal(made['uuid'], shown['uuid']);
		const engineSide = await world.inspect(shown);
		assert.equal(text(engineSide, 'State', 'Status'), 'created');
		for (const variable of ['A=1', 'B=two']) assert.ok(texts(engineSide, 'Config', 'Env').includes(variable));
		assert.deepEqual(texts(engineSide, 'Config', 'Entrypoint'), ['sh', '-c']);
		assert.deepEqual(texts(engineSide, 'Config', 'Cmd'), ['sleep 1000']);
		assert.equal(text(engineSide, 'Config', 'WorkingDir'), '/tmp');
		assert.equal(flag(engineSide, 'Config', 'Tty') && flag(engineSide, 'Config', 'OpenStdin'), true);
		assert.equal(number(engineSide, 'HostConfig', 'Memory'), 64 << 20);
		assert.equal(number(engineSide, 'HostConfig', 'CpuQuota') / number(engineSide, 'HostConfig', 'CpuPeriod'), 0.5);
		assert.deepEqual(texts(engineSide, 'Config', 'Healthcheck', 'Test'), ['CMD-SHELL', 'true']);
		assert.equal(text(engineSide, 'HostConfig', 'Runtime'), 'runc');
		await accepted(world.zun('start', 'full'));
		await world.settled('full', 'Running');
		const [inside] = await Promise.all([
			world.zun('exec', 'full', 'sh', '-c', 'cat /injected; hostname; grep /data /proc/mounts'),
			eventually('it is healthy', async () => (await world.api.ok('GET /v1/containers/full'))['health'] === 'healthy'),
		]);
		assert.match(inside, /^from the outsideinside\n\/dev\/\S+ \/data ext4/);

		const [json, yaml, table] = await Promise.all([
			world.zun('show', 'full', '-f', 'json'),
			world.zun('show', '-f', 'yaml', '--all-projects', 'full'),
			world.zun('show', String(shown['uuid'])),
		]);
		assert.equal(JSON.parse(json).uuid, shown['uuid']);
		assert.match(yaml, /^name: full$/m);
		assert.equal(tableFields(table)['restart_policy'], "{'Name': 'on-failure', 'MaximumRetryCount': '3'}");

		await world.zun('create', '-n', 'other', image);
		const created = await world.settled('other', 'Created');
		const [all, one, named, sorted] = await Promise.all([
			world.zun('list', '--all-projects'),
			world.zun('list', '--limit', '1', '--sort-key', 'name', '--sort-dir', 'desc'),
			world.zun('list', '--name', 'full', '--status', 'Running', '--memory', '64', '--host', world.host, '--auto-remove', 'false'),
			world.zun(
				'list',
				'--marker',
				String(shown['uuid']),
				'--sort-key',
				'name',
				'--image',
				image,
				'--project-id',
				String(shown['project_id']),
			),
		]);
		const names = (output: string) => tableRows(output).map((row) => row['name']);
		assert.deepEqual([names(all), names(one), names(named), names(sorted)], [['full', 'other'], ['other'], ['full'], ['other']]);

		await world.zun('update', 'full', '--cpu', '0.7', '-m', '80', '--name', 'fuller', '--no-auto-heal');
		await world.settled('fuller', 'Running');
		await eventually('the engine has the new limits', async () => {
			const now = await world.inspect(shown);
			return number(now, 'HostConfig', 'Memory') === 80 << 20 && number(now, 'HostConfig', 'CpuQuota') === 70_000;
		});
		assert.match((await world.tryZun('delete', 'fuller')).text, /Cannot delete container \S+ in Running state \(HTTP 409\)/);
		await accepted(world.zun('delete', '--stop', 'fuller', 'other'));
		for (const { uuid } of [shown, created]) {
			await eventually('the engine has it no more', async () => (await engine('GET', `/containers/zunbox-${uuid}/json`)).status === 404);
		}
		await eventually('it is not listed', async () => tableRows(await world.zun('list')).length === 0);
	});

	test('run, stop, start, restart, pause, unpause, kill, rebuild, rename', async () => {
		await world.zun('run', '-n', 'life', image, ...idle);
		const shown = await world.settled('life', 'Running');
		const state = async (word: string) => text(await world.inspect(shown), 'State', word);
		assert.equal(await state('Status'), 'running');
		await accepted(world.zun('pause', 'life'));
		await world.settled('life', 'Paused');
		assert.equal(await state('Status'), 'paused');
		await accepted(world.zun('unpause', 'life'));
		await world.settled('life', 'Running');
		assert.equal(await state('Status'), 'running');

		await accepted(world.zun('kill', '-s', 'HUP', 'life'));
		await eventually('it got the signal', async () => /^hup$/m.test(await world.zun('logs', 'life')));
		assert.equal((await world.settled('life', 'Running'))['exit_code'], null);

		const started = await state('StartedAt');
		await accepted(world.zun('restart', '-t', '5', 'life'));
		await eventually('it was started again', async () => (await state('StartedAt')) > started);
		await world.settled('life', 'Running');
		await accepted(world.zun('stop', '-t', '20', 'life'));
		assert.equal((await world.settled('life', 'Stopped'))['exit_code'], 0);
		assert.equal(await state('Status'), 'exited');
		await accepted(world.zun('start', 'life'));
		await world.settled('life', 'Running');

		const id = text(await world.inspect(shown), 'Id');
		await accepted(world.zun('rebuild', 'life', '--image', `${image}:latest`, '--image-driver', 'docker'));
		await eventually('another one took its place', async () => {
			const answer = await engine('GET', `/containers/zunbox-${shown['uuid']}/json`);
			return answer.status === 200 && text(answer.json(), 'Id') !== id && text(answer.json(), 'State', 'Status') === 'running';
		});
		const rebuilt = await world.settled('life', 'Running');
		assert.deepEqual([rebuilt['image'], rebuilt['addresses']], [`${image}:latest`, shown['addresses']]);

		await accepted(world.zun('kill', 'life'));
		assert.equal((await world.settled('life', 'Stopped'))['exit_code'], 137);
		assert.equal(number(await world.inspect(shown), 'State', 'ExitCode'), 137);

		await world.zun('--zun-api-version', '1.13', 'rename', 'life', 'renamed');
		await world.settled('renamed', 'Stopped');
		assert.match((await world.tryZun('rename', 'renamed', 'again')).text, /HTTP 406/);
		await accepted(world.zun('delete', '-f', 'renamed'));
		await eventually('it is gone', async () => (await engine('GET', `/containers/zunbox-${shown['uuid']}/json`)).status === 404);
	});

	test('exec, logs, top, stats, cp, commit, action-list, action-show', async (t) => {
		await world.zun('run', '-n', 'looks', '-m', '64', image, ...idle);
		const shown = await world.settled('looks', 'Running');
		assert.equal(await world.zun('exec', 'looks', 'echo', 'two  spaces', '$HOME'), 'two  spaces $HOME\n\n');

		const [both, out, err, timed, tail] = await Promise.all([
			world.zun('logs', 'looks'),
			world.zun('logs', '--stdout', 'looks'),
			world.zun('logs', '--stderr', '--since', '1000000000', 'looks'),
			world.zun('logs', '-t', 'looks'),
			world.zun('logs', '--tail', '1', 'looks'),
		]);
		assert.deepEqual(both.trim().split('\n').sort(), ['err', 'out']);
		assert.deepEqual([out.trim(), err.trim(), tail.trim().split('\n').length], ['out', 'err', 1]);
		assert.match(timed, /^\d{4}-\d\d-\d\dT\S+ out$/m);

		// It asks rightly and breaks on what it does with the answer: its author used print as Python 2 had it.
		const top = await world.tryZun('top', 'looks', '--pid', '-o pid,comm');
		assert.match(top.text, /unsupported operand type\(s\) for %: 'NoneType' and 'str'/);
		const { Processes: processes } = await world.api.ok('GET /v1/containers/looks/top');
		assert.match(JSON.stringify(processes), /while :; do sleep 0.1/);

		const stats = tableFields(await world.zun('stats', 'looks'));
		assert.ok(Number(stats['MEM USAGE(MiB)']) > 0 && Number(stats['MEM LIMIT(MiB)']) === 64, JSON.stringify(stats));
		assert.match(stats['NET I/O(B)'] ?? '', /^\d+\/\d+$/);

		mkdirSync(path.join(world.folder, 'out'));
		writeFileSync(path.join(world.folder, 'in.bin'), Buffer.from([0, 255, 10, 13, 128, 0]));
		await world.zun('cp', 'in.bin', 'looks:/tmp');
		await world.zun('cp', 'looks:/tmp/in.bin', 'out');
		assert.deepEqual([...readFileSync(path.join(world.folder, 'out/in.bin'))], [0, 255, 10, 13, 128, 0]);

		const id = /The image is (\S+)\.$/m.exec(await world.zun('commit', 'looks', `${world.host}/committed:one`))?.[1] ?? '';
		const committed = (await engineOk('GET', `/images/${id}/json`)).json();
		t.after(() => removeImage(id));
		assert.match(texts(committed, 'RepoTags').join(), /\/committed:one$/);
		await world.zun('run', '-n', 'copy', `${world.host}/committed:one`, ...idle);
		await world.settled('copy', 'Running');
		assert.match(await world.zun('exec', 'copy', 'ls', '/tmp'), /in\.bin/);

		const actions = tableRows(await world.zun('action-list', 'looks'));
		assert.deepEqual(
			actions.map(({ action }) => action),
			['commit', 'create'],
		);
		const action = tableFields(await world.zun('action-show', 'looks', actions[1]?.['request_id'] ?? ''));
		assert.deepEqual([action['action'], action['container_uuid'], action['message']], ['create', shown['uuid'], 'None']);
		assert.match(action['events'] ?? '', /compute__do_container_create.*'result': 'Success'/);
	});

	test('network-attach, network-list, network-detach, add-security-group, remove-security-group', async () => {
		const { network } = await world.api.ok('POST /network/v2.0/networks', { network: { name: 'side' } }).then((body) => ({
			network: text(body, 'network', 'id'),
		}));
		await world.api.ok('POST /network/v2.0/subnets', { subnet: { network_id: network, ip_version: 4, cidr: '10.77.3.0/24' } });
		const group = text(
			await world.api.ok('POST /network/v2.0/security-groups', { security_group: { name: 'web' } }),
			'security_group',
			'id',
		);
		await world.zun('run', '-n', 'wired', '--net', 'network=default', image, ...idle);
		await world.settled('wired', 'Running');
		const links = () => world.zun('exec', 'wired', 'ip', '-o', 'addr');
		assert.doesNotMatch(await links(), /10\.77\.3\.9\//);
		await accepted(world.zun('network-attach', 'wired', '--network', 'side', '--fixed-ip', '10.77.3.9'));
		await eventually('the address is inside', async () => /10\.77\.3\.9\/24/.test(await links()));
		const rows = tableRows(await world.zun('network-list', 'wired'));
		assert.equal(rows.find((row) => row['net_id'] === network)?.['fixed_ips'], '10.77.3.9');
		assert.equal(rows.length, 2);
		await accepted(world.zun('network-detach', 'wired', '--network', 'side'));
		await eventually('the address is gone', async () => !/10\.77\.3\.9\//.test(await links()));
		assert.match(await world.zun('network-detach', 'wired', '--network', 'side'), /failed: .*HTTP 400/);

		const groups = async () => (await world.api.ok('GET /v1/containers/wired'))['security_groups'];
		const before = await groups();
		await accepted(world.zun('--zun-api-version', '1.14', 'add-security-group', 'wired', 'web'));
		await eventually('it has the group', async () => JSON.stringify(await groups()).includes(group));
		await accepted(world.zun('--zun-api-version', '1.14', 'remove-security-group', 'wired', 'web'));
		await eventually('it has the group no more', async () => JSON.stringify(await groups()) === JSON.stringify(before));
		assert.match(await world.zun('add-security-group', 'wired', 'web'), /HTTP 406/);
	});

	test('registry-create, -update, -list, -show, -delete, and what they are for', async (t) => {
		const login = { username: 'robot', password: 'secret word' };
		const registry = new Registry(login);
		await registry.start();
		t.after(() => registry.remove());
		const repo = `${registry.address}/team/box`;
		await pushImage(image, `${repo}:v1`, login);
		t.after(() => removeImage(`${repo}:v1`));

		const made = tableFields(
			await world.zun(
				...['registry-create', '--name', 'house', '--domain', registry.address],
				...['--username', login.username, '--password', 'wrong'],
			),
		);
		assert.equal(made['password'], '***');
		await world.zun('registry-update', 'house', '--password', login.password, '--username', login.username, '--name', 'home');
		const [listed, one] = await Promise.all([
			world.zun('registry-list', '--domain', registry.address, '--username', login.username),
			world.zun('registry-show', 'home', '-f', 'json'),
		]);
		assert.deepEqual(
			tableRows(listed).map((row) => row['uuid']),
			[made['uuid']],
		);
		assert.equal(JSON.parse(one).registry.domain, registry.address);

		// Only with the login can it be pulled.
		await world.zun('create', '-n', 'pulled', '--registry', 'home', '--image-pull-policy', 'always', `${repo}:v1`);
		await world.settled('pulled', 'Created');
		assert.match(await world.zun('registry-delete', 'home'), /failed: .*HTTP 409/);
		await world.zun('delete', 'pulled');
		await eventually('it is gone', async () => (await world.api.call('GET /v1/containers/pulled')).status === 404);
		await removeImage(`${repo}:v1`);
		await accepted(world.zun('registry-delete', 'home'));
		assert.equal(list(await world.api.ok('GET /v1/registries'), 'registries').length, 0);
	});

	test('pull, image-list, image-show, image-search, image-delete', async (t) => {
		const registry = new Registry();
		await registry.start();
		t.after(() => registry.remove());
		const repo = `${registry.address}/team/box`;
		await pushImage(image, `${repo}:v1`);
		t.after(() => removeImage(`${repo}:v1`));
		const image1 = tableFields(await world.zun('pull', `${repo}:v1`, world.host));
		const uuid = image1['uuid'] ?? '';
		await eventually('it is pulled', async () => (await engine('GET', `/images/${repo}:v1/json`)).status === 200);
		await eventually('its size is known', async () => Number((await world.api.ok(`GET /v1/images/${uuid}`))['size']) > 0);
		const [images, image2, found] = await Promise.all([
			world.zun('image-list', '--limit', '100', '--sort-key', 'repo', '--sort-dir', 'asc'),
			world.zun('image-show', uuid),
			world.zun('image-search', 'box', '--image_driver', 'docker', '--exact-match'),
		]);
		assert.ok(tableRows(images).some((row) => row['uuid'] === uuid && row['repo'] === repo && row['tag'] === 'v1'));
		assert.deepEqual([tableFields(image2)['repo'], tableFields(image2)['host']], [repo, world.host]);
		assert.match(found, /\| ID +\| Name/);
		await world.zun('image-delete', uuid);
		await eventually('the engine has it no more', async () => (await engine('GET', `/images/${repo}:v1/json`)).status === 404);
	});

	test('hosts, services, zones and versions', async () => {
		const [hosts, host, zones, versions] = await Promise.all([
			world.zun('host-list', '--sort-key', 'hostname', '--limit', '5'),
			world.zun('host-show', world.host, '-f', 'json'),
			world.zun('availability-zone-list'),
			world.zun('version-list'),
		]);
		assert.deepEqual(
			tableRows(hosts).map((row) => row['hostname']),
			[world.host],
		);
		assert.equal(JSON.parse(host).hostname, world.host);
		assert.deepEqual(tableRows(zones), [{ availability_zone: 'nova' }]);
		assert.match(versions, /\| v1 +\| CURRENT +\| 1\.1 +\| 1\.\d+ +\|/);

		const service = async () => tableRows(await world.zun('service-list'))[0] ?? {};
		assert.equal((await service())['State'], 'up');
		await world.zun('service-disable', world.host, 'zun-compute', '--reason', 'repair');
		const disabled = await service();
		assert.deepEqual([disabled['Disabled'], disabled['Disabled Reason']], ['True', 'repair']);
		await world.zun('create', '-n', 'nowhere', image);
		assert.match(String((await world.settled('nowhere', 'Error'))['status_reason']), /host/i);
		await world.zun('delete', 'nowhere');
		await world.zun('service-enable', world.host, 'zun-compute');
		await world.zun('service-force-down', world.host, 'zun-compute');
		assert.equal((await service())['State'], 'down');
		await world.zun('service-force-down', '--unset', world.host, 'zun-compute');
		await eventually('it is up', async () => (await service())['State'] === 'up');
		await accepted(world.zun('service-delete', world.host, 'zun-compute'));
		// Its agent runs on, and says so again.
		await eventually('it is there again', async () => (await service())['State'] === 'up', { timeout: 60_000 });
	});

	test('quotas and quota classes', async () => {
		const project = String((await world.show('token', 'issue'))['project_id']);
		const limits = async (...words: readonly string[]) => tableFields(await world.zun(...words));
		assert.equal((await limits('quota-defaults', project))['containers'], '200');
		await world.zun('quota-class-update', 'default', '--containers', '150');
		assert.equal((await limits('quota-class-get', 'default'))['containers'], '150');
		assert.equal((await limits('quota-get', project))['containers'], '150');
		const changed = await limits('quota-update', project, '--containers', '0', '--cpu', '10', '--memory', '1024', '--disk', '10');
		assert.deepEqual([changed['containers'], changed['cpu'], changed['memory'], changed['disk']], ['0', '10', '1024', '10']);
		assert.match((await world.tryZun('create', image)).text, /Quota exceeded.*HTTP 403/);
		const usages = await world.zun('quota-get', project, '--usages');
		assert.match(usages, /\| containers +\| 0 +\| 0 +\|/);
		await world.zun('quota-delete', project);
		assert.equal((await limits('quota-get', project))['containers'], '150');
		await world.zun('quota-class-update', 'default', '--containers', '200');
	});

	test('leaves no command out', async () => {
		const commands = [...(await world.zun('help')).matchAll(/^ {4}([a-z][a-z-]*)(?: {2,}.*)?$/gm)].map((match) => match[1] ?? '');
		assert.equal(commands.length, 57 + 2);
		assert.deepEqual(
			commands.filter((command) => !world.hasRun(command) && !(command in notRunHere)),
			[],
		);
	});
});
