import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { chooseFlavor } from '../../../src/providers/compute/nova/flavors.ts';

const flavor = (name: string, vcpus: number, memoryMib: number, diskGib: number) => ({
	id: `id-${name}`,
	name,
	vcpus,
	memoryMib,
	diskGib,
	isPublic: true,
	extraSpecs: {},
});

const all = [
	flavor('big', 8, 16384, 100),
	flavor('tiny', 1, 64, 1),
	flavor('small', 1, 512, 1),
	flavor('wide', 4, 512, 1),
	flavor('diskless', 1, 256, 0),
];
const wish = { cpu: 1, memoryMib: 512, diskGib: 0, flavor: null };

describe('the flavor of a sandbox', () => {
	test('is the smallest that it fits in', () => {
		assert.equal(chooseFlavor(all, wish).name, 'small');
		assert.equal(chooseFlavor(all, { ...wish, cpu: 1.5 }).name, 'wide');
		assert.equal(chooseFlavor(all, { ...wish, diskGib: 2 }).name, 'big');
		assert.equal(chooseFlavor(all, { ...wish, memoryMib: 65 }).name, 'small');
	});

	test('is not one with a thousand cores because it has little memory', () => {
		const some = [flavor('giant', 8192, 1024, 1), flavor('medium', 2, 2048, 20)];
		assert.equal(chooseFlavor(some, { ...wish, cpu: 2, memoryMib: 1024 }).name, 'medium');
	});

	test('is never one whose disk has no limit, unless it is named', () => {
		assert.equal(chooseFlavor([flavor('diskless', 1, 512, 0), flavor('other', 2, 1024, 10)], wish).name, 'other');
		assert.equal(chooseFlavor(all, { ...wish, memoryMib: 256, flavor: 'diskless' }).name, 'diskless');
	});

	test('may be named by id or name, and must be large enough', () => {
		assert.equal(chooseFlavor(all, { ...wish, flavor: 'big' }).name, 'big');
		assert.equal(chooseFlavor(all, { ...wish, flavor: 'id-wide' }).name, 'wide');
		assert.throws(() => chooseFlavor(all, { ...wish, flavor: 'tiny' }), /tiny \(1 cores, 64 MiB, 1 GiB\) is too small/);
		assert.throws(() => chooseFlavor(all, { ...wish, flavor: 'none' }), /There is no flavor none: the project may use big/);
	});

	test('says what there is where none is large enough', () => {
		assert.throws(() => chooseFlavor(all, { ...wish, cpu: 64 }), /No flavor is large enough for 64 cores/);
		assert.throws(() => chooseFlavor([], wish), /the project may use none/);
	});

	test('always holds what was asked for, and none that does is smaller', () => {
		const size = fc.record({
			cpu: fc.double({ min: 0.1, max: 9, noNaN: true }),
			memoryMib: fc.integer({ min: 1, max: 20_000 }),
			diskGib: fc.nat(120),
		});
		fc.assert(
			fc.property(size, fc.shuffledSubarray(all), (asked, some) => {
				const fits = some.filter(
					(one) => one.diskGib > 0 && one.vcpus >= asked.cpu && one.memoryMib >= asked.memoryMib && one.diskGib >= asked.diskGib,
				);
				if (fits.length === 0) return assert.throws(() => chooseFlavor(some, { ...asked, flavor: null }));
				const chosen = chooseFlavor(some, { ...asked, flavor: null });
				assert.ok(fits.includes(chosen));
				assert.ok(fits.every((one) => one.memoryMib >= chosen.memoryMib));
			}),
		);
	});
});
