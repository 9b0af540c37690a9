import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually.ts';
import type { CrashPlan } from './crash-agent.ts';
import { injectedFile, localVolume, run, signal, VolumeHost } from './host.ts';

const execute = promisify(execFile);
const agent = path.join(import.meta.dirname, 'crash-agent.ts');

test('an agent that is killed at any step is followed by one that makes everything whole', { timeout: 300_000 }, async (t) => {
	const host = await VolumeHost.make(t);
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-crash-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const contents = Buffer.from('injected');
	const plan: CrashPlan = {
		dataDirectory: host.folder,
		stateDirectory: host.state,
		old: localVolume(),
		fresh: localVolume(),
		file: injectedFile(contents),
	};
	const file = path.join(folder, 'plan.json');
	await writeFile(file, JSON.stringify(plan));

	/** The old volume with its data, whose file system is due for a check; nothing of the others. */
	const prepare = async () => {
		const volumes = await host.open();
		const data = await volumes.attach('sandbox-0', plan.old, signal());
		await writeFile(path.join(data, 'note'), 'kept');
		await volumes.detach('sandbox-0', plan.old.id, signal());
		await eventually('its device is gone', async () => (await host.loops()).length === 0);
		await run('debugfs', '-w', '-R', 'set_super_value state 2', host.image(plan.old.id));
	};
	const die = (environment: Record<string, string>) =>
		execute(process.execPath, [agent, file], { env: { ...process.env, ...environment }, timeout: 60_000 });

	await prepare();
	const log = path.join(folder, 'points');
	await die({ ZUNBOX_FAIL_POINT_LOG: log });
	const passes = (await readFile(log, 'utf8')).trim().split('\n');
	const steps = [
		'allocate',
		'format',
		'publish',
		'check',
		'loop',
		'mount',
		'autoclear',
		'data',
		'write',
		'inject',
		'unmount',
		'eject',
		'remove',
	];
	for (const step of steps) assert.ok(passes.includes(`agent.volumes.${step}.after`), step);
	assert.deepEqual(await host.leftovers(), [path.basename(host.image(plan.old.id))]);

	// Steps are passed for each volume in turn: at each pass of each point.
	const counts = new Map<string, number>();
	for (const point of passes) {
		const pass = (counts.get(point) ?? 0) + 1;
		counts.set(point, pass);
		await prepare();
		const where = `${point}@${pass}`;
		await assert.rejects(die({ ZUNBOX_FAIL_POINT: where }), { signal: 'SIGKILL' }, where);
		const next = await host.open();
		// An agent that starts lists first; what it is told is usable.
		for (const { sandboxId, volumeId, path: found } of await next.list(signal())) {
			assert.equal(sandboxId, 'sandbox-1', where);
			if (volumeId === plan.old.id) assert.equal(await readFile(path.join(found, 'note'), 'utf8'), 'kept', where);
			if (volumeId === plan.file.id) assert.deepEqual(await readFile(found), contents, where);
		}
		const data = await next.attach('sandbox-1', plan.old, signal());
		assert.equal(await readFile(path.join(data, 'note'), 'utf8'), 'kept', where);
		const fresh = await next.attach('sandbox-1', plan.fresh, signal());
		await writeFile(path.join(fresh, 'note'), where);
		assert.deepEqual(await readFile(await next.attach('sandbox-1', plan.file, signal())), contents, where);
		assert.equal((await host.mounts()).length, 2, where);
		assert.equal((await host.loops()).length, 2, where);
		for (const volume of [plan.fresh, plan.old, plan.file]) await next.destroy(volume.id, signal());
		assert.deepEqual(await host.leftovers(), [], where);
	}
});

test('what a killed agent left of volumes that nobody wants any more goes when the next one looks', { timeout: 120_000 }, async (t) => {
	const host = await VolumeHost.make(t);
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-crash-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const plan: CrashPlan = {
		dataDirectory: host.folder,
		stateDirectory: host.state,
		old: localVolume(),
		fresh: localVolume(),
		file: injectedFile(Buffer.from('x')),
	};
	const file = path.join(folder, 'plan.json');
	await writeFile(file, JSON.stringify(plan));
	for (const point of ['format.after', 'publish.after', 'loop.after', 'mount.after', 'autoclear.after', 'write.after', 'eject.before']) {
		const env = { ...process.env, ZUNBOX_FAIL_POINT: `agent.volumes.${point}` };
		await assert.rejects(execute(process.execPath, [agent, file], { env, timeout: 60_000 }), { signal: 'SIGKILL' });
		const next = await host.open();
		// What is whole is the agent's to take down, as it does for sandboxes that control does not know.
		for (const { sandboxId, volumeId } of await next.list(signal())) await next.detach(sandboxId, volumeId, signal());
		for (const volumeId of await next.stored()) await next.destroy(volumeId, signal());
		assert.deepEqual(await host.leftovers(), [], point);
	}
});
