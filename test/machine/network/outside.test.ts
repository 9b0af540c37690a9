import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { type Box, everythingOut, Lab, must, rule, run, signal } from './lab.ts';
import { onOwnHost } from './own-host.ts';

const probe = path.join(import.meta.dirname, 'probe.py');

/** A machine beyond the host, or with `inner` a container of somebody else on it. */
async function neighbour(lab: Lab, name: string, device: string, net: number): Promise<Box> {
	const box = await lab.box(name);
	await must('ip', ['link', 'add', 'name', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', box.name]);
	await must(
		'ip',
		['-batch', '-'],
		`addr add 198.18.${net}.1/24 dev ${device}\naddr add fd18:${net}::1/64 dev ${device} nodad\nlink set dev ${device} up\n`,
	);
	await must(
		'ip',
		['-n', box.name, '-batch', '-'],
		`link set dev lo up\naddr add 198.18.${net}.2/24 dev eth0\naddr add fd18:${net}::2/64 dev eth0 nodad\nlink set dev eth0 up\nroute add 0.0.0.0/0 via 198.18.${net}.1 dev eth0\nroute add ::/0 via fd18:${net}::1 dev eth0\n`,
	);
	return box;
}

async function hostServes(t: TestContext, ...what: string[]): Promise<void> {
	const child = spawn('python3', [probe, 'serve', ...what], { stdio: ['ignore', 'pipe', 'inherit'] });
	t.after(() => child.kill('SIGKILL'));
	await new Promise((resolve) => child.stdout.once('data', resolve));
}

async function hostReaches(protocol: string, address: string, port: number): Promise<boolean> {
	return (await run('python3', [probe, 'ask', protocol, address, String(port), '2'])).code === 0;
}

onOwnHost('the world, the host and published ports', import.meta.filename, () => {
	before(async () => {
		await must('ip', ['link', 'set', 'dev', 'lo', 'up']);
		writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
		// As Docker leaves a machine.
		for (const command of ['iptables', 'ip6tables']) await run(command, ['-P', 'FORWARD', 'DROP']);
	});

	test('an external network reaches the world as the host, and neither the host nor what else runs on it', {
		timeout: 120_000,
	}, async (t) => {
		const lab = new Lab(t, { uplinks: ['world0'] });
		const world = await neighbour(lab, 'w', 'world0', 5);
		const inner = await neighbour(lab, 'i', 'inner0', 6);
		t.after(async () => {
			await run('ip', ['link', 'del', 'dev', 'world0']);
			await run('ip', ['link', 'del', 'dev', 'inner0']);
		});
		await must('ip', ['-n', world.name, 'addr', 'add', '192.0.0.192/32', 'dev', 'lo']);
		await must('ip', ['route', 'add', '192.0.0.192/32', 'via', '198.18.5.2']);
		const group = lab.group([...everythingOut, rule('ingress'), rule('ingress', { version: 6 })]);
		const external = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'], external: true });
		const other = lab.network({ subnets: ['10.0.0.0/24'], external: true });
		const closed = lab.network({ subnets: ['10.0.0.0/24'] });
		const a = await lab.box('a');
		const b = await lab.box('b');
		const c = await lab.box('c');
		const ports = [
			[a, lab.port(external.id, a, ['10.0.0.2', 'fd01::2'], { securityGroupIds: [group.id] })],
			[b, lab.port(other.id, b, ['10.0.0.3'], { securityGroupIds: [group.id] })],
			[c, lab.port(closed.id, c, ['10.0.0.4'], { securityGroupIds: [group.id] })],
		] as const;
		await lab.apply();
		for (const [box, port] of ports) await lab.plug(box, port);
		const served = await world.serve('tcp:80', 'udp:53', 'tcp:53');
		await inner.serve('tcp:80');
		await b.serve('tcp:80');
		await hostServes(t, 'tcp:7000', 'udp:7000');

		assert.equal(await a.reaches('tcp', '198.18.5.2', 80, 5), true, 'the world');
		assert.equal(await a.reaches('udp', '198.18.5.2', 53, 5), true, 'a resolver');
		assert.equal(await a.reaches('tcp', 'fd18:5::2', 80, 5), true, 'the world over IPv6');
		assert.equal(await a.pings('198.18.5.2'), true);
		assert.deepEqual([...new Set(served.lines.filter((line) => line.startsWith('from ')))], ['from 198.18.5.1', 'from fd18:5::1']);
		assert.equal(await c.reaches('tcp', '198.18.5.2', 80), false, 'no way out of a network that is not external');

		const links = await must('ip', ['-j', 'addr', 'show', 'type', 'veth']);
		const transits = links.match(/169\.254\.\d+\.\d+/g) ?? [];
		assert.ok(transits.length >= 2);
		const reached = await Promise.all(
			['198.18.5.1', '198.18.6.1', 'fd18:5::1', ...transits].map(async (address) => [
				address,
				await a.pings(address),
				await a.reaches('tcp', address, 7000),
				await a.reaches('udp', address, 7000),
			]),
		);
		assert.deepEqual(
			reached.filter((row) => row.includes(true)),
			[],
			'the host itself',
		);
		assert.equal(await a.reaches('tcp', '198.18.6.2', 80), false, "somebody else's container on the host");
		assert.equal(await a.reaches('tcp', '192.0.0.192', 80), false, "the cloud's metadata");
		assert.equal(await a.reaches('tcp', '192.0.0.192', 53, 5), true, 'names at such an address');
		assert.equal(await world.reaches('tcp', '10.0.0.2', 80), false);
	});

	test('a published port leads to its sandbox from the world, the host and sandboxes, until it is withdrawn', {
		timeout: 120_000,
	}, async (t) => {
		const lab = new Lab(t, { uplinks: ['world1'] });
		const world = await neighbour(lab, 'w', 'world1', 7);
		t.after(async () => void (await run('ip', ['link', 'del', 'dev', 'world1'])));
		const group = lab.group(everythingOut);
		const external = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'], external: true });
		// Not external: published ports are then its only way to the outside.
		const closed = lab.network({ subnets: ['10.0.0.0/24'] });
		const a = await lab.box('a');
		const b = await lab.box('b');
		const ports = [
			[a, lab.port(external.id, a, ['10.0.0.2', 'fd01::2'], { securityGroupIds: [group.id] })],
			[b, lab.port(closed.id, b, ['10.0.0.2'], { securityGroupIds: [group.id] })],
		] as const;
		lab.published = [
			{ id: '1', protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8001, networkId: external.id, address: '10.0.0.2', sandboxPort: 80 },
			{ id: '2', protocol: 'udp', hostIp: '0.0.0.0', hostPort: 8001, networkId: external.id, address: '10.0.0.2', sandboxPort: 53 },
			{ id: '3', protocol: 'tcp', hostIp: '198.18.7.1', hostPort: 8002, networkId: closed.id, address: '10.0.0.2', sandboxPort: 80 },
			{ id: '4', protocol: 'tcp', hostIp: '127.0.0.1', hostPort: 8002, networkId: closed.id, address: '10.0.0.2', sandboxPort: 81 },
			{ id: '5', protocol: 'tcp', hostIp: '::', hostPort: 8003, networkId: external.id, address: 'fd01::2', sandboxPort: 80 },
		];
		await lab.apply();
		for (const [box, port] of ports) await lab.plug(box, port);
		const served = await a.serve('tcp:80', 'udp:53', 'tcp:9999');
		await b.serve('tcp:80', 'tcp:81');

		assert.equal(await world.reaches('tcp', '198.18.7.1', 8001, 5), true);
		assert.ok(served.lines.includes('from 198.18.7.2'), "the sandbox sees the client's address");
		assert.equal(await world.reaches('udp', '198.18.7.1', 8001, 5), true);
		assert.equal(await world.reaches('tcp', '198.18.7.1', 8002, 5), true);
		assert.equal(await world.reaches('tcp', 'fd18:7::1', 8003, 5), true);
		assert.equal(await world.reaches('tcp', '198.18.7.1', 9999), false, 'what is not published');
		for (const [address, port] of [
			['127.0.0.1', 8001],
			['198.18.7.1', 8001],
			['127.0.0.1', 8002],
			['198.18.7.1', 8002],
			['fd18:7::1', 8003],
		] as const) {
			assert.equal(await hostReaches('tcp', address, port), true, `from the host at ${address}:${port}`);
		}
		assert.equal(await hostReaches('udp', '127.0.0.1', 8001), true);
		assert.equal(await a.reaches('tcp', '198.18.7.1', 8002, 5), true, "from a sandbox to another network's");
		assert.equal(await a.reaches('tcp', '198.18.7.1', 8001, 5), true, 'from the sandbox to itself');
		assert.equal(await b.reaches('tcp', '198.18.7.1', 8001), false, 'a network that is not external has no way out');

		const stream = await world.stream('tcp', '198.18.7.1', 8001);
		lab.published = lab.published.filter((port) => port.id !== '1');
		await lab.apply();
		await eventually('the connection through a withdrawn port ends', async () => {
			const count = stream.lines.length;
			await new Promise((resolve) => setTimeout(resolve, 500));
			return stream.lines.length === count;
		});
		assert.equal(await world.reaches('tcp', '198.18.7.1', 8001), false);
		assert.equal(await world.reaches('udp', '198.18.7.1', 8001, 5), true);
		lab.published = [
			...lab.published,
			{ id: '6', protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8004, networkId: external.id, address: '10.0.0.2', sandboxPort: 80 },
		];
		await lab.apply();
		assert.equal(await world.reaches('tcp', '198.18.7.1', 8004, 5), true);

		await lab.networking.clear(signal());
		assert.doesNotMatch(await must('nft', ['list', 'ruleset']), /zunbox_|zb[0-9a-f]{6}/);
		assert.doesNotMatch(await must('ip', ['-br', 'link']), /^zb/m);
	});

	test('a host that has switched IPv6 off has networks all the same', { timeout: 60_000 }, async (t) => {
		for (const scope of ['all', 'default']) writeFileSync(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`, '1');
		t.after(() => {
			for (const scope of ['all', 'default']) writeFileSync(`/proc/sys/net/ipv6/conf/${scope}/disable_ipv6`, '0');
		});
		const lab = new Lab(t);
		const group = lab.group([...everythingOut, rule('ingress'), rule('ingress', { version: 6 })]);
		const network = lab.network({ subnets: ['10.0.0.0/24', 'fd01::/64'], external: true });
		const a = await lab.box('a');
		const b = await lab.box('b');
		const from = lab.port(network.id, a, ['10.0.0.2', 'fd01::2'], { securityGroupIds: [group.id] });
		const to = lab.port(network.id, b, ['10.0.0.3', 'fd01::3'], { securityGroupIds: [group.id] });
		await lab.apply();
		await lab.plug(a, from);
		await lab.plug(b, to);
		assert.deepEqual([await a.pings('10.0.0.3'), await a.pings('fd01::3'), await a.pings('fd01::1')], [true, true, true]);
	});
});
