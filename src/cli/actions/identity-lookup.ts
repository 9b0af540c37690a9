import { CliError, exitCodes } from '../exit-code.ts';
import { type Resource, resourcesIn, textIn } from '../resource.ts';
import type { Client } from '../session/client.ts';

/** Id of a project or user that is named by name or id. Throws not found. */
export async function identityId(client: Client, kind: 'project' | 'user', name: string): Promise<string> {
	const answer = await client.resource('GET', `/${kind}s`, { api: 'identity' });
	const all = resourcesIn(answer, `${kind}s`);
	const found = all.find((one) => textIn(one, 'id') === name) ?? all.find((one) => textIn(one, 'name') === name);
	if (found !== undefined) return textIn(found, 'id');
	throw new CliError(`there is no ${kind} ${name}; zunbox ${kind} list lists what there is`, exitCodes.notFound);
}

/** Names by id. */
export async function identityNames(client: Client, kind: 'project' | 'user'): Promise<ReadonlyMap<string, string>> {
	const answer = await client.resource('GET', `/${kind}s`, { api: 'identity' });
	return new Map(resourcesIn(answer, `${kind}s`).map((one: Resource) => [textIn(one, 'id'), textIn(one, 'name')]));
}
