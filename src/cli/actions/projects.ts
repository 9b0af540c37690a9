import { exitCodes } from '../exit-code.ts';
import { resourceIn, resourcesIn, textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { field } from './columns.ts';
import { forEach } from './each.ts';
import { identityId, identityNames } from './identity-lookup.ts';

const api = 'identity';

export const list: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', '/projects', { api });
	const columns = [
		field('NAME', 'name'),
		field('ID', 'id'),
		{ title: 'ENABLED', value: (row: Parameters<typeof textIn>[0]) => (row['enabled'] === false ? 'no' : 'yes') },
		field('DESCRIPTION', 'description', 12),
	];
	context.output.list('projects', resourcesIn(answer, 'projects'), columns, { idField: 'id', whole: answer });
	return exitCodes.ok;
};

export const create: Action = async (context) => {
	const client = await context.client();
	const { input, output } = context;
	const project = { name: input.argument('name'), description: input.text('description') ?? '' };
	const answer = await client.resource('POST', '/projects', { api, body: { project } });
	const made = resourceIn(answer, 'project');
	if (output.form === 'json') output.json(answer);
	else
		output.object(
			made,
			() => [
				['name', textIn(made, 'name'), 'strong'],
				['id', textIn(made, 'id')],
				['description', textIn(made, 'description')],
			],
			'id',
		);
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('project'), async (name) => {
		await client.call('DELETE', `/projects/${await identityId(client, 'project', name)}`, { api });
		context.output.done(`project ${name} is deleted`);
	});
};

export const members: Action = async (context) => {
	const client = await context.client();
	const id = await identityId(client, 'project', context.input.argument('project'));
	const answer = await client.resource('GET', '/role_assignments', { api, query: { 'scope.project.id': id } });
	const names = context.output.form === 'json' ? new Map<string, string>() : await identityNames(client, 'user');
	const userId = (row: Parameters<typeof textIn>[0]): string => textIn(resourceIn(row, 'user'), 'id');
	context.output.list(
		'role_assignments',
		resourcesIn(answer, 'role_assignments'),
		[
			{ title: 'USER', value: (row) => names.get(userId(row)) ?? '' },
			{ title: 'ROLE', value: (row) => textIn(resourceIn(row, 'role'), 'id') },
			{ title: 'USER ID', value: userId },
		],
		{ whole: answer },
	);
	return exitCodes.ok;
};

function membership(method: 'PUT' | 'DELETE', words: string): Action {
	return async (context) => {
		const client = await context.client();
		const { input } = context;
		const [project, user, role] = [input.argument('project'), input.argument('user'), input.text('role') ?? 'member'];
		const [projectId, userId] = [await identityId(client, 'project', project), await identityId(client, 'user', user)];
		await client.call(method, `/projects/${projectId}/users/${userId}/roles/${role}`, { api });
		context.output.done(`${user} ${words} ${role} in ${project}`);
		return exitCodes.ok;
	};
}

export const add = membership('PUT', 'is now');
export const take = membership('DELETE', 'is no longer');
