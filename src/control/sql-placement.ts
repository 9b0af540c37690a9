import { fail } from '../model/errors.ts';
import { type HostFacts, isHostUp } from '../model/host.ts';
import { readHints } from '../scheduler/hints.ts';
import type { HostState, Size } from '../scheduler/host-state.ts';
import { type Strategy, schedule } from '../scheduler/schedule.ts';
import { fromJson } from '../store/json.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import type { Placement, PlacementRequest, PlacementResult } from './placement.ts';

export interface PlacementOptions {
	/** How many times what a host has may be claimed. */
	readonly cpuRatio: number;
	readonly memoryRatio: number;
	readonly diskRatio: number;
	readonly strategy: Strategy;
	/** ms without a heartbeat after which a host is taken to be down. */
	readonly hostDownAfter: number;
	readonly now: () => number;
}

/** Placement over the store's hosts and claims. The transaction that claims sees every claim before it. */
export class SqlPlacement implements Placement {
	readonly #options: PlacementOptions;
	/** Parsed facts by host, as long as they read the same. */
	readonly #facts = new Map<string, { readonly text: string; readonly facts: HostFacts }>();

	constructor(options: PlacementOptions) {
		this.#options = options;
	}

	async place(tx: StoreTransaction, request: PlacementRequest): Promise<PlacementResult> {
		const hosts = await this.hosts(tx);
		if (request.host !== null && !hosts.some((host) => host.hostname === request.host)) {
			throw fail('requested-host-not-found', `Host ${request.host} could not be found.`);
		}
		const hints = readHints(request.hints);
		const choice = schedule(
			hosts,
			{
				cpu: request.cpu,
				memoryMib: request.memoryMib,
				diskGib: request.diskGib + (request.volumeGib ?? 0),
				driver: request.driver,
				runtime: request.runtime,
				availabilityZone: request.availabilityZone,
				host: request.host,
				excludedHosts: new Set(request.excludedHosts),
				labels: hints.labels,
				sameHost: await hostsOf(tx, request.projectId, hints.sameHost),
				differentHost: await hostsOf(tx, request.projectId, hints.differentHost),
				preferSameHost: await hostsOf(tx, request.projectId, hints.preferSameHost),
				preferDifferentHost: await hostsOf(tx, request.projectId, hints.preferDifferentHost),
			},
			this.#options.strategy,
		);
		if (choice.host === null) return { host: null, reason: choice.reason };
		await tx
			.insertInto('claim')
			.values({
				sandbox_id: request.sandboxId,
				host: choice.host.hostname,
				project_id: request.projectId,
				cpu: request.cpu,
				memory_mib: request.memoryMib,
				disk_gib: request.diskGib,
			})
			.execute();
		return { host: choice.host.hostname, availabilityZone: choice.host.availabilityZone };
	}

	async resize(tx: StoreTransaction, sandboxId: string, size: Size): Promise<boolean> {
		const claim = await tx.selectFrom('claim').selectAll().where('sandbox_id', '=', sandboxId).executeTakeFirst();
		if (claim === undefined) return true;
		const grows = size.cpu > claim.cpu || size.memoryMib > claim.memory_mib || size.diskGib > claim.disk_gib;
		if (grows) {
			const host = (await this.hosts(tx)).find((candidate) => candidate.hostname === claim.host);
			const room = (wanted: number, held: number, claimed: number, capacity: number) =>
				wanted <= held || claimed - held + wanted <= capacity + 1e-9;
			const fits =
				host !== undefined &&
				room(size.cpu, claim.cpu, host.claimed.cpu, host.capacity.cpu) &&
				room(size.memoryMib, claim.memory_mib, host.claimed.memoryMib, host.capacity.memoryMib) &&
				room(size.diskGib, claim.disk_gib, host.claimed.diskGib, host.capacity.diskGib);
			if (!fits) return false;
		}
		await tx
			.updateTable('claim')
			.set({ cpu: size.cpu, memory_mib: size.memoryMib, disk_gib: size.diskGib })
			.where('sandbox_id', '=', sandboxId)
			.execute();
		return true;
	}

	async hasRoom(db: Queryable, hostname: string, gib: number): Promise<boolean> {
		const host = (await this.hosts(db)).find((candidate) => candidate.hostname === hostname);
		return host !== undefined && host.claimed.diskGib + gib <= host.capacity.diskGib;
	}

	async release(tx: StoreTransaction, sandboxId: string): Promise<void> {
		await tx.deleteFrom('claim').where('sandbox_id', '=', sandboxId).execute();
	}

	/** Every host as it stands, claims included. What a volume takes of the disk it takes with or without a sandbox. */
	async hosts(db: Queryable): Promise<readonly HostState[]> {
		const now = this.#options.now();
		const rows = await db.selectFrom('host').selectAll().orderBy('hostname').execute();
		const claims = await db
			.selectFrom('claim')
			.select((eb) => [
				'host',
				eb.fn.sum<number>('cpu').as('cpu'),
				eb.fn.sum<number>('memory_mib').as('memoryMib'),
				eb.fn.sum<number>('disk_gib').as('diskGib'),
			])
			.groupBy('host')
			.execute();
		const claimed = new Map(claims.map((claim) => [claim.host, claim]));
		const volumes = await db
			.selectFrom('volume')
			.select((eb) => ['host', eb.fn.sum<number>('size').as('gib')])
			.where('host', 'is not', null)
			.groupBy('host')
			.execute();
		const ofVolumes = new Map(volumes.map(({ host, gib }) => [host, gib]));
		return rows.map((row) => {
			const facts = this.#factsOf(row.hostname, row.facts);
			const up = isHostUp({ lastSeenAt: row.last_seen_at, forcedDown: row.forced_down === 1 }, now, this.#options.hostDownAfter);
			return {
				hostname: row.hostname,
				up,
				disabled: row.disabled === 1,
				availabilityZone: row.availability_zone,
				driver: facts.driver,
				runtimes: facts.runtimes,
				labels: facts.labels,
				capacity: {
					cpu: facts.cpus * this.#options.cpuRatio,
					memoryMib: facts.memoryMib * this.#options.memoryRatio,
					diskGib: facts.diskGib * this.#options.diskRatio,
				},
				claimed: withVolumes(claimed.get(row.hostname) ?? nothingClaimed, ofVolumes.get(row.hostname) ?? 0),
			};
		});
	}

	#factsOf(hostname: string, text: string): HostFacts {
		const known = this.#facts.get(hostname);
		if (known?.text === text) return known.facts;
		const facts = fromJson<HostFacts>(text);
		this.#facts.set(hostname, { text, facts });
		return facts;
	}
}

const nothingClaimed: Size = { cpu: 0, memoryMib: 0, diskGib: 0 };

function withVolumes({ cpu, memoryMib, diskGib }: Size, gib: number): Size {
	return { cpu, memoryMib, diskGib: diskGib + gib };
}

/** Hosts of the named sandboxes of the project; null when none is named. Throws sandbox-not-found. */
async function hostsOf(db: Queryable, projectId: string, refs: readonly string[]): Promise<ReadonlySet<string> | null> {
	if (refs.length === 0) return null;
	const rows = await db
		.selectFrom('sandbox')
		.select(['id', 'name', 'host'])
		.where('project_id', '=', projectId)
		.where((eb) => eb.or([eb('id', 'in', refs), eb('name', 'in', refs)]))
		.execute();
	for (const ref of refs) {
		if (!rows.some((row) => row.id === ref || row.name === ref))
			throw fail('sandbox-not-found', `Sandbox ${ref} of the hints could not be found.`);
	}
	return new Set(rows.flatMap((row) => row.host ?? []));
}
