import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config/load.ts';
import { type RunningService, startService } from '../../../src/start-service.ts';
import { at } from '../../support/api-client.ts';
import { eventually } from '../../support/eventually.ts';

/** The whole service in this process, with the fake driver, spoken to over HTTP. */
describe('the API over the real control and the fake driver', () => {
	let folder: string;
	let service: RunningService;
	let token: string;
	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-api-'));
		await mkdir(path.join(folder, 'spool'));
		await writeFile(path.join(folder, 'spool', 'left-by-a-kill'), 'x');
		const config = await loadConfig({
			file: '/dev/null',
			flags: { dataDirectory: folder, 'driver.name': 'fake', 'listen.port': '0', 'network.enabled': 'false', hostname: 'host-1' },
		});
		service = await startService(config, { log: pino({ level: 'silent' }) });
		token = await login();
		await eventually('the host is up', async () => (await send('POST', '/v1/sandboxes', { name: 'probe' })).body['status'] !== 'Error');
	});
	after(async () => {
		await service?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	async function login(): Promise<string> {
		const file = await readFile(path.join(folder, 'credentials', 'openrc'), 'utf8');
		const value = (name: string) => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(file)?.[1] ?? '';
		const user = { name: value('OS_USERNAME'), domain: { id: 'default' }, password: value('OS_PASSWORD') };
		const scope = { project: { name: value('OS_PROJECT_NAME'), domain: { id: 'default' } } };
		const answer = await fetch(`${service.url}/identity/v3/auth/tokens`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
		});
		assert.equal(answer.status, 201, await answer.text());
		return answer.headers.get('x-subject-token') ?? '';
	}

	async function send(method: string, url: string, body?: object, headers: Record<string, string> = {}) {
		const answer = await fetch(service.url + url, {
			method,
			headers: {
				'x-auth-token': token,
				'openstack-api-version': 'container latest',
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
				...headers,
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await answer.text();
		const parsed: Record<string, unknown> = text.startsWith('{') ? JSON.parse(text) : {};
		return { status: answer.status, headers: answer.headers, text, body: parsed };
	}

	const image = 'zunbox/busybox:latest';

	test('what a killed process left of archives that were being put is gone after the start', async () => {
		assert.deepEqual(await readdir(path.join(folder, 'spool')), []);
		assert.equal((await stat(path.join(folder, 'spool'))).mode & 0o777, 0o700);
	});

	test('a container is made in a sandbox, runs, says something, and goes', async () => {
		const sandbox = await send('POST', '/v1/sandboxes', { name: 'shelf', labels: { tier: 'web' } });
		assert.equal(sandbox.status, 202, sandbox.text);
		const body = {
			image,
			name: 'talker',
			sandbox: 'shelf',
			command: ['sh', '-c', 'echo hello; sleep 600'],
			image_pull_policy: 'ifnotpresent',
		};
		const created = await send('POST', '/v1/containers?run=true', body);
		assert.equal(created.status, 202, created.text);
		const id = String(created.body['uuid']);
		assert.equal(created.body['sandbox_id'], sandbox.body['uuid']);
		const url = `/v1/containers/${id}`;

		const running = await send('GET', `${url}?wait=Running&timeout=20`);
		assert.equal(running.body['status'], 'Running', running.text);
		assert.deepEqual(running.body['command'], ['sh', '-c', 'echo hello; sleep 600']);

		const requestId = created.headers.get('x-openstack-request-id');
		const action = await eventually('the action ends', async () => {
			const answer = await send('GET', `${url}/container_actions/${requestId}`);
			assert.equal(answer.status, 200, answer.text);
			return answer.body['finish_time'] === null ? null : answer.body;
		});
		assert.deepEqual([action['action'], action['message']], ['create', null]);
		await eventually('it said hello', async () => (await send('GET', `${url}/logs`)).text === '"hello\\n"');
		const executed = await send('POST', `${url}/execute?command=echo%20hi`);
		assert.deepEqual([executed.body['output'], executed.body['exit_code']], ['hi\n', 0]);

		for (const filter of [
			'name=talker',
			'sandbox=shelf',
			`sandbox_id=${sandbox.body['uuid']}`,
			'status=Running',
			`image=${image}`,
			'host=host-1',
		]) {
			const list = await send('GET', `/v1/containers?${filter}`);
			assert.deepEqual([filter, at(list.body, 'containers', 0, 'uuid')], [filter, id]);
		}
		for (const filter of ['auto_remove=True', 'memory=1', 'name=other', 'label=a=b']) {
			assert.deepEqual((await send('GET', `/v1/containers?${filter}`)).body['containers'], [], filter);
		}
		const inSandbox = await send('GET', '/v1/sandboxes?label=tier=web');
		assert.deepEqual(at(inSandbox.body, 'sandboxes', 0, 'containers'), [id]);
		assert.equal((await send('DELETE', '/v1/sandboxes/shelf')).status, 409);

		assert.equal((await send('POST', `${url}/stop`, { timeout: 0 })).status, 202);
		const stopped = await send('GET', `${url}?wait=Stopped&timeout=20`);
		assert.equal(stopped.body['status'], 'Stopped', stopped.text);
		assert.equal((await send('POST', `${url}/stop`)).status, 409);
		assert.equal((await send('DELETE', url)).status, 204);
		await eventually('it is gone', async () => (await send('GET', url)).status === 404);
		assert.equal((await send('DELETE', '/v1/sandboxes/shelf')).status, 204);
		await eventually('the sandbox is gone', async () => (await send('GET', '/v1/sandboxes/shelf')).status === 404);
	});

	test('a repeated create is answered by the first', async () => {
		const key = { 'idempotency-key': 'once' };
		const first = await send('POST', '/v1/sandboxes', { name: 'only' }, key);
		const second = await send('POST', '/v1/sandboxes', { name: 'only' }, key);
		assert.deepEqual([second.status, second.body['uuid']], [202, first.body['uuid']]);
		assert.equal((await send('POST', '/v1/sandboxes', { name: 'another' }, key)).status, 409);
	});

	test('pages follow one another to the end', async () => {
		for (let index = 0; index < 5; index += 1) await send('POST', '/v1/sandboxes', { name: `page-${index}`, labels: { page: 'yes' } });
		const seen: unknown[] = [];
		let next: string | null = '/v1/sandboxes?limit=2&label=page=yes&sort_key=name';
		while (next !== null) {
			const page: Awaited<ReturnType<typeof send>> = await send('GET', next);
			assert.equal(page.status, 200, page.text);
			const sandboxes = page.body['sandboxes'];
			assert.ok(Array.isArray(sandboxes));
			seen.push(...sandboxes.map((sandbox) => at(sandbox, 'name')));
			next = typeof page.body['next'] === 'string' ? page.body['next'].slice(service.url.length) : null;
		}
		assert.deepEqual(seen, ['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
	});

	test('events tell of a change, and can be resumed', async (t) => {
		const abort = new AbortController();
		t.after(() => abort.abort());
		const open = async (headers: Record<string, string>) => {
			const answer = await fetch(`${service.url}/v1/events?kind=sandbox`, {
				headers: { 'x-auth-token': token, ...headers },
				signal: abort.signal,
			});
			assert.ok(answer.body !== null);
			const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
			let text = '';
			return async (pattern: RegExp): Promise<RegExpExecArray> => {
				for (;;) {
					const found = pattern.exec(text);
					if (found !== null) return found;
					const { value, done } = await reader.read();
					assert.ok(!done, text);
					text += value;
				}
			};
		};
		const until = await open({ 'last-event-id': '0' });
		const created = await send('POST', '/v1/sandboxes', { name: 'told' });
		const pattern = new RegExp(`id: (\\d+)\\nevent: sandbox\\.created\\ndata: [^\\n]*${created.body['uuid']}`);
		const [, seq] = await until(pattern);
		const again = await open({ 'last-event-id': String(Number(seq) - 1) });
		const [, first] = await again(/^id: (\d+)/m);
		assert.equal(first, seq);
	});
});
