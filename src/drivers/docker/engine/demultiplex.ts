import { DriverError, type OutputChunk } from '../../driver.ts';

const headerSize = 8;
const streamNames = ['stdout', 'stdout', 'stderr'] as const;
const systemError = 3;

/** Part of a frame. */
export interface FramePart extends OutputChunk {
	/** Whether the frame ends with it. An empty frame is one empty part. */
	readonly ends: boolean;
}

/**
 * Takes the engine's stream of frames apart: each has a header of 8 bytes (stream number, three zeros, length as a
 * big-endian 32-bit number) and its bytes. Chunks may be cut anywhere, also inside of a header. What has come of a
 * frame is passed on at once, so that nothing is held back and memory does not grow with the length of a frame.
 */
export class FrameDecoder {
	readonly #header = Buffer.alloc(headerSize);
	#headerLength = 0;
	#remaining = 0;
	#stream = 1;

	/** Whether everything so far was whole frames. */
	get atBoundary(): boolean {
		return this.#headerLength === 0 && this.#remaining === 0;
	}

	/** Throws a DriverError for bytes that are no frames, and for an error that the engine sends as one. */
	push(chunk: Uint8Array): readonly FramePart[] {
		const output: FramePart[] = [];
		let at = 0;
		while (at < chunk.length) {
			if (this.#remaining > 0) {
				const bytes = chunk.subarray(at, at + this.#remaining);
				at += bytes.length;
				this.#remaining -= bytes.length;
				output.push(this.#chunk(bytes));
				continue;
			}
			const part = chunk.subarray(at, at + headerSize - this.#headerLength);
			this.#header.set(part, this.#headerLength);
			this.#headerLength += part.length;
			at += part.length;
			if (this.#headerLength < headerSize) continue;
			this.#readHeader();
			if (this.#remaining === 0) output.push(this.#chunk(Buffer.alloc(0)));
		}
		return output;
	}

	#readHeader(): void {
		this.#headerLength = 0;
		this.#stream = this.#header[0] ?? 0;
		this.#remaining = this.#header.readUInt32BE(4);
		if (this.#stream > systemError) throw new DriverError('failed', `the engine sent a frame of the unknown stream ${this.#stream}`);
	}

	#chunk(bytes: Uint8Array): FramePart {
		const stream = streamNames[this.#stream];
		if (stream === undefined) throw new DriverError('failed', Buffer.from(bytes).toString());
		return { stream, bytes, ends: this.#remaining === 0 };
	}
}

/** The parts in a stream of frames. Throws `unavailable` when it ends inside of a frame: the engine went away. */
export async function* frameParts(source: AsyncIterable<Uint8Array>): AsyncGenerator<FramePart, void, undefined> {
	const decoder = new FrameDecoder();
	for await (const chunk of source) yield* decoder.push(chunk);
	if (!decoder.atBoundary) throw new DriverError('unavailable', 'the Docker Engine ended a stream inside of a frame');
}

/** The output in a stream of frames. */
export async function* demultiplex(source: AsyncIterable<Uint8Array>): AsyncGenerator<OutputChunk, void, undefined> {
	for await (const { stream, bytes } of frameParts(source)) {
		if (bytes.length > 0) yield { stream, bytes };
	}
}

/** The output of a terminal: the engine sends it as it is. */
export async function* asStdout(source: AsyncIterable<Uint8Array>): AsyncGenerator<OutputChunk, void, undefined> {
	for await (const bytes of source) yield { stream: 'stdout', bytes };
}
