/** Archives over HTTP: that what is put comes whole or not at all, and that nothing is left of it. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Spool } from '../../../../src/api/archives/spool.ts';
import type { Api } from '../../../../src/api/http/route.ts';
import { tarEntry, writeTar } from '../../../../src/drivers/tar.ts';
import { at, startApi } from '../../../support/api-client.ts';
import { sampleContainer, sampleIds } from '../../../support/api-samples.ts';
import { eventually } from '../../../support/eventually.ts';
import { MemoryControl } from '../../../support/memory-control.ts';

const limit = 3_000_000;

interface Answered {
	readonly status: number;
	readonly headers: http.IncomingHttpHeaders;
	readonly code: unknown;
	readonly text: string;
}

describe('put_archive', () => {
	let folder: string;
	let control: MemoryControl;
	let api: Api;
	let url: string;
	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-put-'));
		control = new MemoryControl();
		api = await startApi(control, { archiveLimit: limit, spoolDirectory: folder });
		url = await api.listen({ host: '127.0.0.1', port: 0 });
	});
	after(async () => {
		await api?.close();
		await rm(folder, { recursive: true, force: true });
	});
	beforeEach(() => control.calls.splice(0));

	/** Sends the pieces, each when the one before has left; with their length unless it is said otherwise. */
	const send = (
		pieces: readonly (string | Buffer)[],
		options: {
			readonly query?: string;
			readonly version?: string;
			readonly headers?: http.OutgoingHttpHeaders;
			readonly finish?: boolean;
			readonly service?: string;
		} = {},
	) => {
		const { query = '', version = 'latest', finish = true } = options;
		const length = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
		const request = http.request(`${options.service ?? url}/v1/containers/web/put_archive${query}`, {
			method: 'POST',
			agent: false,
			headers: {
				'x-auth-token': 'member:project-a',
				'openstack-api-version': `container ${version}`,
				'content-type': 'application/json',
				...(options.headers ?? { 'content-length': length }),
			},
		});
		const answer = new Promise<Answered>((resolve, reject) => {
			request.once('error', reject);
			request.once('response', (incoming) => {
				let text = '';
				incoming.on('data', (data) => {
					text += data;
				});
				incoming.once('end', () => {
					resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, code: at(JSON.parse(text), 'errors', 0, 'code') });
				});
			});
		});
		// The service may close what it has refused while more is sent.
		request.on('error', () => undefined);
		request.flushHeaders();
		for (const piece of pieces) request.write(piece);
		if (finish) request.end();
		return { request, answer };
	};
	/** Sends, and again while an earlier request of the project has not given its place back yet. */
	const put = async (...sent: Parameters<typeof send>) => {
		for (;;) {
			const { request, answer } = send(...sent);
			const answered = await answer;
			// What was not sent is not sent any more.
			request.destroy();
			if (answered.status !== 429) return answered;
		}
	};
	const body = (tar: Buffer, where = '/tmp') => JSON.stringify({ path: where, data: tar.toString('base64') });
	const calls = () => control.calls.filter(({ name }) => name === 'containers.putArchive');
	const nothingPut = () => assert.deepEqual(calls(), []);

	const small = writeTar([tarEntry('note', { bytes: Buffer.from('hello') })]);
	const large = writeTar([tarEntry('large', { bytes: randomBytes(2_500_000) })]);

	test('what is larger than memory is given to the host byte for byte, and nothing is left on the disk', async () => {
		const { status, text } = await put([body(large)]);
		assert.deepEqual([status, text], [200, 'null']);
		const [, where, tar] = control.last('containers.putArchive').args;
		assert.equal(where, '/tmp');
		assert.deepEqual(createHash('sha256').update(String(tar), 'latin1').digest('hex'), createHash('sha256').update(large).digest('hex'));
		assert.deepEqual(await readdir(folder), []);
	});

	test('the plain form too', async () => {
		const text = JSON.stringify({ data: large.toString('latin1'), path: '/tmp' });
		const { status } = await put([text], { version: '1.24' });
		assert.equal(status, 200);
		assert.ok(Buffer.from(String(control.last('containers.putArchive').args[2]), 'latin1').equals(large));
	});

	for (const [what, pieces, query] of [
		['path and data in the body', [body(small)], ''],
		['data before path', [JSON.stringify({ data: small.toString('base64'), path: '/tmp' })], ''],
		['path in the query', [JSON.stringify({ data: small.toString('base64') })], '?path=/tmp'],
		['path in both: the body is heeded', [body(small)], '?path=/opt'],
		['other members', [JSON.stringify({ more: { a: [1] }, path: '/tmp', data: small.toString('base64') })], ''],
		['both in the query', [''], `?path=/tmp&data=${encodeURIComponent(small.toString('base64'))}`],
		['a body in many pieces', body(small).match(/.{1,7}/gs) ?? [], ''],
	] as const) {
		test(`${what}: taken`, async () => {
			const { status, text } = await put(pieces, { query });
			assert.equal(status, 200, text);
			assert.deepEqual(control.last('containers.putArchive').args, ['web', '/tmp', small.toString('latin1')]);
		});
	}

	for (const [what, sent, status, code] of [
		['no body', '', 400, 'schema-validation-error'],
		['no path', JSON.stringify({ data: small.toString('base64') }), 400, 'schema-validation-error'],
		['an empty path', body(small, ''), 400, 'schema-validation-error'],
		['a path without end', body(small, 'a/'.repeat(3000)), 400, 'schema-validation-error'],
		['no data', '{"path":"/tmp"}', 400, 'schema-validation-error'],
		['no JSON', 'path=/tmp', 400, 'schema-validation-error'],
		['half of a body', body(small).slice(0, 900), 400, 'schema-validation-error'],
		['no base64 at the very end', body(small).replace(/.{8}"}$/, '*"}'), 400, 'base-64-exception'],
		['no tar', body(Buffer.from('x'.repeat(2000))), 400, 'invalid'],
		['half of a tar', body(large.subarray(0, 2_000_000)), 400, 'invalid'],
		['a compressed tar', body(gzipSync(large)), 400, 'invalid'],
		['a tar whose last entry climbs', body(writeTar([tarEntry('a'), tarEntry('../b')])), 400, 'invalid'],
	] as const) {
		test(`${what} is ${status} ${code}, and nothing is unpacked`, async () => {
			const answer = await put([sent]);
			assert.deepEqual([answer.status, answer.code], [status, `container.${code}`], answer.text);
			nothingPut();
			assert.deepEqual(await readdir(folder), []);
		});
	}

	test('beyond the limit: 413 that says it, by the length that is announced, and by what comes', async () => {
		const headers = {};
		for (const answer of [
			await put([], { headers: { 'content-length': 5_000_000 }, finish: false }),
			await put([body(Buffer.alloc(limit + 1))]),
			await put(['{"path":"/tmp","data":"', 'A'.repeat(4_200_000)], { headers, finish: false }),
			await put(['{', ' '.repeat(5_000_000)], { headers, finish: false }),
		]) {
			assert.equal(answer.status, 413, answer.text);
			assert.match(answer.text, new RegExp(`limit of ${limit} bytes`));
			assert.equal(answer.headers.connection, 'close');
		}
		nothingPut();
	});

	test('a client that sends nothing more is told so', async (t) => {
		const impatient = await startApi(control, { archivePatience: 500, spoolDirectory: folder });
		t.after(() => impatient.close());
		const there = await impatient.listen({ host: '127.0.0.1', port: 0 });
		const options = { headers: { 'content-length': 5000 }, finish: false, service: there };
		const { status, code, headers } = await put([body(small).slice(0, 100)], options);
		assert.deepEqual([status, code, headers.connection], [408, 'container.request-timeout', 'close']);
		nothingPut();
	});

	test('a client that breaks off leaves the container as it was, and no file', async () => {
		const { request, answer } = send([body(large).slice(0, 3_000_000)], { headers: { 'content-length': 3_333_333 }, finish: false });
		answer.catch(() => undefined);
		await eventually('it is received', () => control.calls.some(({ name }) => name === 'containers.show'));
		request.destroy();
		// Its place is free again when all is over: the project has two.
		await eventually('the place is free', async () => {
			const others = await Promise.all([send([body(small)]).answer, send([body(small)]).answer]);
			return others.every(({ status }) => status === 200);
		});
		assert.ok(calls().every(({ args }) => args[2] === small.toString('latin1')));
		await eventually('no file is left', async () => (await readdir(folder)).length === 0);
	});

	test('a project has two places, whatever it sends', async () => {
		const all = [1, 2, 3, 4, 5].map(() => send(['{'], { headers: { 'content-length': 5000 }, finish: false }));
		const refused: Answered[] = [];
		for (const { answer } of all) answer.then((answered) => refused.push(answered)).catch(() => undefined);
		// More where an earlier request has not given its place back yet.
		await eventually('three are refused', () => refused.length >= 3);
		for (const { status, headers } of refused) assert.deepEqual([status, headers['retry-after']], [429, '5']);
		for (const { request } of all) request.destroy();
	});

	test('a container that takes no archive says so before one is sent', async (t) => {
		control.containerRows.set(sampleIds.container, sampleContainer({ status: 'Error' }));
		t.after(() => {
			control.containerRows.set(sampleIds.container, sampleContainer());
		});
		const { code } = await put(['{'], { headers: { 'content-length': 5000 }, finish: false });
		assert.equal(code, 'container.invalid-state-exception');
	});
});

describe('a spool', () => {
	test('keeps small things in memory and others in a file without a name, and gives all of it as often as asked', async (t) => {
		const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-spool-'));
		t.after(() => rm(folder, { recursive: true, force: true }));
		for (const size of [0, 10, 1_048_576, 1_048_577, 3_000_000]) {
			const spool = new Spool(folder);
			const bytes = randomBytes(size);
			for (let from = 0; from < size; from += 100_000) await spool.write(bytes.subarray(from, from + 100_000));
			assert.deepEqual(await readdir(folder), []);
			for (const _ of [1, 2]) {
				const parts: Uint8Array[] = [];
				for await (const part of spool.read()) parts.push(part);
				assert.ok(Buffer.concat(parts).equals(bytes), `${size}`);
			}
			await spool.close();
		}
	});
});
