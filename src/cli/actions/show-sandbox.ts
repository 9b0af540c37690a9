import type { CommandContext } from '../context.ts';
import { toneOf } from '../output/style.ts';
import { shownTime } from '../output/words.ts';
import { numberIn, type Resource, resourceIn, resourcesIn, textIn, textsIn } from '../resource.ts';
import { addressesOf, pairsText, publishedText } from './columns.ts';

export function showSandbox(context: CommandContext, sandbox: Resource): void {
	const read = (name: string): string => textIn(sandbox, name);
	const unit = (name: string, word: string): string => (read(name) === '' ? 'no limit' : `${read(name)} ${word}`);
	const namespaces = resourceIn(sandbox, 'namespaces');
	const remaining = numberIn(sandbox, 'expires_remaining');
	context.output.object(sandbox, () => [
		['name', read('name'), 'strong'],
		['id', read('uuid')],
		['status', read('status'), toneOf(read('status'))],
		...(read('status_reason') === '' ? [] : [['reason', read('status_reason')] as const]),
		...(read('task_state') === '' ? [] : [['in progress', read('task_state')] as const]),
		['hostname', read('hostname')],
		['addresses', addressesOf(sandbox)],
		['published ports', resourcesIn(sandbox, 'published_ports').map(publishedText)],
		['security groups', textsIn(sandbox, 'security_groups')],
		['containers', textsIn(sandbox, 'containers')],
		[
			'volumes',
			resourcesIn(sandbox, 'volumes').map((one) => `${textIn(one, 'volume_id')}${one['read_only'] === true ? ' (read-only)' : ''}`),
		],
		['cpu', unit('cpu', 'cores')],
		['memory', unit('memory', 'MiB')],
		['shared', ['net', 'ipc', 'pid'].filter((name) => namespaces[name] === true).join(', ')],
		['labels', pairsText(resourceIn(sandbox, 'labels'))],
		['zone', read('availability_zone')],
		['expires', remaining === null ? shownTime(read('expires_at')) || 'never' : `${Math.ceil(remaining)} s after it goes on`],
		['created', shownTime(read('created_at'))],
		['project', read('project_id')],
		...(read('host') === '' ? [] : [['host', read('host')] as const]),
		...(read('driver') === '' ? [] : [['driver', read('driver')] as const]),
	]);
}
