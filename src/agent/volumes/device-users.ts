import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { parseMounts } from './mounts.ts';

/**
 * Places at which a device is mounted in mount namespaces other than ours, such as in containers. Each namespace is looked
 * into once; processes that end meanwhile are passed over.
 */
export async function mountsElsewhere(device: string): Promise<readonly string[]> {
	const own = await readlink('/proc/self/ns/mnt');
	const seen = new Set([own]);
	const points: string[] = [];
	for (const process of await readdir('/proc')) {
		if (!/^\d+$/.test(process)) continue;
		const namespace = await readlink(path.join('/proc', process, 'ns/mnt')).catch(() => own);
		if (seen.has(namespace)) continue;
		const table = await readFile(path.join('/proc', process, 'mountinfo'), 'utf8').catch(() => null);
		if (table === null) continue;
		seen.add(namespace);
		points.push(...parseMounts(table).flatMap((mount) => (mount.device === device ? [mount.point] : [])));
	}
	return points;
}
