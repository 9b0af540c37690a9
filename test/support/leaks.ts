/**
 * What an installation holds in the engine, in the kernel and on the disk, and what its database says that it should:
 * between the two there is no difference when it is at rest.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { namespaceName, networkTable, ownerNames, portLinkName, portPrefix, transitName } from '../../src/agent/network/names.ts';
import { readLoopDevices } from '../../src/agent/volumes/loop-devices.ts';
import { readMounts } from '../../src/agent/volumes/mounts.ts';
import { endGroup } from '../../src/drivers/docker/cgroup/cgroup-files.ts';
import { containersOf } from './docker.ts';
import { eventually } from './eventually.ts';

export interface Installation {
	readonly owner: string;
	/** Its data directory. */
	readonly data: string;
	readonly database: string;
	/** Socket of its engine; undefined = the machine's own. */
	readonly socket: string | undefined;
}

/** Sorted lists of texts, by kind. */
export type Holdings = Readonly<Record<HoldingKind, readonly string[]>>;
type HoldingKind =
	| 'engine'
	| 'namespaces'
	| 'ports'
	| 'links'
	| 'published'
	| 'cgroups'
	| 'mounts'
	| 'loops'
	| 'images'
	| 'files'
	| 'folders';

/** What is really there. */
export async function held({ owner, data, socket }: Installation): Promise<Holdings> {
	const names = ownerNames(owner);
	const namespaces = entries('/run/netns').filter((name) => name.startsWith(names.namespacePrefix));
	const mounts = (await readMounts()).map(({ point }) => point).filter((point) => point.startsWith(`${data}/`));
	const loops = (await readLoopDevices()).map(({ file }) => file).filter((file) => file.startsWith(`${data}/`));
	return sorted({
		engine: (await containersOf(owner, socket)).map((container) => container.Names.join()),
		namespaces,
		ports: namespaces.flatMap((namespace) =>
			linksIn(namespace)
				.filter((link) => link.startsWith(portPrefix))
				.map((link) => `${namespace} ${link}`),
		),
		links: linksIn(null).filter((link) => link.startsWith(names.transitPrefix)),
		published: publishedIn(names.hostTable),
		cgroups: [...new Set(groupsOf(owner, '*/').map((found) => path.basename(found)))],
		mounts: mounts.map((point) => path.relative(data, point)),
		loops: loops.map((file) => path.basename(file)),
		images: entries(path.join(data, 'volumes')),
		files: globSync(path.join(data, 'agent/files/*/*')).map((file) => path.basename(file)),
		folders: entries(path.join(data, 'agent/sandboxes')),
	});
}

type Row = Readonly<Record<string, string | number | null>>;

/** What the database says should be there. */
export function wanted({ owner, database }: Installation): Holdings {
	const names = ownerNames(owner);
	return withDatabase(database, (all) => {
		const sandboxes = all('select * from sandbox where host is not null');
		const active = sandboxes.filter((row) => row['status'] === 'Running' || row['status'] === 'Paused').map((row) => row['id']);
		const containers = all(
			"select * from container where not (status = 'Error' and runtime_id is null and desired_status in ('Created', 'Stopped'))",
		);
		const ports = all('select * from port where sandbox_id is not null and host is not null');
		const plugged = ports.filter((port) => active.includes(port['sandbox_id'] ?? null));
		const networks = [...new Set(ports.map((port) => String(port['network_id'])))];
		const external = new Set(all('select id from network where external = 1').map((row) => String(row['id'])));
		const attachments = all('select volume.id, volume.provider, sandbox_id from volume_attachment join volume on volume.id = volume_id');
		const local = attachments.filter((row) => row['provider'] === 'local');
		const ids = sandboxes.map((row) => String(row['id']));
		return sorted({
			engine: [...ids.map((id) => `/zunbox-sandbox-${id}`), ...containers.map((row) => `/zunbox-${row['id']}`)],
			namespaces: networks.map((id) => namespaceName(names, id)),
			ports: plugged.map((port) => `${namespaceName(names, String(port['network_id']))} ${portLinkName(String(port['id']))}`),
			links: networks.filter((id) => external.has(id)).map((id) => transitName(names, id)),
			published: all('select * from published_port').map((row) => String(row['host_port'])),
			cgroups: ids,
			mounts: local.map((row) => `agent/volumes/${row['sandbox_id']}/${row['id']}`),
			loops: local.map((row) => `${row['id']}.img`),
			images: local.map((row) => `${row['id']}.img`),
			files: attachments.filter((row) => row['provider'] === 'file').map((row) => String(row['id'])),
			folders: ids,
		});
	});
}

/** What the two do not agree on, in words; empty = nothing is lost and nothing leaked. */
export async function differences(installation: Installation): Promise<readonly string[]> {
	const [real, right] = [await held(installation), wanted(installation)];
	const kinds = Object.keys(right) as HoldingKind[];
	// A volume that no sandbox has may have data: it is made when it is attached for the first time.
	const detached = query(installation.database, 'select id from volume where host is not null').map((row) => `${row['id']}.img`);
	return [
		...kinds.flatMap((kind) => [
			...minus(real[kind], kind === 'images' ? [...new Set([...right[kind], ...detached])] : right[kind]).map(
				(what) => `${kind}: ${what} is there and should not be`,
			),
			...minus(right[kind], real[kind]).map((what) => `${kind}: ${what} is missing`),
		]),
		...inconsistencies(installation.database),
	];
}

/**
 * Ports that the rules of their network's namespace do not know, and links that the rules know and no port has: at rest
 * there is neither. Not a part of `differences`, which are asked for all the time.
 */
export function ruleDifferences({ owner, database }: Pick<Installation, 'owner' | 'database'>): readonly string[] {
	const names = ownerNames(owner);
	const namespaces = entries('/run/netns').filter((name) => name.startsWith(names.namespacePrefix));
	const real = namespaces.flatMap((namespace) => portsInRules(namespace).map((link) => `${namespace} ${link}`));
	const ports = query(database, 'select id, network_id from port where sandbox_id is not null and host is not null');
	const right = ports.map((port) => `${namespaceName(names, String(port['network_id']))} ${portLinkName(String(port['id']))}`);
	return [
		...minus(real, right).map((what) => `rules: ${what} is there and should not be`),
		...minus(right, real).map((what) => `rules: ${what} is missing`),
	];
}

/** Links of ports that the rules of a network name. */
function portsInRules(namespace: string): readonly string[] {
	try {
		const listing = run('ip', ['netns', 'exec', namespace, 'nft', 'list', 'table', 'bridge', networkTable]);
		const names = [...listing.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? '');
		return [...new Set(names)].filter((name) => name.startsWith(portPrefix));
	} catch {
		return [];
	}
}

/** Rows that contradict one another, and operations that have not ended. */
export function inconsistencies(database: string): readonly string[] {
	return withDatabase(database, (all) => {
		const told = (what: string, sql: string): string[] => all(sql).map((row) => `${what}: ${JSON.stringify(row)}`);
		return [
			...told('an open operation', "select kind, target, target_id, state, error from operation where state in ('queued', 'running')"),
			...told('a task goes on', 'select id, status, task_state from container where task_state is not null'),
			...told('a task goes on', 'select id, status, task_state from sandbox where task_state is not null'),
			...told('a claim of nobody', 'select * from claim where sandbox_id not in (select id from sandbox where host is not null)'),
			...told('no claim', 'select id from sandbox where host is not null and id not in (select sandbox_id from claim)'),
			...told(
				'a claim of another host',
				'select claim.* from claim join sandbox on sandbox.id = sandbox_id where sandbox.host <> claim.host',
			),
			...told('a port of nobody', 'select id from port where sandbox_id not in (select id from sandbox)'),
			...told('a port without its address', 'select id from port where id not in (select port_id from port_ip)'),
			...told('an address twice', 'select ip_address, network_id from port_ip group by ip_address, network_id having count(*) > 1'),
			...told('a hardware address twice', 'select mac_address from port group by mac_address, network_id having count(*) > 1'),
			...told('an attachment of nobody', 'select * from volume_attachment where sandbox_id not in (select id from sandbox)'),
			...told(
				'a volume that goes with nobody',
				'select id from volume where auto_remove = 1 and id not in (select volume_id from volume_attachment)',
			),
			...told(
				'a volume in use by nobody',
				"select id from volume where status = 'in-use' and id not in (select volume_id from volume_attachment)",
			),
			...told('an open detachment', 'select volume_id from volume_attachment where detaching = 1'),
			...told(
				'a sandbox of a container without one',
				"select id from sandbox where created_by = 'container' and id not in (select sandbox_id from container)",
			),
			...told('a claim of the wrong size', claimSizes),
		];
	});
}

/** A claim is what the sandbox asked for, or, where it asked for nothing, what its containers may use together. */
const claimSizes = `
	select claim.sandbox_id, claim.memory_mib, coalesce(sandbox.memory, used.memory, 0) as wanted
	from claim join sandbox on sandbox.id = claim.sandbox_id
	left join (select sandbox_id, sum(memory) as memory from container group by sandbox_id) used on used.sandbox_id = sandbox.id
	where sandbox.desired_status <> 'Deleted' and claim.memory_mib <> coalesce(sandbox.memory, used.memory, 0)`;

/** Rows of a query on a database that others write meanwhile. */
export function query(database: string, sql: string): readonly Row[] {
	return withDatabase(database, (all) => all(sql));
}

function withDatabase<T>(database: string, look: (all: (sql: string) => readonly Row[]) => T): T {
	const file = new DatabaseSync(database, { readOnly: true, timeout: 5000 });
	try {
		return look((sql) => file.prepare(sql).all() as unknown as readonly Row[]);
	} finally {
		file.close();
	}
}

/** Unmounts and detaches what is left below a folder, and removes the owner's control groups: for the end of a test. */
export async function releaseFolder(folder: string, owner: string): Promise<void> {
	const mounts = (await readMounts()).map(({ point }) => point).filter((point) => point.startsWith(`${folder}/`));
	for (const point of mounts.reverse()) execFileSync('umount', ['-l', point]);
	for (const device of await readLoopDevices()) {
		if (device.file.startsWith(`${folder}/`)) execFileSync('losetup', ['-d', device.path]);
	}
	await eventually('no group of it is left', () => endGroup(`/zunbox/${owner}`), { timeout: 20_000 });
}

/** Control groups of the owner, in every hierarchy there is. */
function groupsOf(owner: string, below: string): readonly string[] {
	return globSync([`/sys/fs/cgroup/*/zunbox/${owner}/${below}`, `/sys/fs/cgroup/zunbox/${owner}/${below}`]);
}

function entries(folder: string): readonly string[] {
	return existsSync(folder) ? readdirSync(folder) : [];
}

/** Names of the interfaces in a namespace, null = the machine's own. One that is just going has none. */
function linksIn(namespace: string | null): readonly string[] {
	if (namespace === null) return readdirSync('/sys/class/net');
	try {
		const list: unknown = JSON.parse(run('ip', ['-n', namespace, '-j', 'link']) || '[]');
		return Array.isArray(list) ? list.map((link: { readonly ifname: string }) => link.ifname) : [];
	} catch {
		return [];
	}
}

/** Ports of the host that lead into sandboxes, as its own table has them. */
function publishedIn(table: string): readonly string[] {
	let listing: string;
	try {
		listing = run('nft', ['-j', 'list', 'table', 'inet', table]);
	} catch {
		return [];
	}
	// Each entry of the map is [key, value], and the key's last part is the port.
	const ports: string[] = [];
	JSON.parse(listing, (key, value: unknown) => {
		if (key === 'map' && typeof value === 'object' && value !== null && Reflect.get(value, 'name') === 'any4') {
			const elements: unknown = Reflect.get(value, 'elem') ?? [];
			for (const found of JSON.stringify(elements).matchAll(/\[\{"concat":\["(?:tcp|udp)",(\d+)\]\}/g)) ports.push(found[1] ?? '');
		}
		return value;
	});
	return ports;
}

function run(program: string, words: readonly string[]): string {
	return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000 });
}

function minus(left: readonly string[], right: readonly string[]): readonly string[] {
	const rest = [...right];
	return left.filter((item) => {
		const at = rest.indexOf(item);
		if (at >= 0) rest.splice(at, 1);
		return at < 0;
	});
}

function sorted(holdings: Holdings): Holdings {
	return Object.fromEntries(Object.entries(holdings).map(([kind, list]) => [kind, [...list].sort()])) as unknown as Holdings;
}
