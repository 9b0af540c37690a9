import { CliError, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { Resource } from '../resource.ts';
import { readAuthority } from '../session/http.ts';

/** Bytes that may wait to be sent before no more is read from standard input. */
const sendLimit = 1 << 20;

export interface TerminalOptions {
	/** Tells the other side how large the terminal is. */
	readonly resize: (size: Resource) => Promise<unknown>;
	/** Whether the other side has a terminal too, to which the end of the input is a key like any other. */
	readonly hasTerminal: boolean;
	/** File with the certificates (PEM) that the service's own is checked with; null = those that the machine trusts. */
	readonly caFile: string | null;
}

/** Ctrl-D: ends the input of a program behind a terminal, at the beginning of a line. */
const endOfInput = 4;
const newline = 10;

/**
 * Connects standard input and output with a two-way stream until the other side ends it. A terminal is in raw mode
 * meanwhile, so that every key goes to the other side, and is put back whatever happens.
 */
export async function connectTerminal(io: Io, url: string, options: TerminalOptions): Promise<void> {
	const { WebSocket } = await import('ws');
	const socket = new WebSocket(url, ['binary'], {
		perMessageDeflate: false,
		handshakeTimeout: 20_000,
		...(options.caFile === null ? {} : { ca: readAuthority(options.caFile) }),
	});
	socket.binaryType = 'nodebuffer';
	const { input } = io;
	const ended = Promise.withResolvers<void>();
	socket.on('error', (error) => ended.reject(new CliError(`the stream broke: ${error.message}`, exitCodes.noService)));
	socket.on('close', (code, reason) => {
		if (code === 1000 || code === 1005) ended.resolve();
		else ended.reject(new CliError(`the service ended the stream: ${reason.toString() || `code ${code}`}`));
	});
	socket.on('message', (data) => {
		for (const chunk of [data].flat()) io.out.write(chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : chunk);
	});
	const { resize, hasTerminal } = options;
	let last = newline;
	const onSize = (): void => {
		if (io.out.isTerminal) resize({ h: process.stdout.rows ?? 24, w: io.out.width }).catch(() => {});
	};
	const onInput = (bytes: Buffer): void => {
		last = bytes.at(-1) ?? last;
		socket.send(bytes, () => input?.resume());
		if (socket.bufferedAmount > sendLimit) input?.pause();
	};
	const onEnd = (): void => {
		// In the middle of a line the first only passes on what is there of it.
		if (hasTerminal && !input?.isTTY) socket.send(Buffer.from(last === newline ? [endOfInput] : [endOfInput, endOfInput]));
	};
	socket.on('open', () => {
		onSize();
		if (io.out.isTerminal) process.on('SIGWINCH', onSize);
		if (input?.isTTY) input.setRawMode(true);
		input?.on('data', onInput);
		input?.once('end', onEnd);
	});
	try {
		await ended.promise;
	} finally {
		process.off('SIGWINCH', onSize);
		input?.off('data', onInput);
		input?.off('end', onEnd);
		if (input?.isTTY) input.setRawMode(false);
		input?.pause();
		socket.terminate();
	}
}
