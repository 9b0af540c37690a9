import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { findClientSettings } from '../../../src/config/client.ts';
import { EmbeddedIdentity } from '../../../src/providers/identity/embedded/embedded-identity.ts';
import { Store } from '../../../src/store/store.ts';
import { cheapHash } from '../../support/identity-server.ts';

const script = path.join(import.meta.dirname, '../../support/first-start.ts');
const publicUrl = 'http://127.0.0.1:9517';

async function folder(t: TestContext): Promise<string> {
	const made = await mkdtemp(path.join(os.tmpdir(), 'zunbox-first-start-'));
	t.after(() => rm(made, { recursive: true }));
	return made;
}

/** Runs a start; says whether it made the administrator, or null when the fail point ended it. */
async function start(directory: string, options: { failPoint?: string; publicUrl?: string } = {}): Promise<boolean | null> {
	const env = { PATH: process.env['PATH'], ...(options.failPoint === undefined ? {} : { ZUNBOX_FAIL_POINT: options.failPoint }) };
	try {
		const { stdout } = await promisify(execFile)(process.execPath, [script, directory, options.publicUrl ?? publicUrl], {
			env,
			timeout: 120_000,
		});
		return stdout.trim() === 'true';
	} catch (error) {
		if (options.failPoint !== undefined && error instanceof Error && 'signal' in error && error.signal === 'SIGKILL') return null;
		throw error;
	}
}

/** Whether what the files say lets one in as an administrator, both files saying the same. */
async function canLogIn(directory: string): Promise<boolean> {
	const settings = await findClientSettings({ environment: {}, dataDirectory: directory });
	assert.ok(settings);
	const clouds = parse(await readFile(path.join(directory, 'credentials/clouds.yaml'), 'utf8'));
	const auth = clouds.clouds.zunbox.auth;
	assert.deepEqual([auth.auth_url, auth.username, auth.password], [settings.authUrl, settings.username, settings.password]);
	const store = await Store.open({ path: path.join(directory, 'zunbox.sqlite') });
	try {
		const identity = new EmbeddedIdentity({
			store,
			publicUrl: () => publicUrl,
			tokenLifetime: 60_000,
			passwordHashesAtOnce: 1,
			failuresBeforeDelay: 5,
			maxDelay: 1000,
			hashCost: cheapHash,
		});
		const scope = { type: 'project', name: settings.projectName ?? '' } as const;
		const user = { name: settings.username ?? '' };
		const { details } = await identity.login({ method: 'password', user, password: settings.password ?? '', scope }, 's');
		assert.equal((await identity.users.list({})).length, 1);
		return details.roles.includes('admin');
	} finally {
		await store.close();
	}
}

describe('first start', () => {
	test('makes an administrator whose credentials only the owner may read, once', async (t) => {
		const directory = await folder(t);
		assert.equal(await start(directory), true);
		const credentials = path.join(directory, 'credentials');
		assert.equal((await stat(credentials)).mode & 0o777, 0o700);
		assert.deepEqual((await readdir(credentials)).sort(), ['clouds.yaml', 'openrc']);
		for (const name of ['clouds.yaml', 'openrc']) assert.equal((await stat(path.join(credentials, name))).mode & 0o777, 0o600);
		const before = await readFile(path.join(credentials, 'openrc'), 'utf8');
		assert.equal(await start(directory), false);
		assert.equal(await readFile(path.join(credentials, 'openrc'), 'utf8'), before);
		assert.ok(await canLogIn(directory));
	});

	for (const failPoint of [
		'identity.first-start.user-made',
		'identity.first-start.clouds-yaml-written',
		'identity.first-start.files-written',
	]) {
		test(`killed at ${failPoint}, the next start ends with files that let one in`, async (t) => {
			const directory = await folder(t);
			assert.equal(await start(directory, { failPoint }), null);
			assert.equal(await start(directory), true);
			assert.ok(await canLogIn(directory));
		});
	}

	test('the files follow the URL of the service and keep the password', async (t) => {
		const directory = await folder(t);
		await start(directory);
		await start(directory, { publicUrl: 'http://192.0.2.1:80' });
		assert.equal((await findClientSettings({ environment: {}, dataDirectory: directory }))?.authUrl, 'http://192.0.2.1:80/identity/v3');
		assert.ok(await canLogIn(directory));
	});

	test('files that somebody removed stay away, and the password stays', async (t) => {
		const directory = await folder(t);
		await start(directory);
		await rm(path.join(directory, 'credentials'), { recursive: true });
		assert.equal(await start(directory), false);
		assert.equal(await findClientSettings({ environment: {}, dataDirectory: directory }), null);
	});
});
