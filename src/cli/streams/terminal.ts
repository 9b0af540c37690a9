import { CliError, exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { Resource } from '../resource.ts';

/** Bytes that may wait to be sent before no more is read from standard input. */
const sendLimit = 1 << 20;

/**
 * Connects standard input and output with a two-way stream until the other side ends it. A terminal is in raw mode
 * meanwhile, so that every key goes to the other side, and is put back whatever happens.
 */
export async function connectTerminal(io: Io, url: string, resize: (size: Resource) => Promise<unknown>): Promise<void> {
	const { WebSocket } = await import('ws');
	const socket = new WebSocket(url, ['binary'], { perMessageDeflate: false, handshakeTimeout: 20_000 });
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
	const onSize = (): void => {
		if (io.out.isTerminal) resize({ h: process.stdout.rows ?? 24, w: io.out.width }).catch(() => {});
	};
	const onInput = (bytes: Buffer): void => {
		socket.send(bytes, () => input?.resume());
		if (socket.bufferedAmount > sendLimit) input?.pause();
	};
	socket.on('open', () => {
		onSize();
		if (io.out.isTerminal) process.on('SIGWINCH', onSize);
		if (input?.isTTY) input.setRawMode(true);
		input?.on('data', onInput);
	});
	try {
		await ended.promise;
	} finally {
		process.off('SIGWINCH', onSize);
		input?.off('data', onInput);
		if (input?.isTTY) input.setRawMode(false);
		input?.pause();
		socket.terminate();
	}
}
