import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import { toneOf } from '../output/style.ts';
import type { Column } from '../output/table.ts';
import { shownTime } from '../output/words.ts';
import { type Resource, resourceIn, resourcesIn, textIn, textsIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { addressColumn, addressesOf, ageColumn, containerStatus, field, pairsText, reasonColumn, statusColumn } from './columns.ts';
import { limitOf, listQuery } from './listing.ts';

const filters = ['sandbox', 'status', 'name', 'image', 'host'];

export const list: Action = async (context) => {
	const client = await context.client();
	const found = await client.list('/containers', 'containers', listQuery(context.input, filters), limitOf(context.input));
	context.output.list('containers', found, containerColumns(context), { whole: { containers: found, next: null } });
	return exitCodes.ok;
};

export function containerColumns(context: CommandContext): readonly Column<Resource>[] {
	return [
		field('NAME', 'name', 12),
		statusColumn,
		field('IMAGE', 'image', 12),
		field('SANDBOX', 'sandbox', 10),
		addressColumn,
		...(context.input.flag('all-projects') === true ? [field('PROJECT', 'project_id', 8)] : []),
		ageColumn(context.io.now()),
		reasonColumn,
	];
}

export const show: Action = async (context) => {
	const client = await context.client();
	const query = { all_projects: context.input.flag('all-projects') };
	showContainer(context, await client.resource('GET', `/containers/${encodeURIComponent(context.input.argument('container'))}`, { query }));
	return exitCodes.ok;
};

export function showContainer(context: CommandContext, container: Resource): void {
	const read = (name: string): string => textIn(container, name);
	const restart = resourceIn(container, 'restart_policy');
	const check = resourceIn(container, 'healthcheck');
	const retries = textIn(restart, 'MaximumRetryCount');
	const pull = resourceIn(container, 'pull');
	context.output.object(container, () => [
		['name', read('name'), 'strong'],
		['id', read('uuid')],
		['status', containerStatus(container), toneOf(read('status'))],
		...optional('reason', read('status_reason')),
		...optional('in progress', read('task_state')),
		...(Object.keys(pull).length === 0
			? []
			: [['pull', `${textIn(pull, 'layers_done')} of ${textIn(pull, 'layers_total')} layers`] as const]),
		['sandbox', `${read('sandbox')} (${read('sandbox_id')})`],
		['image', read('image')],
		['command', textsIn(container, 'command').join(' ')],
		...optional('entrypoint', textsIn(container, 'entrypoint').join(' ')),
		['addresses', addressesOf(container)],
		['ports', textsIn(container, 'ports').join(', ')],
		['limits', limitsText(container)],
		['restart', retries === '' || retries === '0' ? textIn(restart, 'Name') : `${textIn(restart, 'Name')}:${retries}`],
		['restarts', read('restart_count')],
		...optional('health check', textIn(check, 'test')),
		['environment', pairsText(resourceIn(container, 'environment'))],
		['labels', pairsText(resourceIn(container, 'labels'))],
		[
			'mounts',
			resourcesIn(container, 'mounts').map(
				(one) => `${textIn(one, 'volume_id')} at ${textIn(one, 'destination')}${one['read_only'] === true ? ' (read-only)' : ''}`,
			),
		],
		['created', shownTime(read('created_at'))],
		['started', shownTime(read('started_at'))],
		...optional('finished', shownTime(read('finished_at'))),
		...optional('host', read('host')),
	]);
}

function optional(name: string, value: string): readonly (readonly [string, string])[] {
	return value === '' ? [] : [[name, value]];
}

function limitsText(container: Resource): string {
	const parts = [
		['cpu', 'cores'],
		['memory', 'MiB'],
		['disk', 'GiB'],
		['pids', 'processes'],
	] as const;
	return parts.flatMap(([name, unit]) => (textIn(container, name) === '' ? [] : [`${textIn(container, name)} ${unit}`])).join(', ');
}

export const operations: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', `/containers/${encodeURIComponent(context.input.argument('container'))}/container_actions`);
	context.output.list('containerActions', resourcesIn(answer, 'containerActions'), operationColumns, { whole: answer });
	return exitCodes.ok;
};

export const operationColumns: readonly Column<Resource>[] = [
	field('ACTION', 'action'),
	{
		title: 'STATE',
		value: (row) => textIn(row, 'state'),
		tone: (value) => (value === 'failed' ? 'bad' : value === 'done' ? 'good' : 'busy'),
	},
	{ title: 'STARTED', value: (row) => shownTime(textIn(row, 'start_time')) },
	{ title: 'FINISHED', value: (row) => shownTime(textIn(row, 'finish_time')) },
	field('REQUEST', 'request_id', 12),
	{ ...field('MESSAGE', 'message', 12), optional: true },
];
