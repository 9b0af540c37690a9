import type { WebSocket } from 'ws';
import type { DriverSession, OutputChunk } from '../../drivers/driver.ts';
import { messageOf, ZunboxError } from '../../model/errors.ts';
import { InputWriter } from './input.ts';
import { MessageSender } from './output.ts';
import { Utf8Cutter } from './utf8.ts';

/** RFC 6455 close codes that are used here. */
const closeCode = { normal: 1000, goingAway: 1001, unsupportedData: 1003, internalError: 1011 } as const;

export interface SessionOptions {
	/** Opens the stream to the process; it ends with the signal. */
	readonly open: (signal: AbortSignal) => Promise<DriverSession>;
	/** Called once it is open. */
	readonly opened: (session: DriverSession) => void;
	/** ms that opening may take. */
	readonly openWithin: number;
	/**
	 * ms after which a client that takes nothing is given up; null = never. The output of a container's first process
	 * has other readers, which a stalled one must not hold up for ever; that of a command has none.
	 */
	readonly stalledAfter: number | null;
	/** Aborted when the service stops. */
	readonly stopping: AbortSignal;
}

export interface SessionEnd {
	/** Exit code of a command that ended; null otherwise. */
	readonly exitCode: number | null;
	/** What went wrong; null when the process ended or the client went. */
	readonly error: unknown;
}

/**
 * Joins a client's connection with the stream to a process, until either ends. Resolves when the stream to the process
 * is closed; never rejects. Nothing is sent to the client but output: no pings, which the stock client cannot stand.
 */
export async function runSession(socket: WebSocket, options: SessionOptions): Promise<SessionEnd> {
	const life = new AbortController();
	const input = new InputWriter(socket);
	socket.on('error', () => life.abort());
	socket.on('close', () => life.abort());
	socket.on('message', (data, isBinary) => {
		if (isBinary) input.push(bytesOf(data));
		else leave(closeCode.unsupportedData, 'send binary messages');
	});
	const leave = (code: number, reason: string): void => {
		socket.close(code, reason);
		life.abort();
	};
	const stop = (): void => leave(closeCode.goingAway, 'the service is stopping');
	if (options.stopping.aborted) stop();
	options.stopping.addEventListener('abort', stop, { once: true, signal: life.signal });

	let session: DriverSession | null = null;
	try {
		session = await openInTime(options, life);
		const closing = session;
		life.signal.addEventListener('abort', () => closing.close(), { once: true });
		if (life.signal.aborted) return { exitCode: null, error: null };
		options.opened(session);
		input.open(session);
		await forwardOutput(session.output, socket, options.stalledAfter);
		const exitCode = life.signal.aborted ? null : await session.exitCode();
		socket.close(closeCode.normal, exitCode === null ? 'the process ended' : `exit code ${exitCode}`);
		return { exitCode, error: null };
	} catch (error) {
		if (socket.readyState !== socket.OPEN) return { exitCode: null, error: error instanceof ClientStalled ? error : null };
		await sayWhy(socket, error);
		return { exitCode: null, error };
	} finally {
		input.close();
		session?.close();
		life.abort();
	}
}

async function openInTime({ open, openWithin }: SessionOptions, life: AbortController): Promise<DriverSession> {
	const late = new DOMException('the host did not answer in time', 'TimeoutError');
	const timer = setTimeout(() => life.abort(late), openWithin);
	try {
		return await open(life.signal);
	} finally {
		clearTimeout(timer);
	}
}

/** Both streams of the process as one, each cut by itself. Resolves when all is sent; rejects when the client is gone. */
async function forwardOutput(output: AsyncIterable<OutputChunk>, socket: WebSocket, stalledAfter: number | null): Promise<void> {
	const sender = new MessageSender((message) => send(socket, message, stalledAfter));
	const cutters = { stdout: new Utf8Cutter(), stderr: new Utf8Cutter() };
	for await (const { stream, bytes } of output) await sender.push(cutters[stream].push(bytes));
	for (const cutter of [cutters.stdout, cutters.stderr]) await sender.push(cutter.end());
	await sender.flush();
}

/** A client that does not read, and that others cannot wait for. */
class ClientStalled extends Error {
	override readonly name = 'ClientStalled';
}

/** Sends one message; resolves when the kernel has it. */
function send(socket: WebSocket, message: Uint8Array, stalledAfter: number | null): Promise<void> {
	return new Promise((resolve, reject) => {
		const giveUp = (after: number): void => {
			reject(new ClientStalled(`the client took nothing for ${after} ms`));
			socket.terminate();
		};
		const timer = stalledAfter === null ? undefined : setTimeout(giveUp, stalledAfter, stalledAfter);
		socket.send(message, { binary: true, fin: true }, (error) => {
			clearTimeout(timer);
			if (error) reject(error);
			else resolve();
		});
	});
}

/** A client that shows what comes shows its user why nothing more does. */
async function sayWhy(socket: WebSocket, error: unknown): Promise<void> {
	const meant = error instanceof ZunboxError || (error instanceof Error && ['DriverError', 'TimeoutError'].includes(error.name));
	const reason = meant ? messageOf(error) : 'the stream could not be served';
	await send(socket, Buffer.from(`\r\n${reason}\r\n`), 10_000).catch(() => undefined);
	socket.close(closeCode.internalError, shortened(reason));
}

/** A close frame holds at most 123 bytes of reason. */
function shortened(text: string): string {
	return Buffer.from(text)
		.subarray(0, 120)
		.toString('utf8')
		.replace(/\ufffd+$/, '');
}

function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): Uint8Array {
	if (Array.isArray(data)) return Buffer.concat(data);
	return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
