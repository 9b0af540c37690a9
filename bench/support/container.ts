import { eventually } from '../../test/support/eventually.ts';
import type { HttpClient } from './http-client.ts';
import { timed } from './statistics.ts';

/** ms until the container that the request asks for runs: POST, and then one GET that answers when it does. It is gone when this ends. */
export async function timedContainer(client: HttpClient, request: Readonly<Record<string, unknown>>): Promise<number> {
	let id = '';
	const took = await timed(async () => {
		const created = await client.ok('POST', '/v1/containers?run=true', { ...request, image_pull_policy: 'ifnotpresent' });
		id = String(created.body['uuid']);
		const shown = created.body['status'] === 'Running' ? created : await client.ok('GET', `/v1/containers/${id}?wait=Running&timeout=60`);
		if (shown.body['status'] !== 'Running') throw new Error(`it does not run: ${shown.text}`);
	});
	const sandbox = String((await client.ok('GET', `/v1/containers/${id}`)).body['sandbox_id']);
	await client.ok('DELETE', `/v1/containers/${id}?stop=true`);
	const whole = request['sandbox'] === undefined;
	const place = whole ? `/v1/sandboxes/${sandbox}` : `/v1/containers/${id}`;
	await eventually('the container is gone', async () => (await client.ask('GET', place)).status === 404, { timeout: 120_000 });
	return took;
}
