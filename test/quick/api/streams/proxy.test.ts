/** Streams through a proxy that ends TLS: the links lead to the proxy, and what comes through it is taken as its own. */
import assert from 'node:assert/strict';
import https from 'node:https';
import { after, before, describe, test } from 'node:test';
import type { ApiOptions } from '../../../../src/api/options.ts';
import { createDriver, FakeEngine } from '../../../../src/drivers/fake/index.ts';
import { eventually } from '../../../support/eventually.ts';
import { StreamClient, type StreamWorld, startStreamWorld } from '../../../support/stream-world.ts';
import { TlsProxy } from '../../../support/tls-proxy.ts';

/** A request through the proxy; the body of the answer as JSON. */
function through(proxy: TlsProxy, line: string): Promise<unknown> {
	const [method, path] = line.split(' ');
	return new Promise((resolve, reject) => {
		const headers = { 'x-auth-token': 'member:project-a', 'openstack-api-version': 'container latest' };
		const request = https.request(`${proxy.url}${path}`, { method, headers, ca: proxy.certificate.cert }, async (answer) => {
			let text = '';
			for await (const part of answer.setEncoding('utf8')) text += part;
			resolve(JSON.parse(text));
		});
		request.once('error', reject).end();
	});
}

for (const [what, optionsFor, secure] of [
	['a service that knows its public URL', (proxy: TlsProxy) => ({ publicUrl: proxy.url }), true],
	['a service that believes the proxy', () => ({ trustProxy: true }), true],
	['a service that does not', () => ({}), false],
] as const) {
	describe(what, () => {
		let proxy: TlsProxy;
		let world: StreamWorld;
		let id: string;
		before(async () => {
			proxy = await TlsProxy.start();
			const driver = await createDriver({ owner: 'test', stateDirectory: '/nonexistent', settings: { engine: new FakeEngine() } });
			const options: Partial<ApiOptions> = optionsFor(proxy);
			world = await startStreamWorld(driver, 'zunbox/busybox:latest', options);
			proxy.target = world.url;
			id = await world.run({ command: ['cat'], interactive: true });
		});
		after(async () => {
			await world?.close();
			await proxy?.close();
		});

		const links = async (): Promise<readonly string[]> => {
			const attach = await through(proxy, `GET /v1/containers/${id}/attach`);
			const exec = await through(proxy, `POST /v1/containers/${id}/execute?command=cat&interactive=True&run=False`);
			assert.ok(typeof exec === 'object' && exec !== null);
			return [attach, Reflect.get(exec, 'proxy_url')].map(String);
		};

		test(`links are ${secure ? "wss, to the proxy's name and port" : "ws, to the service's own address"}`, async () => {
			const base = secure ? proxy.url.replace('https', 'wss') : world.url.replace('http', 'ws');
			for (const link of await links()) assert.ok(link.startsWith(`${base}/v1/streams?token=`), link);
		});

		if (!secure) return;
		test('attach and execute work through it, with the Origin of the proxy', async () => {
			for (const link of await links()) {
				const client = await StreamClient.open(link, { ca: proxy.certificate.cert });
				client.type('through TLS\n');
				await eventually('the echo', () => client.text.includes('through TLS'));
				client.socket.terminate();
			}
			assert.ok(proxy.seen.filter((line) => line === 'GET /v1/streams').length === 2);
		});

		test('a page that came by plain http is refused', async () => {
			const [link = ''] = await links();
			const origin = proxy.url.replace('https', 'http');
			await assert.rejects(StreamClient.open(link, { ca: proxy.certificate.cert, origin }), /403/);
		});

		test('a page of another site is refused', async () => {
			const [link = ''] = await links();
			await assert.rejects(StreamClient.open(link, { ca: proxy.certificate.cert, origin: 'https://evil.example' }), /403/);
		});
	});
}
