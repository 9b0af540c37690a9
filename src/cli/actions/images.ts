import { setTimeout as delay } from 'node:timers/promises';
import type { CommandContext } from '../context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { toneOf } from '../output/style.ts';
import { bytesText, shownTime } from '../output/words.ts';
import { isResource, type Resource, resourceIn, resourcesIn, textIn, textsIn } from '../resource.ts';
import type { Client } from '../session/client.ts';
import type { Action } from '../tree/spec.ts';
import { ageColumn, field, reasonColumn } from './columns.ts';
import { forEach } from './each.ts';
import { limitOf, listQuery } from './listing.ts';
import { given } from './placement.ts';
import { deadlineOf, isWaiting, progressOf, pullOf, usualWait } from './waiting.ts';

const pathOf = (id: string): string => `/images/${encodeURIComponent(id)}`;

function nameOf(image: Resource): string {
	const [repo, tag] = [textIn(image, 'repo'), textIn(image, 'tag')];
	return tag.includes(':') ? `${repo}@${tag}` : `${repo}:${tag}`;
}

function sizeOf(image: Resource): string {
	const size = Number(textIn(image, 'size') || Number.NaN);
	return Number.isFinite(size) ? bytesText(size) : '';
}

export const pull: Action = async (context) => {
	const { input } = context;
	const client = await context.client();
	const host = input.text('host') ?? (await onlyHost(client));
	const body = given({ repo: input.argument('image'), host, image_pull_policy: input.text('pull'), registry: input.text('registry') });
	const made = await client.resource('POST', '/images', { body });
	const seen = isWaiting(context) ? await pulled(context, client, made) : made;
	if (textIn(seen, 'status') === 'Error') throw new CliError(`${nameOf(seen)} cannot be had: ${textIn(seen, 'status_reason')}`);
	if (context.output.form !== 'table') context.output.object(seen, () => []);
	else context.output.line(`${nameOf(seen)} is ${textIn(seen, 'status')} on ${textIn(seen, 'host')}`);
	return exitCodes.ok;
};

async function onlyHost(client: Client): Promise<string> {
	const hosts = await client.list('/hosts', 'hosts');
	const [host] = hosts;
	if (host === undefined) throw new CliError('there is no host yet');
	if (hosts.length > 1) throw new CliError(`there are ${hosts.length} hosts: say which one with --host (zunbox host list)`);
	return textIn(host, 'hostname');
}

/** The image when it is there, cannot be had, or the time is over. */
async function pulled(context: CommandContext, client: Client, made: Resource): Promise<Resource> {
	const deadline = deadlineOf(context, usualWait);
	const progress = progressOf(context);
	try {
		for (;;) {
			const seen = await client.resource('GET', pathOf(textIn(made, 'uuid')));
			if (textIn(seen, 'status') !== 'Pulling') return seen;
			const reason = textIn(seen, 'status_reason');
			progress.show(nameOf(seen), reason === '' ? 'Pulling' : reason, pullOf(resourceIn(seen, 'progress')));
			if (deadline !== null && context.io.now() >= deadline) {
				throw new CliError(`${nameOf(seen)} is still being pulled; it goes on: zunbox image list tells more`);
			}
			await delay(300);
		}
	} finally {
		progress.end();
	}
}

export const list: Action = async (context) => {
	const client = await context.client();
	const found = await client.list('/images', 'images', listQuery(context.input, []), limitOf(context.input));
	context.output.list(
		'images',
		found,
		[
			{ title: 'IMAGE', value: nameOf, least: 20 },
			field('HOST', 'host', 8),
			{ title: 'STATUS', value: (row) => textIn(row, 'status'), tone: toneOf },
			{ title: 'SIZE', alignRight: true, value: sizeOf },
			ageColumn(context.io.now()),
			field('ID', 'uuid'),
			reasonColumn,
		],
		{ whole: { images: found, next: null } },
	);
	return exitCodes.ok;
};

export const show: Action = async (context) => {
	const client = await context.client();
	const image = await client.resource('GET', pathOf(context.input.argument('image')));
	const read = (name: string): string => textIn(image, name);
	context.output.object(image, () => [
		['image', nameOf(image), 'strong'],
		['id', read('uuid')],
		['host', read('host')],
		['status', read('status'), toneOf(read('status'))],
		...(read('status_reason') === '' ? [] : [['reason', read('status_reason')] as const]),
		['size', sizeOf(image)],
		['id in the engine', read('image_id')],
		['project', read('project_id')],
		['created', shownTime(read('created_at'))],
	]);
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('image'), async (id) => {
		await client.call('DELETE', pathOf(id));
		context.output.done(`${id}: delete is asked for`);
	});
};

export const search: Action = async (context) => {
	const client = await context.client();
	const path = `/images/${encodeURIComponent(context.input.argument('name'))}/search`;
	const { input } = context;
	const query = { exact_match: input.flag('exact'), image_driver: input.text('image-driver') };
	const answer = await client.call('GET', path, { query });
	const found = Array.isArray(answer) ? answer.filter(isResource) : [];
	context.output.list(
		'images',
		found,
		[
			field('NAME', 'name', 20),
			{ title: 'TAGS', value: (row) => textsIn(row, 'tags').join(', '), least: 10 },
			{ title: 'WHERE', value: whereFound },
			{ title: 'SIZE', alignRight: true, value: sizeOf },
		],
		{ whole: answer, idField: 'name' },
	);
	return exitCodes.ok;
};

export const listCommits: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', '/commits');
	context.output.list(
		'commits',
		resourcesIn(answer, 'commits'),
		[field('IMAGE', 'image', 20), ageColumn(context.io.now()), field('ID', 'uuid')],
		{ whole: answer },
	);
	return exitCodes.ok;
};

export const removeCommits: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('commit'), async (id) => {
		await client.call('DELETE', `/commits/${encodeURIComponent(id)}`);
		context.output.done(`${id} is deleted`);
	});
};

function whereFound(row: Resource): string {
	if (row['container_format'] !== undefined) return 'Glance';
	return textIn(row, 'registry') || textIn(row, 'host') || 'on a host';
}
