import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatIp, inCidr, parseCidr, parseIp } from '../../../src/model/ip.ts';
import { NetworkError } from '../../../src/model/network-errors.ts';
import { canonicalRule, type RuleContent, sameRule } from '../../../src/model/security-group-rule.ts';
import { planSubnet, poolRange } from '../../../src/model/subnet.ts';

const rule: fc.Arbitrary<RuleContent> = fc.record({
	direction: fc.constantFrom('ingress', 'egress'),
	ethertype: fc.constantFrom('IPv4', 'IPv6'),
	protocol: fc.option(fc.oneof(fc.constantFrom('tcp', 'UDP', 'icmp', 'ICMPv6', 'ipv6-icmp', 'any', 'sctp'), fc.nat(300).map(String)), {
		nil: null,
	}),
	portRangeMin: fc.option(fc.integer({ min: -1, max: 300 }), { nil: null }),
	portRangeMax: fc.option(fc.integer({ min: -1, max: 70_000 }), { nil: null }),
	remoteIpPrefix: fc.option(
		fc.oneof(
			fc.ipV4(),
			fc.ipV6(),
			fc.tuple(fc.ipV4(), fc.nat(33)).map(([ip, length]) => `${ip}/${length}`),
		),
		{ nil: null },
	),
	remoteGroupId: fc.option(fc.constant('group'), { nil: null }),
});

/** The canonical rule, or null where it is refused as the user's mistake. */
function canonical(content: RuleContent): RuleContent | null {
	try {
		return canonicalRule(content);
	} catch (error) {
		assert.ok(error instanceof NetworkError && error.networkStatus === 400, String(error));
		return null;
	}
}

describe('security group rules', () => {
	test('are refused as a mistake, or have one form that is kept', () => {
		fc.assert(
			fc.property(rule, (content) => {
				const once = canonical(content);
				if (once === null) return;
				assert.deepEqual(canonical(once), once);
				assert.ok(sameRule(once, canonicalRule(content)));
			}),
		);
	});

	test('that are kept make sense to a packet filter', () => {
		fc.assert(
			fc.property(rule, (content) => {
				const kept = canonical(content);
				if (kept === null) return;
				const version = kept.ethertype === 'IPv4' ? 4 : 6;
				if (kept.remoteIpPrefix !== null) assert.equal(parseCidr(kept.remoteIpPrefix)?.version, version);
				assert.ok(kept.remoteIpPrefix === null || kept.remoteGroupId === null);
				if (kept.portRangeMin === null) assert.equal(kept.portRangeMax, null);
				else assert.notEqual(kept.protocol, null);
				if (kept.protocol === 'tcp' && kept.portRangeMin !== null) assert.ok(kept.portRangeMin <= (kept.portRangeMax ?? 0));
				assert.notEqual(kept.protocol, version === 6 ? 'icmp' : 'ipv6-icmp');
			}),
		);
	});
});

describe('subnets', () => {
	const request = fc.record(
		{
			cidr: fc.oneof(fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })), fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }))),
			gatewayIp: fc.option(fc.nat(300), { nil: null }),
		},
		{ requiredKeys: ['cidr'] },
	);

	test('have a gateway inside, outside of their pools, and pools of addresses that machines may have', () => {
		fc.assert(
			fc.property(request, ({ cidr: [address, length], gatewayIp: offset }) => {
				const block = parseCidr(`${address}/${length}`);
				assert.ok(block !== null);
				const cidr = `${formatIp({ version: block.version, value: block.base })}/${length}`;
				const gatewayIp =
					typeof offset === 'number' ? { gatewayIp: formatIp({ version: block.version, value: block.base + BigInt(offset) }) } : {};
				let plan: ReturnType<typeof planSubnet>;
				try {
					plan = planSubnet({ cidr, ...(offset === null ? { gatewayIp: null } : gatewayIp) });
				} catch (error) {
					assert.ok(error instanceof NetworkError, String(error));
					return;
				}
				const ranges = plan.allocationPools.map(poolRange);
				const gateway = plan.gatewayIp === null ? null : parseIp(plan.gatewayIp);
				if (gateway !== null) assert.ok(inCidr(plan.cidr, gateway));
				for (const range of ranges) {
					assert.ok(range.first <= range.last && range.first > plan.cidr.base);
					assert.ok(inCidr(plan.cidr, { version: plan.cidr.version, value: range.last }));
					if (gateway !== null) assert.ok(gateway.value < range.first || gateway.value > range.last);
				}
			}),
		);
	});

	for (const [cidr, gatewayIp, pools] of [
		['10.0.0.0/24', undefined, ['10.0.0.2-10.0.0.254']],
		['10.0.0.0/24', null, ['10.0.0.1-10.0.0.254']],
		['10.0.0.0/24', '10.0.0.100', ['10.0.0.1-10.0.0.99', '10.0.0.101-10.0.0.254']],
		['10.0.0.0/30', undefined, ['10.0.0.2-10.0.0.2']],
		['fd00::/64', undefined, ['fd00::2-fd00::ffff:ffff:ffff:ffff']],
	] as const) {
		test(`the pools of ${cidr} with the gateway ${gatewayIp} are ${pools.join(' and ')}`, () => {
			const plan = planSubnet({ cidr, ...(gatewayIp === undefined ? {} : { gatewayIp }) });
			assert.deepEqual(
				plan.allocationPools.map((pool) => `${pool.start}-${pool.end}`),
				pools,
			);
		});
	}
});
