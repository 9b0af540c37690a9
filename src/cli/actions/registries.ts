import type { CommandContext } from '../context.ts';
import { exitCodes, usageError } from '../exit-code.ts';
import { shownTime } from '../output/words.ts';
import { type Resource, resourceIn, textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { ageColumn, field } from './columns.ts';
import { forEach } from './each.ts';
import { limitOf, listQuery } from './listing.ts';
import { given } from './placement.ts';
import { passwordInput } from './standard-input.ts';

const pathOf = (name: string): string => `/registries/${encodeURIComponent(name)}`;

async function login(context: CommandContext): Promise<Resource> {
	const { input } = context;
	const password = input.flag('password-stdin') === true ? await passwordInput(context) : undefined;
	return given({ name: input.text('name'), username: input.text('username'), password });
}

export const create: Action = async (context) => {
	const registry = { domain: context.input.argument('domain'), ...(await login(context)) };
	const client = await context.client();
	showRegistry(context, await client.resource('POST', '/registries', { body: { registry } }));
	return exitCodes.ok;
};

export const list: Action = async (context) => {
	const client = await context.client();
	const found = await client.list('/registries', 'registries', listQuery(context.input, []), limitOf(context.input));
	context.output.list(
		'registries',
		found,
		[
			field('NAME', 'name', 10),
			field('DOMAIN', 'domain', 16),
			field('USER', 'username', 8),
			ageColumn(context.io.now()),
			field('ID', 'uuid'),
		],
		{ whole: { registries: found, next: null } },
	);
	return exitCodes.ok;
};

export const show: Action = async (context) => {
	const client = await context.client();
	showRegistry(context, await client.resource('GET', pathOf(context.input.argument('registry'))));
	return exitCodes.ok;
};

export const update: Action = async (context) => {
	const registry = { ...given({ domain: context.input.text('domain') }), ...(await login(context)) };
	if (Object.keys(registry).length === 0) throw usageError('say what to change; see zunbox registry update --help');
	const client = await context.client();
	showRegistry(context, await client.resource('PATCH', pathOf(context.input.argument('registry')), { body: { registry } }));
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('registry'), async (name) => {
		await client.call('DELETE', pathOf(name));
		context.output.done(`${name} is deleted`);
	});
};

function showRegistry(context: CommandContext, answer: Resource): void {
	if (context.output.form === 'json') {
		context.output.json(answer);
		return;
	}
	const registry = resourceIn(answer, 'registry');
	context.output.object(registry, () => [
		['name', textIn(registry, 'name'), 'strong'],
		['id', textIn(registry, 'uuid')],
		['domain', textIn(registry, 'domain')],
		['user', textIn(registry, 'username')],
		['created', shownTime(textIn(registry, 'created_at'))],
	]);
}
