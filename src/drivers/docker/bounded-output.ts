import type { ExecResult, OutputChunk } from '../driver.ts';

/** Keeps the first bytes of a command's output, stdout and stderr together, and forgets the rest. */
export class BoundedOutput {
	readonly #limit: number;
	readonly #chunks: OutputChunk[] = [];
	#length = 0;
	#truncated = false;

	constructor(limit: number) {
		this.#limit = limit;
	}

	add(chunk: OutputChunk): void {
		const room = this.#limit - this.#length;
		if (chunk.bytes.length > room) this.#truncated = true;
		if (room <= 0) return;
		// A copy: the chunk may be a small part of a large buffer.
		const bytes = Uint8Array.from(chunk.bytes.subarray(0, room));
		this.#length += bytes.length;
		this.#chunks.push({ stream: chunk.stream, bytes });
	}

	result(): Omit<ExecResult, 'exitCode'> {
		const of = (stream: OutputChunk['stream']): Uint8Array =>
			Buffer.concat(this.#chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes));
		return {
			stdout: of('stdout'),
			stderr: of('stderr'),
			output: Buffer.concat(this.#chunks.map((chunk) => chunk.bytes)),
			truncated: this.#truncated,
		};
	}
}
