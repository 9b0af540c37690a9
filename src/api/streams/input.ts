import type { DriverSession } from '../../drivers/driver.ts';

/** Bytes that may wait for the process before the client is held up, and at which it may go on. */
const highMark = 64 * 1024;
const lowMark = 16 * 1024;

/** The end of a connection that can be told to stop reading. */
export interface Pausable {
	pause(): void;
	resume(): void;
}

/**
 * What a client types, on its way to the process: in order, kept until the stream to the process is open, and held up
 * while the process does not read. An empty message is the end of input.
 */
export class InputWriter {
	readonly #client: Pausable;
	#session: Pick<DriverSession, 'write' | 'end'> | null = null;
	#messages: Uint8Array[] = [];
	#size = 0;
	#paused = false;
	#writing = false;
	#closed = false;

	constructor(client: Pausable) {
		this.#client = client;
	}

	push(message: Uint8Array): void {
		if (this.#closed) return;
		this.#messages.push(message);
		this.#size += message.length;
		if (this.#size > highMark && !this.#paused) {
			this.#paused = true;
			this.#client.pause();
		}
		this.#start();
	}

	/** From now on input is written to the process. */
	open(session: Pick<DriverSession, 'write' | 'end'>): void {
		this.#session = session;
		this.#start();
	}

	/** Nobody reads any more: what comes is thrown away, so that the client's goodbye is still heard. */
	close(): void {
		this.#closed = true;
		this.#messages = [];
		this.#size = 0;
		this.#resume();
	}

	#start(): void {
		if (this.#writing || this.#session === null) return;
		this.#writing = true;
		// A process that reads no input any more may still write: its output says when the stream is over.
		this.#write(this.#session).catch(() => this.close());
	}

	async #write(session: Pick<DriverSession, 'write' | 'end'>): Promise<void> {
		for (let message = this.#messages.shift(); message !== undefined; message = this.#messages.shift()) {
			if (message.length === 0) {
				await session.end();
				this.close();
				return;
			}
			await session.write(message);
			this.#size -= message.length;
			if (this.#size < lowMark) this.#resume();
		}
		this.#writing = false;
	}

	#resume(): void {
		if (!this.#paused) return;
		this.#paused = false;
		this.#client.resume();
	}
}
