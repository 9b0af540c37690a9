import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { filters } from '../../../src/scheduler/filters.ts';
import { readHints } from '../../../src/scheduler/hints.ts';
import type { HostState, Request } from '../../../src/scheduler/host-state.ts';
import { schedule } from '../../../src/scheduler/schedule.ts';

function host(hostname: string, change: Partial<HostState> = {}): HostState {
	return {
		hostname,
		up: true,
		disabled: false,
		availabilityZone: 'nova',
		driver: 'docker',
		runtimes: ['runc'],
		labels: {},
		capacity: { cpu: 4, memoryMib: 4096, diskGib: 100 },
		claimed: { cpu: 0, memoryMib: 0, diskGib: 0 },
		...change,
	};
}

const request: Request = {
	cpu: 1,
	memoryMib: 512,
	diskGib: 10,
	driver: 'docker',
	runtime: null,
	availabilityZone: null,
	host: null,
	excludedHosts: new Set(),
	labels: [],
	sameHost: null,
	differentHost: null,
	preferSameHost: null,
	preferDifferentHost: null,
};

const refusals: readonly [what: string, host: Partial<HostState>, request: Partial<Request>, reason: RegExp][] = [
	['another host was asked for', {}, { host: 'b' }, /1 are not the requested host/],
	['it is down', { up: false }, {}, /1 are down/],
	['it is disabled', { disabled: true }, {}, /1 are disabled/],
	['it refused before', {}, { excludedHosts: new Set(['a']) }, /1 refused it before/],
	['it is in another zone', {}, { availabilityZone: 'west' }, /1 are in another availability zone/],
	['it has another driver', { driver: 'fake' }, {}, /1 have another driver/],
	['it lacks the runtime', {}, { runtime: 'runsc' }, /1 lack the runtime/],
	['it lacks a label', { labels: { disk: 'hdd' } }, { labels: [['disk', 'ssd']] }, /1 lack a label/],
	['affinity asks for another', {}, { sameHost: new Set(['b']) }, /1 hold none of the sandboxes of same_host/],
	['anti-affinity forbids it', {}, { differentHost: new Set(['a']) }, /1 hold a sandbox of different_host/],
	['its cores are claimed', { claimed: { cpu: 3.5, memoryMib: 0, diskGib: 0 } }, {}, /1 have too few cores left/],
	['its memory is claimed', { claimed: { cpu: 0, memoryMib: 4000, diskGib: 0 } }, {}, /1 have too little memory left/],
	['its disk is claimed', { claimed: { cpu: 0, memoryMib: 0, diskGib: 95 } }, {}, /1 have too little disk left/],
];

for (const [what, state, asked, reason] of refusals) {
	test(`a host is refused when ${what}, and the answer says so`, () => {
		const choice = schedule([host('a', state)], { ...request, ...asked }, 'spread');
		assert.equal(choice.host, null);
		assert.match(choice.host === null ? choice.reason : '', reason);
	});
}

test('every filter has a case above', () => {
	assert.equal(refusals.length, filters.length);
});

test('spread takes the emptiest, pack the fullest that has room', () => {
	const hosts = [
		host('full', { claimed: { cpu: 3, memoryMib: 3000, diskGib: 0 } }),
		host('empty'),
		host('over', { claimed: { cpu: 4, memoryMib: 0, diskGib: 0 } }),
	];
	assert.equal(schedule(hosts, request, 'spread').host?.hostname, 'empty');
	assert.equal(schedule(hosts, request, 'pack').host?.hostname, 'full');
});

test('wishes outweigh load but do not forbid', () => {
	const hosts = [host('near', { claimed: { cpu: 2, memoryMib: 2000, diskGib: 0 } }), host('far')];
	assert.equal(schedule(hosts, { ...request, preferSameHost: new Set(['near']) }, 'spread').host?.hostname, 'near');
	assert.equal(schedule(hosts, { ...request, preferDifferentHost: new Set(['far']) }, 'spread').host?.hostname, 'near');
	assert.equal(schedule([host('far')], { ...request, preferDifferentHost: new Set(['far']) }, 'spread').host?.hostname, 'far');
});

test('hints are read in both forms, and refused in others', () => {
	const hints = readHints({ same_host: 'a', different_host: ['b', 'c'], 'label:disk': 'ssd', foreign: { x: 1 } });
	assert.deepEqual(hints.sameHost, ['a']);
	assert.deepEqual(hints.differentHost, ['b', 'c']);
	assert.deepEqual(hints.labels, [['disk', 'ssd']]);
	assert.throws(() => readHints({ same_host: 7 }), /hint same_host must be/);
	assert.throws(() => readHints({ same_host: Array.from({ length: 101 }, String) }), /100 is the most/);
	assert.throws(() => readHints({ 'label:disk': { toString: 1, valueOf: 1 } }), /hint label:disk must be/);
});

test('a chosen host passes every filter, and none is chosen only when none passes', () => {
	const size = fc.record({
		cpu: fc.integer({ min: 0, max: 8 }),
		memoryMib: fc.integer({ min: 0, max: 8192 }),
		diskGib: fc.integer({ min: 0, max: 200 }),
	});
	const anyHost = fc.record({ up: fc.boolean(), disabled: fc.boolean(), availabilityZone: fc.constantFrom('nova', 'west'), claimed: size });
	fc.assert(
		fc.property(
			fc.array(anyHost, { maxLength: 20 }),
			size,
			fc.constantFrom(null, 'nova', 'west'),
			fc.constantFrom('spread' as const, 'pack' as const),
			(changes, asked, zone, strategy) => {
				const hosts = changes.map((change, index) => host(`h${index}`, change));
				const wanted = { ...request, ...asked, availabilityZone: zone };
				const passing = hosts.filter((candidate) => filters.every((filter) => filter.passes(candidate, wanted)));
				const choice = schedule(hosts, wanted, strategy);
				if (choice.host === null) assert.equal(passing.length, 0);
				else assert.ok(passing.includes(choice.host));
			},
		),
	);
});
