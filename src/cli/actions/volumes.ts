import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import { toneOf } from '../output/style.ts';
import type { Column } from '../output/table.ts';
import { shownTime } from '../output/words.ts';
import { type Resource, resourceIn, resourcesIn, textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { ageColumn, field } from './columns.ts';
import { forEach } from './each.ts';

const pathOf = (name: string): string => `/volumes/${encodeURIComponent(name)}`;
const attachedPath = (sandbox: string): string => `/sandboxes/${encodeURIComponent(sandbox)}/volumes`;

function columns(context: CommandContext): readonly Column<Resource>[] {
	return [
		field('NAME', 'name', 12),
		{ title: 'SIZE', alignRight: true, value: (row) => `${textIn(row, 'size')} GiB` },
		{ title: 'STATUS', value: (row) => textIn(row, 'status'), tone: toneOf },
		{ title: 'SANDBOX', value: sandboxOf },
		field('ID', 'uuid'),
		ageColumn(context.io.now()),
	];
}

function sandboxOf(volume: Resource): string {
	return textIn(volume, 'sandbox_id') || textIn(resourceIn(volume, 'attachment'), 'sandbox_id');
}

export const list: Action = async (context) => {
	const client = await context.client();
	const found = await client.list('/volumes', 'volumes', { all_projects: context.input.flag('all-projects') });
	context.output.list('volumes', found, columns(context), { whole: { volumes: found, next: null } });
	return exitCodes.ok;
};

export const create: Action = async (context) => {
	const client = await context.client();
	const body = { name: context.input.argument('name'), size: context.input.integer('size') ?? 1 };
	showVolume(context, await client.resource('POST', '/volumes', { body }));
	return exitCodes.ok;
};

export const show: Action = async (context) => {
	const client = await context.client();
	showVolume(context, await client.resource('GET', pathOf(context.input.argument('volume'))));
	return exitCodes.ok;
};

function showVolume(context: CommandContext, volume: Resource): void {
	context.output.object(volume, () => [
		['name', textIn(volume, 'name'), 'strong'],
		['id', textIn(volume, 'uuid')],
		['size', `${textIn(volume, 'size')} GiB`],
		['status', textIn(volume, 'status'), toneOf(textIn(volume, 'status'))],
		['sandbox', sandboxOf(volume)],
		['created', shownTime(textIn(volume, 'created_at'))],
	]);
}

export const remove: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('volume'), async (name) => {
		await client.call('DELETE', pathOf(name));
		context.output.done(`${name} is deleted`);
	});
};

export const listAttached: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', attachedPath(context.input.argument('sandbox')));
	const rows = resourcesIn(answer, 'volumes');
	const idField = rows[0] !== undefined && 'volume_id' in rows[0] ? 'volume_id' : 'uuid';
	context.output.list(
		'volumes',
		rows,
		[
			field('VOLUME', idField),
			field('NAME', 'name', 12),
			{
				title: 'READ-ONLY',
				value: (row) => (row['read_only'] === true || resourceIn(row, 'attachment')['read_only'] === true ? 'yes' : 'no'),
			},
		],
		{ idField, whole: answer },
	);
	return exitCodes.ok;
};

export const attach: Action = async (context) => {
	const client = await context.client();
	const { input } = context;
	const [sandbox, volume] = [input.argument('sandbox'), input.argument('volume')];
	await client.call('POST', attachedPath(sandbox), { body: { volume, read_only: input.flag('read-only') ?? false } });
	context.output.done(`${volume} is attached to ${sandbox}`);
	return exitCodes.ok;
};

export const detach: Action = async (context) => {
	const client = await context.client();
	const [sandbox, volume] = [context.input.argument('sandbox'), context.input.argument('volume')];
	await client.call('DELETE', `${attachedPath(sandbox)}/${encodeURIComponent(volume)}`);
	context.output.done(`${volume} is detached from ${sandbox}`);
	return exitCodes.ok;
};
