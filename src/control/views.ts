import type { Container } from '../model/container.ts';
import { type ContainerRow, toContainer } from '../store/containers.ts';
import { idList } from '../store/id-list.ts';
import { type SandboxRow, toSandbox } from '../store/sandboxes.ts';
import type { Queryable } from '../store/store.ts';
import type { ContainerView, SandboxView } from './control.ts';
import type { Deps } from './deps.ts';

/** Sandboxes with what hangs on them, in a fixed number of queries. */
export async function sandboxViews(deps: Deps, db: Queryable, rows: readonly SandboxRow[]): Promise<readonly SandboxView[]> {
	const ids = rows.map((row) => row.id);
	if (ids.length === 0) return [];
	const networks = await deps.network.views(db, ids);
	const volumes = await deps.volumes.views(db, ids);
	const members = await db
		.selectFrom('container')
		.select(['id', 'sandbox_id'])
		.where('sandbox_id', 'in', idList(ids))
		.orderBy('created_at')
		.orderBy('id')
		.execute();
	const containerIds = Map.groupBy(members, (member) => member.sandbox_id);
	return rows.map((row) => {
		const network = networks.get(row.id);
		return {
			...toSandbox(row),
			addresses: network?.addresses ?? {},
			securityGroupIds: network?.securityGroupIds ?? [],
			publishedPorts: network?.publishedPorts ?? [],
			containerIds: (containerIds.get(row.id) ?? []).map((member) => member.id),
			volumes: volumes.get(row.id) ?? [],
		};
	});
}

/** Containers with what their sandboxes give them, in a fixed number of queries. */
export async function containerViews(
	deps: Deps,
	db: Queryable,
	rows: readonly ContainerRow[],
	now: number,
): Promise<readonly ContainerView[]> {
	const sandboxIds = [...new Set(rows.map((row) => row.sandbox_id))];
	if (sandboxIds.length === 0) return [];
	const sandboxes = await db
		.selectFrom('sandbox')
		.select(['id', 'name', 'host', 'runtime', 'hostname'])
		.where('id', 'in', idList(sandboxIds))
		.execute();
	const byId = new Map(sandboxes.map((sandbox) => [sandbox.id, sandbox]));
	const networks = await deps.network.views(db, sandboxIds);
	return rows.map((row) => {
		const container = toContainer(row);
		const sandbox = byId.get(row.sandbox_id);
		const network = networks.get(row.sandbox_id);
		return {
			...container,
			hostname: container.hostname ?? sandbox?.hostname ?? null,
			addresses: network?.addresses ?? {},
			securityGroupIds: network?.securityGroupIds ?? [],
			host: sandbox?.host ?? null,
			sandboxName: sandbox?.name ?? '',
			runtime: sandbox?.runtime ?? null,
			statusDetail: statusDetail(container, now),
		};
	});
}

/** The views with their `statusDetail` as of now; the very same ones where it has not changed. */
export function upToDate(views: readonly ContainerView[], now: number): readonly ContainerView[] {
	let changed = false;
	const fresh = views.map((view) => {
		const detail = statusDetail(view, now);
		if (detail === view.statusDetail) return view;
		changed = true;
		return { ...view, statusDetail: detail };
	});
	return changed ? fresh : views;
}

/** How the container stands, in the words that Zun's users know: `Up 5 mins`, `Exited(0) 3 mins ago`. */
export function statusDetail(container: Pick<Container, 'status' | 'startedAt' | 'finishedAt' | 'exitCode'>, now: number): string {
	const since = (time: number | null) => span(time === null ? 0 : Math.max(0, now - time));
	switch (container.status) {
		case 'Running':
			return `Up ${since(container.startedAt)}`;
		case 'Paused':
			return `Up ${since(container.startedAt)} (paused)`;
		case 'Stopped':
			if (container.finishedAt === null) return 'Created';
			return `Exited(${container.exitCode ?? 0}) ${since(container.finishedAt)} ago${container.exitCode ? ' (error)' : ' '}`;
		default:
			return container.status;
	}
}

function span(ms: number): string {
	const seconds = Math.floor(ms / 1000);
	if (seconds < 60) return `${seconds} seconds`;
	const minutes = Math.floor(seconds / 60);
	if (minutes < 60) return `${minutes} mins`;
	const hours = Math.floor(minutes / 60);
	return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
}
