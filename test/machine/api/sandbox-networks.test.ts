/** A real sandbox with no containers gets and loses ports while it runs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { CrashClient, type Fields, textOf } from '../../support/crash-client.ts';
import { CrashService } from '../../support/crash-service.ts';
import { containersOf, engineOk } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';

const run = promisify(execFile);

function fieldsOf(answer: Fields, name: string): Fields {
	const value = answer[name];
	assert.ok(typeof value === 'object' && value !== null, JSON.stringify(answer));
	return { ...value };
}

describe('networks of a sandbox with no containers', { timeout: 240_000 }, () => {
	const service = new CrashService();
	const client = new CrashClient(service);
	const block = `10.${randomInt(64, 128)}.${randomInt(256)}`;
	const ids = new Map<string, string>();
	let network = '';
	before(async () => {
		await service.start();
		await client.login();
		await eventually('the host is up', async () => {
			const { hosts } = await client.ok('GET /v1/hosts');
			return Array.isArray(hosts) && hosts.length === 1;
		});
		network = textOf(fieldsOf(await client.ok('POST /network/v2.0/networks', { network: { name: 'back' } }), 'network'), 'id');
		const subnet = { network_id: network, ip_version: 4, cidr: `${block}.0/24` };
		await client.ok('POST /network/v2.0/subnets', { subnet });
		for (const [name, nets] of [
			['box', [{ network: 'default' }]],
			['peer', [{ network: 'back', 'v4-fixed-ip': `${block}.20` }]],
		] as const) {
			const id = textOf(await client.ok('POST /v1/sandboxes', { name, nets }), 'uuid');
			assert.equal((await client.ok(`GET /v1/sandboxes/${id}?wait=Running&timeout=60`))['status'], 'Running');
			ids.set(name, id);
		}
	});
	after(() => service.remove());

	/** Runs a program of the host in the network namespace of the sandbox. */
	const inside = async (command: string, ...args: string[]): Promise<string> => {
		const id = ids.get('box');
		const holder = (await containersOf(service.owner)).find((one) => one.Labels['zunbox.sandbox'] === id);
		const facts: { readonly State: { readonly Pid: number } } = JSON.parse((await engineOk('GET', `/containers/${holder?.Id}/json`)).text);
		const { stdout } = await run('nsenter', ['--target', String(facts.State.Pid), '--net', '--', command, ...args], { timeout: 20_000 });
		return stdout;
	};
	const links = async (): Promise<string> => await inside('ip', '-4', '-o', 'address', 'show');
	const reachesPeer = async (): Promise<boolean> =>
		await inside('busybox', 'ping', '-c', '1', '-W', '1', `${block}.20`).then(
			() => true,
			() => false,
		);
	const listed = async (): Promise<readonly unknown[]> => {
		const { networks } = await client.ok('GET /v1/sandboxes/box/network_list');
		assert.ok(Array.isArray(networks));
		return networks.map((row: Fields) => row['net_id']);
	};

	test('what it is attached to is there at once, with the address that was asked for', async () => {
		assert.equal(await reachesPeer(), false);
		await client.ok('POST /v1/sandboxes/box/network_attach', { network: 'back', fixed_ip: `${block}.10` });
		assert.equal((await listed()).at(1), network);
		await eventually('its link is there', async () => (await links()).includes(`${block}.10/24`));
		await eventually('packets of its group pass', reachesPeer);
	});

	test('it outlives a stop, and what it is detached from goes', async () => {
		for (const [action, status] of [
			['stop', 'Stopped'],
			['start', 'Running'],
		]) {
			await client.ok(`POST /v1/sandboxes/box/${action}`);
			assert.equal((await client.ok(`GET /v1/sandboxes/box?wait=${status}&timeout=60`))['status'], status);
		}
		await eventually('packets pass again', reachesPeer);
		await client.ok('POST /v1/sandboxes/box/network_detach', { network: 'back' });
		assert.equal((await listed()).includes(network), false);
		await eventually('its link is gone', async () => !(await links()).includes(`${block}.`));
		assert.match(await links(), /eth0/);
		assert.equal((await client.call('POST /v1/sandboxes/box/network_detach', { network: 'back' })).status, 400);
	});
});
