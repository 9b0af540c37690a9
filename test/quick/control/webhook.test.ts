import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { eventJson } from '../../../src/api/events/frames.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { Webhook } from '../../../src/control/webhook.ts';
import { createDriver, FakeEngine } from '../../../src/drivers/fake/index.ts';
import { signature, webhookSender } from '../../../src/providers/events/webhook-sender.ts';
import { startService } from '../../../src/start-service.ts';
import { insertEvent } from '../../../src/store/events.ts';
import { startControl } from '../../support/control.ts';
import { eventually } from '../../support/eventually.ts';

interface Message {
	readonly id: number;
	readonly kind: string;
	readonly headers: NodeJS.Dict<string | string[]>;
	readonly text: string;
}

/** A receiver that answers what the test wants: each time `answers` has one, that; 204 after that. */
async function receiver(t: TestContext) {
	const messages: Message[] = [];
	const answers: number[] = [];
	const server = createServer((request, response) => {
		let text = '';
		request.setEncoding('utf8');
		request.on('data', (part) => {
			text += part;
		});
		request.on('end', () => {
			const { id, kind } = JSON.parse(text);
			const status = answers.shift() ?? 204;
			if (status === 204) messages.push({ id, kind, headers: request.headers, text });
			response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return { messages, answers, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

async function world(t: TestContext, options: { readonly kinds?: readonly string[]; readonly maxAttempts?: number } = {}) {
	const control = await startControl();
	const hooks: Webhook[] = [];
	t.after(async () => {
		for (const hook of hooks) await hook.stop();
		await control.close();
	});
	const { messages, answers, url } = await receiver(t);
	const send = webhookSender({ url, secret: 'a secret', timeout: 10_000, now: () => 1_700_000_000_500 });
	const start = async () => {
		const settings = { kinds: options.kinds ?? [], maxAttempts: options.maxAttempts ?? 1000, firstPause: 1, longestPause: 5 };
		const hook = new Webhook(control.deps, send, { ...settings, render: eventJson });
		await hook.start();
		hooks.push(hook);
		return hook;
	};
	const note = (kind = 'test.noted') =>
		control.store.transaction((tx) =>
			insertEvent(tx, { projectId: 'p1', kind, sandboxId: null, containerId: null, status: null, reason: null, detail: {} }, Date.now()),
		);
	const heard = () => messages.map(({ id }) => id);
	return { messages, answers, start, note, heard };
}

test('a service is told of its webhook by its settings', async (t) => {
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-webhook-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const { messages, url } = await receiver(t);
	const secretFile = path.join(folder, 'secret');
	await writeFile(secretFile, 'a secret\n');
	const environment = { ZUNBOX_CONFIG: '/dev/null' };
	const flags = { dataDirectory: path.join(folder, 'data'), 'listen.port': '0', 'network.enabled': 'false', 'driver.name': 'fake' };
	await assert.rejects(loadConfig({ environment, flags: { ...flags, 'webhook.url': url } }), /webhook\.secretFile is not/);
	const config = await loadConfig({ environment, flags: { ...flags, 'webhook.url': url, 'webhook.secretFile': secretFile } });
	const driver = await createDriver({ owner: config.owner, stateDirectory: folder, settings: { engine: new FakeEngine() } });
	const service = await startService(config, { log: pino({ level: 'silent' }), driver });
	t.after(() => service.stop());
	const openrc = await readFile(path.join(folder, 'data', 'credentials', 'openrc'), 'utf8');
	const value = (name: string) => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(openrc)?.[1] ?? '';
	const scope = { project: { name: value('OS_PROJECT_NAME'), domain: { name: 'Default' } } };
	const user = { name: value('OS_USERNAME'), password: value('OS_PASSWORD'), domain: { name: 'Default' } };
	const post = async (at: string, body: object, token = '') =>
		await fetch(service.url + at, {
			method: 'POST',
			headers: { 'content-type': 'application/json', 'x-auth-token': token },
			body: JSON.stringify(body),
		});
	const login = await post('/identity/v3/auth/tokens', { auth: { identity: { methods: ['password'], password: { user } }, scope } });
	const made = await post('/v1/sandboxes', { name: 'told' }, login.headers.get('x-subject-token') ?? '');
	assert.equal(made.status, 202);
	await eventually('it is told', () => messages.some(({ text }) => text.includes('"name":"told"')));
	const [first] = messages;
	const time = String(first?.headers['x-zunbox-timestamp']);
	assert.equal(first?.headers['x-zunbox-signature'], `sha256=${signature('a secret', time, first?.text ?? '')}`);
});

describe('the webhook', () => {
	test('hears of every event in order, with a signature over time and text', async (t) => {
		const { messages, start, note, heard } = await world(t);
		await note();
		await start();
		for (let n = 0; n < 5; n += 1) await note();
		await eventually('all are there', () => messages.length === 5);
		assert.deepEqual(heard(), [2, 3, 4, 5, 6], 'what was before its first start is not told');
		const [first] = messages;
		assert.equal(first?.headers['x-zunbox-timestamp'], '1700000000');
		assert.equal(first?.headers['x-zunbox-signature'], `sha256=${signature('a secret', '1700000000', first?.text ?? '')}`);
		assert.notEqual(signature('a secret', '1700000001', 'x'), signature('a secret', '1700000000', 'x'));
	});

	test('is told again what it did not take, a redirect is not followed, and the order stays', async (t) => {
		const { messages, answers, start, note, heard } = await world(t);
		await start();
		answers.push(500, 302, 429, 404);
		for (let n = 0; n < 3; n += 1) await note();
		await eventually('all are there', () => messages.length === 3);
		assert.deepEqual([heard(), answers], [[1, 2, 3], []]);
	});

	test('misses what it did not take so many times', async (t) => {
		const { messages, answers, start, note, heard } = await world(t, { maxAttempts: 3 });
		await start();
		answers.push(500, 500, 500);
		for (let n = 0; n < 2; n += 1) await note();
		await eventually('the second is there', () => messages.length === 1);
		assert.deepEqual(heard(), [2]);
	});

	test('goes on where it stopped, and begins with what was not taken', async (t) => {
		const { messages, answers, start, note, heard } = await world(t);
		const first = await start();
		await note();
		await eventually('it is there', () => messages.length === 1);
		answers.push(...Array<number>(10_000).fill(503));
		await note();
		await eventually('it was tried', () => answers.length < 9_999);
		await first.stop();
		await note();
		answers.length = 0;
		await start();
		await eventually('all are there', () => messages.length === 3);
		assert.deepEqual(heard(), [1, 2, 3]);
	});

	test('hears of certain kinds only', async (t) => {
		const { messages, start, note } = await world(t, { kinds: ['container', 'sandbox.deleted'] });
		await start();
		for (const kind of ['sandbox.status', 'container.status', 'containers', 'sandbox.deleted']) await note(kind);
		await eventually('both are there', () => messages.length === 2);
		assert.deepEqual(
			messages.map(({ kind }) => kind),
			['container.status', 'sandbox.deleted'],
		);
	});
});
