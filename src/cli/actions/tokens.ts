import { exitCodes } from '../exit-code.ts';
import type { Action } from '../tree/spec.ts';

/** A token of its own would be one more to lose: this is the one that the commands use themselves. */
export const issue: Action = async (context) => {
	const client = await context.client();
	// One that is not taken any more is replaced by this call.
	await client.call('GET', '/auth/catalog', { api: 'identity' });
	const login = await client.login();
	const token = {
		id: login.token,
		expires: new Date(login.expiresAt).toISOString(),
		project_id: login.projectId,
		user_id: login.userId,
		url: login.containerUrl,
	};
	context.output.object(
		token,
		() => [
			['token', token.id],
			['expires', token.expires],
			['project', token.project_id],
			['user', token.user_id],
			['url', token.url],
		],
		'id',
	);
	return exitCodes.ok;
};

export const revoke: Action = async (context) => {
	const client = await context.client();
	const given = context.input.optionalArgument('token');
	const token = given ?? (await client.login()).token;
	await client.call('DELETE', '/auth/tokens', { api: 'identity', headers: { 'x-subject-token': token } });
	if (given === undefined) await client.forgetLogin();
	context.output.done('the token is worthless now');
	return exitCodes.ok;
};
