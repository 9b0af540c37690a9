import type { CommandContext } from '../context.ts';
import { CliError, exitCodes, usageError } from '../exit-code.ts';
import { numberIn, type Resource, textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { mainAddress } from './columns.ts';
import { containerBody } from './container-body.ts';
import { publishedPorts } from './placement.ts';
import { showContainer } from './show-containers.ts';
import { deadlineOf, isWaiting, notReached, progressOf, reach, usualWait } from './waiting.ts';

/** Makes a container that is not started. */
export const create: Action = async (context) => {
	const made = await makeContainer(context, false);
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
	const made = await makeContainer(context, true);
	const name = textIn(made, 'name');
	if (!isWaiting(context)) {
		tell(context, made, `${name} is asked for: zunbox wait --for Running ${name}`);
		return exitCodes.ok;
	}
	const seen = await settle(context, made, 'Running');
	const status = textIn(seen, 'status');
	const exitCode = numberIn(seen, 'exit_code');
	const hasEnded = status === 'Stopped' && exitCode !== null;
	if (status !== 'Running' && !hasEnded) throw notReached(name, seen, 'Running');
	if (isSpokenWith && status === 'Running') {
		const { attachTo } = await import('./exec.ts');
		return await attachTo(context, textIn(seen, 'uuid'), name);
	}
	if (isFollowed || isSpokenWith) {
		const { followToEnd } = await import('./container-output.ts');
		return await followToEnd(context, seen);
	}
	if (hasEnded && exitCode !== 0) throw new CliError(`${name} ended with exit code ${exitCode}; zunbox logs ${name} shows what it wrote`);
	const address = mainAddress(seen);
	const where = address === '' ? '' : ` at ${address}`;
	tell(
		context,
		seen,
		hasEnded ? `${name} has run and ended with exit code 0` : `${name} is Running${where} in sandbox ${textIn(seen, 'sandbox')}`,
	);
	return exitCodes.ok;
};

function tell(context: CommandContext, seen: Resource, words: string): void {
	if (context.output.form === 'table') context.output.line(words);
	else context.output.object(seen, () => []);
}

async function makeContainer(context: CommandContext, isRun: boolean): Promise<Resource> {
	const { input } = context;
	const ports = publishedPorts(input);
	if (ports !== undefined && input.text('sandbox') !== undefined) {
		throw usageError('--publish belongs to the sandbox: zunbox sandbox update <sandbox> --publish …');
	}
	const client = await context.client();
	const made = await client.resource('POST', '/containers', { body: await containerBody(input, isRun) });
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
	const progress = progressOf(context);
	const what = { kind: 'containers', id: textIn(made, 'uuid'), name: textIn(made, 'name') } as const;
	const isEnough = (seen: Resource): boolean => textIn(seen, 'status') === 'Stopped' && textIn(seen, 'exit_code') !== '';
	try {
		return await reach(context, what, wanted, { deadline: deadlineOf(context, usualWait), progress, isEnough });
	} finally {
		progress.end();
	}
}
