import { setTimeout as delay } from 'node:timers/promises';
import { DriverError, type ExecRequest, type ExecResult } from '../driver.ts';
import { BoundedOutput } from './bounded-output.ts';
import { demultiplex } from './engine/demultiplex.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { field, flag, number, text } from './engine/json.ts';
import { signalTree } from './process-tree.ts';

/** How long the engine may take to note the end of a process whose output has ended, in ms. */
const patience = 10_000;
/** What a command may take to end after its terminal is gone, in ms. */
const hangUpTime = 500;

/**
 * Runs a command to its end. When its time is up or the caller gives up, the process is killed with all that it
 * started: the engine itself cannot end an exec.
 */
export async function runCommand(engine: EngineClient, engineId: string, request: ExecRequest, signal: AbortSignal): Promise<ExecResult> {
	const execId = await createExec(engine, engineId, request, signal);
	const deadline = AbortSignal.timeout(request.timeout);
	const either = AbortSignal.any([signal, deadline]);
	try {
		const output = new BoundedOutput(request.maxOutput);
		const answer = await engine.stream({
			method: 'POST',
			path: `/exec/${execId}/start`,
			body: { Detach: false, Tty: false },
			signal: either,
			idempotent: false,
		});
		for await (const chunk of demultiplex(answer.body)) output.add(chunk);
		return { ...output.result(), exitCode: await exitCodeOf(engine, execId, either) };
	} catch (error) {
		if (!either.aborted) throw error;
		await killExec(engine, execId, engineId);
		signal.throwIfAborted();
		throw new DriverError('timeout', `the command did not end within ${request.timeout} ms and was killed`);
	}
}

/** Makes the exec and leaves it not started; answers the engine's id for it. */
export async function createExec(
	engine: EngineClient,
	engineId: string,
	request: Pick<ExecRequest, 'command' | 'environment' | 'workdir' | 'user'> & { readonly tty?: boolean; readonly stdin?: boolean },
	signal: AbortSignal,
): Promise<string> {
	if (request.command.length === 0) throw new DriverError('invalid', 'there is no command to run');
	const { body } = await engine.json({
		method: 'POST',
		path: `/containers/${engineId}/exec`,
		body: {
			AttachStdin: request.stdin === true,
			AttachStdout: true,
			AttachStderr: true,
			Tty: request.tty === true,
			Cmd: request.command,
			Env: Object.entries(request.environment ?? {}).map(([name, value]) => `${name}=${value}`),
			...(request.workdir === undefined ? {} : { WorkingDir: request.workdir }),
			...(request.user === undefined ? {} : { User: request.user }),
		},
		signal,
	});
	return text(body, 'Id');
}

/** The exit code of an exec whose output has ended. */
export async function exitCodeOf(engine: EngineClient, execId: string, signal: AbortSignal): Promise<number> {
	const deadline = performance.now() + patience;
	for (let pause = 5; ; pause = Math.min(100, pause * 2)) {
		const { body } = await engine.json({ method: 'GET', path: `/exec/${execId}/json`, signal });
		const code = field(body, 'ExitCode');
		if (!flag(body, 'Running') && typeof code === 'number') return code;
		if (performance.now() > deadline) throw new DriverError('failed', 'the engine does not say how the command ended');
		await delay(pause, undefined, { signal });
	}
}

/** Kills the process of an exec and its descendants. Does nothing when it has ended, or cannot be found out about. */
async function killExec(engine: EngineClient, execId: string, engineId: string): Promise<void> {
	await endExec(engine, execId, async (pid) => signalTree(pid, engineId, 'SIGKILL'));
}

/** As `killExec`, after a SIGHUP and a moment to end by itself: a shell keeps its history, an editor its text. */
export async function hangUpExec(engine: EngineClient, execId: string, engineId: string): Promise<void> {
	await endExec(engine, execId, async (pid) => {
		const members = await signalTree(pid, engineId, 'SIGHUP');
		await delay(hangUpTime);
		// Also those whose parent has ended, which are no descendants any more.
		for (const member of members) await signalTree(member, engineId, 'SIGKILL');
	});
}

async function endExec(engine: EngineClient, execId: string, end: (pid: number) => Promise<unknown>): Promise<void> {
	const signal = AbortSignal.timeout(patience);
	try {
		// An exec that was just asked for may not have its process yet.
		for (let pause = 10; pause < 1_000; pause *= 2) {
			const { body } = await engine.json({ method: 'GET', path: `/exec/${execId}/json`, signal });
			const pid = number(body, 'Pid');
			if (pid > 0 && flag(body, 'Running')) await end(pid);
			if (!flag(body, 'Running') && (pid > 0 || field(body, 'ExitCode') !== null)) return;
			await delay(pause, undefined, { signal });
		}
	} catch {
		// The engine is away: its processes end with the container.
	}
}
