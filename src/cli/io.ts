import type { ReadStream } from 'node:tty';

/** Where text goes, and what is known of the place. */
export interface Sink {
	write(content: string | Uint8Array): void;
	/** Whether a person looks at it. */
	readonly isTerminal: boolean;
	/** Columns of the terminal. */
	readonly width: number;
	/** Ends when the content so far was taken; keeps memory flat where a reader is slow. */
	drained(): Promise<void>;
}

/** Everything a command knows of the world outside the service. */
export interface Io {
	readonly out: Sink;
	readonly err: Sink;
	readonly environment: Readonly<Record<string, string | undefined>>;
	readonly now: () => number;
	/** Aborted when the command is to end. */
	readonly signal: AbortSignal;
	/** For interactive commands; null = there is none. */
	readonly input: ReadStream | null;
}

/** The Io of this process. */
export function processIo(): Io {
	return {
		out: sink(process.stdout),
		err: sink(process.stderr),
		environment: process.env,
		now: Date.now,
		signal: new AbortController().signal,
		// Opening standard input takes time that only interactive commands spend.
		get input() {
			return process.stdin;
		},
	};
}

function sink(stream: NodeJS.WriteStream): Sink {
	// `zunbox logs … | head`: the reader has enough, which is no failure.
	stream.on('error', (error: NodeJS.ErrnoException) => {
		if (error.code === 'EPIPE') process.exit(0);
		throw error;
	});
	return {
		write: (content) => void stream.write(content),
		isTerminal: stream.isTTY === true,
		get width() {
			return stream.columns ?? 80;
		},
		drained: () => (stream.writableNeedDrain ? new Promise((resolve) => stream.once('drain', resolve)) : Promise.resolve()),
	};
}
