import { setTimeout as delay } from 'node:timers/promises';
import type { CommandContext } from '../context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { toneOf } from '../output/style.ts';
import { cut, pad, plain } from '../output/text.ts';
import { bytesText } from '../output/words.ts';
import { numberIn, type Resource, resourceIn, textIn } from '../resource.ts';
import type { Client } from '../session/client.ts';
import { eventsOf } from '../session/event-stream.ts';
import type { Action } from '../tree/spec.ts';

/** ms between two tries to find the service again, and how long they go on. */
const retryPause = 1000;
const patience = 120_000;

export const events: Action = async (context) => {
	const { input } = context;
	const client = await context.client();
	const query = {
		sandbox: input.text('sandbox'),
		container: input.text('container'),
		kind: input.text('kind'),
		all_projects: input.flag('all-projects'),
	};
	let left = input.integer('count') ?? Number.POSITIVE_INFINITY;
	if (left < 1) return exitCodes.ok;
	for await (const event of resuming(context, client, query, input.text('after'))) {
		show(context, event);
		left -= 1;
		if (left < 1) break;
	}
	return exitCodes.ok;
};

/** The events for ever: where the connection is lost, they go on after the last that came. */
async function* resuming(
	context: CommandContext,
	client: Client,
	query: Readonly<Record<string, string | boolean | undefined>>,
	after: string | undefined,
): AsyncGenerator<Resource> {
	let last = after;
	let lostAt: number | null = null;
	for (;;) {
		const ended = new AbortController();
		try {
			const headers: Readonly<Record<string, string>> = last === undefined ? {} : { 'last-event-id': last };
			const answer = await client.stream('GET', '/events', { query, headers }, AbortSignal.any([context.io.signal, ended.signal]));
			lostAt = null;
			for await (const event of eventsOf(answer)) {
				last = textIn(event, 'id');
				yield event;
			}
		} catch (error) {
			const isGone = error instanceof CliError ? error.exitCode === exitCodes.noService : isBroken(error);
			if (!isGone || (lostAt === null && last === after && error instanceof CliError)) throw error;
			if (lostAt !== null && context.io.now() - lostAt > patience) throw error;
		} finally {
			ended.abort();
		}
		if (context.io.signal.aborted) return;
		if (lostAt === null) context.output.note('zunbox: the connection is lost; trying again');
		lostAt ??= context.io.now();
		await delay(retryPause, undefined, { signal: context.io.signal });
	}
}

/** Whether a stream ended because its connection did. */
function isBroken(error: unknown): boolean {
	return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE');
}

function show(context: CommandContext, event: Resource): void {
	const { output } = context;
	if (output.form === 'json') {
		output.line(JSON.stringify(event));
		return;
	}
	const time = textIn(event, 'created_at').slice(11, 19);
	const name = textIn(resourceIn(event, 'detail'), 'name') || textIn(event, 'container_id') || textIn(event, 'sandbox_id');
	const kind = pad(plain(textIn(event, 'kind')), 18);
	output.line(`${output.paint(time, 'quiet')}  ${kind}  ${pad(cut(plain(name), 24), 24)}  ${described(context, event)}`.trimEnd());
}

function described(context: CommandContext, event: Resource): string {
	const detail = resourceIn(event, 'detail');
	const status = textIn(event, 'status');
	if (textIn(event, 'kind') === 'container.pull') {
		const total = numberIn(detail, 'bytesTotal') ?? 0;
		const bytes = total > 0 ? `, ${bytesText(numberIn(detail, 'bytesDone') ?? 0)} of ${bytesText(total)}` : '';
		return plain(`${textIn(detail, 'image')}: ${textIn(detail, 'layersDone')} of ${textIn(detail, 'layersTotal')} layers${bytes}`);
	}
	const exitCode = textIn(detail, 'exit_code');
	const parts = [
		status === '' ? textIn(detail, 'health') : status,
		exitCode === '' ? '' : `(exit code ${exitCode})`,
		textIn(event, 'reason') === '' ? '' : `- ${textIn(event, 'reason')}`,
	];
	const words = plain(parts.filter((part) => part !== '').join(' '));
	return words.startsWith(status) ? context.output.paint(status, toneOf(status)) + words.slice(status.length) : words;
}
