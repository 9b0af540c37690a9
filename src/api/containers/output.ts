import type { Archive, OutputChunk } from '../../drivers/driver.ts';
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

/**
 * `{ "data": ..., "stat": ... }` of an archive as text that is made while the tar is read, so that its size costs no
 * memory: base64, or in the older form one character for each byte. Throws `payload-too-large` beyond `limit` bytes.
 */
export async function* archiveJson(archive: Archive, base64: boolean, limit: number): AsyncGenerator<string> {
	let rest: Uint8Array = new Uint8Array(0);
	let size = 0;
	// The first part of the tar is waited for before anything is answered: most failures show by then.
	let head = '{"data":"';
	for await (const bytes of archive.tar) {
		size += bytes.byteLength;
		if (size > limit) throw fail('payload-too-large', `The archive is larger than the limit of ${limit} bytes.`);
		const joined = Buffer.concat([rest, bytes]);
		// Base64 stands for three bytes at a time.
		const whole = base64 ? joined.byteLength - (joined.byteLength % 3) : joined.byteLength;
		rest = joined.subarray(whole);
		yield head + archiveText(joined.subarray(0, whole), base64);
		head = '';
	}
	yield `${head}${archiveText(rest, base64)}","stat":${JSON.stringify(archive.stat)}}`;
}

function archiveText(bytes: Uint8Array, base64: boolean): string {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	return base64 ? buffer.toString('base64') : JSON.stringify(buffer.toString('latin1')).slice(1, -1);
}

/** Waits for the first piece, so that what fails at once is thrown here, and answers a source that begins with it. */
export async function begun<T>(source: AsyncGenerator<T>): Promise<AsyncGenerator<T>> {
	const first = await source.next();
	return (async function* () {
		try {
			if (!first.done) yield first.value;
			yield* source;
		} finally {
			await source.return(undefined);
		}
	})();
}

/** The bytes of chunks as they come; `done` is called at the end, however it comes. */
export async function* bytesOf(chunks: AsyncIterable<OutputChunk>, done: () => void): AsyncGenerator<Uint8Array> {
	try {
		for await (const { bytes } of chunks) yield bytes;
	} finally {
		done();
	}
}
