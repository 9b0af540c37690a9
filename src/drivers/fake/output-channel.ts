import type { OutputChunk } from '../driver.ts';

/** Chunks from one writer to one reader, who may be slower. */
export class OutputChannel implements AsyncIterable<OutputChunk> {
	#chunks: OutputChunk[] = [];
	#size = 0;
	#ended = false;
	#readerWake: (() => void) | null = null;
	#writerWakes = new Set<() => void>();
	readonly #capacity: number;

	constructor(capacity = 256 * 1024) {
		this.#capacity = capacity;
	}

	push(chunk: OutputChunk): void {
		if (this.#ended || chunk.bytes.length === 0) return;
		this.#chunks.push(chunk);
		this.#size += chunk.bytes.length;
		this.#readerWake?.();
	}

	end(): void {
		this.#ended = true;
		this.#readerWake?.();
		this.#wakeWriters();
	}

	get full(): boolean {
		return this.#size > this.#capacity && !this.#ended;
	}

	/** Calls back when there is room again; answers what ends that. */
	onRoom(wake: () => void): () => void {
		this.#writerWakes.add(wake);
		return () => this.#writerWakes.delete(wake);
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk> {
		for (;;) {
			const chunk = this.#chunks.shift();
			if (chunk !== undefined) {
				this.#size -= chunk.bytes.length;
				this.#wakeWriters();
				yield chunk;
			} else if (this.#ended) return;
			else {
				await new Promise<void>((resolve) => {
					this.#readerWake = resolve;
				});
				this.#readerWake = null;
			}
		}
	}

	#wakeWriters(): void {
		for (const wake of [...this.#writerWakes]) wake();
	}
}
