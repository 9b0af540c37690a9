import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CapsuleMember, capsuleSize, capsuleState, membersDue, membersToStart } from '../../../src/model/capsule.ts';
import { containerStatuses } from '../../../src/model/container.ts';

const sandbox = { status: 'Running', statusReason: null, desiredStatus: 'Running' } as const;

function member(name: string, change: Partial<CapsuleMember> = {}): CapsuleMember {
	return {
		id: name,
		name,
		kind: name.startsWith('init') ? 'capsule_init' : 'capsule',
		status: 'Running',
		statusReason: null,
		desiredStatus: 'Running',
		exitCode: null,
		oomKilled: false,
		startedAt: null,
		...change,
	};
}

const waiting = { status: 'Created', desiredStatus: 'Created' } as const;
const ended = (exitCode: number) => ({ status: 'Stopped', desiredStatus: 'Stopped', exitCode }) as const;

for (const [what, members, status, reason] of [
	['all run', [member('a'), member('b')], 'Running', null],
	['one is being made', [member('a', { status: 'Creating' }), member('b')], 'Creating', null],
	['one restarts', [member('a', { status: 'Restarting', statusReason: 'It ended with exit code 1.' })], 'Running', null],
	['one has ended well', [member('a', ended(0)), member('b')], 'Running', null],
	['one has ended badly', [member('a', ended(2)), member('b')], 'Running', 'Container a ended with exit code 2.'],
	['all have ended', [member('a', ended(0)), member('b', ended(0))], 'Stopped', null],
	['all have ended, one badly', [member('a', ended(0)), member('b', ended(9))], 'Stopped', 'Container b ended with exit code 9.'],
	['one is broken', [member('a', { status: 'Error', statusReason: 'no such image' }), member('b')], 'Error', 'Container a: no such image'],
	['an init container runs', [member('init'), member('a', waiting)], 'Creating', 'Init container init (1 of 1) is running.'],
	[
		'an init container is tried again',
		[
			member('init-1', ended(0)),
			member('init-2', { status: 'Restarting', statusReason: 'It ended with exit code 4.' }),
			member('a', waiting),
		],
		'Creating',
		'Init container init-2 (2 of 2): It ended with exit code 4.',
	],
	[
		'an init container has failed for good',
		[member('init', ended(4)), member('a', waiting)],
		'Error',
		'Init container init ended with exit code 4.',
	],
	[
		'an init container ran out of memory',
		[member('init', { ...ended(137), oomKilled: true }), member('a', waiting)],
		'Error',
		'Init container init was ended for want of memory.',
	],
	['init containers have ended and containers wait', [member('init', ended(0)), member('a', waiting)], 'Creating', null],
	['init containers have ended and containers run', [member('init', ended(0)), member('a')], 'Running', null],
] as const) {
	test(`${what}: ${status}`, () => {
		assert.deepEqual(capsuleState(sandbox, members), { status, reason });
	});
}

test('the sandbox goes before its members', () => {
	const members = [member('a')];
	assert.equal(capsuleState({ ...sandbox, desiredStatus: 'Deleted' }, members).status, 'Deleting');
	assert.equal(capsuleState({ ...sandbox, status: 'Paused' }, members).status, 'Paused');
	assert.equal(capsuleState({ ...sandbox, status: 'Stopped' }, members).status, 'Stopped');
	assert.equal(capsuleState({ ...sandbox, status: 'Creating' }, members).status, 'Creating');
	assert.deepEqual(capsuleState({ ...sandbox, status: 'Error', statusReason: 'no host' }, members), { status: 'Error', reason: 'no host' });
});

test('what went down with the sandbox has not ended', () => {
	const init = member('init', { status: 'Stopped', exitCode: 0, desiredStatus: 'Running' });
	assert.deepEqual(membersDue([init, member('a', waiting)]), []);
	assert.equal(capsuleState(sandbox, [init, member('a', waiting)]).status, 'Creating');
});

const anyMembers = fc
	.array(
		fc.record({
			init: fc.boolean(),
			status: fc.constantFrom(...containerStatuses),
			desiredStatus: fc.constantFrom('Created', 'Running', 'Stopped', 'Deleted'),
			exitCode: fc.constantFrom(null, 0, 1),
		}),
		{ minLength: 1, maxLength: 6 },
	)
	.map((rows) =>
		rows
			.toSorted((left, right) => Number(right.init) - Number(left.init))
			.map(({ init, ...change }, index) => member(`${init ? 'init' : 'c'}-${index}`, change)),
	);

test('nothing runs before every init container before it has ended well, and one runs at a time', () => {
	fc.assert(
		fc.property(anyMembers, (members) => {
			for (const chosen of [membersDue(members), membersToStart(members)]) {
				for (const due of chosen) {
					const before = members.slice(0, members.indexOf(due)).filter(({ kind }) => kind === 'capsule_init');
					assert.ok(before.every(({ status, exitCode }) => status === 'Stopped' && exitCode === 0));
				}
				if (chosen.some(({ kind }) => kind === 'capsule_init')) assert.equal(chosen.length, 1);
			}
		}),
	);
});

test('a size is that of the containers together, or of the largest init container', () => {
	const size = (cpu: number | null, memory: number | null) => ({ cpu, memory });
	assert.deepEqual(capsuleSize([], [size(1, 10), size(2, null)]), { cpu: 3, memory: 10 });
	assert.deepEqual(capsuleSize([size(4, 5), size(1, 50)], [size(1, 10), size(2, 20)]), { cpu: 4, memory: 50 });
	assert.deepEqual(capsuleSize([], []), { cpu: 0, memory: 0 });
});
