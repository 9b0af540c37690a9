import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { findCredentials } from '../../../src/cli/session/credentials.ts';
import { login } from '../../../src/cli/session/keystone.ts';
import { ScriptedCloud } from '../../support/openstack/scripted-cloud.ts';

const signal = new AbortController().signal;

/** A Keystone whose catalog has the service, each interface and region at a URL that tells them. */
async function keystone(t: TestContext): Promise<ScriptedCloud> {
	const cloud = await new ScriptedCloud().start();
	t.after(() => cloud.stop());
	const endpoints = ['internal', 'public'].flatMap((name) =>
		['one', 'two'].map((region) => ({ interface: name, region, region_id: region, url: `http://${name}.${region}/v1/` })),
	);
	cloud.catalog = [{ type: 'container', name: 'zun', endpoints }];
	return cloud;
}

async function cloudsYaml(t: TestContext, clouds: string, secure?: string): Promise<Record<string, string>> {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-clouds-'));
	t.after(() => rm(folder, { recursive: true }));
	await writeFile(path.join(folder, 'clouds.yaml'), clouds);
	if (secure !== undefined) await writeFile(path.join(folder, 'secure.yaml'), secure);
	return { OS_CLIENT_CONFIG_FILE: path.join(folder, 'clouds.yaml'), OS_CLOUD: 'mine' };
}

describe('the command with Keystone', () => {
	test('logs in by OS_* and finds the service in the catalog', async (t) => {
		const cloud = await keystone(t);
		const credentials = await findCredentials({
			environment: {
				OS_AUTH_URL: `${cloud.authUrl}/v3/`,
				OS_USERNAME: 'ann',
				OS_PASSWORD: 'pw',
				OS_PROJECT_NAME: 'shop',
				OS_USER_DOMAIN_NAME: 'people',
				OS_PROJECT_DOMAIN_ID: 'default',
				OS_REGION_NAME: 'two',
				OS_ENDPOINT_TYPE: 'internalURL',
			},
		});
		const made = await login(credentials, signal);
		assert.equal(made.containerUrl, 'http://internal.two/v1');
		assert.deepEqual(cloud.heard[0]?.body, {
			auth: {
				identity: { methods: ['password'], password: { user: { name: 'ann', password: 'pw', domain: { name: 'people' } } } },
				scope: { project: { name: 'shop', domain: { id: 'default' } } },
			},
		});
	});

	test('takes the secret parts of a cloud from secure.yaml', async (t) => {
		const cloud = await keystone(t);
		const environment = await cloudsYaml(
			t,
			`clouds: { mine: { auth: { auth_url: "${cloud.authUrl}", user_id: u1, project_id: p1 }, region_name: one } }`,
			'clouds: { mine: { auth: { password: hidden } } }',
		);
		const made = await login(await findCredentials({ environment }), signal);
		assert.equal(made.containerUrl, 'http://public.one/v1');
		assert.deepEqual(cloud.heard[0]?.body, {
			auth: { identity: { methods: ['password'], password: { user: { id: 'u1', password: 'hidden' } } }, scope: { project: { id: 'p1' } } },
		});
	});

	test('a service that stands in no catalog, and a file of certificates that is not there, are told', async (t) => {
		const cloud = await keystone(t);
		const environment = { OS_AUTH_URL: cloud.authUrl, OS_USERNAME: 'ann', OS_PASSWORD: 'pw', OS_PROJECT_NAME: 'shop' };
		const nowhere = await findCredentials({ environment: { ...environment, OS_REGION_NAME: 'three' } });
		await assert.rejects(login(nowhere, signal), /the catalog of \S+ has no container service/);
		const https = await findCredentials({ environment: { ...environment, OS_AUTH_URL: 'https://127.0.0.1:1', OS_CACERT: '/nowhere.pem' } });
		await assert.rejects(login(https, signal), /the certificates in \/nowhere.pem cannot be read/);
	});
});
