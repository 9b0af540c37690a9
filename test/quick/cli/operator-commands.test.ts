import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CliWorld } from '../../support/cli-world.ts';
import { ScriptedCloud } from '../../support/openstack/scripted-cloud.ts';

async function world(t: TestContext, configuration: string) {
	const made = await CliWorld.make(t);
	const file = path.join(made.folder, 'zunbox.yaml');
	await writeFile(file, configuration);
	return { world: made, file };
}

describe('zunbox doctor', () => {
	test('tells what it found as a table and as JSON', async (t) => {
		const { world: cli, file } = await world(t, `driver: { name: fake }\nnetwork: { enabled: false }\nlisten: { port: 1 }\n`);
		const shown = await cli.zunbox(['doctor', '--config', file]);
		assert.match(shown.out, /^CHECK +RESULT +FOUND +WHAT TO DO\n/);
		assert.match(shown.out, /^service +warning +nobody answers at http:\/\/127.0.0.1:1 +start it/m);
		const { code, out } = await cli.zunbox(['doctor', '--config', file, '-o', 'json']);
		const { healthy, checks } = JSON.parse(out);
		assert.equal(code, healthy ? 0 : 1);
		assert.deepEqual(
			checks.map(({ name }: { name: string }) => name),
			['engine', 'data directory', 'disk space: data', 'service'],
		);
		assert.deepEqual(Object.keys(checks[0]), ['name', 'outcome', 'found', 'advice']);
	});

	test('ends with 1 when something fails, and never shows a password', async (t) => {
		const cloud = await new ScriptedCloud().start();
		t.after(() => cloud.stop());
		cloud.logins.push(() => ({ status: 401, body: { error: { message: 'not hunter2' } } }));
		const settings = `openstack: { authUrl: "${cloud.authUrl}", password: hunter2 }\nidentity: { provider: keystone }\n`;
		const { world: cli, file } = await world(t, `driver: { name: fake }\nnetwork: { enabled: false }\nlisten: { port: 1 }\n${settings}`);
		const { code, out } = await cli.zunbox(['doctor', '--config', file]);
		assert.equal(code, 1);
		assert.match(out, /^keystone: login +failed .*refuses user zun/m);
		assert.match(out, /^keystone: roles +skipped +needs keystone: login/m);
		assert.ok(!out.includes('hunter2'));
	});

	test('tells every mistake of the configuration', async (t) => {
		const { world: cli, file } = await world(t, 'listen: { port: no }\ncompute: { provider: nova, socket: relative }\n');
		const { code, out } = await cli.zunbox(['doctor', '--config', file]);
		assert.equal(code, 1);
		assert.equal([...out.matchAll(/^configuration +failed/gm)].length, 2);
	});
});

test('zunbox openstack register needs an administrator with a password, and a password for the service', async (t) => {
	const { world: cli, file } = await world(t, '');
	const words = ['openstack', 'register', '--config', file];
	const token = await cli.zunbox(words, { environment: { OS_AUTH_URL: 'http://127.0.0.1:1', OS_TOKEN: 't' } });
	assert.match(token.err, /has no user and password/);
	const admin = { OS_AUTH_URL: 'http://127.0.0.1:1', OS_USERNAME: 'a', OS_PASSWORD: 'b', OS_PROJECT_NAME: 'c' };
	const { code, err } = await cli.zunbox(words, { environment: admin });
	assert.equal(code, 1);
	assert.match(err, /openstack.passwordFile is not given/);
});
