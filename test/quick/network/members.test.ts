import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkRules } from '../../../src/agent/network/network-rules.ts';
import { renderTable } from '../../../src/agent/network/ruleset.ts';
import { embeddedWorld, smallDefault, somebody, writeSandbox } from './world.ts';

test("a stranger's address on the shared network is not let in for being a member's on another", async (t) => {
	const { store, provider } = await embeddedWorld(t, smallDefault('10.88.0.0/24'));
	const [victim, attacker] = [somebody(), somebody()];
	await store.transaction(async (tx) => {
		const network = await provider.networks.create(tx, {
			name: 'mine',
			projectId: victim.projectId,
			description: '',
			shared: false,
			isDefault: false,
			external: false,
			adminStateUp: true,
			mtu: 1500,
			portSecurityEnabled: true,
		});
		const common = { projectId: victim.projectId, name: '', description: '', dnsNameservers: [], hostRoutes: [], enableDhcp: true };
		await provider.networks.createSubnet(tx, network, { ...common, cidr: '10.88.0.0/24' });
		for (const [principal, net] of [
			[victim, { network: 'default', v4FixedIp: '10.88.0.10' }],
			[victim, { network: 'mine', v4FixedIp: '10.88.0.20' }],
			[attacker, { network: 'default', v4FixedIp: '10.88.0.20' }],
		] as const) {
			const sandbox = await writeSandbox(tx, principal.projectId, principal === victim ? 'h1' : 'h2');
			await provider.attach(tx, principal, sandbox, [net], null);
		}
	});
	const spec = await provider.hostSpec(store.db, 'h1');
	const network = spec.networks.find((candidate) => candidate.external);
	assert.ok(network !== undefined);
	const groups = new Map(spec.securityGroups.map((group) => [group.id, group]));
	const text = renderTable(networkRules({ network, groups, published: [], numbers: new Map(), generation: 1 }).filter);
	assert.match(text, /10\.88\.0\.10\b/);
	assert.doesNotMatch(text, /10\.88\.0\.20\b/);
});
