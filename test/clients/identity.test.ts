import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Api } from '../../src/api/http/route.ts';
import { parseOpenrc } from '../../src/config/client.ts';
import { identityServer, TestIdentity } from '../support/identity-server.ts';

/** Stock `openstack` (Debian's python3-openstackclient) against the identity API, with the files of the first start. */
describe('openstack client: identity', () => {
	let identity: TestIdentity;
	let app: Api;
	let directory: string;

	before(async () => {
		directory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-openstack-'));
		let publicUrl = '';
		identity = await TestIdentity.open({ publicUrl: () => publicUrl, now: Date.now });
		app = identityServer(identity.identity, () => publicUrl);
		publicUrl = await app.listen({ host: '127.0.0.1', port: 0 });
		await identity.identity.ensureFirstAdministrator(directory);
	});
	after(async () => {
		await app.close();
		await identity.close();
		await rm(directory, { recursive: true });
	});

	async function run(args: readonly string[], environment: Record<string, string>): Promise<string> {
		const env = { PATH: process.env['PATH'], HOME: directory, ...environment };
		try {
			return (await promisify(execFile)('openstack', [...args], { env, cwd: directory, timeout: 120_000 })).stdout;
		} catch (error) {
			if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
				throw new Error('install python3-openstackclient to run this test');
			throw error;
		}
	}

	/** As the administrator, by the cloud in clouds.yaml; the answer is JSON. */
	async function admin(command: string, ...more: readonly string[]) {
		const args = ['--os-cloud', 'zunbox', ...command.split(' '), ...more, '-f', 'json'];
		return JSON.parse(await run(args, { OS_CLIENT_CONFIG_FILE: path.join(directory, 'clouds.yaml') }));
	}

	/** The same for commands that print nothing. */
	async function silently(command: string): Promise<void> {
		await run(['--os-cloud', 'zunbox', ...command.split(' ')], { OS_CLIENT_CONFIG_FILE: path.join(directory, 'clouds.yaml') });
	}

	const named = (list: readonly Record<string, string>[]) => list.map((row) => row['Name']).sort();

	test('token issue, by clouds.yaml and by openrc', async () => {
		assert.ok((await admin('token issue')).id);
		const openrc = parseOpenrc(await readFile(path.join(directory, 'openrc'), 'utf8'));
		const token = JSON.parse(await run(['token', 'issue', '-f', 'json'], openrc));
		assert.ok(token.project_id);
		await run(['token', 'revoke', token.id], openrc);
		await assert.rejects(run(['token', 'revoke', token.id], openrc), /404/);
	});

	test('catalog, service, endpoint, region, domain and role list', async () => {
		const types = (await admin('catalog list')).map((row: Record<string, string>) => row['Type']).sort();
		assert.deepEqual(types, ['application-container', 'container', 'identity', 'network']);
		assert.equal((await admin('service list')).length, 4);
		assert.equal((await admin('endpoint list')).length, 12);
		assert.equal((await admin('region list'))[0].Region, 'RegionOne');
		assert.equal((await admin('domain list'))[0].ID, 'default');
		assert.deepEqual(named(await admin('role list')), ['admin', 'member', 'reader']);
	});

	test('projects, users and roles', async () => {
		const project = await admin('project create blue --description sky');
		assert.equal(project.description, 'sky');
		assert.deepEqual(named(await admin('project list')), ['admin', 'blue']);
		const user = await admin('user create ann --password secret --project blue --email ann@cloud.example');
		assert.equal(user.default_project_id, project.id);
		assert.deepEqual(named(await admin('user list')), ['admin', 'ann']);
		await silently('role add --user ann --project blue member');
		assert.deepEqual(await admin('role assignment list --names --user ann'), [
			{ Role: 'member', User: 'ann@Default', Group: '', Project: 'blue@Default', Domain: '', System: '', Inherited: false },
		]);
		await silently('project set blue --description sea');
		assert.equal((await admin('project show blue')).description, 'sea');

		const openrc = parseOpenrc(await readFile(path.join(directory, 'openrc'), 'utf8'));
		const ann = { ...openrc, OS_USERNAME: 'ann', OS_PASSWORD: 'secret', OS_PROJECT_NAME: 'blue' };
		assert.deepEqual(named(JSON.parse(await run(['project', 'list', '-f', 'json'], ann))), ['blue']);
		assert.equal(JSON.parse(await run(['project', 'show', 'blue', '-f', 'json'], ann)).id, project.id);
		await assert.rejects(run(['project', 'create', 'red'], ann), /403/);
		await run(['user', 'password', 'set', '--original-password', 'secret', '--password', 'other'], ann);
		await assert.rejects(run(['token', 'issue'], ann), /401/);
		await run(['token', 'issue'], { ...ann, OS_PASSWORD: 'other' });

		await silently('role remove --user ann --project blue member');
		await assert.rejects(run(['token', 'issue'], { ...ann, OS_PASSWORD: 'other' }), /401/);
		await silently('user set ann --disable');
		assert.equal((await admin('user show ann')).enabled, false);
		await silently('user delete ann');
		await silently('project delete blue');
		assert.deepEqual(named(await admin('project list')), ['admin']);
	});

	test('application credentials', async () => {
		const made = await admin('application credential create ci --role reader --expiration 2037-01-01T00:00:00');
		assert.deepEqual(named(await admin('application credential list')), ['ci']);
		assert.equal((await admin('application credential show ci')).id, made.id);
		const environment = {
			OS_AUTH_TYPE: 'v3applicationcredential',
			OS_AUTH_URL: identity.identity.authUrl,
			OS_APPLICATION_CREDENTIAL_ID: made.id,
			OS_APPLICATION_CREDENTIAL_SECRET: made.secret,
		};
		assert.ok(JSON.parse(await run(['token', 'issue', '-f', 'json'], environment)).project_id);
		await assert.rejects(run(['user', 'create', 'eve'], environment), /403/);
		await silently('application credential delete ci');
		await assert.rejects(run(['token', 'issue'], environment), /401/);
	});
});
