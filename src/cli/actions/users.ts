import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { type Resource, resourceIn, resourcesIn, textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { field } from './columns.ts';
import { forEach } from './each.ts';
import { identityId } from './identity-lookup.ts';
import { given } from './placement.ts';
import { passwordInput } from './standard-input.ts';

const api = 'identity';

export const list: Action = async (context) => {
	const client = await context.client();
	const answer = await client.resource('GET', '/users', { api });
	const columns = [
		field('NAME', 'name'),
		field('ID', 'id'),
		{ title: 'ENABLED', value: (row: Resource) => (row['enabled'] === false ? 'no' : 'yes') },
		field('EMAIL', 'email', 12),
		field('DESCRIPTION', 'description', 12),
	];
	context.output.list('users', resourcesIn(answer, 'users'), columns, { idField: 'id', whole: answer });
	return exitCodes.ok;
};

export const create: Action = async (context) => {
	const client = await context.client();
	const { input, output, io } = context;
	const project = input.text('project');
	const projectId = project === undefined ? undefined : await identityId(client, 'project', project);
	const { password, isMadeUp } = await passwordFor(context);
	const user = given({
		name: input.argument('name'),
		password,
		email: input.text('email'),
		description: input.text('description'),
		default_project_id: projectId,
	});
	const answer = await client.resource('POST', '/users', { api, body: { user } });
	const made = resourceIn(answer, 'user');
	const id = textIn(made, 'id');
	const role = input.text('role') ?? 'member';
	if (projectId !== undefined) await client.call('PUT', `/projects/${projectId}/users/${id}/roles/${role}`, { api });
	if (output.form === 'json') output.json(answer);
	else
		output.object(
			made,
			() => [
				['name', textIn(made, 'name'), 'strong'],
				['id', id],
				...(project === undefined ? [] : [['role', `${role} in ${project}`] as const]),
				...(isMadeUp ? [['password', password] as const] : []),
			],
			'id',
		);
	if (isMadeUp) noteOnPassword(io, output.form === 'table', password);
	return exitCodes.ok;
};

export const setPassword: Action = async (context) => {
	const client = await context.client();
	const name = context.input.argument('user');
	const id = await identityId(client, 'user', name);
	const { password, isMadeUp } = await passwordFor(context);
	await client.call('PATCH', `/users/${id}`, { api, body: { user: { password } } });
	if (isMadeUp) context.output.line(password);
	else context.output.done(`${name} has a new password`);
	return exitCodes.ok;
};

export const remove: Action = async (context) => {
	const client = await context.client();
	return await forEach(context, context.input.arguments('user'), async (name) => {
		await client.call('DELETE', `/users/${await identityId(client, 'user', name)}`, { api });
		context.output.done(`user ${name} is deleted`);
	});
};

function noteOnPassword(io: Io, isInTable: boolean, password: string): void {
	io.err.write(isInTable ? 'The password is not shown again.\n' : `The password, which is not shown again: ${password}\n`);
}

async function passwordFor(context: CommandContext): Promise<{ readonly password: string; readonly isMadeUp: boolean }> {
	if (context.input.flag('password-stdin') !== true) {
		const { randomSecret } = await import('../../model/ids.ts');
		return { password: randomSecret(18), isMadeUp: true };
	}
	return { password: await passwordInput(context), isMadeUp: false };
}
