/** Bytes on their way into a simulated process: a pipe. Its writer waits while more than `capacity` bytes stand in it. */
const capacity = 64 * 1024;

export class ByteQueue {
	#chunks: Uint8Array[] = [];
	#size = 0;
	#ended = false;
	#listeners: Set<() => void> | null = null;

	/** Bytes are taken, or thrown away when the reader is gone. */
	push(bytes: Uint8Array): void {
		if (this.#ended || bytes.length === 0) return;
		this.#chunks.push(bytes);
		this.#size += bytes.length;
		this.#changed();
	}

	/** End of input: what stands in the queue can still be read. */
	end(): void {
		this.#ended = true;
		this.#changed();
	}

	get full(): boolean {
		return this.#size > capacity && !this.#ended;
	}

	/** The next bytes, null at the end of input, undefined when there is nothing yet. */
	take(): Uint8Array | null | undefined {
		const chunk = this.#chunks.shift();
		if (chunk === undefined) return this.#ended ? null : undefined;
		this.#size -= chunk.length;
		this.#changed();
		return chunk;
	}

	/** Puts back what was taken too much. */
	untake(bytes: Uint8Array): void {
		if (bytes.length === 0) return;
		this.#chunks.unshift(bytes);
		this.#size += bytes.length;
	}

	/** Calls back at each change; answers what ends that. */
	onChange(listener: () => void): () => void {
		this.#listeners ??= new Set();
		const listeners = this.#listeners.add(listener);
		return () => listeners.delete(listener);
	}

	#changed(): void {
		for (const listener of [...(this.#listeners ?? [])]) listener();
	}
}
