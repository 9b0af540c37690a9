import type { CommandContext } from '../context.ts';
import { CliError, exitCodes, usageError } from '../exit-code.ts';
import { type Resource, resourcesIn, textIn } from '../resource.ts';
import { ApiError } from '../session/api-error.ts';
import type { Action } from '../tree/spec.ts';
import { addressColumn, ageColumn, field, mainAddress, reasonColumn, statusColumn } from './columns.ts';
import { forEach } from './each.ts';
import { limitOf, listQuery } from './listing.ts';
import { given, placementFields, publishedPorts } from './placement.ts';
import { containerColumns, operationColumns } from './show-containers.ts';
import { showSandbox } from './show-sandbox.ts';
import { gibibytes, mebibytes, seconds } from './units.ts';
import { deadlineOf, isWaiting, notReached, progressOf, reach, reachGone, usualWait } from './waiting.ts';

const pathOf = (name: string): string => `/sandboxes/${encodeURIComponent(name)}`;

export const create: Action = async (context) => {
	const { input } = context;
	const [memory, expiry] = [input.text('memory'), input.text('expires-in')];
	const volumes = input.texts('volume').map(volume);
	const hasPrivate = input.flag('private-ipc') === true || input.flag('private-pid') === true;
	const body = given({
		name: input.optionalArgument('name'),
		labels: input.pairs('label'),
		cpu: input.number('cpu'),
		memory: memory === undefined ? undefined : mebibytes('--memory', memory),
		disk: input.integer('disk'),
		hostname: input.text('hostname'),
		expires_in: expiry === undefined ? undefined : seconds('--expires-in', expiry),
		volumes: volumes.length === 0 ? undefined : volumes,
		namespaces: hasPrivate ? { ipc: input.flag('private-ipc') !== true, pid: input.flag('private-pid') !== true } : undefined,
		published_ports: publishedPorts(input),
		...placementFields(input),
	});
	const client = await context.client();
	const made = await client.resource('POST', '/sandboxes', { body });
	const name = textIn(made, 'name');
	let seen = made;
	if (isWaiting(context)) {
		const progress = progressOf(context);
		const what = { kind: 'sandboxes', id: textIn(made, 'uuid'), name } as const;
		seen = await reach(context, what, 'Running', { deadline: deadlineOf(context, usualWait), progress }).finally(() => progress.end());
		if (textIn(seen, 'status') !== 'Running') throw notReached(name, seen, 'Running');
	}
	const address = mainAddress(seen);
	if (context.output.form !== 'table') context.output.object(seen, () => []);
	else context.output.line(`${name} is ${textIn(seen, 'status')}${address === '' ? '' : ` at ${address}`}`);
	return exitCodes.ok;
};

function volume(text: string): Resource {
	const [, source = '', mode] = /^(.+?)(?::(ro|rw))?$/.exec(text) ?? [];
	const size = gibibytes(source);
	return given({ ...(size === null ? { source } : { size }), read_only: mode === 'ro' ? true : undefined });
}

export const list: Action = async (context) => {
	const client = await context.client();
	const found = await client.list('/sandboxes', 'sandboxes', listQuery(context.input, ['name', 'status', 'host']), limitOf(context.input));
	context.output.list(
		'sandboxes',
		found,
		[
			field('NAME', 'name', 12),
			{ ...statusColumn, value: (row) => textIn(row, 'status') },
			{ title: 'CONTAINERS', alignRight: true, value: (row) => String(Array.isArray(row['containers']) ? row['containers'].length : 0) },
			addressColumn,
			{ title: 'CPU', alignRight: true, optional: true, value: (row) => textIn(row, 'cpu') },
			{
				title: 'MEMORY',
				alignRight: true,
				optional: true,
				value: (row) => (textIn(row, 'memory') === '' ? '' : `${textIn(row, 'memory')} MiB`),
			},
			...(context.input.flag('all-projects') === true ? [field('PROJECT', 'project_id', 8)] : []),
			ageColumn(context.io.now()),
			reasonColumn,
		],
		{ whole: { sandboxes: found, next: null } },
	);
	return exitCodes.ok;
};

export const show: Action = async (context) => {
	const client = await context.client();
	const query = { all_projects: context.input.flag('all-projects') };
	showSandbox(context, await client.resource('GET', pathOf(context.input.argument('sandbox')), { query }));
	return exitCodes.ok;
};

export const update: Action = async (context) => {
	const { input } = context;
	const [cpu, memory, expiry] = [input.text('cpu'), input.text('memory'), input.text('expires-in')];
	const change = given({
		name: input.text('name'),
		labels: input.pairs('label'),
		cpu: cpu === 'none' ? null : input.number('cpu'),
		memory: memory === 'none' ? null : memory === undefined ? undefined : mebibytes('--memory', memory),
		expires_in: expiry === 'none' ? null : expiry === undefined ? undefined : seconds('--expires-in', expiry),
		published_ports: publishedPorts(input),
	});
	if (Object.keys(change).length === 0) throw usageError('say what to change; see zunbox sandbox update --help');
	const client = await context.client();
	showSandbox(context, await client.resource('PATCH', pathOf(input.argument('sandbox')), { body: change }));
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	const deadline = deadlineOf(context, usualWait);
	const progress = progressOf(context);
	return await forEach(context, context.input.arguments('sandbox'), async (name) => {
		const { uuid } = await client.resource('GET', pathOf(name));
		const id = String(uuid);
		try {
			await client.call('DELETE', `/sandboxes/${id}`, { query: { force: context.input.flag('force') } });
		} catch (error) {
			if (error instanceof ApiError && error.code === 'sandbox-in-use')
				throw new CliError(`${error.message}; --force deletes them with it`);
			throw error;
		}
		if (isWaiting(context)) await reachGone(context, { kind: 'sandboxes', id, name }, { deadline, progress });
		context.output.done(isWaiting(context) ? `${name} is deleted` : `${name}: delete is asked for`);
	}).finally(() => progress.end());
};

function acting(action: string, wanted: string, word: string): Action {
	return async (context: CommandContext) => {
		const client = await context.client();
		const grace = context.input.text('grace');
		const query = { timeout: grace === undefined ? undefined : seconds('--grace', grace) };
		const deadline = deadlineOf(context, usualWait);
		const progress = progressOf(context);
		return await forEach(context, context.input.arguments('sandbox'), async (name) => {
			const { uuid } = await client.resource('GET', pathOf(name));
			const id = String(uuid);
			await client.call('POST', `/sandboxes/${id}/${action}`, { query });
			if (!isWaiting(context)) return context.output.done(`${name}: ${action} is asked for`);
			const seen = await reach(context, { kind: 'sandboxes', id, name }, wanted, { deadline, progress });
			if (textIn(seen, 'status') !== wanted) throw notReached(name, seen, wanted);
			context.output.done(`${name} ${word}`);
		}).finally(() => progress.end());
	};
}

export const actions = {
	start: acting('start', 'Running', 'is started'),
	stop: acting('stop', 'Stopped', 'is stopped'),
	pause: acting('pause', 'Paused', 'is paused'),
	unpause: acting('unpause', 'Running', 'goes on'),
};

export const containers: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', `${pathOf(context.input.argument('sandbox'))}/containers`);
	context.output.list('containers', resourcesIn(answer, 'containers'), containerColumns(context), { whole: answer });
	return exitCodes.ok;
};

export const operations: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', `${pathOf(context.input.argument('sandbox'))}/actions`);
	context.output.list('actions', resourcesIn(answer, 'actions'), operationColumns, { whole: answer });
	return exitCodes.ok;
};
