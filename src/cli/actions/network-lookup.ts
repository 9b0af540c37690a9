import { CliError } from '../exit-code.ts';
import { resourcesIn, textIn } from '../resource.ts';
import type { Client } from '../session/client.ts';

/** The id of what is named: the network API takes ids only. What nothing is named is taken for an id. */
export async function networkThing(client: Client, kind: 'network' | 'port' | 'security-group', name: string): Promise<string> {
	const answer = await client.resource('GET', `/${kind}s`, { api: 'network', query: { name } });
	const named = resourcesIn(answer, `${kind.replace('-', '_')}s`);
	if (named.length > 1) throw new CliError(`there are ${named.length} ${kind.replace('-', ' ')}s ${name}: give the id of one`);
	const [found] = named;
	return found === undefined ? encodeURIComponent(name) : textIn(found, 'id');
}
