/** Streams to real containers: terminals, pipes, and what becomes of processes whose client is gone. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createDriver } from '../../../src/drivers/docker/index.ts';
import type { Driver } from '../../../src/drivers/driver.ts';
import { at } from '../../support/api-client.ts';
import { ensureBusybox, sweepOwner, testOwner } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { attachLink, execLink, StreamClient, type StreamWorld, startStreamWorld } from '../../support/stream-world.ts';

describe('streams on Docker', { timeout: 240_000 }, () => {
	const owner = testOwner();
	let folder: string;
	let driver: Driver;
	let world: StreamWorld;
	let idle: string;
	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-streams-'));
		driver = await createDriver({ owner, stateDirectory: folder, settings: {} });
		world = await startStreamWorld(driver, await ensureBusybox(), { stalledAfter: 2000 });
		idle = await world.run({ command: ['sleep', '1000'] });
	});
	after(async () => {
		await world?.close();
		await driver?.close();
		await sweepOwner(owner);
		await rm(folder, { recursive: true, force: true });
	});

	const open = async (t: TestContext, link: string) => {
		const client = await StreamClient.open(link);
		t.after(() => client.socket.terminate());
		return client;
	};
	const said = (client: StreamClient, pattern: RegExp) => eventually(`${pattern}`, () => pattern.test(client.text));
	const commands = async (): Promise<string> => (await world.send(`GET /v1/containers/${idle}/top`)).text;

	test('attach: a shell in a terminal, its size, two clients, and its end', async (t) => {
		const id = await world.run({ command: ['sh'], interactive: true, tty: true });
		const client = await open(t, await attachLink(world, id));
		assert.equal((await world.send(`POST /v1/containers/${id}/resize?w=131&h=37`)).status, 200);
		client.type('stty size\r');
		await said(client, /37 131\r\n/);
		const second = await open(t, await attachLink(world, id));
		client.type('echo $((40 + 2))\r');
		await said(second, /42\r\n/);
		second.socket.terminate();
		client.type('echo still here | tr a-z A-Z\r');
		await said(client, /STILL HERE/);
		client.type('exit 6\r');
		assert.equal((await client.closed()).code, 1000);
		const ended = await world.send(`GET /v1/containers/${id}?wait=Stopped&timeout=60`);
		assert.match(String(at(ended.body, 'status_detail')), /Exited\(6\)/);
		assert.equal((await world.send(`POST /v1/containers/${id}/resize?w=131&h=37`)).status, 400);
	});

	test('attach: cat without a terminal gives back what it gets', async (t) => {
		const id = await world.run({ command: ['cat'], interactive: true });
		const client = await open(t, await attachLink(world, id));
		client.type('one\ntwo\n');
		await said(client, /one\ntwo\n/);
	});

	test('exec: a terminal, its size before and after, its exit code', async (t) => {
		const { link, execId } = await execLink(world, idle, 'sh');
		const resize = (w: number, h: number) => world.send(`POST /v1/containers/${idle}/execute_resize?exec_id=${execId}&w=${w}&h=${h}`);
		assert.equal((await resize(99, 33)).status, 200);
		const client = await open(t, link);
		await eventually(
			'the size from before',
			async () => {
				client.type('stty size\r');
				return /33 99\r\n/.test(client.text);
			},
			{ interval: 200 },
		);
		assert.equal((await resize(111, 44)).status, 200);
		client.type('stty size\r');
		await said(client, /44 111\r\n/);
		client.type('exit 5\r');
		assert.deepEqual(await client.closed(), { code: 1000, reason: 'exit code 5' });
		await eventually(
			'the exit code',
			async () => at((await world.send(`GET /v1/containers/${idle}/execs/${execId}`)).body, 'exit_code') === 5,
		);
		assert.equal((await resize(1, 1)).status, 400);
	});

	test('exec: a command that is not there says so', async (t) => {
		const { link } = await execLink(world, idle, 'nothing-like-it');
		const client = await open(t, link);
		await client.closed();
		assert.match(client.text, /nothing-like-it/);
	});

	test('exec: a pipe takes 20 MB and their digest comes back', async (t) => {
		const { link } = await execLink(world, idle, 'sha256sum', false);
		const client = await open(t, link);
		const hash = createHash('sha256');
		for (let part = 0; part < 200; part += 1) {
			const bytes = randomBytes(100_000);
			hash.update(bytes);
			await new Promise<void>((resolve, reject) => client.socket.send(bytes, (error) => (error ? reject(error) : resolve())));
		}
		client.socket.send(Buffer.alloc(0), { binary: true });
		assert.equal((await client.closed()).reason, 'exit code 0');
		assert.match(client.text, new RegExp(hash.digest('hex')));
	});

	test('exec: a client that drops leaves no process behind', async () => {
		for (const tty of [true, false]) {
			const { link } = await execLink(world, idle, `sh -c 'trap "" HUP; sleep 4321; sleep 4321'`, tty);
			const client = await StreamClient.open(link);
			await eventually('it runs', async () => (await commands()).includes('sleep 4321'));
			client.socket.terminate();
			await eventually('nothing is left', async () => !(await commands()).includes('4321'));
		}
	});

	test('exec: a shell hears that its terminal is gone', async () => {
		const { link } = await execLink(world, idle, `sh -c 'trap "echo gone > /tmp/gone; exit" HUP; while true; do sleep 0.1; done'`);
		const client = await StreamClient.open(link);
		await eventually('it runs', async () => (await commands()).includes('echo gone'));
		client.socket.terminate();
		await eventually('it did what it wanted to do', async () => {
			const answer = await world.send(`POST /v1/containers/${idle}/execute?command=cat%20/tmp/gone`);
			return at(answer.body, 'output') === 'gone\n';
		});
	});

	test('attach: a reader that takes nothing does not stop the container for the others', async (t) => {
		const id = await world.run({ command: ['sh', '-c', 'read GO; seq 1 2000000; echo done; sleep 1000'], interactive: true });
		const stalled = await open(t, await attachLink(world, id));
		stalled.socket.pause();
		const quick = await StreamClient.open(await attachLink(world, id));
		t.after(() => quick.socket.terminate());
		quick.type('go\n');
		await eventually('all output has come', () => quick.messages.at(-1)?.toString().endsWith('2000000\ndone\n'), { timeout: 60_000 });
		assert.match(world.logged(), /the client took nothing/);
	});
});
