import assert from 'node:assert/strict';
import { link, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { namespacePath } from '../../../src/drivers/docker/network-namespace.ts';

test('a namespace is reached by what is bound to it, and never by a number that became another process', async (t) => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-namespace-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const file = (name: string) => path.join(folder, name);
	// One file under two names stands for one namespace.
	await writeFile(file('process'), '');
	await link(file('process'), file('bound'));
	await writeFile(file('other'), '');
	assert.equal(await namespacePath(file('process'), file('bound')), file('bound'));
	assert.equal(await namespacePath(file('other'), file('bound')), null, 'the process is another one');
	assert.equal(await namespacePath(file('gone'), file('bound')), null);
	assert.equal(await namespacePath(file('process'), file('gone')), file('process'), 'the engine keeps its files elsewhere');
	assert.equal(await namespacePath(file('process'), ''), file('process'));
	assert.equal(await namespacePath(file('process'), '/proc/self/ns/net'), file('process'), 'what is bound is no namespace of this kind');
});
