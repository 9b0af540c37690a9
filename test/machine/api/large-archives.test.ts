/** Archives of 300 MB through the service as a process of its own, on real Docker: every byte, in little memory. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { tarEntry, writeTar } from '../../../src/drivers/tar.ts';
import { CrashClient, textOf } from '../../support/crash-client.ts';
import { CrashService } from '../../support/crash-service.ts';
import { ensureBusybox } from '../../support/docker.ts';
import { forgetPeakMemory, peakMemory, residentMemory } from '../../support/process-memory.ts';

const mib = 1024 * 1024;
/**
 * Bytes that the service may grow by. What has been passed on is freed only when some 64 MiB of it have gathered (V8's
 * own bound on memory outside its heap); one archive held whole is 300 MB and more.
 */
const most = 128 * mib;
const files = 30;
const fileSize = 10_000_000;

describe('large archives on Docker', { timeout: 300_000 }, () => {
	const service = new CrashService({ environment: { ZUNBOX_NETWORK_ENABLED: 'false', ZUNBOX_CONTAINERS_EXECUTE_TIMEOUT: '120' } });
	const api = new CrashClient(service);
	let id: string;
	before(async () => {
		const image = await ensureBusybox();
		await service.start();
		await api.login();
		id = await idle(api, image);
	});
	after(() => service.remove());

	/** The digest of what stands in the container, as a program there sees it. */
	const digestInside = async (pattern: string): Promise<string> => {
		const query = new URLSearchParams({ command: `sh -c 'cat ${pattern} | sha256sum'` });
		return textOf(await patient(`POST /v1/containers/${id}/execute?${query}`), 'output').slice(0, 64);
	};
	const patient = async (line: string) => {
		const [method = 'GET', resource = ''] = line.split(' ');
		const answer = await fetch(service.url + resource, { method, headers: api.headers, signal: AbortSignal.timeout(120_000) });
		const body: unknown = await answer.json();
		assert.ok(answer.status === 200 && typeof body === 'object' && body !== null, `${answer.status} ${JSON.stringify(body)}`);
		return { ...body };
	};

	test('300 MB are put and got, byte for byte, and the service grows by less than 128 MiB', async () => {
		await api.ok(`POST /v1/containers/${id}/execute?${new URLSearchParams({ command: 'mkdir /tmp/large' })}`);
		const sent = createHash('sha256');
		const before = residentMemory(service.pid);
		forgetPeakMemory(service.pid);
		const answer = await sendBody(
			`${service.url}/v1/containers/${id}/put_archive`,
			api.headers,
			Readable.from(putBody(largeTar((bytes) => sent.update(bytes)))),
		);
		assert.deepEqual(answer, { status: 200, text: 'null' });
		const digest = sent.digest('hex');
		assert.equal(await digestInside('/tmp/large/*'), digest);
		const grownByPut = peakMemory(service.pid) - before;

		forgetPeakMemory(service.pid);
		assert.equal(await digestOfGot(`${service.url}/v1/containers/${id}/get_archive?path=/tmp/large`, api.headers), digest);
		const grownByGet = peakMemory(service.pid) - before;
		assert.ok(grownByPut < most && grownByGet < most, `${grownByPut / mib} MiB by put, ${grownByGet / mib} MiB by get`);
		assert.deepEqual(readdirSync(path.join(service.data, 'spool')), []);
	});
});

/** Makes a container that sleeps; answers its id when it runs. */
async function idle(api: CrashClient, image: string): Promise<string> {
	const body = { image, command: ['sleep', '1000'], image_pull_policy: 'ifnotpresent' };
	const id = textOf(await api.ok('POST /v1/containers?run=true', body), 'uuid');
	const running = await api.ok(`GET /v1/containers/${id}?wait=Running&timeout=25`);
	assert.equal(running['status'], 'Running', JSON.stringify(running));
	return id;
}

/** A tar of files with content that nothing can make smaller; `told` gets all of that in order. */
async function* largeTar(told: (bytes: Buffer) => void): AsyncGenerator<Buffer> {
	const random = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
	const zeros = Buffer.alloc(fileSize);
	for (let index = 0; index < files; index += 1) {
		const bytes = random.update(zeros);
		told(bytes);
		const tar = writeTar([tarEntry(`large/${String(index).padStart(2, '0')}`, { bytes })]);
		// Without its end.
		yield tar.subarray(0, tar.length - 1024);
	}
	yield Buffer.alloc(1024);
}

async function* putBody(tar: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
	yield Buffer.from('{"data":"');
	let rest = Buffer.alloc(0);
	for await (const part of tar) {
		const bytes = Buffer.concat([rest, part]);
		const whole = bytes.length - (bytes.length % 3);
		rest = bytes.subarray(whole);
		for (let at = 0; at < whole; at += 300_000) yield Buffer.from(bytes.toString('base64', at, Math.min(whole, at + 300_000)));
	}
	yield Buffer.from(`${rest.toString('base64')}","path":"/tmp"}`);
}

async function sendBody(url: string, headers: http.OutgoingHttpHeaders, body: Readable): Promise<{ status: number; text: string }> {
	const request = http.request(url, { method: 'POST', headers, signal: AbortSignal.timeout(200_000) });
	const answered = new Promise<http.IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject));
	const sending = pipeline(body, request);
	const answer = await answered;
	let text = '';
	for await (const part of answer.setEncoding('utf8')) text += part;
	await sending;
	return { status: answer.statusCode ?? 0, text };
}

/** What the files in a tar that is got hold, one behind the other. */
async function digestOfGot(url: string, headers: http.OutgoingHttpHeaders): Promise<string> {
	const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
		http.get(url, { headers, signal: AbortSignal.timeout(200_000) }, resolve).once('error', reject);
	});
	assert.equal(answer.statusCode, 200);
	const tar = spawn('tar', ['-xOf', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
	const hash = createHash('sha256');
	await Promise.all([pipeline(answer.setEncoding('latin1'), bytesOfData, tar.stdin), pipeline(tar.stdout, hash)]);
	return hash.digest('hex');
}

/** The bytes of `data`, which is the first member. */
async function* bytesOfData(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
	let rest = '';
	let begun = false;
	for await (const piece of pieces) {
		let text = rest + piece;
		if (!begun) {
			assert.ok(text.startsWith('{"data":"'));
			text = text.slice(9);
			begun = true;
		}
		const end = text.indexOf('"');
		if (end >= 0) {
			yield Buffer.from(text.slice(0, end), 'base64');
			rest = '';
			break;
		}
		const whole = text.length - (text.length % 4);
		rest = text.slice(whole);
		yield Buffer.from(text.slice(0, whole), 'base64');
	}
}
