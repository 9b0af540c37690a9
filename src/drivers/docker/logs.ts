import type { LogRequest, OutputChunk } from '../driver.ts';
import { asStdout } from './engine/demultiplex.ts';
import type { EngineClient } from './engine/engine-client.ts';
import type { EngineObject } from './engine-objects.ts';
import { logLines } from './log-lines.ts';

/** Asks for the log; what is answered reads it. */
export async function readLogs(
	engine: EngineClient,
	object: EngineObject,
	request: LogRequest,
	signal: AbortSignal,
): Promise<AsyncIterable<OutputChunk>> {
	if (!request.stdout && !request.stderr) return none();
	const { body } = await engine.stream({
		method: 'GET',
		path: `/containers/${object.engineId}/logs`,
		query: {
			stdout: request.stdout,
			stderr: request.stderr,
			timestamps: request.timestamps,
			follow: request.follow,
			tail: request.tail ?? 'all',
			since: request.since ?? undefined,
		},
		signal,
	});
	return object.tty ? asStdout(body) : logLines(body, request.timestamps);
}

async function* none(): AsyncGenerator<OutputChunk, void, undefined> {}
