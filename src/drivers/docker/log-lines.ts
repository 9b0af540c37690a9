import type { OutputChunk } from '../driver.ts';
import { frameParts } from './engine/demultiplex.ts';

/** Bytes after which the engine cuts a line in its log. */
const longest = 16_384;
const newline = 0x0a;

/**
 * The output in a log that is sent as frames, one for each line. A line longer than 16 KiB is kept as several of them,
 * and engines such as 20.10 then forget the newline at its end and repeat the time in its middle: both are put right.
 * What no log can tell is whether a long line at the very end had a newline; it is taken to have had.
 */
export async function* logLines(source: AsyncIterable<Uint8Array>, timestamps: boolean): AsyncGenerator<OutputChunk, void, undefined> {
	const repair = new LineRepair(timestamps);
	let parts: Uint8Array[] = [];
	for await (const { stream, bytes, ends } of frameParts(source)) {
		parts.push(bytes);
		if (!ends) continue;
		const repaired = repair.frame(stream, Buffer.concat(parts));
		parts = [];
		if (repaired.length > 0) yield { stream, bytes: repaired };
	}
}

class LineRepair {
	readonly #timestamps: boolean;
	/** Whether the line of the stream goes on in its next frame. */
	readonly #open = { stdout: false, stderr: false };

	constructor(timestamps: boolean) {
		this.#timestamps = timestamps;
	}

	frame(stream: OutputChunk['stream'], frame: Buffer): Buffer {
		const content = this.#timestamps ? frame.subarray(frame.indexOf(' ') + 1) : frame;
		const continues = this.#open[stream];
		const closed = content.at(-1) === newline;
		this.#open[stream] = !closed && content.length >= longest;
		if (!continues) return frame;
		return closed || this.#open[stream] ? content : Buffer.concat([content, Buffer.of(newline)]);
	}
}
