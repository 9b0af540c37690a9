import assert from 'node:assert/strict';
import { type Check, type CheckResult, type Outcome, runChecks } from '../../src/doctor/check.ts';
import type { FileFacts, Machine } from '../../src/doctor/machine.ts';

/** A machine on which all is well, but for what a test says. */
export function machine(not: Partial<Machine> = {}): Machine {
	return {
		uid: 0,
		run: async () => '/dev/loop0\n',
		read: async (path) =>
			({
				'/proc/filesystems': 'nodev\toverlay\n\text4\n',
				'/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
				'/proc/sys/net/bridge/bridge-nf-call-iptables': '1\n',
			})[path] ?? 'secret\n',
		stat: async () => folder,
		writable: async () => true,
		space: async () => ({ free: 100 * 1024 ** 3, total: 200 * 1024 ** 3 }),
		connect: async () => {},
		...not,
	};
}

export const folder: FileFacts = { kind: 'folder', mode: 0o700, uid: 0 };
export const file: FileFacts = { kind: 'file', mode: 0o600, uid: 0 };
export const socket: FileFacts = { kind: 'socket', mode: 0o600, uid: 0 };

/** What one check says, as if all that it needs were right. */
export async function resultOf(check: Check): Promise<CheckResult> {
	const { needs: _needs, ...alone } = check;
	const [result] = await runChecks([alone], 5000, new AbortController().signal);
	assert.ok(result !== undefined);
	return result;
}

/** What is not right comes with what to do about it, in one line. */
export async function expectOutcome(check: Check, outcome: Outcome, found: RegExp, advice: RegExp | null = null): Promise<void> {
	const result = await resultOf(check);
	assert.equal(result.outcome, outcome, result.found);
	assert.match(result.found, found);
	assert.ok(!result.found.includes('\n'));
	if (advice !== null) assert.match(result.advice ?? '', advice);
	else assert.equal(result.advice, null);
}
