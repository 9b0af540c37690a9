import type { CommandContext } from '../context.ts';
import type { Resource } from '../resource.ts';
import { textIn } from '../resource.ts';
import type { Action } from '../tree/spec.ts';
import { forEach } from './each.ts';
import { deadlineOf, notReached, progressOf, reach, type Waited } from './waiting.ts';

async function waitFor(context: CommandContext, kind: Waited, argument: string, otherwise: string): Promise<number> {
	const given = context.input.text('for') ?? otherwise;
	// The API's words begin with a capital letter.
	const wanted = given.charAt(0).toUpperCase() + given.slice(1).toLowerCase();
	const deadline = deadlineOf(context, null);
	const progress = progressOf(context);
	const client = await context.client();
	const seen = new Map<string, Resource>();
	const names = context.input.arguments(argument);
	const code = await forEach(context, names, async (name) => {
		const found = await client.resource('GET', `/${kind}/${encodeURIComponent(name)}`);
		const reached = await reach(context, { kind, id: textIn(found, 'uuid'), name }, wanted, { deadline, progress });
		if (textIn(reached, 'status') !== wanted) throw notReached(name, reached, wanted);
		seen.set(name, reached);
	}).finally(() => progress.end());
	const found = names.map((name) => seen.get(name)).filter((one) => one !== undefined);
	if (context.output.form === 'json') context.output.json(found.length === 1 && names.length === 1 ? found[0] : { [kind]: found });
	else if (context.output.form === 'ids') for (const one of found) context.output.line(textIn(one, 'uuid'));
	else for (const one of found) context.output.line(describeEnd(one));
	return code;
}

function describeEnd(seen: Resource): string {
	const exitCode = textIn(seen, 'status') === 'Stopped' ? textIn(seen, 'exit_code') : '';
	return `${textIn(seen, 'name')} is ${textIn(seen, 'status')}${exitCode === '' ? '' : ` (exit code ${exitCode})`}`;
}

export const waitForContainers: Action = (context) => waitFor(context, 'containers', 'container', 'Stopped');
export const waitForSandboxes: Action = (context) => waitFor(context, 'sandboxes', 'sandbox', 'Running');
