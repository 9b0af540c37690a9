import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createDriver, FakeEngine } from '../../../../src/drivers/fake/index.ts';
import { eventually } from '../../../support/eventually.ts';
import { execLink, StreamClient, type StreamWorld, startStreamWorld } from '../../../support/stream-world.ts';

const mib = 1024 * 1024;

/** Bytes that buffers hold which are still in use: what waits for the collector says nothing. */
function buffersInUse(): number {
	setFlagsFromString('--expose-gc');
	const collect: unknown = runInNewContext('gc');
	assert.ok(typeof collect === 'function');
	collect();
	// What one collection finds is given back at the latest by the next.
	collect();
	return process.memoryUsage().arrayBuffers;
}

describe('many streams, and large ones', () => {
	let world: StreamWorld;
	let id: string;
	before(async () => {
		const driver = await createDriver({ owner: 'test', stateDirectory: '/nonexistent', settings: { engine: new FakeEngine() } });
		world = await startStreamWorld(driver, 'zunbox/busybox:latest');
		id = await world.run({ command: ['sleep', '1000'] });
	});
	after(() => world.close());

	test('200 at once, each with its own bytes', async () => {
		const clients = await Promise.all(
			Array.from({ length: 200 }, async () => await StreamClient.open((await execLink(world, id, 'cat', false)).link)),
		);
		for (let round = 0; round < 5; round += 1) {
			for (const [index, client] of clients.entries()) client.type(`${index}:${round};`);
		}
		for (const [index, client] of clients.entries()) {
			const wanted = [0, 1, 2, 3, 4].map((round) => `${index}:${round};`).join('');
			await eventually(`all of stream ${index}`, () => client.text.length >= wanted.length);
			assert.equal(client.text, wanted);
		}
		for (const client of clients) client.socket.send(Buffer.alloc(0), { binary: true });
		for (const client of clients) assert.equal((await client.closed()).reason, 'exit code 0');
	});

	test('100 MB there and back, byte for byte, in little memory', async () => {
		const { link } = await execLink(world, id, 'cat', false);
		const client = await StreamClient.open(link, { keep: false });
		// Characters of one to four bytes, in pieces that cut them.
		const text = Buffer.from('zunbox é € 😀\n'.repeat(5000));
		const total = Math.ceil(100_000_000 / text.length) * text.length;
		const [sentHash, receivedHash] = [createHash('sha256'), createHash('sha256')];
		let received = 0;
		client.socket.on('message', (data) => {
			assert.ok(Buffer.isBuffer(data));
			receivedHash.update(data);
			received += data.length;
		});
		const [rss, idle] = [process.memoryUsage().rss, buffersInUse()];
		let most = 0;
		let sent = 0;
		for (let round = 0; sent < total; round += 1) {
			if (round % 100 === 0) most = Math.max(most, buffersInUse() - idle);
			for (const [from, to] of [
				[0, 50_001],
				[50_001, text.length],
			]) {
				const part = text.subarray(from, to);
				sentHash.update(part);
				await new Promise<void>((resolve, reject) => client.socket.send(part, (error) => (error ? reject(error) : resolve())));
			}
			sent += text.length;
		}
		client.socket.send(Buffer.alloc(0), { binary: true });
		assert.equal((await client.closed()).reason, 'exit code 0');
		assert.equal(received, total);
		assert.equal(receivedHash.digest('hex'), sentHash.digest('hex'));
		assert.ok(most < 8 * mib, `${most} bytes in buffers`);
		assert.ok(process.memoryUsage().rss - rss < 250 * mib);
	});

	test('a reader that takes nothing slows only itself, and costs little memory', async () => {
		const slow = await Promise.all(
			Array.from({ length: 20 }, async () => await StreamClient.open((await execLink(world, id, 'yes')).link)),
		);
		for (const client of slow) client.socket.pause();
		const quick = await StreamClient.open((await execLink(world, id, 'cat', false)).link);
		const idle = buffersInUse();
		for (let round = 0; round < 50; round += 1) {
			quick.type(`${round};`);
			await eventually(`round ${round}`, () => quick.text.endsWith(`${round};`));
		}
		const more = buffersInUse() - idle;
		assert.ok(more < 16 * mib, `${more} bytes in buffers`);
		for (const client of [...slow, quick]) client.socket.terminate();
	});
});
