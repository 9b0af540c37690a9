import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createDriver, FakeEngine } from '../../../../src/drivers/fake/index.ts';
import { eventually } from '../../../support/eventually.ts';
import { execLink, StreamClient, type StreamWorld, startStreamWorld } from '../../../support/stream-world.ts';

/** Clients that do not speak the protocol, or do so badly. */
describe('garbage on a stream', () => {
	let world: StreamWorld;
	let id: string;
	before(async () => {
		const driver = await createDriver({ owner: 'test', stateDirectory: '/nonexistent', settings: { engine: new FakeEngine() } });
		world = await startStreamWorld(driver, 'zunbox/busybox:latest');
		id = await world.run({ command: ['sleep', '1000'] });
	});
	after(() => world.close());

	/** Sends the bytes on a connection of its own; resolves when the service has ended it, with what came. */
	const exchange = (bytes: readonly Uint8Array[]): Promise<string> =>
		new Promise((resolve) => {
			let text = '';
			const socket: Socket = connect(Number(new URL(world.url).port), '127.0.0.1');
			socket.on('data', (data) => {
				text += data.toString('latin1');
			});
			socket.on('error', () => undefined);
			socket.once('close', () => resolve(text));
			for (const part of bytes) socket.write(part);
			socket.end();
		});
	const handshake = (target: string, headers = '') =>
		Buffer.from(
			`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
				`Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: binary\r\n${headers}\r\n`,
		);
	const works = async () => {
		const client = await StreamClient.open((await execLink(world, id, 'cat', false)).link);
		client.type('fine');
		await eventually('the service still serves', () => client.text === 'fine');
		client.socket.terminate();
	};

	test('frames of any kind end the stream, and nothing else', async () => {
		const frame = fc
			.tuple(fc.integer({ min: 0, max: 255 }), fc.boolean(), fc.constantFrom(0, 1, 5, 125, 126, 127), fc.uint8Array({ maxLength: 140 }))
			.map(([first, masked, length, rest]) => Buffer.concat([Buffer.of(first, (masked ? 0x80 : 0) | length), rest]));
		await fc.assert(
			fc.asyncProperty(fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 60 })), { maxLength: 6 }), async (frames) => {
				const { link } = await execLink(world, id, 'cat', false);
				const answer = await exchange([handshake(link.slice(link.indexOf('/v1'))), ...frames]);
				assert.match(answer, /^HTTP\/1\.1 101 /);
			}),
			{ numRuns: 150 },
		);
		await works();
	});

	test('links and headers of any kind are refused with a status', async () => {
		const word = fc.string({
			unit: fc.constantFrom('a', '&', '=', '%', '%zz', '%00', '?', '#', ';', 'token=', 'uuid=', 'exec_id='),
			maxLength: 30,
		});
		const headers = fc.constantFrom(
			'',
			'Origin: x\r\n',
			'Origin: http://[\r\n',
			'Sec-WebSocket-Extensions: a;b=";\r\n',
			'Sec-WebSocket-Protocol: ,,\r\n',
		);
		await fc.assert(
			fc.asyncProperty(word, headers, async (query, more) => {
				const answer = await exchange([handshake(`/v1/streams?${query}`, more)]);
				assert.match(answer, /^HTTP\/1\.1 4\d\d /);
			}),
			{ numRuns: 150 },
		);
		await works();
	});

	test('a good link with a bad handshake is 400', async () => {
		const { link } = await execLink(world, id, 'cat', false);
		const bad = handshake(link.slice(link.indexOf('/v1')))
			.toString()
			.replace(/Key: .*/, 'Key: short');
		assert.match(await exchange([Buffer.from(bad)]), /^HTTP\/1\.1 400 /);
	});
});
