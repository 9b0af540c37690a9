import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config/load.ts';
import { createDriver } from '../../../src/drivers/fake/index.ts';
import { startService } from '../../../src/start-service.ts';
import { CloudSettingsError } from '../../../src/wiring/cloud.ts';
import { ScriptedKeystone } from '../../support/identity/scripted-keystone.ts';
import { serviceUser } from '../../support/openstack/scripted-cloud.ts';

async function configured(t: TestContext, keystone: ScriptedKeystone) {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-keystone-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const passwordFile = path.join(folder, 'password');
	await writeFile(passwordFile, `${serviceUser.password}\n`, { mode: 0o600 });
	const config = await loadConfig({
		environment: {
			ZUNBOX_DATA_DIRECTORY: path.join(folder, 'data'),
			ZUNBOX_LISTEN_PORT: '0',
			ZUNBOX_NETWORK_ENABLED: 'false',
			ZUNBOX_DRIVER_NAME: 'fake',
			ZUNBOX_OWNER: 'test-keystone',
			ZUNBOX_IDENTITY_PROVIDER: 'keystone',
			ZUNBOX_OPENSTACK_AUTH_URL: keystone.cloud.authUrl,
			ZUNBOX_OPENSTACK_PUBLIC_AUTH_URL: 'http://keystone.example:5000',
			ZUNBOX_OPENSTACK_PASSWORD_FILE: passwordFile,
			ZUNBOX_OPENSTACK_USERNAME: serviceUser.name,
		},
	});
	return { config, folder, passwordFile };
}

async function running(t: TestContext) {
	const keystone = await ScriptedKeystone.open();
	t.after(() => keystone.close());
	const { config, folder } = await configured(t, keystone);
	const lines: string[] = [];
	const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
	const driver = await createDriver({ owner: config.owner, stateDirectory: path.join(folder, 'driver'), settings: {} });
	const service = await startService(config, { log, driver });
	t.after(async () => {
		await service.stop();
		await driver.close();
	});
	const ask = (place: string, token?: string) =>
		fetch(`${service.url}${place}`, token === undefined ? {} : { headers: { 'x-auth-token': token } });
	return { keystone, config, ask, lines };
}

test('the service with Keystone: its users are taken, and only where they may', async (t) => {
	const { keystone, ask, lines } = await running(t);
	const member = keystone.give(['member', 'reader']);
	assert.equal((await ask('/v1/containers', member.token)).status, 200);
	assert.equal((await ask('/v1/services', member.token)).status, 403);
	assert.equal((await ask('/v1/services', keystone.give(['admin', 'member', 'reader']).token)).status, 200);
	assert.equal((await ask('/v1/containers', keystone.give(['service']).token)).status, 403);
	const unscoped = await ask('/v1/containers', keystone.give([], null).token);
	assert.equal(unscoped.status, 401);
	assert.match(await unscoped.text(), /not for a project/);
	for (const token of [undefined, 'invented']) {
		const answer = await ask('/v1/containers', token);
		assert.equal(answer.status, 401);
		assert.equal(answer.headers.get('www-authenticate'), 'Keystone uri="http://keystone.example:5000/v3"');
	}
	const told = lines.join('');
	assert.ok(told.includes('asked a service of the cloud'));
	for (const secret of [serviceUser.password, member.token, ...keystone.cloud.tokens]) assert.ok(!told.includes(secret));
});

test('the service with Keystone: it serves no identity of its own and makes no administrator', async (t) => {
	const { ask, config } = await running(t);
	assert.equal((await ask('/identity/v3')).status, 404);
	assert.equal((await ask('/network/v2.0/networks')).status, 401, 'networks are its own');
	assert.ok(!(await readdir(config.dataDirectory)).includes('credentials'));
});

test('the service with Keystone: while that is away, those that it knows go on and others may come again', async (t) => {
	const { keystone, ask } = await running(t);
	const known = keystone.give(['member']);
	const unknown = keystone.give(['member']);
	assert.equal((await ask('/v1/containers', known.token)).status, 200);
	keystone.failure = 503;
	assert.equal((await ask('/v1/containers', known.token)).status, 200);
	const refused = await ask('/v1/containers', unknown.token);
	assert.equal(refused.status, 503);
	assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
	assert.match(await refused.text(), /identity service cannot be asked/);
	keystone.failure = null;
	assert.equal((await ask('/v1/containers', unknown.token)).status, 200);
});

test('a password file that is empty or not there ends the start, with its name', async (t) => {
	const keystone = await ScriptedKeystone.open();
	t.after(() => keystone.close());
	const { config, passwordFile } = await configured(t, keystone);
	const log = pino({ level: 'silent' });
	await writeFile(passwordFile, '\n');
	const says = (words: string) => (error: unknown) =>
		error instanceof CloudSettingsError && error.message.startsWith(`openstack.passwordFile: ${passwordFile} ${words}`);
	await assert.rejects(startService(config, { log }), says('is empty'));
	await rm(passwordFile);
	await assert.rejects(startService(config, { log }), says('cannot be read'));
});
