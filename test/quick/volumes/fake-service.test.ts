/** Volumes through the whole service with the driver that only pretends, and no root. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config/load.ts';
import { startService } from '../../../src/start-service.ts';
import { at } from '../../support/api-client.ts';
import { eventually } from '../../support/eventually.ts';

test('a volume is attached, detached, and its data goes with it, with the fake driver', { timeout: 60_000 }, async (t) => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-volumes-'));
	const flags = { dataDirectory: folder, 'driver.name': 'fake', 'listen.port': '0', 'network.enabled': 'false', hostname: 'host-1' };
	const service = await startService(await loadConfig({ file: '/dev/null', flags }), { log: pino({ level: 'silent' }) });
	t.after(async () => {
		await service.stop();
		await rm(folder, { recursive: true, force: true });
	});
	const token = await logIn(service.url, folder);
	const send = async (method: string, url: string, body?: object) => {
		const headers = { 'x-auth-token': token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
		const answer = await fetch(service.url + url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
		const text = await answer.text();
		const parsed: unknown = text === '' ? null : JSON.parse(text);
		return { status: answer.status, body: parsed, text };
	};
	const images = () => readdir(path.join(folder, 'volumes'));

	const created = await send('POST', '/v1/volumes', { name: 'data', size: 1 });
	assert.equal(created.status, 201, created.text);
	const id = String(at(created.body, 'uuid'));
	const box = await eventually('the sandbox runs', async () => {
		const answer = await send('POST', '/v1/sandboxes', {});
		const uuid = at(answer.body, 'uuid');
		const seen = await send('GET', `/v1/sandboxes/${uuid}?wait=Running&timeout=20`);
		return at(seen.body, 'status') === 'Running' ? uuid : null;
	});
	const attached = await send('POST', `/v1/sandboxes/${box}/volumes`, { volume: 'data' });
	assert.equal(attached.status, 202, attached.text);
	await eventually('the host has it', async () => (await images()).includes(id));
	assert.equal((await send('DELETE', '/v1/volumes/data')).status, 409);
	assert.equal((await send('DELETE', `/v1/sandboxes/${box}/volumes/data`)).status, 202);
	await eventually('it is available', async () => at((await send('GET', '/v1/volumes/data')).body, 'status') === 'available');
	assert.deepEqual(await images(), [id], 'its data stays');
	assert.equal((await send('DELETE', '/v1/volumes/data')).status, 204);
	await eventually('its data is gone', async () => (await images()).length === 0);
});

async function logIn(url: string, folder: string): Promise<string> {
	const file = await readFile(path.join(folder, 'credentials', 'openrc'), 'utf8');
	const value = (name: string) => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(file)?.[1] ?? '';
	const user = { name: value('OS_USERNAME'), domain: { id: 'default' }, password: value('OS_PASSWORD') };
	const scope = { project: { name: value('OS_PROJECT_NAME'), domain: { id: 'default' } } };
	const answer = await fetch(`${url}/identity/v3/auth/tokens`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
	});
	assert.equal(answer.status, 201);
	return answer.headers.get('x-subject-token') ?? '';
}
