import { commands } from '../commands/commands.ts';
import { exitCodes } from '../exit-code.ts';
import { resourcesIn, textIn } from '../resource.ts';
import type { Client } from '../session/client.ts';
import type { Action } from '../tree/spec.ts';

/** The script that completes commands in a shell. */
export const completion: Action = async (context) => {
	const { settingFlags } = await import('../completion/settings.ts');
	const flags = await settingFlags();
	if (context.input.argument('shell') === 'zsh') {
		const { zshScript } = await import('../completion/zsh.ts');
		context.output.text(zshScript(commands, flags));
	} else {
		const { bashScript } = await import('../completion/bash.ts');
		context.output.text(bashScript(commands, flags));
	}
	return exitCodes.ok;
};

/** Names of what there is, for the scripts. They must not say a word when there is nothing to say. */
export const names: Action = async (context) => {
	try {
		const client = await context.client();
		const found = await readNames(client, context.input.argument('kind'));
		context.output.text(found.map((name) => `${name}\n`).join(''));
	} catch {
		return exitCodes.failed;
	}
	return exitCodes.ok;
};

async function readNames(client: Client, kind: string): Promise<readonly string[]> {
	const plural = plurals[kind] ?? `${kind}s`;
	const api =
		kind === 'network' || kind === 'security-group' ? 'network' : kind === 'project' || kind === 'user' ? 'identity' : 'container';
	const answer = await client.resource('GET', `/${plural}`, { api, timeout: 3000 });
	return resourcesIn(answer, plural.replace('-', '_'))
		.map((one) => textIn(one, kind === 'host' ? 'hostname' : 'name'))
		.filter((name) => /^[\w.-]+$/.test(name));
}

const plurals: Readonly<Record<string, string>> = { sandbox: 'sandboxes', registry: 'registries' };
