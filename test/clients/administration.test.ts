/** Stock clients of Zun (Debian's python3-zunclient) against the administration's part of the API, served as a whole. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { loadConfig } from '../../src/config/load.ts';
import { type RunningService, startService } from '../../src/start-service.ts';
import { at } from '../support/api-client.ts';
import { eventually } from '../support/eventually.ts';

describe('zun and openstack: hosts, services, quotas, registries, images', { timeout: 300_000 }, () => {
	let folder: string;
	let service: RunningService;
	let environment: Record<string, string>;

	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-zunclient-'));
		const flags = { dataDirectory: folder, 'driver.name': 'fake', 'listen.port': '0', 'network.enabled': 'false', hostname: 'host-1' };
		service = await startService(await loadConfig({ file: '/dev/null', flags }), { log: pino({ level: 'silent' }) });
		const openrc = await readFile(path.join(folder, 'credentials', 'openrc'), 'utf8');
		const variables = [...openrc.matchAll(/^export (OS_\w+)=['"]?([^'"\n]*)/gm)].map(([, name = '', value = '']) => [name, value]);
		environment = { PATH: process.env['PATH'] ?? '', HOME: folder, ...Object.fromEntries(variables) };
		await eventually('the host is there', async () => (await zun('service-list')).includes('host-1'), { interval: 500 });
	});
	after(async () => {
		await service?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	async function run(program: string, words: readonly string[]): Promise<string> {
		try {
			const { stdout, stderr } = await promisify(execFile)(program, words, { env: environment, timeout: 60_000 });
			return `${stdout}${stderr}`;
		} catch (error) {
			throw new Error(`${program} ${words.join(' ')}: ${at(error, 'stdout')}${at(error, 'stderr')}`, { cause: error });
		}
	}
	const zun = (line: string) => run('zun', line.split(' '));
	const openstack = async (line: string): Promise<unknown> => JSON.parse(await run('openstack', [...line.split(' '), '-f', 'json']));
	/** Value of a row of a table that the client printed. */
	const field = (table: string, name: string) => new RegExp(`^\\| ${name} +\\| (.*?) *\\|$`, 'm').exec(table)?.[1];

	test('hosts, services and zones', async () => {
		assert.match(await zun('host-list'), /host-1/);
		assert.equal(field(await zun('host-show host-1'), 'hostname'), 'host-1');
		assert.equal(at(await openstack('appcontainer host list'), 0, 'hostname'), 'host-1');
		const services = await openstack('appcontainer service list');
		assert.equal(at(services, 0, 'Host'), 'host-1', JSON.stringify(services));
		assert.equal(at(services, 0, 'State'), 'up');
		assert.equal(field(await zun('service-disable host-1 zun-compute --reason repair'), 'disabled_reason'), 'repair');
		assert.match(await zun('service-list'), /True +\| repair/);
		assert.equal(field(await zun('service-enable host-1 zun-compute'), 'disabled'), 'False');
		assert.equal(field(await zun('service-force-down host-1 zun-compute'), 'forced_down'), 'True');
		assert.equal(field(await zun('service-force-down host-1 zun-compute --unset'), 'forced_down'), 'False');
		assert.match(await zun('availability-zone-list'), /nova/);
	});

	test('quotas and classes', async () => {
		const project = 'some-project';
		assert.equal(field(await zun(`quota-update ${project} --containers 3 --cpu -1`), 'containers'), '3');
		assert.match(await zun(`quota-get ${project} --usages`), /^\| containers +\| 3 +\| 0 +\|$/m);
		assert.equal(at(await openstack(`appcontainer quota get ${project}`), 'cpu'), -1);
		assert.notEqual(field(await zun(`quota-defaults ${project}`), 'containers'), '3');
		await zun(`quota-delete ${project}`);
		assert.notEqual(field(await zun(`quota-get ${project}`), 'containers'), '3');
		assert.equal(field(await zun('quota-class-update default --disk 77'), 'disk'), '77');
		assert.equal(field(await zun('quota-class-get default'), 'disk'), '77');
	});

	test('registries', async () => {
		const made = await zun('registry-create --domain r.example:5000 --name mine --username somebody --password a-secret');
		assert.equal(field(made, 'domain'), 'r.example:5000');
		assert.ok(!made.includes('a-secret'));
		assert.equal(at(await openstack('appcontainer registry show mine'), 'username'), 'somebody');
		assert.equal(field(await zun('registry-update mine --username other'), 'username'), 'other');
		assert.match(await zun('registry-list --domain r.example:5000'), /mine/);
		assert.ok(!(await zun('registry-list --name none')).includes('mine'));
		await zun('registry-delete mine');
		assert.ok(!(await zun('registry-list')).includes('mine'));
	});

	test('images', async () => {
		const uuid = field(await zun('pull zunbox/busybox:latest host-1'), 'uuid');
		assert.ok(uuid);
		await eventually('it is there', async () => /sha256/.test(field(await zun(`image-show ${uuid}`), 'image_id') ?? ''), { interval: 500 });
		assert.equal(at(await openstack('appcontainer image list'), 0, 'repo'), 'zunbox/busybox');
		assert.match(await zun('image-search busybox'), /zunbox\/busybox/);
		assert.match(await zun('image-search zunbox/busybox --exact-match'), /zunbox\/busybox/);
		await zun(`image-delete ${uuid}`);
		await eventually('it is gone', async () => !(await zun('image-list')).includes(uuid), { interval: 500 });
	});
});
