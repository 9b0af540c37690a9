import type { CommandContext } from '../context.ts';
import { CliError, exitCodes, usageError } from '../exit-code.ts';
import { Progress } from '../output/progress.ts';
import { numberIn, type Resource, textIn } from '../resource.ts';
import { ApiError } from '../session/api-error.ts';
import type { Action } from '../tree/spec.ts';
import { mainAddress } from './columns.ts';
import { containerBody } from './container-body.ts';
import { EndWatch } from './end-watch.ts';
import { publishedPorts } from './placement.ts';
import { showContainer } from './show-containers.ts';
import { deadlineOf, isWaiting, notReached, progressOf, reach, usualWait } from './waiting.ts';

/** Makes a container that is not started. */
export const create: Action = async (context) => {
	const made = await makeContainer(context, { run: false });
	const seen = isWaiting(context) ? await settle(context, made, 'Created') : made;
	const status = textIn(seen, 'status');
	if (isWaiting(context) && status !== 'Created') throw notReached(textIn(seen, 'name'), seen, 'Created');
	showContainer(context, seen);
	return exitCodes.ok;
};

/** Makes a container and starts it; may follow it until it ends. */
export const run: Action = async (context) => {
	const { input } = context;
	const isFollowed = input.flag('follow') === true;
	const isSpokenWith = input.flag('interactive') === true && input.flag('detach') !== true;
	if (isFollowed && input.flag('detach') === true) throw usageError('--follow and --detach cannot be given together');
	if ((isFollowed || isSpokenWith) && !isWaiting(context)) throw usageError('--no-wait cannot be given with --follow or --interactive');
	const ends = input.flag('rm') === true && isWaiting(context) && !isFollowed ? await EndWatch.begin(await context.client()) : null;
	try {
		// The service would delete it before its output was read: what is followed is deleted here.
		const made = await makeContainer(context, { run: true, ...(isFollowed ? { auto_remove: false } : {}) });
		const name = textIn(made, 'name');
		if (!isWaiting(context)) {
			tell(context, made, `${name} is asked for: zunbox wait --for Running ${name}`);
			return exitCodes.ok;
		}
		const seen = await orGone(ends, made, () => settle(context, made, 'Running'));
		if (isSpokenWith && textIn(seen, 'status') === 'Running') {
			const { attachTo } = await import('./exec.ts');
			return await attachTo(context, textIn(seen, 'uuid'), name);
		}
		if (isFollowed || isSpokenWith) return await follow(context, seen);
		return told(context, seen);
	} finally {
		ends?.end();
	}
};

/** Says how the container stands after it was started. */
function told(context: CommandContext, seen: Resource): number {
	const name = textIn(seen, 'name');
	const exitCode = endedWith(seen);
	if (textIn(seen, 'status') !== 'Running' && exitCode === null) throw notReached(name, seen, 'Running');
	if (exitCode !== null && exitCode !== 0) {
		const advice =
			context.input.flag('rm') === true ? 'run it with --follow to see what it writes' : `zunbox logs ${name} shows what it wrote`;
		throw new CliError(`${name} ended with exit code ${exitCode}; ${advice}`);
	}
	const address = mainAddress(seen);
	const where = address === '' ? '' : ` at ${address}`;
	tell(
		context,
		seen,
		exitCode === 0 ? `${name} has run and ended with exit code 0` : `${name} is Running${where} in sandbox ${textIn(seen, 'sandbox')}`,
	);
	return exitCodes.ok;
}

/** Shows what the container writes until it ends; answers its exit code. */
async function follow(context: CommandContext, seen: Resource): Promise<number> {
	if (textIn(seen, 'status') !== 'Running' && endedWith(seen) === null) throw notReached(textIn(seen, 'name'), seen, 'Running');
	const { followLogs } = await import('./container-output.ts');
	await followLogs(context, seen);
	const last = await settle(context, seen, 'Stopped');
	if (context.input.flag('rm') === true)
		await (await context.client()).call('DELETE', `/containers/${textIn(seen, 'uuid')}`, { query: { stop: true } });
	return endedWith(last) ?? exitCodes.failed;
}

function endedWith(seen: Resource): number | null {
	return textIn(seen, 'status') === 'Stopped' ? numberIn(seen, 'exit_code') : null;
}

/** A container with --rm may be gone when it is looked at: then its events tell how it ended. */
async function orGone(ends: EndWatch | null, container: Resource, look: () => Promise<Resource>): Promise<Resource> {
	try {
		return await look();
	} catch (error) {
		if (ends === null || !(error instanceof ApiError) || error.status !== 404) throw error;
		const exitCode = await ends.exitCodeOf(textIn(container, 'uuid'), 10_000);
		if (exitCode === null) throw error;
		return { ...container, status: 'Stopped', exit_code: exitCode };
	}
}

function tell(context: CommandContext, seen: Resource, words: string): void {
	if (context.output.form === 'table') context.output.line(words);
	else context.output.object(seen, () => []);
}

async function makeContainer(context: CommandContext, fields: Resource): Promise<Resource> {
	const { input } = context;
	const ports = publishedPorts(input);
	if (ports !== undefined && input.text('sandbox') !== undefined) {
		throw usageError('--publish belongs to the sandbox: zunbox sandbox update <sandbox> --publish …');
	}
	const client = await context.client();
	const made = await client.resource('POST', '/containers', { body: { ...(await containerBody(input)), ...fields } });
	if (ports === undefined) return made;
	try {
		await client.resource('PATCH', `/sandboxes/${textIn(made, 'sandbox_id')}`, { body: { published_ports: ports } });
		return made;
	} catch (error) {
		// Without its ports it is not what was asked for.
		await client.call('DELETE', `/containers/${textIn(made, 'uuid')}`, { query: { stop: true } }).catch(() => {});
		throw error;
	}
}

/** Waits until it has the status, or has run and ended. */
async function settle(context: CommandContext, made: Resource, wanted: string): Promise<Resource> {
	const isQuiet = context.input.flag('follow') === true && !context.io.err.isTerminal;
	const progress = isQuiet ? new Progress(context.io, false) : progressOf(context);
	const what = { kind: 'containers', id: textIn(made, 'uuid'), name: textIn(made, 'name') } as const;
	const isEnough = (seen: Resource): boolean => textIn(seen, 'status') === 'Stopped' && textIn(seen, 'exit_code') !== '';
	try {
		return await reach(context, what, wanted, { deadline: deadlineOf(context, usualWait), progress, isEnough });
	} finally {
		progress.end();
	}
}
