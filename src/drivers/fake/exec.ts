import { DriverError, type DriverSession, type ExecRequest, type ExecResult, type InteractiveExecRequest } from '../driver.ts';
import { ByteQueue } from './byte-queue.ts';
import type { FakeContainer } from './fake-container.ts';
import { OutputChannel } from './output-channel.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { terminalInput } from './terminal.ts';

/** Runs the command to its end; fails with `timeout`. */
export async function runExec(container: FakeContainer, request: ExecRequest, signal: AbortSignal): Promise<ExecResult> {
	const stdin = new ByteQueue();
	stdin.end();
	const output: { stream: 'stdout' | 'stderr'; bytes: Uint8Array }[] = [];
	let room = request.maxOutput;
	let truncated = false;
	const process = container.exec({
		command: request.command,
		environment: request.environment,
		workdir: request.workdir,
		user: request.user,
		terminal: null,
		stdin,
		write: async (stream, bytes) => {
			const kept = bytes.subarray(0, room);
			if (kept.length < bytes.length) truncated = true;
			room -= kept.length;
			if (kept.length > 0) output.push({ stream, bytes: Uint8Array.from(kept) });
		},
	});
	const exitCode = await exitOf(process, request.timeout, signal);
	const of = (wanted: string): Uint8Array => Buffer.concat(output.filter(({ stream }) => stream === wanted).map(({ bytes }) => bytes));
	return { stdout: of('stdout'), stderr: of('stderr'), output: Buffer.concat(output.map(({ bytes }) => bytes)), exitCode, truncated };
}

async function exitOf(process: SimulatedProcess, timeout: number, signal: AbortSignal): Promise<number> {
	const { promise, resolve, reject } = Promise.withResolvers<number>();
	const timer = setTimeout(() => reject(new DriverError('timeout', `The command did not end in ${timeout} ms.`)), timeout);
	const abort = (): void => reject(signal.reason);
	signal.addEventListener('abort', abort, { once: true });
	process.onExit(resolve);
	try {
		return await promise;
	} finally {
		clearTimeout(timer);
		signal.removeEventListener('abort', abort);
		process.end(137);
	}
}

/** Starts the command with a stream to it; closing the stream ends it. */
export function startExec(container: FakeContainer, request: InteractiveExecRequest, signal: AbortSignal): DriverSession {
	const terminal = request.tty ? { size: request.size ?? { width: 80, height: 24 } } : null;
	const stdin = new ByteQueue();
	const output = new OutputChannel();
	const process = container.exec({
		command: request.command,
		terminal,
		stdin,
		write: async (stream, bytes) => {
			output.push({ stream, bytes });
			while (output.full) await process.wait((wake) => output.onRoom(wake));
		},
	});
	const exited = Promise.withResolvers<number>();
	process.onExit((exitCode) => {
		output.end();
		stdin.end();
		exited.resolve(exitCode);
	});
	const close = (): void => {
		stdin.end();
		output.end();
		process.end(128 + 1);
	};
	signal.addEventListener('abort', close, { once: true });
	process.onExit(() => signal.removeEventListener('abort', close));
	return {
		output,
		write: (bytes) => writeInput(stdin, bytes, terminal === null ? null : (shown) => output.push({ stream: 'stdout', bytes: shown })),
		end: async () => stdin.end(),
		resize: async (size) => {
			if (terminal !== null) terminal.size = size;
		},
		exitCode: () => exited.promise,
		close,
	};
}

/** A stream to the container's first process. */
export function attach(container: FakeContainer, signal: AbortSignal): DriverSession {
	const { stdin, terminal } = container;
	if (stdin === null || !container.alive) throw new DriverError('not-running', `Container ${container.settings.id} does not run.`);
	const output = new OutputChannel();
	const watcher = (chunk: { stream: 'stdout' | 'stderr'; bytes: Uint8Array } | null): void => {
		if (chunk === null) output.end();
		else output.push(chunk);
	};
	container.watchers.add(watcher);
	const close = (): void => {
		container.watchers.delete(watcher);
		signal.removeEventListener('abort', close);
		output.end();
	};
	signal.addEventListener('abort', close, { once: true });
	return {
		output,
		write: (bytes) => writeInput(stdin, bytes, terminal === null ? null : (shown) => output.push({ stream: 'stdout', bytes: shown })),
		end: async () => stdin.end(),
		resize: async (size) => {
			if (terminal !== null) terminal.size = size;
		},
		exitCode: async () => null,
		close,
	};
}

async function writeInput(stdin: ByteQueue, bytes: Uint8Array, show: ((bytes: Uint8Array) => void) | null): Promise<void> {
	if (show === null) stdin.push(Uint8Array.from(bytes));
	else terminalInput(bytes, stdin, show);
	while (stdin.full) {
		await new Promise<void>((resolve) => {
			const stop = stdin.onChange(() => {
				stop();
				resolve();
			});
		});
	}
}
