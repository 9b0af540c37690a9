import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostFacts, principal, startControl } from '../../support/control.ts';

test('a container with exposed ports and no groups is open at these ports only, and may go out', async (t) => {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const { containers } = control.service;
	const me = principal('p1');
	const rules = async (sandboxId: string) => {
		const spec = await control.link.sandbox('h1', sandboxId);
		const [port] = spec?.ports ?? [];
		const network = await control.link.network('h1', null);
		const host = network?.networks.flatMap(({ ports }) => ports).find(({ id }) => id === port?.id);
		const groups = network?.securityGroups.filter(({ id }) => host?.securityGroupIds.includes(id)) ?? [];
		const all = groups.flatMap((group) => group.rules);
		return {
			groups: host?.securityGroupIds ?? [],
			inwards: all
				.filter(({ direction }) => direction === 'ingress')
				.map((rule) => `${rule.version}/${rule.protocol}/${rule.portRangeMin}-${rule.portRangeMax}`),
			outwards: all
				.filter(({ direction }) => direction === 'egress')
				.map((rule) => `${rule.version}/${rule.protocol}/${rule.portRangeMin}`),
		};
	};

	const open = await containers.create(me, { image: 'busybox', run: true, exposedPorts: { '80/tcp': {}, '53/udp': {} } });
	assert.deepEqual((await containers.show(me, open.id)).securityGroupIds.length, 1);
	const found = await rules(open.sandboxId);
	assert.equal(found.groups.length, 1);
	assert.deepEqual(found.inwards.toSorted(), ['4/tcp/80-80', '4/udp/53-53', '6/tcp/80-80', '6/udp/53-53']);
	assert.deepEqual(found.outwards.toSorted(), ['4/null/null', '6/null/null']);

	const plain = await containers.create(me, { image: 'busybox', run: true, exposedPorts: {} });
	const [group] = (await containers.show(me, plain.id)).securityGroupIds;
	const names = await control.store.db
		.selectFrom('security_group')
		.selectAll()
		.where('id', '=', group ?? '')
		.execute();
	assert.deepEqual(
		names.map(({ name }) => name),
		['default'],
	);

	const box = await control.service.sandboxes.create(me, {});
	const joined = await containers.create(me, { image: 'busybox', sandbox: box.id, run: true, exposedPorts: { '80/tcp': {} } });
	assert.equal((await containers.show(me, joined.id)).securityGroupIds.length, 2, 'an existing sandbox keeps its own groups');
});
