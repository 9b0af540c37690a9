import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Turns } from '../../../src/agent/run/turns.ts';

/** Work that notes its name when it begins and lasts until it is ended. */
function noted() {
	const began: string[] = [];
	const ends: (() => void)[] = [];
	const work = (name: string) => (): Promise<void> => {
		began.push(name);
		return new Promise((resolve) => ends.push(resolve));
	};
	/** Ends the oldest; what follows it has begun then. */
	const endOne = async (): Promise<void> => {
		ends.shift()?.();
		await new Promise((resolve) => setImmediate(resolve));
	};
	return { began, work, endOne };
}

describe('turns', () => {
	test('never more than the limit; who has begun goes first, and who has not is not kept out', async () => {
		const { began, work, endOne } = noted();
		const turns = new Turns(2);
		const all = ['a', 'b', 'c'].map((name) => turns.run(false, work(name)));
		for (const name of ['v', 'w', 'x', 'y', 'z']) all.push(turns.run(true, work(name)));
		assert.deepEqual(began, ['a', 'b']);
		for (let ended = 1; ended <= 8; ended += 1) {
			await endOne();
			assert.equal(began.length, Math.min(8, 2 + ended));
		}
		assert.deepEqual(began, ['a', 'b', 'v', 'w', 'x', 'c', 'y', 'z']);
		await Promise.all(all);
	});

	test('one that fails gives its turn on', async () => {
		const turns = new Turns(1);
		const failed = turns.run(true, () => Promise.reject(new Error('away')));
		let ran = false;
		const next = turns.run(true, async () => {
			ran = true;
		});
		await assert.rejects(failed, /away/);
		await next;
		assert.ok(ran);
	});
});
