import { exitCodes } from '../exit-code.ts';
import { resourceIn, textIn } from '../resource.ts';
import { readText, send } from '../session/http.ts';
import type { Action } from '../tree/spec.ts';

/** Whether the service answers and takes our credentials. */
export const status: Action = async (context) => {
	const client = await context.client();
	const { caFile } = client.credentials;
	const login = await client.login();
	const begun = performance.now();
	// Beside /v1, also where all paths have a prefix. Tokens may be had at another service.
	const url = `${login.containerUrl.replace(/\/v1$/, '')}/healthcheck`;
	const health = await send({ method: 'GET', url, signal: context.io.signal, timeout: 10_000, caFile });
	await readText(health);
	const milliseconds = Math.round(performance.now() - begun);
	const token = resourceIn(
		await client.resource('GET', '/auth/tokens', {
			api: 'identity',
			query: { nocatalog: 'true' },
			headers: { 'x-subject-token': login.token },
		}),
		'token',
	);
	const found = {
		url: login.containerUrl,
		status: health.statusCode === 200 ? 'up' : `answers ${health.statusCode}`,
		user: textIn(resourceIn(token, 'user'), 'name'),
		project: textIn(resourceIn(token, 'project'), 'name'),
		credentials: client.credentials.source,
	};
	context.output.object(found, () => [
		['service', found.url],
		['status', `${found.status} (answered in ${milliseconds} ms)`, found.status === 'up' ? 'good' : 'bad'],
		['you are', `${found.user} in project ${found.project}`],
		['as said by', found.credentials],
	]);
	return exitCodes.ok;
};
