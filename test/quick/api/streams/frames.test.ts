import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createDriver, FakeEngine } from '../../../../src/drivers/fake/index.ts';
import { execLink, type StreamWorld, startStreamWorld } from '../../../support/stream-world.ts';

const deadline = 30_000;
const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame as a client sends it, unless the fields say otherwise. */
function frame(
	kind: number,
	payload: Uint8Array = Buffer.alloc(0),
	{ fin = true, reserved = 0, masked = true, length = payload.length } = {},
): Buffer {
	const mask = randomBytes(4);
	const head = length < 126 ? Buffer.of(length) : Buffer.alloc(9);
	if (length >= 126) {
		head[0] = 127;
		head.writeBigUInt64BE(BigInt(length), 1);
	}
	head[0] = (head[0] ?? 0) | (masked ? 0x80 : 0);
	const body = masked ? payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)) : payload;
	return Buffer.concat([Buffer.of((fin ? 0x80 : 0) | (reserved << 4) | kind), head, masked ? mask : Buffer.alloc(0), body]);
}

const closing = (code: number, reason: Uint8Array | string = '') =>
	frame(opcode.close, Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]));

/** The code of the close frame among what the service sent; null = there is none. */
function closeCodeIn(bytes: Buffer): number | null {
	for (let at = 0; at + 2 <= bytes.length; ) {
		const short = (bytes[at + 1] ?? 0) & 0x7f;
		const [size, start] = short < 126 ? [short, at + 2] : [bytes.readUInt16BE(at + 2), at + 4];
		if (((bytes[at] ?? 0) & 0x0f) === opcode.close) return size < 2 ? 1005 : bytes.readUInt16BE(start);
		at = start + size;
	}
	return null;
}

describe('frames that break the protocol', () => {
	let world: StreamWorld;
	let id: string;
	before(async () => {
		const driver = await createDriver({ owner: 'test', stateDirectory: '/nonexistent', settings: { engine: new FakeEngine() } });
		world = await startStreamWorld(driver, 'zunbox/busybox:latest', { streamMessageLimit: 1000 });
		id = await world.run({ command: ['sleep', '1000'] });
	});
	after(() => world.close());

	/** Opens a stream and sends the frames; resolves with the code that the service ends it with. */
	async function endedWith(frames: readonly Uint8Array[]): Promise<number | null> {
		const { link } = await execLink(world, id, 'cat', false);
		const key = randomBytes(16).toString('base64');
		return new Promise((resolve, reject) => {
			const parts: Buffer[] = [];
			const socket = connect(Number(new URL(world.url).port), '127.0.0.1');
			const timer = setTimeout(() => socket.destroy(new Error(`still open after ${deadline} ms`)), deadline);
			socket.on('error', reject);
			socket.on('data', (data) => parts.push(data));
			// The service waits for the client's side of the goodbye.
			socket.on('data', () => {
				const all = Buffer.concat(parts);
				const body = all.indexOf('\r\n\r\n');
				if (body >= 0 && closeCodeIn(all.subarray(body + 4)) !== null) socket.end();
			});
			socket.once('close', () => {
				clearTimeout(timer);
				const all = Buffer.concat(parts);
				resolve(closeCodeIn(all.subarray(all.indexOf('\r\n\r\n') + 4)));
			});
			socket.write(
				`GET ${link.slice(link.indexOf('/v1'))} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
					`Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: binary\r\n\r\n`,
			);
			for (const bytes of frames) socket.write(bytes);
		});
	}

	const hello = Buffer.from('hello');
	for (const [what, frames, code] of [
		['a frame without a mask', [frame(opcode.binary, hello, { masked: false })], 1002],
		['a text message', [frame(opcode.text, hello)], 1003],
		['text that is no UTF-8', [frame(opcode.text, Buffer.of(0xff, 0xfe))], 1007],
		['a continuation of nothing', [frame(opcode.continuation, hello)], 1002],
		['a message within another', [frame(opcode.binary, hello, { fin: false }), frame(opcode.binary, hello)], 1002],
		['a kind that is reserved', [frame(5, hello)], 1002],
		['bits that are reserved', [frame(opcode.binary, hello, { reserved: 4 })], 1002],
		['a message over the limit', [frame(opcode.binary, Buffer.alloc(1001))], 1009],
		[
			'pieces that are together over the limit',
			[frame(opcode.binary, Buffer.alloc(600), { fin: false }), frame(opcode.continuation, Buffer.alloc(600))],
			1009,
		],
		['a message that is announced as larger than numbers go', [frame(opcode.binary, hello, { length: Number.MAX_SAFE_INTEGER })], 1009],
		['a ping in pieces', [frame(opcode.ping, hello, { fin: false })], 1002],
		['a ping that is too long', [frame(opcode.ping, Buffer.alloc(126))], 1002],
		['a goodbye of one byte', [frame(opcode.close, Buffer.of(3))], 1002],
		['a goodbye with a code that is none', [closing(1005)], 1002],
		['a goodbye with a code that is no number of ours', [closing(999)], 1002],
		['a goodbye whose reason is no UTF-8', [closing(1000, Buffer.of(0xc3, 0x28))], 1007],
		['a goodbye as it should be', [closing(1000, 'bye')], 1000],
		['a goodbye without a word', [frame(opcode.close)], 1005],
		['a goodbye of an application', [closing(4999)], 4999],
		['all that at once', [closing(1000), frame(opcode.text, hello), Buffer.alloc(5000, 0xff)], 1000],
	] as const) {
		test(`${what} ends the stream with ${code}`, async () => assert.equal(await endedWith(frames), code));
	}
});
