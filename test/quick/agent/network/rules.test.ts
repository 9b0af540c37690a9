import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { renderRule } from '../../../../src/agent/network/group-rules.ts';
import { hostTable } from '../../../../src/agent/network/host-rules.ts';
import { gatewayMac, namespaceName, ownerNames, portLinkName, transitName } from '../../../../src/agent/network/names.ts';
import { usableNameservers } from '../../../../src/agent/network/nameservers.ts';
import { networkRules } from '../../../../src/agent/network/network-rules.ts';
import { numberProfiles } from '../../../../src/agent/network/profiles.ts';
import { publishedTargets } from '../../../../src/agent/network/published.ts';
import { renderChange, type Table } from '../../../../src/agent/network/ruleset.ts';
import { linkLocalAddress } from '../../../../src/agent/network/spoof-rules.ts';
import { chooseTransit, transitPool } from '../../../../src/agent/network/transit.ts';
import { type Cidr, inCidr, parseCidr, parseIp } from '../../../../src/model/ip.ts';
import type { HostNetwork, HostPort, HostPublishedPort, HostSecurityGroup, HostSecurityGroupRule } from '../../../../src/model/spec.ts';

const any: HostSecurityGroupRule = {
	direction: 'ingress',
	version: 4,
	protocol: null,
	portRangeMin: null,
	portRangeMax: null,
	remoteIpPrefix: null,
	remoteGroupId: null,
};

describe('a rule of a group', () => {
	const cases: [string, Partial<HostSecurityGroupRule>, string | null][] = [
		['anything', {}, 'meta nfproto ipv4 accept'],
		[
			'a port',
			{ protocol: 'tcp', portRangeMin: 80, portRangeMax: 80 },
			'meta nfproto ipv4 ct original protocol 6 ct reply proto-src 80 accept',
		],
		[
			'a range',
			{ protocol: '17', portRangeMin: 1, portRangeMax: 9 },
			'meta nfproto ipv4 ct original protocol 17 ct reply proto-src 1-9 accept',
		],
		['an ICMP type', { protocol: 'icmp', portRangeMin: 8 }, 'meta nfproto ipv4 ct original protocol 1 icmp type 8 accept'],
		[
			'an ICMP code',
			{ protocol: 'icmp', portRangeMin: 3, portRangeMax: 4 },
			'meta nfproto ipv4 ct original protocol 1 icmp type 3 icmp code 4 accept',
		],
		[
			'ICMP of IPv6',
			{ version: 6, protocol: 'icmp', portRangeMin: 128 },
			'meta nfproto ipv6 ct original protocol 58 icmpv6 type 128 accept',
		],
		['a protocol by number', { protocol: '47' }, 'meta nfproto ipv4 ct original protocol 47 accept'],
		['a prefix in', { remoteIpPrefix: '10.1.2.3/8' }, 'meta nfproto ipv4 ct original ip saddr 10.0.0.0/8 accept'],
		['a prefix out', { direction: 'egress', remoteIpPrefix: '10.0.0.0/8' }, 'meta nfproto ipv4 ct reply ip saddr 10.0.0.0/8 accept'],
		['every prefix', { remoteIpPrefix: '0.0.0.0/0' }, 'meta nfproto ipv4 accept'],
		['a prefix of the other family', { remoteIpPrefix: 'fd00::/8' }, null],
		['a protocol that nobody knows', { protocol: 'nonsense' }, null],
		['ports of a protocol without', { protocol: '47', portRangeMin: 1, portRangeMax: 2 }, null],
	];
	for (const [name, change, text] of cases) test(name, () => assert.equal(renderRule({ ...any, ...change }), text));
	test('a remote group', () => {
		assert.match(
			renderRule({ ...any, remoteGroupId: 'g' }) ?? '',
			/^meta nfproto ipv4 ct original ip saddr @members4_[0-9a-f]{16} accept$/,
		);
	});
});

const port = (index: number, change: Partial<HostPort> = {}): HostPort => ({
	id: `port-${index}`,
	sandboxId: `sandbox-${index}`,
	macAddress: `fa:16:3e:00:${(index >> 8).toString(16).padStart(2, '0')}:${(index & 255).toString(16).padStart(2, '0')}`,
	addresses: [`10.0.${index >> 8}.${index & 255}`, `fd00::${index.toString(16)}`],
	allowedAddressPairs: [],
	portSecurity: true,
	adminStateUp: true,
	securityGroupIds: ['g'],
	...change,
});
const group: HostSecurityGroup = {
	id: 'g',
	rules: [any, { ...any, remoteGroupId: 'g' }],
	members: ['10.0.0.1', 'fd00:0::1', 'no address'],
};
const network = (ports: readonly HostPort[]): HostNetwork => ({ id: 'n', mtu: 1500, external: false, subnets: [], ports });
const render = (ports: readonly HostPort[], groups: readonly HostSecurityGroup[] = [group]) =>
	networkRules({
		network: network(ports),
		groups: new Map(groups.map((each) => [each.id, each])),
		published: [],
		numbers: new Map([['["g"]', 1]]),
		generation: 7,
	});

const elementsOf = (table: Table, set: string) => [...table.bundles.values()].flat().filter(([name]) => name === set);
const keysOf = (table: Table, set: string) =>
	elementsOf(table, set)
		.map(([, key]) => key)
		.sort();

describe('the rules of a network', () => {
	test('adding a port is a handful of elements, however many there are', () => {
		const lines = [10, 1000].map((count) => {
			const ports = Array.from({ length: count }, (_, index) => port(index + 1));
			const before = render(ports);
			const after = render([...ports, port(5000)]);
			const change = renderChange(before.spoof, after.spoof) + renderChange(before.filter, after.filter);
			assert.doesNotMatch(change, /rule|chain|delete|flush/);
			return change.split('\n').length;
		});
		assert.equal(lines[0], lines[1]);
	});

	test('a rule of a group is one chain, however many ports are in it', () => {
		const ports = Array.from({ length: 500 }, (_, index) => port(index + 1));
		const before = render(ports);
		const after = render(ports, [{ ...group, rules: [{ ...any, protocol: 'tcp' }] }]);
		const change = renderChange(before.filter, after.filter);
		assert.ok(change.split('\n').length < 8, change);
		assert.equal(renderChange(before.spoof, after.spoof), '');
	});

	test('a port that is down has no element', () => {
		const rules = render([port(1, { adminStateUp: false })]);
		for (const table of [rules.spoof, rules.filter]) {
			for (const [id, bundle] of table.bundles) if (!id.startsWith('members')) assert.deepEqual(bundle, [], id);
		}
	});

	test('blocks within blocks are left out, and two ports may share a pair', () => {
		const pairs = ['10.9.0.0/16', '10.9.1.0/24', '10.9.1.7', '0.0.0.0/0'].map((address) => ({ address, macAddress: null }));
		const rules = render([
			port(1, { allowedAddressPairs: pairs }),
			port(2, { allowedAddressPairs: [{ address: '10.0.0.1', macAddress: null }] }),
		]);
		assert.deepEqual(keysOf(rules.spoof, 'blocks4'), [`"${portLinkName('port-1')}" . fa:16:3e:00:00:01 . 0.0.0.0/0`]);
		assert.deepEqual(keysOf(rules.filter, 'ingress4'), ['10.0.0.1', '10.0.0.2', '10.9.1.7']);
	});

	test('a member that is no address is left out', () => {
		const members = render([port(1)]).filter.bundles.get('members g') ?? [];
		assert.deepEqual(
			members.map(([, key]) => key),
			['10.0.0.1', 'fd00::1'],
		);
	});
});

describe('numbers of profiles', () => {
	test('stay, are unique, and are taken again when free', () => {
		fc.assert(
			fc.property(fc.array(fc.uniqueArray(fc.string({ maxLength: 2 }), { maxLength: 8 }), { maxLength: 8 }), (rounds) => {
				let numbers: ReadonlyMap<string, number> = new Map();
				for (const used of rounds) {
					const next = numberProfiles(used, numbers);
					assert.equal(next.size, used.length);
					assert.equal(new Set(next.values()).size, used.length);
					for (const [profile, number] of next) {
						assert.ok(number >= 1 && number <= 16);
						assert.equal(numbers.get(profile) ?? number, number);
					}
					numbers = next;
				}
			}),
		);
	});
});

describe('names', () => {
	test('fit into an interface name and tell owners apart', () => {
		fc.assert(
			fc.property(fc.string(), fc.string(), fc.uuid(), (one, other, id) => {
				const names = ownerNames(one);
				assert.ok(transitName(names, id).length <= 15 && portLinkName(id).length <= 15);
				assert.match(namespaceName(names, id), /^[\w-]+$/);
				assert.match(gatewayMac(id), /^02(:[0-9a-f]{2}){5}$/);
				if (one !== other) assert.notEqual(namespaceName(names, id), namespaceName(ownerNames(other), id));
			}),
		);
	});
	test('a network id that is no plain word is hashed', () =>
		assert.match(namespaceName(ownerNames('o'), '../../etc'), /^zunbox-[0-9a-f]{12}-[0-9a-f]{32}$/));
	test('the link-local address follows from the hardware address', () =>
		assert.equal(linkLocalAddress('fa:16:3e:01:02:03'), 'fe80::f816:3eff:fe01:203'));
});

describe('links to the host', () => {
	const pool = parseCidr(transitPool);
	test('never take what is taken, keep what they have, and stay in the pool', () => {
		fc.assert(
			fc.property(fc.uuid(), fc.integer({ min: 0, max: 30 }), (id, count) => {
				const taken: Cidr[] = [];
				const seen = new Set<string>();
				for (let step = 0; step < count; step += 1) {
					const transit = chooseTransit('o', id, null, taken);
					const block = parseCidr(`${transit.host4}/30`);
					const host = parseIp(transit.host4);
					assert.ok(block !== null && host !== null && pool !== null && inCidr(pool, host));
					assert.ok(!seen.has(transit.host4));
					assert.deepEqual(chooseTransit('o', id, transit.host4, taken), transit);
					seen.add(transit.host4);
					taken.push(block);
				}
			}),
		);
	});
	test('say so when none is left', () => {
		const halves = ['169.254.64.0/19', '169.254.96.0/19'].flatMap((text) => parseCidr(text) ?? []);
		assert.throws(() => chooseTransit('o', 'n', null, halves), /no free addresses/);
	});
});

describe('published ports', () => {
	const published = (id: string, change: Partial<HostPublishedPort>): HostPublishedPort => ({
		id,
		protocol: 'tcp',
		hostIp: '0.0.0.0',
		hostPort: 80,
		networkId: 'n',
		address: '10.0.0.1',
		sandboxPort: 8080,
		...change,
	});
	test('of one number at several addresses have transit ports of their own', () => {
		const targets = publishedTargets([
			published('1', { hostIp: '192.0.2.1' }),
			published('2', { hostIp: '192.0.2.2' }),
			published('3', { protocol: 'udp' }),
		]);
		assert.deepEqual(
			targets.map((target) => [target.protocol, target.transitPort]),
			[
				['tcp', 80],
				['tcp', 81],
				['udp', 80],
			],
		);
	});
	test('that cannot work are left out', () => {
		assert.deepEqual(publishedTargets([published('1', { hostIp: '::1' }), published('2', { address: 'nowhere' })]), []);
	});
	test('are elements of the host table, wherever they listen', () => {
		const names = ownerNames('o');
		const transit = chooseTransit('o', 'n', null, []);
		const table = hostTable({
			names,
			transits: new Map([['n', transit]]),
			published: publishedTargets([published('1', {}), published('2', { hostIp: '192.0.2.2', hostPort: 81 })]),
			uplinks: ['eth0'],
		});
		assert.deepEqual(elementsOf(table, 'any4'), [['any4', 'tcp . 80', `${transit.network4} . 80`]]);
		assert.deepEqual(elementsOf(table, 'chosen4'), [['chosen4', '192.0.2.2 . tcp . 81', `${transit.network4} . 81`]]);
	});
});

describe('nameservers of the host', () => {
	test('are those that another machine can reach', () => {
		assert.deepEqual(
			usableNameservers(
				'# x\nnameserver 127.0.0.53\nnameserver 192.0.2.1\n nameserver fd00::53 # y\nnameserver ::1\nnameserver 192.0.2.1\nsearch x',
			),
			['192.0.2.1', 'fd00::53'],
		);
	});
});
