import { randomUUID } from 'node:crypto';
import { ask, at } from '../api-client.ts';
import type { WholeWorld } from './world.ts';

/** Makes what is not there (any more) of the things that requests may be about; answers ids and names by the beginning of paths. */
export async function furnish(world: WholeWorld): Promise<Readonly<Record<string, readonly string[]>>> {
	const make = async (line: string, body: object, ...place: readonly string[]) => {
		const asked = { token: world.tokens.member, version: 'latest' };
		const [, list = '', one] = /^POST (\S*\/(\S+))$/.exec(line) ?? [];
		const { body: there } = await ask(
			world.api,
			`GET ${list}?name=${at(body, ...(place.length > 1 ? [place[0] ?? ''] : []), 'name')}`,
			asked,
		);
		const known = at(there, one?.replace('-', '_') ?? '', 0, place.at(-1) ?? '');
		if (known !== undefined) return String(known);
		const answer = await ask(world.api, line, { ...asked, body });
		return answer.status < 300 ? String(at(answer.body, ...place)) : 'none';
	};
	const shelf = await make('POST /v1/sandboxes', { name: 'shelf' }, 'uuid');
	const web = await runningContainer(world);
	const data = await make('POST /v1/volumes', { name: 'data', size: 1 }, 'uuid');
	await make('POST /v1/registries', { registry: { name: 'mine', domain: 'mine.test', username: 'u', password: 'p' } }, 'registry', 'uuid');
	const lan = await make('POST /network/v2.0/networks', { network: { name: 'lan' } }, 'network', 'id');
	const block = { network_id: lan, ip_version: 4, cidr: '10.8.0.0/24' };
	const subnet = await make('POST /network/v2.0/subnets', { subnet: { name: 'block', ...block } }, 'subnet', 'id');
	const port = await make('POST /network/v2.0/ports', { port: { name: 'plug', network_id: lan } }, 'port', 'id');
	const group = await make('POST /network/v2.0/security-groups', { security_group: { name: 'web' } }, 'security_group', 'id');
	const victims = await world.victims();
	return {
		'{userId}': [victims.user],
		'{projectId}': [victims.project],
		'{project_id}': [victims.project],
		'{lan}': [lan],
		'{group}': [group],
		'{volume}': ['data', data],
		'{roleId}': ['member', 'reader'],
		'/v1/containers': [web],
		'/v1/sandboxes': ['shelf', shelf, 'data'],
		'/v1/volumes': ['data', data],
		'/v1/capsules': ['cap'],
		'/v1/registries': ['mine'],
		'/v1/services': ['host-1'],
		'/v1/hosts': ['host-1'],
		'/v1/quota': ['default', victims.project],
		'/v1/networks': ['lan', lan],
		'/network/v2.0/networks': [lan],
		'/network/v2.0/subnets': [subnet],
		'/network/v2.0/ports': [port],
		'/network/v2.0/security': [group],
		'/identity': [victims.user, victims.project, 'member'],
	};
}

/** Id of a container that runs; one that is held up by what was asked of it before is left to go away. */
async function runningContainer(world: WholeWorld): Promise<string> {
	const asked = { token: world.tokens.member, version: 'latest' };
	const { body } = await ask(world.api, 'GET /v1/containers?limit=100', asked);
	const listed = at(body, 'containers');
	const ours = Array.isArray(listed) ? listed.filter((one) => String(at(one, 'name')).startsWith('web')) : [];
	const running = ours.find((one) => at(one, 'status') === 'Running' && at(one, 'task_state') === null);
	if (running !== undefined) return String(at(running, 'uuid'));
	for (const one of ours) await ask(world.api, `DELETE /v1/containers/${at(one, 'uuid')}?force=true`, asked);
	const wanted = { image: 'zunbox/busybox:latest', image_pull_policy: 'ifnotpresent', command: ['sleep', '1000'], interactive: true };
	const made = await ask(world.api, 'POST /v1/containers?run=true', {
		...asked,
		body: { ...wanted, name: `web-${randomUUID().slice(0, 8)}` },
	});
	const id = String(at(made.body, 'uuid') ?? 'none');
	for (let look = 0; look < 40; look += 1) {
		const seen = await ask(world.api, `GET /v1/containers/${id}`, asked);
		if (at(seen.body, 'status') !== 'Creating' && at(seen.body, 'task_state') === null) break;
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	return id;
}
