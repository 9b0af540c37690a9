/** Ports, security groups and exposed ports of sandboxes that are servers, changed while they run. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ProviderError } from '../../../src/providers/provider-error.ts';
import { eventually } from '../../support/eventually.ts';
import { ServerWorld } from '../../support/servers/server-world.ts';

const nothing = { servers: 0, ports: 0, groups: 0 };

function groupsOf(world: ServerWorld, sandboxId: string): readonly (readonly string[])[] {
	const server = world.cloud.serverOf(sandboxId);
	return (server?.portIds ?? []).map((id) => [...(world.cloud.ports.get(id)?.groupIds ?? [])].sort());
}

async function ended(world: ServerWorld, containerId: string, kind: string) {
	return await eventually(`${kind} has ended`, async () => {
		const [newest] = (await world.control.service.containers.operations(world.ann, containerId)).filter((one) => one.kind === kind);
		return newest !== undefined && newest.state !== 'queued' && newest;
	});
}

describe('networks of sandboxes that are servers', () => {
	test('several ports on several networks, in the order that they were asked for', async (t) => {
		const world = await ServerWorld.make(t);
		const web = await world.run('web', { nets: [{ network: 'net-b' }, { network: 'net-a', v4FixedIp: '10.0.0.99' }] });
		const spec = await world.control.link.sandbox('host-1', web.sandboxId);
		assert.deepEqual(
			spec?.ports.map((port) => [port.interfaceName, port.networkId, port.addresses[0]?.address, port.addresses[0]?.gateway]),
			[
				['eth0', world.cloud.networkId('net-b'), spec?.ports[0]?.addresses[0]?.address, '10.0.0.1'],
				['eth1', world.cloud.networkId('net-a'), '10.0.0.99', null],
			],
		);
		assert.deepEqual(spec?.dns.nameservers, ['10.0.0.2']);
		assert.deepEqual(
			spec?.hosts.map(({ names }) => names),
			[['web'], ['web']],
		);
	});

	test('a network is attached and detached while it runs', async (t) => {
		const world = await ServerWorld.make(t);
		const { containers } = world.control.service;
		const web = await world.run('web');
		await containers.networkAttach(world.ann, web.id, { network: 'net-b' });
		assert.equal((await ended(world, web.id, 'network_attach')).state, 'done');
		assert.equal(world.cloud.serverOf(web.sandboxId)?.portIds.length, 2);
		assert.deepEqual(Object.keys((await containers.show(world.ann, web.id)).addresses).length, 2);
		assert.deepEqual(groupsOf(world, web.sandboxId), [['group-default'], ['group-default']]);
		assert.equal((await world.control.link.sandbox('host-1', web.sandboxId))?.ports.length, 2);
		await containers.networkDetach(world.ann, web.id, { network: 'net-b' });
		assert.equal((await ended(world, web.id, 'network_detach')).state, 'done');
		assert.equal(world.cloud.ports.size, 1);
		assert.equal((await world.control.link.sandbox('host-1', web.sandboxId))?.ports.length, 1);
	});

	test('a sandbox with nothing in it is attached and detached, and what else was asked of it goes on', async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		const { id } = await sandboxes.create(world.ann, { name: 'box' });
		const reaches = async (status: string) =>
			assert.equal((await sandboxes.wait(world.ann, id, status, 30_000, AbortSignal.timeout(40_000))).status, status);
		const idle = () =>
			eventually('all that was asked is done', async () => {
				const open = (await sandboxes.operations(world.ann, id)).filter(({ state }) => state === 'queued' || state === 'running');
				return open.length === 0;
			});
		await reaches('Running');
		const allowed = world.script.failAlways('attachPort', new ProviderError('unavailable', 'It is away for a moment'));
		await sandboxes.networkAttach(world.ann, id, { network: 'net-b' });
		await sandboxes.stop(world.ann, id, { timeout: 1 });
		allowed();
		await reaches('Stopped');
		await idle();
		assert.equal(world.cloud.serverOf(id)?.portIds.length, 2);
		assert.equal((await world.control.link.sandbox('host-1', id))?.ports.length, 2);
		await sandboxes.start(world.ann, id);
		await reaches('Running');
		await sandboxes.networkDetach(world.ann, id, { network: 'net-b' });
		await idle();
		assert.equal(world.cloud.ports.size, 1);
		assert.deepEqual(
			(await sandboxes.operations(world.ann, id)).map(({ kind, state, error }) => [kind, state, error]),
			[
				['network_detach', 'done', null],
				['start', 'done', null],
				['stop', 'done', null],
				['network_attach', 'done', null],
				['create', 'done', null],
			],
		);
		world.script.fail('attachPort', new ProviderError('refused', 'Failed to attach network adapter device'));
		await sandboxes.networkAttach(world.ann, id, { network: 'net-b' });
		await idle();
		const [newest] = await sandboxes.operations(world.ann, id);
		assert.deepEqual([newest?.kind, newest?.state, newest?.error], ['network_attach', 'failed', 'Failed to attach network adapter device']);
		assert.equal((await sandboxes.show(world.ann, id)).status, 'Running');
		await eventually('its port goes', () => world.cloud.ports.size === 1);
	});

	test("a change of its networks that takes long does not hide what is done with the compute service's own tools", async (t) => {
		const world = await ServerWorld.make(t);
		const { sandboxes } = world.control.service;
		const { id } = await sandboxes.create(world.ann, {});
		await eventually('it runs', async () => (await sandboxes.show(world.ann, id)).status === 'Running');
		const allowed = world.script.failAlways('attachPort', new ProviderError('unavailable', 'It is away for a moment'));
		await sandboxes.networkAttach(world.ann, id, { network: 'net-b' });
		await world.cloud.act(world.cloud.serverOf(id)?.id ?? '', 'stop');
		await eventually('it is stopped', async () => (await sandboxes.show(world.ann, id)).status === 'Stopped');
		assert.equal((await sandboxes.show(world.ann, id)).desiredStatus, 'Stopped');
		assert.deepEqual(
			(await sandboxes.operations(world.ann, id)).map(({ kind, state }) => [kind, state]),
			[
				['network_attach', 'queued'],
				['create', 'done'],
			],
		);
		allowed();
		await eventually('it is attached', async () => (await sandboxes.operations(world.ann, id))[0]?.state === 'done');
	});

	test('what cannot be attached is given up, with the reason in its action', async (t) => {
		const world = await ServerWorld.make(t);
		const { containers } = world.control.service;
		const web = await world.run('web');
		world.script.fail('attachPort', new ProviderError('refused', 'Failed to attach network adapter device'));
		await containers.networkAttach(world.ann, web.id, { network: 'net-b' });
		const operation = await ended(world, web.id, 'network_attach');
		assert.deepEqual([operation.state, operation.error], ['failed', 'Failed to attach network adapter device']);
		await eventually('its port goes', () => world.cloud.ports.size === 1);
		await eventually('it is not shown', async () => Object.keys((await containers.show(world.ann, web.id)).addresses).length === 1);
	});

	test("a user's own port is used as it is, and survives", async (t) => {
		const world = await ServerWorld.make(t);
		const { containers, sandboxes } = world.control.service;
		const port = world.cloud.makePort(world.ann.projectId, 'net-b');
		const web = await world.run('web', { nets: [{ port }] });
		assert.deepEqual(world.cloud.serverOf(web.sandboxId)?.portIds, [port]);
		await assert.rejects(sandboxes.create(world.ann, { nets: [{ port }] }), /is in use/);
		await containers.delete(world.ann, web.id, { force: true, stop: false, allProjects: false });
		await eventually('it is gone', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
		assert.deepEqual([...world.cloud.ports.keys()], [port]);
		assert.equal(world.cloud.ports.get(port)?.deviceId, '');
	});

	test('security groups are changed live, on every port', async (t) => {
		const world = await ServerWorld.make(t);
		const { containers } = world.control.service;
		const web = await world.run('web', { nets: [{ network: 'net-a' }, { network: 'net-b' }] });
		await containers.addSecurityGroup(world.ann, web.id, 'group-web');
		assert.equal((await ended(world, web.id, 'add_security_group')).state, 'done');
		assert.deepEqual(groupsOf(world, web.sandboxId), [
			['group-default', 'group-web'],
			['group-default', 'group-web'],
		]);
		await assert.rejects(containers.addSecurityGroup(world.ann, web.id, 'group-web'), /already attached/);
		await containers.removeSecurityGroup(world.ann, web.id, 'group-default');
		assert.equal((await ended(world, web.id, 'remove_security_group')).state, 'done');
		assert.deepEqual(groupsOf(world, web.sandboxId), [['group-web'], ['group-web']]);
	});

	test('a group that is refused is not wanted any more', async (t) => {
		const world = await ServerWorld.make(t);
		const { containers } = world.control.service;
		const web = await world.run('web');
		world.script.fail('setGroups', new ProviderError('not-found', 'Security group group-web does not exist'));
		await containers.addSecurityGroup(world.ann, web.id, 'group-web');
		assert.equal((await ended(world, web.id, 'add_security_group')).state, 'failed');
		assert.deepEqual((await containers.show(world.ann, web.id)).securityGroupIds, ['group-default']);
	});

	test('exposed ports have a group of their own, which goes with its container', async (t) => {
		const world = await ServerWorld.make(t);
		const { containers, sandboxes } = world.control.service;
		const web = await world.run('web', { exposedPorts: { '80/tcp': {}, '53/udp': {} } });
		const [group] = world.cloud.groups.values();
		assert.deepEqual([group?.name, group?.rules], [`zunbox-${web.id}`, 2]);
		assert.deepEqual(groupsOf(world, web.sandboxId), [[group?.id]]);
		const second = await world.run('second', { sandbox: web.sandboxId, exposedPorts: { '90/tcp': {} } });
		await eventually('the port has both groups', () => groupsOf(world, web.sandboxId)[0]?.length === 2);
		await containers.delete(world.ann, second.id, { force: true, stop: false, allProjects: false });
		await eventually('the second group is gone', () => world.cloud.groups.size === 1);
		assert.deepEqual(groupsOf(world, web.sandboxId), [[group?.id]]);
		await containers.delete(world.ann, web.id, { force: true, stop: false, allProjects: false });
		await eventually('all is gone', async () => (await sandboxes.list(world.ann, { limit: 10, filters: {} })).length === 0);
		assert.deepEqual(world.cloud.left(), nothing);
	});

	test('ports of hosts are not published', async (t) => {
		const world = await ServerWorld.make(t);
		const publish = [{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, sandboxPort: 80 }] as const;
		await assert.rejects(world.control.service.sandboxes.create(world.ann, { publish }), /floating IP/);
		assert.deepEqual(world.cloud.left(), nothing);
	});
});
