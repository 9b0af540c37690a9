import type { LogRequest, OutputChunk } from '../driver.ts';

interface LogRecord {
	readonly time: number;
	readonly stream: OutputChunk['stream'];
	readonly bytes: Uint8Array;
}

/** Bytes that are kept; the oldest go first. */
const limit = 16 * 1024 * 1024;

/** What a container wrote, as engines keep it: a record for each line. */
export class OutputLog {
	#records: LogRecord[] = [];
	#partial: { stdout: Uint8Array; stderr: Uint8Array } | null = null;
	#size = 0;
	#listeners: Set<() => void> | null = null;

	append(stream: OutputChunk['stream'], bytes: Uint8Array): void {
		this.#partial ??= { stdout: new Uint8Array(), stderr: new Uint8Array() };
		const before = this.#partial[stream];
		let rest = before.length === 0 ? Uint8Array.from(bytes) : Buffer.concat([before, bytes]);
		for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
			this.#add(stream, rest.subarray(0, end + 1));
			rest = rest.subarray(end + 1);
		}
		this.#partial[stream] = rest;
		this.#changed();
	}

	/** The process has ended: what has no newline is a record too. */
	flush(): void {
		for (const stream of ['stdout', 'stderr'] as const) {
			const rest = this.#partial?.[stream];
			if (rest !== undefined && rest.length > 0) this.#add(stream, rest);
		}
		this.#partial = null;
		this.#changed();
	}

	/** `running` tells whether more may come. */
	async *read(request: LogRequest, running: () => boolean, signal: AbortSignal): AsyncGenerator<OutputChunk> {
		const matches = (record: LogRecord): boolean =>
			request[record.stream] && (request.since === null || record.time >= request.since * 1000);
		let seen: LogRecord | undefined = this.#records.at(-1);
		const first = this.#records.filter(matches);
		yield* (request.tail === null ? first : request.tail === 0 ? [] : first.slice(-request.tail)).map((record) => chunkOf(record, request));
		while (request.follow) {
			signal.throwIfAborted();
			const more = this.#records.slice(seen === undefined ? 0 : this.#records.lastIndexOf(seen) + 1);
			seen = this.#records.at(-1);
			yield* more.filter(matches).map((record) => chunkOf(record, request));
			if (more.length > 0) continue;
			if (!running()) return;
			await this.#change(signal);
		}
	}

	/** Wakes those who follow, as when the container has ended. */
	#changed(): void {
		for (const listener of [...(this.#listeners ?? [])]) listener();
	}

	#change(signal: AbortSignal): Promise<void> {
		return new Promise((resolve) => {
			this.#listeners ??= new Set();
			const listeners = this.#listeners;
			const done = (): void => {
				listeners.delete(done);
				signal.removeEventListener('abort', done);
				resolve();
			};
			listeners.add(done);
			signal.addEventListener('abort', done, { once: true });
		});
	}

	#add(stream: OutputChunk['stream'], bytes: Uint8Array): void {
		this.#records.push({ time: Date.now(), stream, bytes });
		this.#size += bytes.length;
		while (this.#size > limit) this.#size -= this.#records.shift()?.bytes.length ?? this.#size;
	}
}

function chunkOf(record: LogRecord, request: LogRequest): OutputChunk {
	if (!request.timestamps) return { stream: record.stream, bytes: record.bytes };
	// Engines write nanoseconds.
	const time = new Date(record.time).toISOString().replace('Z', '000000Z');
	return { stream: record.stream, bytes: Buffer.concat([Buffer.from(`${time} `), record.bytes]) };
}
