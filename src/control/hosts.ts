import type { Selectable } from 'kysely';
import { fail } from '../model/errors.ts';
import { type Host, type HostFacts, isHostUp } from '../model/host.ts';
import { containersOf } from '../store/containers.ts';
import { fromJson } from '../store/json.ts';
import type { HostTable } from '../store/schema.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import { dropContainer, dropSandbox } from './deletion.ts';
import type { Deps } from './deps.ts';
import { leftHost } from './servers/leave.ts';

/** A host with what is used of it now. */
export interface HostView extends Host {
	readonly up: boolean;
	/** Claimed cores, MiB and GiB. */
	readonly cpuUsed: number;
	readonly memoryUsed: number;
	readonly diskUsed: number;
	readonly totalContainers: number;
}

/** Name of the agent's service in Zun's `/services`, which calls it a binary: that of Zun's own, for scripts that name it. */
export const agentBinary = 'zun-compute';

type HostChange = Partial<Pick<HostTable, 'disabled' | 'disabled_reason' | 'forced_down'>>;

/** Hosts and the services on them, for administrators. */
export class Hosts {
	readonly #deps: Deps;
	readonly #downAfter: number;

	/** `downAfter`: ms without a heartbeat after which a host is down. */
	constructor(deps: Deps, downAfter: number) {
		this.#deps = deps;
		this.#downAfter = downAfter;
	}

	/** All hosts by name. */
	async list(): Promise<readonly HostView[]> {
		const db = this.#deps.store.db;
		const rows = await db.selectFrom('host').selectAll().orderBy('hostname').execute();
		return await this.#views(db, rows);
	}

	/** By id or name; throws compute-node-not-found. */
	async show(ref: string): Promise<HostView> {
		const db = this.#deps.store.db;
		const rows = await db
			.selectFrom('host')
			.selectAll()
			.where((eb) => eb.or([eb('id', '=', ref), eb('hostname', '=', ref)]))
			.execute();
		const [view] = await this.#views(db, rows);
		if (view === undefined) throw fail('compute-node-not-found', `Compute node ${ref} could not be found.`);
		return view;
	}

	/** Takes new sandboxes again. */
	async enable(hostname: string): Promise<void> {
		await this.#change(hostname, { disabled: 0, disabled_reason: null });
	}

	/** Drains: what is there stays, nothing new comes. */
	async disable(hostname: string, reason: string | null): Promise<void> {
		await this.#change(hostname, { disabled: 1, disabled_reason: reason });
	}

	/**
	 * Declares a host dead, or takes that back. What is deleted on a dead host is gone at once, also what was asked for
	 * before; its leftovers go if the host should come back.
	 */
	async forceDown(hostname: string, forcedDown: boolean): Promise<void> {
		const deps = this.#deps;
		await deps.store.transaction(async (tx) => {
			await this.#write(tx, hostname, { forced_down: forcedDown ? 1 : 0 });
			if (!forcedDown) return;
			const sandboxes = await tx.selectFrom('sandbox').selectAll().where('host', '=', hostname).execute();
			for (const sandbox of sandboxes) {
				if (sandbox.desired_status === 'Deleted') {
					if (!(await leftHost(deps, tx, sandbox))) await dropSandbox(deps, tx, sandbox);
				} else await dropDeletedContainers(deps, tx, sandbox.id);
			}
		});
	}

	/** Forgets a host; `conflict` while sandboxes or volumes are on it. */
	async forget(hostname: string): Promise<void> {
		await this.#deps.store.transaction(async (tx) => {
			const placed = await tx
				.selectFrom('sandbox')
				.select((eb) => eb.fn.countAll<number>().as('count'))
				.where('host', '=', hostname)
				.executeTakeFirst();
			if ((placed?.count ?? 0) > 0) throw fail('conflict', `Host ${hostname} has ${placed?.count} sandboxes: delete them first.`);
			const stored = await tx
				.selectFrom('volume')
				.select((eb) => eb.fn.countAll<number>().as('count'))
				.where('host', '=', hostname)
				.executeTakeFirst();
			if ((stored?.count ?? 0) > 0) throw fail('conflict', `Host ${hostname} has ${stored?.count} volumes: delete them first.`);
			await tx.deleteFrom('image').where('host', '=', hostname).execute();
			const deleted = await tx.deleteFrom('host').where('hostname', '=', hostname).executeTakeFirst();
			if (deleted.numDeletedRows === 0n) throw unknownService(hostname);
		});
	}

	/** Names of the zones that hosts are in. */
	async availabilityZones(): Promise<readonly string[]> {
		const rows = await this.#deps.store.db.selectFrom('host').select('availability_zone').distinct().orderBy('availability_zone').execute();
		return rows.map((row) => row.availability_zone);
	}

	async #change(hostname: string, change: HostChange): Promise<void> {
		await this.#deps.store.transaction((tx) => this.#write(tx, hostname, change));
	}

	async #write(tx: StoreTransaction, hostname: string, change: HostChange): Promise<void> {
		const result = await tx
			.updateTable('host')
			.set({ ...change, updated_at: this.#deps.now() })
			.where('hostname', '=', hostname)
			.executeTakeFirst();
		if (result.numUpdatedRows === 0n) throw unknownService(hostname);
	}

	async #views(db: Queryable, rows: readonly Selectable<HostTable>[]): Promise<readonly HostView[]> {
		const claims = await db
			.selectFrom('claim')
			.select((eb) => [
				'host',
				eb.fn.sum<number>('cpu').as('cpu'),
				eb.fn.sum<number>('memory_mib').as('memory'),
				eb.fn.sum<number>('disk_gib').as('disk'),
			])
			.groupBy('host')
			.execute();
		const containers = await db
			.selectFrom('container')
			.innerJoin('sandbox', 'sandbox.id', 'container.sandbox_id')
			.select((eb) => ['sandbox.host', eb.fn.countAll<number>().as('count')])
			.groupBy('sandbox.host')
			.execute();
		const now = this.#deps.now();
		return rows.map((row) => {
			const claim = claims.find((candidate) => candidate.host === row.hostname);
			const health = { lastSeenAt: row.last_seen_at, forcedDown: row.forced_down === 1 };
			return {
				...fromJson<HostFacts>(row.facts),
				...health,
				id: row.id,
				availabilityZone: row.availability_zone,
				disabled: row.disabled === 1,
				disabledReason: row.disabled_reason,
				reportCount: row.report_count,
				createdAt: row.created_at,
				updatedAt: row.updated_at,
				up: isHostUp(health, now, this.#downAfter),
				cpuUsed: claim?.cpu ?? 0,
				memoryUsed: claim?.memory ?? 0,
				diskUsed: claim?.disk ?? 0,
				totalContainers: containers.find((candidate) => candidate.host === row.hostname)?.count ?? 0,
			};
		});
	}
}

async function dropDeletedContainers(deps: Deps, tx: StoreTransaction, sandboxId: string): Promise<void> {
	for (const container of await containersOf(tx, sandboxId)) {
		if (container.desired_status === 'Deleted') await dropContainer(deps, tx, container);
	}
}

function unknownService(hostname: string) {
	return fail('zun-service-not-found', `Service ${agentBinary} on host ${hostname} could not be found.`);
}
