import { StringDecoder } from 'node:string_decoder';
import { parseJson } from './json.ts';

/** The JSON values in a stream that holds one a line. Lines that are no JSON are left out. */
export async function* jsonLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
	const decoder = new StringDecoder('utf8');
	let rest = '';
	for await (const chunk of source) {
		const lines = (rest + decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))).split('\n');
		rest = lines.pop() ?? '';
		yield* values(lines);
	}
	yield* values([rest + decoder.end()]);
}

function* values(lines: readonly string[]): Generator<unknown, void, undefined> {
	for (const line of lines) {
		if (line.trim() === '') continue;
		const value = parseJson(line);
		if (value !== undefined) yield value;
	}
}
