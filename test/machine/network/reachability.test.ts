import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everythingOut, Lab, rule } from './lab.ts';

test('two projects, three networks, six sandboxes: who reaches whom, by protocol', { timeout: 120_000 }, async (t) => {
	const lab = new Lab(t);
	// The two projects' own networks have the same addresses.
	const one = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'] });
	const two = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'] });
	const shared = lab.network({ subnets: ['10.9.0.0/24'], external: true });
	const web = lab.group([
		...everythingOut,
		rule('ingress', { protocol: 'tcp', portRangeMin: 80, portRangeMax: 89 }),
		rule('ingress', { version: 6, protocol: 'tcp', portRangeMin: 80, portRangeMax: 80 }),
	]);
	const inner = lab.group([...everythingOut], ['10.0.0.11', 'fd01::11', '10.9.0.11']);
	lab.changeGroup(inner.id, {
		rules: [...everythingOut, rule('ingress', { remoteGroupId: inner.id }), rule('ingress', { version: 6, remoteGroupId: inner.id })],
	});
	const ping = lab.group([
		...everythingOut,
		rule('ingress', { protocol: 'icmp', portRangeMin: 8, portRangeMax: 0 }),
		rule('ingress', { protocol: 'udp', portRangeMin: 53, portRangeMax: 53, remoteIpPrefix: '10.0.0.8/29' }),
	]);

	const a1 = await lab.box('a1');
	const a2 = await lab.box('a2');
	const b1 = await lab.box('b1');
	const b2 = await lab.box('b2');
	const s1 = await lab.box('s1');
	const s2 = await lab.box('s2');
	const ports = [
		[a1, lab.port(one.id, a1, ['10.0.0.11', 'fd01::11'], { securityGroupIds: [inner.id] })],
		[a2, lab.port(one.id, a2, ['10.0.0.12', 'fd01::12'], { securityGroupIds: [web.id, inner.id] })],
		[b1, lab.port(two.id, b1, ['10.0.0.11', 'fd01::11'], { securityGroupIds: [web.id] })],
		[b2, lab.port(two.id, b2, ['10.0.0.12', 'fd01::12'], { securityGroupIds: [ping.id] })],
		[s1, lab.port(shared.id, s1, ['10.9.0.11'], { securityGroupIds: [inner.id] })],
		[s2, lab.port(shared.id, s2, ['10.9.0.12'], { securityGroupIds: [] })],
		// One sandbox has a second port, on the shared network.
		[a1, lab.port(shared.id, a1, ['10.9.0.21'], { securityGroupIds: [web.id], interfaceName: 'eth1' })],
	] as const;
	await lab.apply();
	for (const [box, port] of ports) await lab.plug(box, port);
	for (const box of [a1, a2, b1, b2, s1, s2]) await box.serve('tcp:80', 'tcp:8080', 'udp:53');

	const table = [
		// from, protocol, to, port, reached
		[a1, 'tcp', '10.0.0.12', 80, true], // web lets everybody in
		[a1, 'tcp', '10.0.0.12', 8080, true], // both are in the inner group
		[a1, 'udp', '10.0.0.12', 53, true],
		[a1, 'icmp', '10.0.0.12', 0, true],
		[a1, 'tcp', 'fd01::12', 80, true],
		[a1, 'icmp', 'fd01::12', 0, true],
		[a2, 'tcp', '10.0.0.11', 80, false], // a2 is in the group, but its address is not told as a member
		[a2, 'icmp', '10.0.0.11', 0, false],
		[b2, 'tcp', '10.0.0.11', 80, true],
		[b2, 'tcp', '10.0.0.11', 8080, false],
		[b2, 'udp', '10.0.0.11', 53, false],
		[b2, 'tcp', 'fd01::11', 80, true],
		[b2, 'tcp', 'fd01::11', 8080, false],
		[b2, 'icmp', '10.0.0.11', 0, false],
		[b1, 'icmp', '10.0.0.12', 0, true], // ICMP echo is let in
		[b1, 'icmp', 'fd01::12', 0, false],
		[b1, 'udp', '10.0.0.12', 53, true], // its address is in the rule's prefix
		[b1, 'tcp', '10.0.0.12', 80, false],
		[a1, 'tcp', '10.9.0.11', 80, false], // a1's second address is no member
		[s1, 'tcp', '10.9.0.21', 80, true], // the second port has the group of its own
		[s1, 'tcp', '10.9.0.21', 8080, false],
		[s1, 'tcp', '10.9.0.12', 80, false], // no group lets nobody in
		[s2, 'tcp', '10.9.0.21', 80, false], // and nothing out
		[s2, 'icmp', '10.9.0.1', 0, false],
		[s1, 'icmp', '10.9.0.1', 0, true], // the gateway answers
		[a1, 'icmp', '10.0.0.1', 0, true],
		[a1, 'icmp', 'fd01::1', 0, true],
		[s1, 'tcp', '10.0.0.12', 80, false], // networks are apart
		[s2, 'tcp', '10.0.0.12', 80, false],
		[a2, 'tcp', '10.9.0.11', 80, false],
		[a2, 'tcp', '10.9.0.21', 80, false],
	] as const;
	const seen = await Promise.all(
		table.map(async ([from, protocol, to, port]) =>
			protocol === 'icmp' ? await from.pings(to) : await from.reaches(protocol, to, port, 2),
		),
	);
	const name = (index: number): string => {
		const row = table[index];
		return row === undefined ? '' : `${row[0].name.slice(-2)} ${row[1]} ${row[2]} ${row[3]}`;
	};
	assert.deepEqual(
		seen.map((reached, index) => [name(index), reached]),
		table.map((row, index) => [name(index), row[4]]),
	);
	const plugged = await lab.networking.plugged(
		a1.sandboxId,
		ports.filter(([box]) => box === a1).map(([, port]) => port),
		a1.path,
		AbortSignal.timeout(10_000),
	);
	assert.equal(plugged.length, 2);
});
