import type { CommandContext } from '../context.ts';
import { CliError, exitCodes, usageError } from '../exit-code.ts';
import { type Resource, textIn } from '../resource.ts';
import { ApiError } from '../session/api-error.ts';
import type { Call } from '../session/client.ts';
import type { Action } from '../tree/spec.ts';
import { restartPolicy } from './container-body.ts';
import { forEach } from './each.ts';
import { given } from './placement.ts';
import { showContainer } from './show-containers.ts';
import { mebibytes, seconds } from './units.ts';
import { deadlineOf, isWaiting, notReached, progressOf, reach, reachGone, usualWait } from './waiting.ts';

const pathOf = (name: string): string => `/containers/${encodeURIComponent(name)}`;

/** Asks for something of each container and waits until it is done. */
function acting(
	call: (context: CommandContext) => {
		readonly path: string;
		readonly query?: NonNullable<Call['query']>;
		readonly wanted: string;
		readonly word: string;
	},
): Action {
	return async (context) => {
		const client = await context.client();
		const { path, query, wanted, word } = call(context);
		const deadline = deadlineOf(context, usualWait);
		const progress = progressOf(context);
		return await forEach(context, context.input.arguments('container'), async (name) => {
			const { uuid } = await client.resource('GET', pathOf(name));
			const id = String(uuid);
			await client.call('POST', `/containers/${id}/${path}`, query === undefined ? {} : { query });
			if (!isWaiting(context)) return context.output.done(`${name}: ${path} is asked for`);
			const seen = await reach(context, { kind: 'containers', id, name }, wanted, {
				deadline,
				progress,
				isEnough: (now) => hasRun(now, wanted),
			});
			if (textIn(seen, 'status') !== wanted && !hasRun(seen, wanted)) throw notReached(name, seen, wanted);
			context.output.done(`${name} ${word}`);
		}).finally(() => progress.end());
	};
}

/** A container whose command ends by itself may have ended before it was looked at. */
function hasRun(seen: Resource, wanted: string): boolean {
	return (
		wanted === 'Running' && textIn(seen, 'status') === 'Stopped' && textIn(seen, 'exit_code') === '0' && textIn(seen, 'task_state') === ''
	);
}

function grace(context: CommandContext): { readonly timeout: number | undefined } {
	const text = context.input.text('grace');
	return { timeout: text === undefined ? undefined : seconds('--grace', text) };
}

export const actions = {
	start: acting(() => ({ path: 'start', wanted: 'Running', word: 'is started' })),
	stop: acting((context) => ({ path: 'stop', query: grace(context), wanted: 'Stopped', word: 'is stopped' })),
	restart: acting((context) => ({ path: 'reboot', query: grace(context), wanted: 'Running', word: 'is restarted' })),
	pause: acting(() => ({ path: 'pause', wanted: 'Paused', word: 'is paused' })),
	unpause: acting(() => ({ path: 'unpause', wanted: 'Running', word: 'goes on' })),
};

export const rebuild: Action = acting((context) => ({
	path: 'rebuild',
	query: { image: context.input.text('image'), image_driver: context.input.text('image-driver') },
	wanted: 'Running',
	word: 'is made anew',
}));

export const remove: Action = async (context) => {
	const client = await context.client();
	const { input } = context;
	const deadline = deadlineOf(context, usualWait);
	const progress = progressOf(context);
	return await forEach(context, input.arguments('container'), async (name) => {
		const { uuid } = await client.resource('GET', pathOf(name));
		const id = String(uuid);
		try {
			await client.call('DELETE', `/containers/${id}`, { query: { force: input.flag('force'), stop: input.flag('stop') } });
		} catch (error) {
			if (error instanceof ApiError && error.status === 409 && !input.flag('stop'))
				throw new CliError(`${error.message}; --stop stops it first`);
			throw error;
		}
		if (isWaiting(context)) await reachGone(context, { kind: 'containers', id, name }, { deadline, progress });
		context.output.done(isWaiting(context) ? `${name} is deleted` : `${name}: delete is asked for`);
	}).finally(() => progress.end());
};

export const kill: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('container'), async (name) => {
		await client.call('POST', `${pathOf(name)}/kill`, { query: { signal: context.input.text('signal') } });
		context.output.done(`${name}: the signal is sent`);
	});
};

export const update: Action = async (context) => {
	const { input } = context;
	const memory = input.text('memory');
	const change = given({
		name: input.text('name'),
		cpu: input.number('cpu'),
		memory: memory === undefined ? undefined : mebibytes('--memory', memory),
		labels: input.pairs('label'),
		environment: input.pairs('env'),
		restart_policy: restartPolicy(input.text('restart')),
		auto_heal: input.flag('auto-heal'),
	});
	if (Object.keys(change).length === 0) throw usageError('say what to change; see zunbox container update --help');
	const client = await context.client();
	showContainer(context, await client.resource('PATCH', pathOf(input.argument('container')), { body: change }));
	return exitCodes.ok;
};

export const rename: Action = async (context) => {
	const client = await context.client();
	const [from, to] = [context.input.argument('container'), context.input.argument('name')];
	await client.resource('PATCH', pathOf(from), { body: { name: to } });
	context.output.done(`${from} is now ${to}`);
	return exitCodes.ok;
};

export const commit: Action = async (context) => {
	const client = await context.client();
	const image = context.input.argument('image');
	const match = /^(.+?)(?::([\w.-]+))?$/.exec(image);
	const query = { repository: match?.[1] ?? image, tag: match?.[2] };
	await client.resource('POST', `${pathOf(context.input.argument('container'))}/commit`, { query });
	context.output.done(`${image} is made`);
	return exitCodes.ok;
};
