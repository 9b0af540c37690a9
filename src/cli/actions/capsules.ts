import { readFile } from 'node:fs/promises';
import type { CommandContext } from '../context.ts';
import { CliError, exitCodes, usageError } from '../exit-code.ts';
import { toneOf } from '../output/style.ts';
import { shownTime } from '../output/words.ts';
import { isResource, type Resource, resourceIn, resourcesIn, textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { addressColumn, addressesOf, ageColumn, containerStatus, field, mainAddress, pairsText, reasonColumn } from './columns.ts';
import { forEach } from './each.ts';
import { limitOf, listQuery } from './listing.ts';
import { given } from './placement.ts';
import { standardInput } from './standard-input.ts';
import { seconds } from './units.ts';
import { deadlineOf, isWaiting, notReached, progressOf, reach, reachGone, usualWait } from './waiting.ts';

const pathOf = (name: string): string => `/capsules/${encodeURIComponent(name)}`;

export const create: Action = async (context) => {
	const template = await readTemplate(context);
	const client = await context.client();
	const made = await client.resource('POST', '/capsules', { body: { template } });
	const name = textIn(made, 'name');
	let seen = made;
	if (isWaiting(context)) {
		const progress = progressOf(context);
		const what = { kind: 'capsules', id: textIn(made, 'uuid'), name } as const;
		const options = { deadline: deadlineOf(context, usualWait), progress, isEnough: hasEnded };
		seen = await reach(context, what, 'Running', options).finally(() => progress.end());
		if (textIn(seen, 'status') !== 'Running' && !hasEnded(seen)) throw notReached(name, seen, 'Running');
	}
	const address = mainAddress(seen);
	if (context.output.form !== 'table') context.output.object(seen, () => []);
	else context.output.line(`${name} is ${textIn(seen, 'status')}${address === '' ? '' : ` at ${address}`}`);
	return exitCodes.ok;
};

/** All its containers may have done their work before it was looked at. */
function hasEnded(capsule: Resource): boolean {
	return textIn(capsule, 'status') === 'Stopped';
}

/** YAML, of which JSON is a part; what stands below `template` where there is one, as in requests. */
async function readTemplate(context: CommandContext): Promise<Resource> {
	const file = context.input.argument('file');
	const text = await (file === '-' ? standardInput(context) : readFile(file, 'utf8')).catch((error: unknown) => {
		throw new CliError(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
	});
	const { parse } = await import('yaml');
	let value: unknown;
	try {
		value = parse(text, { maxAliasCount: 100 });
	} catch (error) {
		throw new CliError(`${file} is no YAML: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
	}
	const template = isResource(value) && 'template' in value ? value['template'] : value;
	if (!isResource(template)) throw new CliError(`${file} holds no template: it begins with "kind: capsule"`);
	return template;
}

export const list: Action = async (context) => {
	const client = await context.client();
	const found = await client.list('/capsules', 'capsules', listQuery(context.input, []), limitOf(context.input));
	context.output.list(
		'capsules',
		found,
		[
			field('NAME', 'name', 12),
			{ title: 'STATUS', value: (row) => textIn(row, 'status'), least: 10, tone: toneOf },
			{ title: 'CONTAINERS', alignRight: true, value: (row) => String(members(row).length) },
			addressColumn,
			...(context.input.flag('all-projects') === true ? [field('PROJECT', 'project_id', 8)] : []),
			ageColumn(context.io.now()),
			reasonColumn,
		],
		{ whole: { capsules: found, next: null } },
	);
	return exitCodes.ok;
};

function members(capsule: Resource): readonly Resource[] {
	return [...resourcesIn(capsule, 'init_containers'), ...resourcesIn(capsule, 'containers')];
}

export const show: Action = async (context) => {
	const client = await context.client();
	const query = { all_projects: context.input.flag('all-projects') };
	showCapsule(context, await client.resource('GET', pathOf(context.input.argument('capsule')), { query }));
	return exitCodes.ok;
};

function showCapsule(context: CommandContext, capsule: Resource): void {
	const read = (name: string): string => textIn(capsule, name);
	const line = (row: Resource): string =>
		`${textIn(row, 'name')}  ${containerStatus(row)}  ${textIn(row, 'image')}  ${textIn(row, 'uuid')}`;
	context.output.object(capsule, () => [
		['name', read('name'), 'strong'],
		['id', read('uuid')],
		['status', read('status'), toneOf(read('status'))],
		...(read('status_reason') === '' ? [] : [['reason', read('status_reason')] as const]),
		['addresses', addressesOf(capsule)],
		['init containers', resourcesIn(capsule, 'init_containers').map(line)],
		['containers', resourcesIn(capsule, 'containers').map(line)],
		['cpu', `${read('cpu')} cores`],
		['memory', `${read('memory')} MiB`],
		['labels', pairsText(resourceIn(capsule, 'labels'))],
		['annotations', pairsText(resourceIn(capsule, 'annotations'))],
		['created', shownTime(read('created_at'))],
		...(read('host') === '' ? [] : [['host', read('host')] as const]),
	]);
}

export const update: Action = async (context) => {
	const { input } = context;
	const change = given({ name: input.text('name'), labels: input.pairs('label'), annotations: input.pairs('annotation') });
	if (Object.keys(change).length === 0) throw usageError('say what to change; see zunbox capsule update --help');
	const client = await context.client();
	showCapsule(context, await client.resource('PATCH', pathOf(input.argument('capsule')), { body: change }));
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	const deadline = deadlineOf(context, usualWait);
	const progress = progressOf(context);
	return await forEach(context, context.input.arguments('capsule'), async (name) => {
		const id = textIn(await client.resource('GET', pathOf(name)), 'uuid');
		await client.call('DELETE', pathOf(id));
		if (isWaiting(context)) await reachGone(context, { kind: 'capsules', id, name }, { deadline, progress });
		context.output.done(isWaiting(context) ? `${name} is deleted` : `${name}: delete is asked for`);
	}).finally(() => progress.end());
};

function acting(action: 'start' | 'stop', wanted: string, word: string): Action {
	return async (context) => {
		const client = await context.client();
		const grace = context.input.text('grace');
		const body = grace === undefined ? {} : { timeout: seconds('--grace', grace) };
		const deadline = deadlineOf(context, usualWait);
		const progress = progressOf(context);
		return await forEach(context, context.input.arguments('capsule'), async (name) => {
			const id = textIn(await client.resource('GET', pathOf(name)), 'uuid');
			await client.call('POST', `${pathOf(id)}/${action}`, { body });
			if (!isWaiting(context)) return context.output.done(`${name}: ${action} is asked for`);
			const seen = await reach(context, { kind: 'capsules', id, name }, wanted, { deadline, progress });
			if (textIn(seen, 'status') !== wanted) throw notReached(name, seen, wanted);
			context.output.done(`${name} ${word}`);
		}).finally(() => progress.end());
	};
}

export const actions = { start: acting('start', 'Running', 'is started'), stop: acting('stop', 'Stopped', 'is stopped') };
