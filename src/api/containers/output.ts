import type { OutputChunk } from '../../drivers/driver.ts';
import { fail } from '../../model/errors.ts';

/** The text of all chunks; of more than `limit` bytes the newest. Bytes that are no UTF-8 are replaced. */
export async function collectText(chunks: AsyncIterable<OutputChunk>, limit: number): Promise<string> {
	const kept: Uint8Array[] = [];
	let size = 0;
	for await (const { bytes } of chunks) {
		kept.push(bytes);
		size += bytes.byteLength;
		for (let first = kept[0]; first !== undefined && size - first.byteLength >= limit; first = kept[0]) {
			kept.shift();
			size -= first.byteLength;
		}
	}
	const all = Buffer.concat(kept);
	return all.subarray(Math.max(0, all.byteLength - limit)).toString('utf8');
}

/** All bytes; throws `payload-too-large` when they are more than `limit`. */
export async function collectBytes(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
	const kept: Uint8Array[] = [];
	let size = 0;
	for await (const bytes of chunks) {
		size += bytes.byteLength;
		if (size > limit) throw fail('payload-too-large', `The archive is larger than the limit of ${limit} bytes.`);
		kept.push(bytes);
	}
	return Buffer.concat(kept);
}

/** One piece of bytes as the stream that the control takes. */
export async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
	yield bytes;
}

/** The bytes of chunks as they come; `done` is called at the end, however it comes. */
export async function* bytesOf(chunks: AsyncIterable<OutputChunk>, done: () => void): AsyncGenerator<Uint8Array> {
	try {
		for await (const { bytes } of chunks) yield bytes;
	} finally {
		done();
	}
}
