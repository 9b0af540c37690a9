import { setTimeout as delay } from 'node:timers/promises';
import type { CommandContext } from '../context.ts';
import { CliError } from '../exit-code.ts';
import { Progress, type PullProgress } from '../output/progress.ts';
import { numberIn, type Resource, resourceIn, textIn } from '../resource.ts';
import { ApiError } from '../session/api-error.ts';
import type { Client } from '../session/client.ts';
import { eventsOf } from '../session/event-stream.ts';
import { seconds } from './units.ts';

export type Waited = 'containers' | 'sandboxes' | 'capsules';

/** Seconds of one request that waits: short enough for any proxy. */
const slice = 25;

/** Until when --timeout lets a command wait, in ms since the epoch; null = for ever. */
export function deadlineOf(context: CommandContext, otherwise: number | null): number | null {
	const given = context.input.text('timeout');
	const limit = given === undefined ? otherwise : seconds('--timeout', given);
	return limit === null ? null : context.io.now() + limit * 1000;
}

/** Whether the command waits; --no-wait says that it does not. */
export function isWaiting(context: CommandContext): boolean {
	return context.input.flag('wait') ?? true;
}

/** For --timeout of what changes something, in seconds. */
export const usualWait = 600;

/** Progress for people, and on a terminal also beside JSON. */
export function progressOf(context: CommandContext): Progress {
	const { form } = context.output;
	return new Progress(context.io, form === 'table' || (form === 'json' && context.io.err.isTerminal));
}

/**
 * Waits until the thing has one of the statuses, cannot get it any more, or the time is over; answers how it stands
 * then. Its way there is shown.
 */
export async function reach(
	context: CommandContext,
	what: { readonly kind: Waited; readonly id: string; readonly name: string },
	wanted: string,
	options: { readonly deadline: number | null; readonly progress: Progress; readonly isEnough?: (seen: Resource) => boolean },
): Promise<Resource> {
	const client = await context.client();
	const { deadline, progress } = options;
	const watching = new AbortController();
	watch(client, what, progress, watching.signal).catch(() => {});
	try {
		for (;;) {
			const left = deadline === null ? slice : Math.max(0, Math.ceil((deadline - context.io.now()) / 1000));
			const asked = Math.min(slice, left);
			const begun = context.io.now();
			const seen = await client.resource('GET', `/${what.kind}/${what.id}`, { query: { wait: wanted, timeout: asked } });
			const status = textIn(seen, 'status');
			if (status === wanted || options.isEnough?.(seen) === true) return seen;
			progress.show(what.name, status, pullOf(resourceIn(seen, 'pull')));
			if (deadline !== null && context.io.now() >= deadline) return seen;
			const endedEarly = context.io.now() - begun < asked * 1000 - 100;
			if (endedEarly && textIn(seen, 'task_state') === '' && !isOnTheWay(status)) return seen;
			if (endedEarly) await delay(200);
		}
	} finally {
		watching.abort();
	}
}

/** Waits until the thing is gone; an error when it is still there at the deadline. */
export async function reachGone(
	context: CommandContext,
	what: { readonly kind: Waited; readonly id: string; readonly name: string },
	options: { readonly deadline: number | null; readonly progress: Progress },
): Promise<void> {
	const client = await context.client();
	options.progress.show(what.name, 'Deleting');
	for (;;) {
		const left = options.deadline === null ? slice : Math.max(0, Math.ceil((options.deadline - context.io.now()) / 1000));
		try {
			// A thing that is being deleted never runs again: the answer comes when it is gone.
			const query = { wait: 'Running', timeout: Math.min(slice, left) };
			await client.resource('GET', `/${what.kind}/${what.id}`, { query });
		} catch (error) {
			if (error instanceof ApiError && error.status === 404) return;
			throw error;
		}
		if (options.deadline !== null && context.io.now() >= options.deadline) {
			throw new CliError(`${what.name} is still being deleted; it goes on: see zunbox events`);
		}
		await delay(100);
	}
}

/** What to say of a thing that did not get where it should. */
export function notReached(name: string, seen: Resource, wanted: string): CliError {
	const status = textIn(seen, 'status');
	const reason = textIn(seen, 'status_reason');
	const why = reason === '' ? '' : `: ${reason.replace(/\.$/, '')}`;
	const isOver = status === 'Error' || status === 'Dead' || (!isOnTheWay(status) && textIn(seen, 'task_state') === '');
	return new CliError(
		isOver ? `${name} is ${status}, not ${wanted}${why}` : `${name} is still ${status}${why}; it goes on: zunbox events tells more`,
	);
}

function isOnTheWay(status: string): boolean {
	return ['Creating', 'Restarting', 'Rebuilding', 'Deleting'].includes(status);
}

/** Follows the events of the thing for what the waiting itself does not see. */
async function watch(
	client: Client,
	what: { readonly kind: Waited; readonly id: string; readonly name: string },
	progress: Progress,
	signal: AbortSignal,
): Promise<void> {
	const query = what.kind === 'containers' ? { container: what.id } : { sandbox: what.id };
	const answer = await client.stream('GET', '/events', { query }, signal);
	for await (const event of eventsOf(answer)) {
		const detail = resourceIn(event, 'detail');
		const kind = textIn(event, 'kind');
		if (signal.aborted) return;
		if (kind === 'container.pull') progress.show(what.name, `pulling ${textIn(detail, 'image')}`, pullOf(detail));
		else if (kind.endsWith('.status') && textIn(detail, 'name') === what.name) progress.show(what.name, textIn(event, 'status'));
	}
}

export function pullOf(pull: Resource): PullProgress | null {
	const layersTotal = numberIn(pull, 'layers_total') ?? numberIn(pull, 'layersTotal');
	if (layersTotal === null) return null;
	return {
		layersTotal,
		layersDone: numberIn(pull, 'layers_done') ?? numberIn(pull, 'layersDone') ?? 0,
		bytesDone: numberIn(pull, 'bytes_done') ?? numberIn(pull, 'bytesDone') ?? 0,
		bytesTotal: numberIn(pull, 'bytes_total') ?? numberIn(pull, 'bytesTotal') ?? 0,
	};
}
