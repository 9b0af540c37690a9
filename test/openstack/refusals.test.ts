/** What the cloud refuses is told, in its own words, and leaves nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { makeNetwork, type TestNetwork } from './support/networks.ts';
import { settledOrFailed } from './support/outcome.ts';
import { CloudWorld } from './support/world.ts';

describe('refusals', () => {
	let world: CloudWorld;
	let network: TestNetwork;
	const endings: (() => unknown)[] = [];

	before(async () => {
		world = await CloudWorld.start();
		network = await makeNetwork({ after: (ending: () => unknown) => endings.push(ending) }, world.alpha.account, '10.92.0.0/24');
	});
	after(async () => {
		await world.remove();
		for (const ending of endings) await ending();
	});

	/** Asks for a sandbox that cannot be had: refused at once, or in Error with the reason; nothing is left of it. */
	async function refused(fields: object, reason: RegExp): Promise<void> {
		const { alpha } = world;
		const answer = await alpha.call('POST /v1/sandboxes', { nets: [{ network: network.id }], ...fields });
		if (answer.status === 202) {
			const { uuid } = answer.body;
			const shown = await settledOrFailed(alpha, uuid);
			assert.equal(shown['status'], 'Error', JSON.stringify(shown));
			assert.match(String(shown['status_reason']), reason);
			await world.nothingIsLeft({ rows: [String(uuid)] });
			await alpha.ok(`DELETE /v1/sandboxes/${uuid}?force=true`);
			await alpha.gone('sandboxes', uuid);
		} else {
			assert.ok(answer.status === 403 || answer.status === 409, answer.text);
			assert.match(answer.text, reason);
		}
		await world.nothingIsLeft();
	}

	test('no host has what is asked for', async () => {
		await refused({ name: 'too-big', hints: { flavor: 'giant' } }, /No valid host/);
	});

	test('Nova’s quota', async (t) => {
		const { account } = world.admin;
		const project = await world.alpha.account.projectId();
		t.after(() => account.ok('nova', `DELETE /os-quota-sets/${project}`));
		await account.ok('nova', `PUT /os-quota-sets/${project}`, { quota_set: { instances: 0 } });
		await refused({ name: 'one-too-many' }, /Quota exceeded.*instances/i);
	});

	test('Neutron’s quota', async (t) => {
		await limitPorts(t, 1);
		await refused({ name: 'no-port' }, /Quota exceeded.*port/i);
	});

	test('where the quota is enough for the first of two ports, the first is not left', async (t) => {
		const second = await makeNetwork(t, world.alpha.account, '10.97.0.0/24');
		await limitPorts(t, 3);
		await refused({ name: 'half', nets: [{ network: network.id }, { network: second.id }] }, /Quota exceeded.*port/i);
	});

	/** The DHCP server of each network has one. */
	async function limitPorts(t: TestContext, count: number): Promise<void> {
		const { account } = world.admin;
		const project = await world.alpha.account.projectId();
		t.after(() => account.ok('neutron', `DELETE /v2.0/quotas/${project}`));
		await account.ok('neutron', `PUT /v2.0/quotas/${project}`, { quota: { port: count } });
	}
});
