/** The control groups of sandboxes, in the kernel and without an engine. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { CgroupParents } from '../../../src/drivers/docker/cgroup/cgroup-parents.ts';
import { EngineClient } from '../../../src/drivers/docker/engine/engine-client.ts';
import { testOwner } from '../../support/docker.ts';

const mount = '/sys/fs/cgroup';
const version = existsSync(path.join(mount, 'cgroup.controllers')) ? '2' : '1';

/** A process in a group below the sandbox's, in each hierarchy that takes it. */
function processIn(t: TestContext, owner: string, sandboxId: string): ChildProcess {
	const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
	t.after(() => child.kill('SIGKILL'));
	for (const controller of version === '2' ? [''] : ['pids', 'freezer']) {
		const group = path.join(mount, controller, 'zunbox', owner, sandboxId, 'forgotten');
		mkdirSync(group, { recursive: true });
		writeFileSync(path.join(group, 'cgroup.procs'), String(child.pid));
	}
	return child;
}

function groupsOf(owner: string, sandboxId: string): readonly string[] {
	return [`${mount}/zunbox/${owner}/${sandboxId}`, `${mount}/*/zunbox/${owner}/${sandboxId}`].flatMap((pattern) => globSync(pattern));
}

test('what the engine forgot ends with its sandbox, and nothing else does', { timeout: 60_000 }, async (t) => {
	const owner = testOwner();
	const engine = new EngineClient('/nowhere');
	t.mock.method(engine, 'json', async () => ({ status: 200, body: { CgroupDriver: 'cgroupfs', CgroupVersion: version } }));
	const cgroups = new CgroupParents(engine, owner);
	const signal = AbortSignal.timeout(50_000);
	const [lost, kept] = [randomUUID(), randomUUID()];
	t.after(async () => {
		for (const id of [lost, kept]) await cgroups.remove(id, signal);
		await cgroups.close();
	});
	const forgotten = processIn(t, owner, lost);
	const other = processIn(t, owner, kept);
	assert.ok(groupsOf(owner, lost).length > 0);
	await cgroups.sweep([], signal);
	assert.equal(forgotten.exitCode ?? forgotten.signalCode, null, 'a sweep ends nothing');

	const ended = once(forgotten, 'exit');
	await cgroups.remove(lost, signal);
	assert.deepEqual((await ended)[1], 'SIGKILL');
	assert.deepEqual(groupsOf(owner, lost), []);
	assert.equal(other.exitCode ?? other.signalCode, null);
	assert.ok(groupsOf(owner, kept).length > 0);
	await cgroups.remove(randomUUID(), signal);
});
