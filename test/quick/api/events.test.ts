import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { eventFrames } from '../../../src/api/events/frames.ts';
import { streamCounter } from '../../../src/api/http/reply.ts';
import type { ApiOptions } from '../../../src/api/options.ts';
import type { Event } from '../../../src/model/event.ts';
import { ask, startApi } from '../../support/api-client.ts';
import { sampleIds, sampleTime } from '../../support/api-samples.ts';
import { eventually } from '../../support/eventually.ts';
import { MemoryControl } from '../../support/memory-control.ts';

function event(seq: number): Event {
	return {
		seq,
		projectId: 'project-a',
		kind: 'container.status',
		sandboxId: sampleIds.sandbox,
		containerId: sampleIds.container,
		status: 'Running',
		reason: null,
		detail: { note: 'two\nlines' },
		createdAt: sampleTime,
	};
}

/** A service that listens, and a watcher's connection to it. */
async function watch(
	t: TestContext,
	control: MemoryControl,
	options: Partial<ApiOptions>,
	query = '',
	headers: Record<string, string> = {},
) {
	const api = await startApi(control, options);
	const url = await api.listen({ host: '127.0.0.1', port: 0 });
	const abort = new AbortController();
	t.after(async () => {
		abort.abort();
		await api.close();
	});
	const response = await fetch(`${url}/v1/events${query}`, {
		headers: { 'x-auth-token': 'member:project-a', ...headers },
		signal: abort.signal,
	});
	assert.ok(response.body !== null);
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	let text = '';
	/** All that came, once it holds the words. */
	const until = async (words: string): Promise<string> => {
		while (!text.includes(words)) {
			const { value, done } = await reader.read();
			assert.ok(!done, `ended before ${words}: ${text}`);
			text += value;
		}
		return text;
	};
	return { api, url, abort, response, reader, until };
}

describe('events', () => {
	test('come as messages with their numbers', async (t) => {
		const control = new MemoryControl();
		control.eventRows = [event(5), event(6)];
		const { response, until } = await watch(t, control, {}, '?sandbox=shelf&kind=container', { 'last-event-id': '4' });
		assert.equal(response.headers.get('content-type'), 'text/event-stream');
		const text = await until('id: 6');
		const [, message] = /id: 5\nevent: container\.status\ndata: (.*)\n\n/.exec(text) ?? [];
		assert.deepEqual(JSON.parse(message ?? ''), {
			id: 5,
			project_id: 'project-a',
			kind: 'container.status',
			sandbox_id: sampleIds.sandbox,
			container_id: sampleIds.container,
			status: 'Running',
			reason: null,
			detail: { note: 'two\nlines' },
			created_at: '2026-01-02T03:04:05.678Z',
		});
		assert.deepEqual(control.last('events.watch').args, [{ after: 4, allProjects: false, sandbox: 'shelf', kind: 'container' }]);
	});

	test('silence is filled with comments, and the watch ends with the connection', async (t) => {
		const control = new MemoryControl();
		const { until, abort } = await watch(t, control, { eventKeepAlive: 20 });
		await until(': keep-alive');
		assert.deepEqual(control.last('events.watch').args, [{ after: null, allProjects: false }]);
		abort.abort();
		await eventually('the watch ends', () => control.last('events.watch.ended'));
	});

	test('closing the service ends the streams', async (t) => {
		const control = new MemoryControl();
		const { api, until, reader } = await watch(t, control, {});
		await until('connected');
		await api.close();
		await assert.doesNotReject(async () => {
			for (;;) {
				const { done } = await reader.read().catch(() => ({ done: true }));
				if (done) return;
			}
		});
		assert.ok(control.last('events.watch.ended'));
	});

	test('streams are counted, and a place is given back', async (t) => {
		const control = new MemoryControl();
		const { url, until, abort } = await watch(t, control, { maxStreams: 1 });
		await until('connected');
		const headers = { 'x-auth-token': 'member:project-a' };
		const refused = await fetch(`${url}/v1/events`, { headers });
		assert.equal(refused.status, 429);
		assert.match(await refused.text(), /1 streams at once for a project, and 1 in all/);
		abort.abort();
		await eventually('a place is free', async () => {
			const second = new AbortController();
			const answer = await fetch(`${url}/v1/events`, { headers, signal: second.signal });
			second.abort();
			return answer.status === 200;
		});
	});

	test('one project cannot take every place', () => {
		const counter = streamCounter(8);
		const close = counter.open('a');
		counter.open('a');
		assert.throws(() => counter.open('a'), { code: 'too-many-requests' });
		for (const project of ['b', 'c', 'd']) for (let index = 0; index < 2; index += 1) counter.open(project);
		assert.throws(() => counter.open('e'), { code: 'too-many-requests' });
		close();
		close();
		counter.open('e');
		assert.throws(() => counter.open('e'), { code: 'too-many-requests' });
	});

	test('a client that stops reading is given up', async (t) => {
		const control = new MemoryControl();
		// More than the buffers of both ends hold.
		control.eventRows = Array.from({ length: 40_000 }, (_, index) => ({ ...event(index), detail: { text: 'x'.repeat(1000) } }));
		const api = await startApi(control, { eventKeepAlive: 50 });
		t.after(() => api.close());
		const { port } = new URL(await api.listen({ host: '127.0.0.1', port: 0 }));
		const socket = connect(Number(port), '127.0.0.1');
		t.after(() => socket.destroy());
		socket.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: member:project-a\r\n\r\n');
		socket.pause();
		let most = 0;
		await eventually('the server gives it up', async () => {
			most = Math.max(most, await new Promise<number>((resolve) => api.server.getConnections((_error, count) => resolve(count))));
			return most === 1 && (await new Promise((resolve) => api.server.getConnections((_error, count) => resolve(count)))) === 0;
		});
	});

	test('a bad number is 400', async (t) => {
		const api = await startApi(new MemoryControl());
		t.after(() => api.close());
		assert.equal((await ask(api, 'GET /v1/events', { headers: { 'last-event-id': 'x' } })).status, 400);
		assert.equal((await ask(api, 'GET /v1/events?last_event_id=-1')).status, 400);
		assert.equal((await ask(api, 'GET /v1/events?colour=red')).status, 400);
	});

	test('the next event is asked for only when the one before was taken', async () => {
		let asked = 0;
		const source = (async function* () {
			for (;;) {
				asked += 1;
				yield event(asked);
			}
		})();
		const frames = eventFrames(source, 60_000);
		await frames.next();
		assert.equal(asked, 0);
		await frames.next();
		await frames.next();
		assert.ok(asked <= 3, `${asked} were read ahead`);
		await frames.return(undefined);
		assert.equal((await source.next()).done, true);
	});
});
