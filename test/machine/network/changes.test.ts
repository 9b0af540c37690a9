import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { type Background, everythingOut, Lab, rule } from './lab.ts';

/** Whether answers still come in: looks at what comes within a second after now. */
async function flows(stream: Background): Promise<boolean> {
	const before = stream.lines.length;
	return await eventually('an answer', () => stream.lines.length > before + 3, { timeout: 1_000 }).then(
		() => true,
		() => false,
	);
}

async function ends(what: string, stream: Background): Promise<void> {
	await eventually(`${what} ends`, async () => !(await flows(stream)), { timeout: 10_000 });
}

test('a changed rule takes effect at once, cuts what it forbids and leaves alone what it allows', { timeout: 120_000 }, async (t) => {
	const lab = new Lab(t);
	const network = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'] });
	const tcp = (port: number, version: 4 | 6 = 4) => rule('ingress', { version, protocol: 'tcp', portRangeMin: port, portRangeMax: port });
	const udp = rule('ingress', { protocol: 'udp', portRangeMin: 53, portRangeMax: 53 });
	const server = lab.group([...everythingOut, tcp(80), tcp(81), tcp(90), tcp(91), tcp(80, 6), udp]);
	const client = lab.group(everythingOut);
	const a = await lab.box('a');
	const b = await lab.box('b');
	const from = lab.port(network.id, a, ['10.0.0.2', 'fd01::2'], { securityGroupIds: [client.id] });
	const to = lab.port(network.id, b, ['10.0.0.3', 'fd01::3'], { securityGroupIds: [server.id] });
	await lab.apply();
	await lab.plug(a, from);
	await lab.plug(b, to);
	await b.serve('tcp:80', 'tcp:81', 'udp:53', 'push:90', 'push:91');
	const cut = {
		tcp: await a.stream('tcp', '10.0.0.3', 80),
		six: await a.stream('tcp', 'fd01::3', 80),
		udp: await a.stream('udp', '10.0.0.3', 53),
		push: await a.stream('push', '10.0.0.3', 90),
	};
	// The server of `push` speaks first and last: nothing but acknowledgements goes in the direction of its beginning.
	const kept = { tcp: await a.stream('tcp', '10.0.0.3', 81), push: await a.stream('push', '10.0.0.3', 91) };
	for (const [name, stream] of Object.entries({ ...cut, ...kept })) assert.equal(await flows(stream), true, `${name} flows at first`);

	lab.changeGroup(server.id, { rules: [...everythingOut, tcp(81), tcp(91)] });
	await lab.apply();
	for (const [name, stream] of Object.entries(cut)) await ends(name, stream);
	for (const [name, stream] of Object.entries(kept)) assert.equal(await flows(stream), true, `${name} flows on`);
	assert.equal(await a.reaches('tcp', '10.0.0.3', 80), false);

	lab.changeGroup(server.id, { rules: [...everythingOut, tcp(80), tcp(81), tcp(91)] });
	await lab.apply();
	assert.equal(await a.reaches('tcp', '10.0.0.3', 80, 5), true);
	for (const [name, stream] of Object.entries(kept)) assert.equal(await flows(stream), true, `${name} flows on`);

	// An agent that starts anew loads all rules again, which is no reason to lose connections.
	lab.networking = lab.restarted();
	await lab.apply();
	for (const [name, stream] of Object.entries(kept)) assert.equal(await flows(stream), true, `${name} outlives the agent`);

	// The client may no longer send: its connections end as well.
	lab.changeGroup(client.id, {
		rules: [rule('egress', { protocol: 'tcp', portRangeMin: 91, portRangeMax: 91, remoteIpPrefix: '10.0.0.3/32' })],
	});
	await lab.apply();
	await ends('tcp', kept.tcp);
	assert.equal(await flows(kept.push), true, 'what egress still allows flows on');

	// The port leaves its group.
	lab.changePort(to.id, { securityGroupIds: [] });
	await lab.apply();
	await ends('push', kept.push);
});

test('members of a remote group come and go', { timeout: 60_000 }, async (t) => {
	const lab = new Lab(t);
	const network = lab.network({ subnets: ['10.0.0.0/24'] });
	const friends = lab.group(everythingOut);
	const server = lab.group([...everythingOut, rule('ingress', { protocol: 'tcp', remoteGroupId: friends.id })]);
	const a = await lab.box('a');
	const b = await lab.box('b');
	const from = lab.port(network.id, a, ['10.0.0.2'], { securityGroupIds: [friends.id] });
	const to = lab.port(network.id, b, ['10.0.0.3'], { securityGroupIds: [server.id] });
	await lab.apply();
	await lab.plug(a, from);
	await lab.plug(b, to);
	await b.serve('tcp:80');
	assert.equal(await a.reaches('tcp', '10.0.0.3', 80), false, 'nobody is a member yet');
	lab.changeGroup(friends.id, { members: ['10.0.0.2', '10.0.0.99'] });
	await lab.apply();
	const stream = await a.stream('tcp', '10.0.0.3', 80);
	assert.equal(await flows(stream), true);
	lab.changeGroup(friends.id, { members: ['10.0.0.99'] });
	await lab.apply();
	await ends('the connection of one who left', stream);
});

test('ICMP is told apart by type and code, and a port that is down lets nothing through', { timeout: 60_000 }, async (t) => {
	const lab = new Lab(t);
	const network = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'] });
	const group = lab.group(everythingOut);
	const a = await lab.box('a');
	const b = await lab.box('b');
	const from = lab.port(network.id, a, ['10.0.0.2', 'fd01::2'], { securityGroupIds: [group.id] });
	const to = lab.port(network.id, b, ['10.0.0.3', 'fd01::3'], { securityGroupIds: [group.id] });
	await lab.apply();
	await lab.plug(a, from);
	await lab.plug(b, to);
	const icmp = (type: number, code: number | null) => rule('ingress', { protocol: 'icmp', portRangeMin: type, portRangeMax: code });
	const six = (type: number) => rule('ingress', { version: 6, protocol: 'ipv6-icmp', portRangeMin: type });
	for (const [rules, reached4, reached6] of [
		[[icmp(13, null), six(129)], false, false],
		[[icmp(8, 0)], true, false],
		[[icmp(8, 3), six(128)], false, true],
		[[rule('ingress', { protocol: '1' }), rule('ingress', { version: 6, protocol: '58' })], true, true],
	] as const) {
		lab.changeGroup(group.id, { rules: [...everythingOut, ...rules] });
		await lab.apply();
		assert.deepEqual([await a.pings('10.0.0.3'), await a.pings('fd01::3')], [reached4, reached6], JSON.stringify(rules));
	}
	lab.changePort(to.id, { adminStateUp: false });
	await lab.apply();
	assert.equal(await a.pings('10.0.0.3'), false);
});
