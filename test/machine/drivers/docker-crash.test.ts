/** The driver's process is killed at each of its fail points; another one goes on and leaves nothing behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { containersOf, ensureBusybox, sweepOwner, testOwner } from '../../support/docker.ts';

const owner = testOwner();
const script = path.join(import.meta.dirname, '../../support/docker-life.ts');
let image: string;
let folder: string;

before(async () => {
	image = await ensureBusybox();
	folder = await mkdtemp(path.join(tmpdir(), 'zunbox-crash-'));
});

after(async () => {
	await sweepOwner(owner);
	await rm(folder, { recursive: true });
});

/** Runs a life; answers the signal that ended its process, null = it went through. */
async function live(sandboxId: string, containerId: string, environment: Readonly<Record<string, string>>): Promise<string | null> {
	const child = spawn(process.execPath, [script, owner, sandboxId, containerId, image, folder], {
		env: { ...process.env, ...environment },
		stdio: ['ignore', 'ignore', 'inherit'],
	});
	const [code, signalName]: unknown[] = await once(child, 'exit', { signal: AbortSignal.timeout(120_000) });
	assert.ok(code === 0 || signalName === 'SIGKILL', `the life ended with ${code}`);
	return typeof signalName === 'string' ? signalName : null;
}

async function leftovers(sandboxId: string): Promise<readonly string[]> {
	const groups = globSync([`/sys/fs/cgroup/*/zunbox/${owner}/${sandboxId}`, `/sys/fs/cgroup/zunbox/${owner}/${sandboxId}`]);
	return [...groups, ...(await containersOf(owner)).map(({ Names }) => Names.join())];
}

describe('killed at a fail point, a life goes on', () => {
	test('at every one that there is', async () => {
		const log = path.join(folder, 'points');
		const first = randomUUID();
		assert.equal(await live(first, randomUUID(), { ZUNBOX_FAIL_POINT_LOG: log }), null);
		assert.deepEqual(await leftovers(first), []);
		const points = [...new Set(readFileSync(log, 'utf8').trim().split('\n'))].filter((point) => point.startsWith('driver.docker.'));
		for (const step of ['create', 'start', 'stop', 'remove'].flatMap((verb) => [`sandbox-${verb}`, `container-${verb}`])) {
			for (const moment of ['before', 'after']) assert.ok(points.includes(`driver.docker.${step}.${moment}`), step);
		}
		for (const point of points) {
			const [sandboxId, containerId] = [randomUUID(), randomUUID()];
			assert.equal(await live(sandboxId, containerId, { ZUNBOX_FAIL_POINT: point }), 'SIGKILL', point);
			assert.equal(await live(sandboxId, containerId, {}), null, point);
			assert.deepEqual(await leftovers(sandboxId), [], point);
		}
	});
});
