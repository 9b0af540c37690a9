/** Bytes from which a message goes out without waiting for more. */
const fullMessage = 32 * 1024;
/** Bytes that may wait while a message is on its way: the source stops there. */
const highMark = 64 * 1024;
/** ms between two messages that are not full. */
const spacing = 10;

/**
 * Gathers small pieces into messages, and holds up their source while the client is slow. What comes after a pause
 * goes out at once; what follows closely is put together. One message is on its way at a time, so that no more than
 * some 100 KiB of a stream are ever here.
 */
export class MessageSender {
	readonly #send: (message: Uint8Array) => Promise<void>;
	#pieces: Uint8Array[] = [];
	#size = 0;
	#lastSent = Number.NEGATIVE_INFINITY;
	#running: Promise<void> | null = null;
	#hurry: (() => void) | null = null;
	#room: (() => void)[] = [];
	#failure: { readonly reason: unknown } | null = null;

	/** `send` resolves when the message has left this process, and rejects when the connection is gone. */
	constructor(send: (message: Uint8Array) => Promise<void>) {
		this.#send = send;
	}

	/** Resolves when more can be taken. Rejects with what `send` failed with. */
	async push(piece: Uint8Array): Promise<void> {
		this.#throwFailure();
		if (piece.length === 0) return;
		this.#pieces.push(piece);
		this.#size += piece.length;
		this.#running ??= this.#run();
		if (this.#size >= fullMessage) this.#hurry?.();
		if (this.#size >= highMark) await new Promise<void>((resolve) => this.#room.push(resolve));
		this.#throwFailure();
	}

	/** Resolves when everything is sent. */
	async flush(): Promise<void> {
		this.#hurry?.();
		await this.#running;
		this.#throwFailure();
	}

	async #run(): Promise<void> {
		try {
			while (this.#size > 0) {
				if (this.#size < fullMessage) await this.#gather(this.#lastSent + spacing - performance.now());
				const [only, ...more] = this.#pieces;
				const message = only !== undefined && more.length === 0 ? only : Buffer.concat(this.#pieces);
				this.#pieces = [];
				this.#size = 0;
				this.#giveRoom();
				await this.#send(message);
				this.#lastSent = performance.now();
			}
		} catch (reason) {
			this.#failure = { reason };
			this.#pieces = [];
			this.#size = 0;
			this.#giveRoom();
		} finally {
			this.#running = null;
		}
	}

	/** Waits `ms`, at least until what comes in the same turn has come, and no longer than until a message is full. */
	async #gather(ms: number): Promise<void> {
		await new Promise<void>((resolve) => {
			const timer = ms > 0 ? setTimeout(resolve, ms) : null;
			if (timer === null) setImmediate(resolve);
			this.#hurry = () => {
				if (timer !== null) clearTimeout(timer);
				resolve();
			};
		});
		this.#hurry = null;
	}

	#giveRoom(): void {
		for (const resume of this.#room.splice(0)) resume();
	}

	#throwFailure(): void {
		if (this.#failure !== null) throw this.#failure.reason;
	}
}
