import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { ConfigError, loadConfig } from '../../../src/config/load.ts';

async function problemsOf(t: TestContext, content: string, more: Parameters<typeof loadConfig>[0] = {}): Promise<readonly string[]> {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-config-'));
	t.after(() => rm(folder, { recursive: true }));
	const file = path.join(folder, 'zunbox.yaml');
	await writeFile(file, content);
	try {
		await loadConfig({ file, ...more });
	} catch (error) {
		if (error instanceof ConfigError) return error.problems;
		throw error;
	}
	return [];
}

const access = 'openstack: { authUrl: "http://controller:5000/v3", passwordFile: /etc/zunbox/password }';
const all = `identity: { provider: keystone }
compute: { provider: nova }
network: { provider: neutron }
volumes: { provider: cinder }
images: { glance: true }
`;

describe('settings of providers', () => {
	test('a whole cloud, and Keystone alone, are right', async (t) => {
		assert.deepEqual(await problemsOf(t, `${all}${access}`), []);
		assert.deepEqual(await problemsOf(t, `identity: { provider: keystone }\n${access}`), []);
	});

	for (const [given, missing] of [
		['compute: { provider: nova }\nnetwork: { provider: neutron }', 'identity.provider: keystone'],
		['compute: { provider: nova }\nidentity: { provider: keystone }', 'network.provider: neutron'],
		['network: { provider: neutron }\nidentity: { provider: keystone }', 'compute.provider: nova'],
		['volumes: { provider: cinder }\nidentity: { provider: keystone }', 'compute.provider: nova'],
		['images: { glance: true }', 'identity.provider: keystone'],
	] as const) {
		test(`${given.replaceAll('\n', ', ')} needs ${missing}`, async (t) => {
			const problems = await problemsOf(t, `${given}\n${access}`);
			assert.equal(problems.length, 1, problems.join('\n'));
			assert.ok(problems[0]?.includes(`needs ${missing}: `), problems[0]);
		});
	}

	test('the address and exactly one password must be given, where a provider needs them', async (t) => {
		const keystone = 'identity: { provider: keystone }\n';
		const none = await problemsOf(t, keystone);
		assert.deepEqual(
			none.map((problem) => problem.split(' ')[0]),
			['openstack.authUrl', 'openstack.passwordFile'],
		);
		const both = 'openstack: { authUrl: "http://k:5000", password: a, passwordFile: /b }';
		assert.match((await problemsOf(t, keystone + both))[0] ?? '', /both given/);
		assert.deepEqual(await problemsOf(t, both), [], 'nothing uses them');
	});

	test('a password file by a relative path is refused', async (t) => {
		const [problem] = await problemsOf(t, 'openstack: { passwordFile: secrets/password }');
		assert.match(problem ?? '', /openstack.passwordFile is "secrets\/password"; it must be an absolute path, or null/);
	});

	test('a password is never shown, and never an option', async (t) => {
		const [problem] = await problemsOf(t, 'openstack: { password: 12345678 }');
		assert.match(problem ?? '', /openstack.password is not right; it must be text/);
		const [option] = await problemsOf(t, '', { flags: { 'openstack.password': 'hunter2' } });
		assert.match(option ?? '', /option --openstack-password is not taken/);
		assert.ok(!option?.includes('hunter2'));
	});

	test('a role means one thing', async (t) => {
		const [problem] = await problemsOf(t, 'identity: { adminRoles: [admin, Member] }');
		assert.match(problem ?? '', /role member stands in identity.adminRoles and in identity.memberRoles/);
	});
});
