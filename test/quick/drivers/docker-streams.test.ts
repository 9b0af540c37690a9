import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { demultiplex, FrameDecoder } from '../../../src/drivers/docker/engine/demultiplex.ts';
import { jsonLines } from '../../../src/drivers/docker/engine/json-lines.ts';
import { logLines } from '../../../src/drivers/docker/log-lines.ts';
import { DriverError } from '../../../src/drivers/driver.ts';

interface Frame {
	readonly stream: number;
	readonly bytes: Uint8Array;
}

const frames = fc.array(fc.record({ stream: fc.constantFrom(0, 1, 2), bytes: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 20 });
const cuts = fc.array(fc.nat(2_000), { maxLength: 40 });

function encode(list: readonly Frame[]): Buffer {
	return Buffer.concat(
		list.flatMap(({ stream, bytes }) => {
			const header = Buffer.alloc(8);
			header[0] = stream;
			header.writeUInt32BE(bytes.length, 4);
			return [header, bytes];
		}),
	);
}

function cut(bytes: Buffer, at: readonly number[]): readonly Buffer[] {
	const places = [0, ...at.map((place) => Math.min(place, bytes.length)).sort((left, right) => left - right), bytes.length];
	return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
	yield* chunks;
}

async function collect<T>(source: AsyncIterable<T>): Promise<readonly T[]> {
	const all: T[] = [];
	for await (const item of source) all.push(item);
	return all;
}

describe('frames of the engine', () => {
	test('give the same bytes in the same order, wherever the chunks are cut', () => {
		fc.assert(
			fc.property(frames, cuts, (list, at) => {
				const decoder = new FrameDecoder();
				const output = cut(encode(list), at).flatMap((chunk) => decoder.push(chunk));
				const merged: { stream: string; bytes: Buffer }[] = [];
				for (const chunk of output) {
					if (chunk.bytes.length === 0) continue;
					const last = merged.at(-1);
					if (last?.stream === chunk.stream) last.bytes = Buffer.concat([last.bytes, chunk.bytes]);
					else merged.push({ stream: chunk.stream, bytes: Buffer.from(chunk.bytes) });
				}
				const wanted: typeof merged = [];
				for (const frame of list.filter(({ bytes }) => bytes.length > 0)) {
					const name = frame.stream === 2 ? 'stderr' : 'stdout';
					const last = wanted.at(-1);
					if (last?.stream === name) last.bytes = Buffer.concat([last.bytes, frame.bytes]);
					else wanted.push({ stream: name, bytes: Buffer.from(frame.bytes) });
				}
				assert.deepEqual(merged, wanted);
				assert.equal(decoder.atBoundary, true);
			}),
		);
	});

	test('pass on what has come of a frame before its end', () => {
		const decoder = new FrameDecoder();
		const bytes = encode([{ stream: 1, bytes: Buffer.from('first half, second half') }]);
		const [chunk] = decoder.push(bytes.subarray(0, 8 + 'first half'.length));
		assert.equal(Buffer.from(chunk?.bytes ?? []).toString(), 'first half');
		assert.equal(decoder.atBoundary, false);
	});

	test('that end inside of one mean that the engine went away', async () => {
		const bytes = encode([{ stream: 1, bytes: Buffer.from('abcdef') }]);
		const reading = collect(demultiplex(stream([bytes.subarray(0, 11)])));
		await assert.rejects(reading, (error) => error instanceof DriverError && error.code === 'unavailable');
	});

	test('of the error stream and of no stream are errors', async () => {
		const failure = encode([{ stream: 3, bytes: Buffer.from('log driver broke') }]);
		await assert.rejects(collect(demultiplex(stream([failure]))), /log driver broke/);
		await assert.rejects(collect(demultiplex(stream([Buffer.from('HTTP/1.1 400 Bad')]))), /unknown stream/);
	});
});

describe('lines of a log', () => {
	const long = 'x'.repeat(16_384);
	const time = '2026-01-01T00:00:00.000000000Z ';
	const read = async (lines: readonly string[], timestamps = false): Promise<string> => {
		const bytes = encode(lines.map((line) => ({ stream: 1, bytes: Buffer.from(line) })));
		return (await collect(logLines(stream([bytes]), timestamps))).map((chunk) => Buffer.from(chunk.bytes).toString()).join('');
	};

	test('get back the newline that the engine forgot', async () => {
		assert.equal(await read([long, long, 'end', 'next\n']), `${long}${long}end\nnext\n`);
		assert.equal(await read([long, '', 'next\n']), `${long}\nnext\n`);
	});

	test('are left as they are where nothing was forgotten', async () => {
		assert.equal(await read([long, 'end\n', 'next\n', 'no newline']), `${long}end\nnext\nno newline`);
	});

	test('have one time each', async () => {
		assert.equal(await read([time + long, `${time}end`, `${time}next\n`], true), `${time}${long}end\n${time}next\n`);
	});
});

test('JSON lines are read wherever the chunks are cut, also inside of a character', async () => {
	const lines = fc.array(fc.record({ status: fc.string({ unit: 'grapheme' }), id: fc.string() }, { noNullPrototype: true }), {
		maxLength: 10,
	});
	await fc.assert(
		fc.asyncProperty(lines, cuts, fc.constantFrom('\n', '\r\n'), async (values, at, end) => {
			const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}${end}`).join(''));
			assert.deepEqual(await collect(jsonLines(stream(cut(bytes, at)))), values);
		}),
	);
});
