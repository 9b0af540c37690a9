import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { namespaceName, ownerNames, portLinkName, transitName } from '../../../src/agent/network/names.ts';
import { DriverError } from '../../../src/drivers/driver.ts';
import { everythingOut, Lab, must, rule, run, signal } from './lab.ts';

test('what is damaged by hand is repaired, and what was added goes', { timeout: 180_000 }, async (t) => {
	const lab = new Lab(t);
	const names = ownerNames(lab.owner);
	const network = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'], external: true });
	const group = lab.group([...everythingOut, rule('ingress', { protocol: 'tcp' })]);
	const a = await lab.box('a');
	const b = await lab.box('b');
	const from = lab.port(network.id, a, ['10.0.0.2'], { securityGroupIds: [group.id] });
	const to = lab.port(network.id, b, ['10.0.0.3'], { securityGroupIds: [group.id] });
	lab.published = [
		{ id: '1', protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 47_001, networkId: network.id, address: '10.0.0.3', sandboxPort: 80 },
	];
	await lab.apply();
	await lab.plug(a, from);
	await lab.plug(b, to);
	await b.serve('tcp:80', 'tcp:81');
	await lab.networking.check(signal());
	assert.deepEqual(await lab.networking.check(signal()), [], 'nothing to repair');

	const namespace = namespaceName(names, network.id);
	const transit = transitName(names, network.id);
	const inside = (...args: string[]): Promise<string> => must('nsenter', [`--net=/run/netns/${namespace}`, ...args]);
	const damages: Record<string, () => Promise<unknown>> = {
		'a table is gone': () => inside('nft', 'delete', 'table', 'inet', 'zunbox'),
		'the table of the bridge is gone': () => inside('nft', 'delete', 'table', 'bridge', 'zunbox'),
		'all rules are gone': () => inside('nft', 'flush', 'ruleset'),
		'a rule is added': () => inside('nft', 'insert', 'rule', 'inet', 'zunbox', 'egress_hook', 'accept'),
		'a table is added': () => inside('nft', 'add', 'table', 'inet', 'stranger'),
		'an element is gone': () =>
			inside('nft', 'delete', 'element', 'bridge', 'zunbox', 'macs', `{ "${portLinkName(to.id)}" . ${to.macAddress} }`),
		'an element is added': () =>
			inside('nft', 'add', 'element', 'bridge', 'zunbox', 'macs', `{ "${portLinkName(to.id)}" . fa:16:3e:66:66:66 }`),
		'the bridge is gone': () => inside('ip', 'link', 'del', 'dev', 'br0'),
		'the bridge is down': () => inside('ip', 'link', 'set', 'dev', 'br0', 'down'),
		'the gateway is gone': () => inside('ip', 'addr', 'flush', 'dev', 'br0'),
		'an address is added': () => inside('ip', 'addr', 'add', '10.0.0.77/24', 'dev', 'br0'),
		'a port is out of the bridge': () => inside('ip', 'link', 'set', 'dev', portLinkName(to.id), 'nomaster'),
		'a port is down': () => inside('ip', 'link', 'set', 'dev', portLinkName(to.id), 'down'),
		'the way out is gone': () => inside('ip', 'route', 'del', '0.0.0.0/0'),
		'the uplink is gone': () => inside('ip', 'link', 'del', 'dev', 'up0'),
		'the uplink is down': () => inside('ip', 'link', 'set', 'dev', 'up0', 'down'),
		'the bridge does not ask the rules': () => inside('sh', '-c', 'echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables'),
		'the link to the host is gone': () => must('ip', ['link', 'del', 'dev', transit]),
		'the link to the host has no address': () => must('ip', ['addr', 'flush', 'dev', transit]),
		"the host's table is gone": () => must('nft', ['delete', 'table', 'inet', names.hostTable]),
		"a rule in the host's table is gone": () => must('nft', ['flush', 'chain', 'inet', names.hostTable, 'from_network']),
		'a link of no port is there': () => inside('ip', 'link', 'add', 'name', 'zp0123456789abc', 'type', 'veth', 'peer', 'name', 'x0'),
		'a namespace of no network is there': () => must('ip', ['netns', 'add', `${names.namespacePrefix}stranger`]),
		'a link of no network is there': () =>
			must('ip', ['link', 'add', 'name', `${names.transitPrefix}0000000`, 'type', 'veth', 'peer', 'name', `zy${lab.tag}`]),
	};
	const rulesBefore = await inside('nft', 'list', 'ruleset');
	for (const [what, damage] of Object.entries(damages)) {
		await damage();
		const repaired = await lab.networking.check(signal());
		assert.notDeepEqual(repaired, [], `${what}: noticed`);
		assert.deepEqual(await lab.networking.check(signal()), [], `${what}: whole again`);
		assert.equal(await a.reaches('tcp', '10.0.0.3', 80, 5), true, `${what}: works again`);
	}
	assert.equal((await inside('nft', 'list', 'ruleset')).length, rulesBefore.length);

	// The namespace itself: the links of its ports go with it, which their owner sees and makes again.
	await must('ip', ['netns', 'del', namespace]);
	assert.notDeepEqual(await lab.networking.check(signal()), []);
	assert.deepEqual(await lab.networking.plugged(a.sandboxId, [from], a.path, signal()), []);
	await lab.plug(a, from);
	await lab.plug(b, to);
	assert.deepEqual(await lab.networking.plugged(a.sandboxId, [from], a.path, signal()), [from.id]);
	assert.equal(await a.reaches('tcp', '10.0.0.3', 80, 5), true);
	// Damage that is done between a change and the next look does not become the rule.
	lab.changeGroup(group.id, { rules: [...everythingOut, rule('ingress', { protocol: 'tcp', portRangeMin: 80, portRangeMax: 80 })] });
	await lab.apply();
	await inside('nft', 'insert', 'rule', 'inet', 'zunbox', 'ingress_hook', 'accept');
	await lab.networking.check(signal());
	assert.equal(await a.reaches('tcp', '10.0.0.3', 81), false);
	assert.equal(await a.reaches('tcp', '10.0.0.3', 80, 5), true);
});

test('two installations on one machine do not touch one another, and each leaves nothing behind', { timeout: 60_000 }, async (t) => {
	const one = new Lab(t);
	const two = new Lab(t);
	const id = 'f3b7a1c0-0000-4000-8000-00000000000f';
	const open = [...everythingOut, rule('ingress')];
	const made = [];
	for (const lab of [one, two]) {
		lab.network({ subnets: ['10.0.0.0/24'], external: true, id });
		const group = lab.group(open);
		const a = await lab.box('a');
		const b = await lab.box('b');
		const from = lab.port(id, a, ['10.0.0.2'], { securityGroupIds: [group.id] });
		const to = lab.port(id, b, ['10.0.0.3'], { securityGroupIds: [group.id] });
		await lab.apply();
		await lab.plug(a, from);
		await lab.plug(b, to);
		made.push({ lab, a, b, from, to });
	}
	for (const { a } of made) assert.equal(await a.pings('10.0.0.3'), true);
	for (const { lab } of made) await lab.networking.check(signal());
	for (const { lab } of made) assert.deepEqual(await lab.networking.check(signal()), []);
	await one.networking.clear(signal());
	assert.deepEqual(await two.networking.check(signal()), []);
	const [, second] = made;
	assert.equal(await second?.a.pings('10.0.0.3'), true);

	const names = ownerNames(one.owner);
	assert.deepEqual(
		readdirSync('/run/netns').filter((name) => name.startsWith(names.namespacePrefix)),
		[],
	);
	assert.equal((await run('nft', ['list', 'table', 'inet', names.hostTable])).code, 1);
	assert.doesNotMatch(await must('ip', ['-br', 'link']), new RegExp(names.transitPrefix));
	assert.doesNotMatch((await run('iptables', ['-S', 'FORWARD'])).stdout, new RegExp(names.transitPrefix));
});

test('a port can be unplugged, plugged again and moved to a bridge of somebody else', { timeout: 60_000 }, async (t) => {
	const lab = new Lab(t);
	const network = lab.network({ subnets: ['10.0.0.0/24'] });
	const a = await lab.box('a');
	const port = lab.port(network.id, a, ['10.0.0.2']);
	await assert.rejects(lab.plug(a, port), /not in what this host was told/);
	await lab.apply();
	const withRoute = { ...port, routes: [{ destination: '172.20.0.0/16', nexthop: '10.0.0.9' }] };
	await lab.plug(a, withRoute);
	await lab.plug(a, withRoute);
	assert.match((await a.run('ip', ['route'])).stdout, /default via 10\.0\.0\.1 dev eth0[\s\S]*172\.20\.0\.0\/16 via 10\.0\.0\.9/);
	assert.match((await a.run('ip', ['link', 'show', 'dev', 'eth0'])).stdout, new RegExp(`mtu 1450[\\s\\S]*${port.macAddress}`));
	await a.run('ip', ['addr', 'flush', 'dev', 'eth0']);
	assert.deepEqual(await lab.networking.plugged(a.sandboxId, [withRoute], a.path, signal()), []);
	await lab.plug(a, withRoute);
	assert.deepEqual(await lab.networking.plugged(a.sandboxId, [withRoute], a.path, signal()), [port.id]);
	await lab.networking.unplug(port.id, signal());
	await lab.networking.unplug(port.id, signal());
	assert.equal((await a.run('ip', ['link', 'show', 'dev', 'eth0'])).code, 1);

	const bridge = `zt${lab.tag}`;
	const foreign = { ...port, id: 'foreign', binding: { type: 'bridge', bridge, device: `tap${lab.tag}` } } as const;
	await assert.rejects(
		lab.plug(a, foreign),
		(error) => error instanceof DriverError && error.transient && /has no bridge/.test(error.message),
	);
	await must('ip', ['link', 'add', 'name', bridge, 'type', 'bridge']);
	t.after(async () => void (await run('ip', ['link', 'del', 'dev', bridge])));
	await lab.plug(a, foreign);
	assert.deepEqual(await lab.networking.plugged(a.sandboxId, [foreign], a.path, signal()), ['foreign']);
	assert.match(await must('ip', ['link', 'show', 'dev', `tap${lab.tag}`]), new RegExp(`master ${bridge}`));
	await lab.restarted().unplug('foreign', signal());
	assert.equal((await run('ip', ['link', 'show', 'dev', `tap${lab.tag}`])).code, 1);
});
