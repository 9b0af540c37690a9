/** A sandbox with no containers gets and loses ports while it is there. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ZunboxError } from '../../../src/model/errors.ts';
import { EmbeddedNetworkProvider } from '../../../src/providers/network/embedded/embedded-network-provider.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { embeddedNetworkOptions } from '../../support/embedded-network.ts';
import { ModelHost } from '../../support/model-host.ts';

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

const me = principal('p1');

async function world(t: TestContext, quotas = {}) {
	const control = await startControl({ quotas });
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	const { sandboxes } = control.service;
	const provider = new EmbeddedNetworkProvider(control.store, embeddedNetworkOptions, () => {});
	const network = (name: string, cidr: string) =>
		control.store.transaction(async (tx) => {
			const own = { name, projectId: me.projectId, description: '' };
			const made = await provider.networks.create(tx, {
				...{ ...own, shared: false, isDefault: false, external: false, adminStateUp: true, mtu: 1500, portSecurityEnabled: true },
			});
			await provider.networks.createSubnet(tx, made, { ...own, cidr, dnsNameservers: [], hostRoutes: [], enableDhcp: true });
			return made.id;
		});
	const back = await network('back', '10.50.0.0/24');
	const front = await network('front', '10.60.0.0/24');
	const { id } = await sandboxes.create(me, { name: 'box', nets: [{ network: back }] });
	await host.settle();
	const told = async () => (await control.link.sandbox('h1', id))?.ports.map(({ networkId, interfaceName }) => [interfaceName, networkId]);
	return { control, host, sandboxes, back, front, id, told };
}

test('it is attached to a network at a certain address and detached again, each an action of its own', async (t) => {
	const { control, host, sandboxes, back, front, id, told } = await world(t);
	const version = (await control.link.sandbox('h1', id))?.version ?? 0;
	await sandboxes.networkAttach(me, 'box', { network: 'front', v4FixedIp: '10.60.0.9' });
	assert.deepEqual(await told(), [
		['eth0', back],
		['eth1', front],
	]);
	assert.ok(((await control.link.sandbox('h1', id))?.version ?? 0) > version, 'its host has something new to do');
	assert.deepEqual(
		(await sandboxes.show(me, id)).addresses[front]?.map(({ addr }) => addr),
		['10.60.0.9'],
	);
	await assert.rejects(sandboxes.networkAttach(me, id, { network: front }), code('invalid'));
	await sandboxes.networkDetach(me, id, { network: back });
	assert.deepEqual(await told(), [['eth1', front]]);
	await assert.rejects(sandboxes.networkDetach(me, id, { network: back }), code('invalid'));
	await host.settle();
	const done = (await sandboxes.operations(me, id)).map(({ kind, state, target }) => [kind, state, target]);
	assert.deepEqual(done, [
		['network_detach', 'done', 'sandbox'],
		['network_attach', 'done', 'sandbox'],
		['create', 'done', 'sandbox'],
	]);
});

test('the limit of ports holds, and what is refused leaves nothing', async (t) => {
	const { sandboxes, front, id, told } = await world(t, { ports: 1 });
	const before = await told();
	await assert.rejects(sandboxes.networkAttach(me, id, { network: front }), code('over-quota'));
	assert.deepEqual(await told(), before);
	assert.deepEqual(
		(await sandboxes.operations(me, id)).map(({ kind }) => kind),
		['create'],
	);
});

test("another project's is not found, and one that is being deleted is refused", async (t) => {
	const { sandboxes, back, front, id } = await world(t);
	const other = principal('p2');
	await assert.rejects(sandboxes.networkAttach(other, id, {}), code('sandbox-not-found'));
	await assert.rejects(sandboxes.networkDetach(other, id, { network: back }), code('sandbox-not-found'));
	await sandboxes.delete(me, id, { force: false });
	await assert.rejects(sandboxes.networkAttach(me, id, { network: front }), code('invalid-state-exception'));
	await assert.rejects(sandboxes.networkDetach(me, id, { network: back }), code('invalid-state-exception'));
});

test('what could not be made anywhere gets no port that nobody would take away', async (t) => {
	const { control, host, sandboxes, front } = await world(t);
	host.failures.set('sandbox.create', 'it cannot be made');
	const { id } = await sandboxes.create(me, {});
	await host.settle();
	assert.equal((await sandboxes.show(me, id)).status, 'Error');
	await assert.rejects(sandboxes.networkAttach(me, id, { network: front }), code('conflict'));
	assert.deepEqual(await control.store.db.selectFrom('port').select('id').where('sandbox_id', '=', id).execute(), []);
});
