import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
	addressBits,
	canonicalIp,
	cidrRange,
	cidrsOverlap,
	formatCidr,
	formatIp,
	inCidr,
	ipFromSortKey,
	ipSortKey,
	parseCidr,
	parseIp,
	usableRange,
} from '../../../src/model/ip.ts';
import { canonicalMac, macFromBytes } from '../../../src/model/mac.ts';

const version = fc.constantFrom(4 as const, 6 as const);
const ip = version.chain((family) => fc.bigInt(0n, (1n << BigInt(addressBits(family))) - 1n).map((value) => ({ version: family, value })));
const cidr = fc.tuple(ip, fc.nat(128)).map(([{ version: family, value }, length]) => {
	const prefixLength = length % (addressBits(family) + 1);
	const hostBits = BigInt(addressBits(family) - prefixLength);
	return { version: family, base: (value >> hostBits) << hostBits, prefixLength };
});

describe('addresses', () => {
	test('any address is read back from its text', () => {
		fc.assert(fc.property(ip, (address) => assert.deepEqual(parseIp(formatIp(address)), address)));
	});

	test("IPv6 text agrees with the URL standard's", () => {
		fc.assert(
			fc.property(fc.ipV6(), (text) => {
				const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
				const value = parseIp(text);
				assert.deepEqual(value, parseIp(canonical));
				if (value !== null && value.value >> 32n !== 0xffffn) assert.equal(canonicalIp(text), canonical);
			}),
		);
	});

	for (const [text, expected] of [
		['10.0.0.1', '10.0.0.1'],
		['010.0.0.1', null],
		['10.0.0', null],
		['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
		['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
		['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
		['::', '::'],
		['::ffff:10.1.2.3', '::ffff:10.1.2.3'],
		['fe80::1%eth0', null],
		['', null],
		['10.0.0.1/24', null],
	] as const) {
		test(`the canonical form of '${text}' is ${expected}`, () => assert.equal(canonicalIp(text), expected));
	}

	test('sort keys have one length, keep the order and can be read back', () => {
		fc.assert(
			fc.property(ip, ip, (one, other) => {
				const [first, second] = [ipSortKey(one.value), ipSortKey(other.value)];
				assert.equal(first.length, second.length);
				assert.equal(first < second, one.value < other.value);
				assert.equal(ipFromSortKey(first), one.value);
			}),
		);
	});
});

describe('blocks', () => {
	test('any block is read back from its text', () => {
		fc.assert(fc.property(cidr, (block) => assert.deepEqual(parseCidr(formatCidr(block)), block)));
	});

	test('a block holds exactly the addresses that share its prefix', () => {
		fc.assert(
			fc.property(cidr, ip, (block, address) => {
				const shift = BigInt(addressBits(block.version) - block.prefixLength);
				assert.equal(inCidr(block, address), address.version === block.version && address.value >> shift === block.base >> shift);
			}),
		);
	});

	test('two blocks overlap exactly when one holds the start of the other', () => {
		fc.assert(
			fc.property(cidr, cidr, (one, other) => {
				const holds =
					inCidr(one, { version: other.version, value: other.base }) || inCidr(other, { version: one.version, value: one.base });
				assert.equal(cidrsOverlap(one, other), holds);
			}),
		);
	});

	test('network and broadcast addresses are not usable', () => {
		const block = parseCidr('10.0.0.0/29');
		assert.ok(block !== null);
		assert.deepEqual(usableRange(block), { first: cidrRange(block).first + 1n, last: cidrRange(block).last - 1n });
	});

	for (const text of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', 'x/8', '::/129', '10.0.0.0/0x8']) {
		test(`'${text}' is no block`, () => assert.equal(parseCidr(text), null));
	}
});

describe('hardware addresses', () => {
	test('made-up ones are canonical and carry the prefix', () => {
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 3, maxLength: 3 }), (bytes) => {
				const mac = macFromBytes(bytes);
				assert.match(mac, /^fa:16:3e:/);
				assert.equal(canonicalMac(mac), mac);
			}),
		);
	});

	for (const [text, expected] of [
		['FA-16-3E-00-00-01', 'fa:16:3e:00:00:01'],
		['01:00:5e:00:00:01', null],
		['ff:ff:ff:ff:ff:ff', null],
		['00:00:00:00:00:00', null],
		['fa:16:3e:00:00', null],
		['zz:16:3e:00:00:01', null],
	] as const) {
		test(`'${text}' is ${expected}`, () => assert.equal(canonicalMac(text), expected));
	}
});
