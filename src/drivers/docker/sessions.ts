import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { DriverError, type DriverSession, type InteractiveExecRequest, type OutputChunk, type TerminalSize } from '../driver.ts';
import { asStdout, demultiplex } from './engine/demultiplex.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { flag } from './engine/json.ts';
import type { EngineObject } from './engine-objects.ts';
import { createExec, exitCodeOf, hangUpExec } from './exec.ts';

/** A stream to the container's first process. */
export async function attachSession(engine: EngineClient, object: EngineObject, signal: AbortSignal): Promise<DriverSession> {
	const inspected = await engine.json({ method: 'GET', path: `/containers/${object.engineId}/json`, signal });
	// The engine would wait for the start of one that does not run.
	if (!flag(inspected.body, 'State', 'Running')) throw new DriverError('not-running', 'the container does not run');
	const socket = await engine.hijack({
		method: 'POST',
		path: `/containers/${object.engineId}/attach`,
		query: { stream: true, stdin: true, stdout: true, stderr: true },
		signal,
	});
	return new EngineSession(engine, socket, object.tty, signal, `/containers/${object.engineId}`, async () => null);
}

/** Starts a command in the container, with a stream to it. */
export async function execSession(
	engine: EngineClient,
	engineId: string,
	request: InteractiveExecRequest,
	signal: AbortSignal,
): Promise<DriverSession> {
	const execId = await createExec(engine, engineId, { command: request.command, tty: request.tty, stdin: true }, signal);
	const socket = await engine.hijack({
		method: 'POST',
		path: `/exec/${execId}/start`,
		body: { Detach: false, Tty: request.tty },
		signal,
	});
	// The engine lets a command run on whose stream is gone. Where the output came to its end, the command did too.
	let ended = false;
	socket.once('end', () => {
		ended = true;
	});
	socket.once('close', () => {
		if (!ended) void hangUpExec(engine, execId, engineId);
	});
	const session = new EngineSession(engine, socket, request.tty, signal, `/exec/${execId}`, () => exitCodeOf(engine, execId, signal));
	if (request.tty && request.size !== undefined) await session.resize(request.size);
	return session;
}

class EngineSession implements DriverSession {
	readonly output: AsyncIterable<OutputChunk>;
	readonly exitCode: () => Promise<number | null>;
	readonly #engine: EngineClient;
	readonly #socket: Duplex;
	readonly #signal: AbortSignal;
	readonly #path: string;
	readonly #tty: boolean;

	constructor(
		engine: EngineClient,
		socket: Duplex,
		tty: boolean,
		signal: AbortSignal,
		path: string,
		exitCode: () => Promise<number | null>,
	) {
		this.#engine = engine;
		this.#socket = socket;
		this.#signal = signal;
		this.#path = path;
		this.#tty = tty;
		this.output = tty ? asStdout(this.#bytes()) : demultiplex(this.#bytes());
		const ended = new Promise<void>((resolve) => {
			socket.once('end', resolve);
			socket.once('close', resolve);
		});
		this.exitCode = () => ended.then(exitCode);
		// A broken connection is reported to whoever reads or writes.
		socket.on('error', () => undefined);
	}

	write(bytes: Uint8Array): Promise<void> {
		return new Promise((resolve, reject) => {
			this.#socket.write(bytes, (cause) => {
				if (cause == null) resolve();
				else reject(this.#engine.failure(cause, this.#signal));
			});
		});
	}

	end(): Promise<void> {
		return new Promise((resolve) => {
			this.#socket.end(() => resolve());
			this.#socket.once('close', () => resolve());
		});
	}

	/** A command that was just started may not have its terminal yet, which the engine reports as an error. */
	async resize(size: TerminalSize): Promise<void> {
		if (!this.#tty) return;
		for (let pause = 10; ; pause *= 2) {
			try {
				const query = { h: size.height, w: size.width };
				await this.#engine.json({ method: 'POST', path: `${this.#path}/resize`, query, signal: this.#signal });
				return;
			} catch (error) {
				const ended = this.#socket.readableEnded || this.#socket.destroyed;
				if (ended) return;
				if (!(error instanceof DriverError) || error.code === 'unavailable' || pause > 1_000) throw error;
				await delay(pause, undefined, { signal: this.#signal });
			}
		}
	}

	close(): void {
		this.#socket.destroy();
	}

	async *#bytes(): AsyncGenerator<Uint8Array, void, undefined> {
		try {
			yield* this.#socket;
		} catch (cause) {
			// Closed by its owner: that is no failure.
			if (this.#socket.errored === null && this.#socket.destroyed && !this.#signal.aborted) return;
			throw this.#engine.failure(cause, this.#signal);
		}
	}
}
