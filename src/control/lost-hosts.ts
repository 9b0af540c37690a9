import { type ContainerRow, containersOf } from '../store/containers.ts';
import { type SandboxRow, touchSandbox } from '../store/sandboxes.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import { changeContainer, noteSandboxChange } from './changes.ts';
import type { Deps } from './deps.ts';

/** What is said to go on, and does not where nobody is there to see it: what is stopped stays so. */
const going = ['Running', 'Paused'];

/** ms between two looks through a host that is given up. */
const lookInterval = 5000;

/** Sandboxes that are changed in one transaction. */
const batch = 50;

interface Host {
	readonly hostname: string;
	readonly last_seen_at: number | null;
	readonly forced_down: number;
}

interface Sight {
	readonly lastSeenAt: number | null;
	/** When that was seen to have changed, on a clock that nobody sets. */
	readonly heardAt: number;
	/** `unsure` = it was not heard of since the service began. */
	readonly state: 'unsure' | 'alive' | 'lost';
}

/**
 * What ran on a host that is not heard of any more, or was declared dead, is Unknown, with the host's name as the reason;
 * when the host is back, its agent is asked to tell anew how all of it stands. Silence is measured from what this process
 * saw itself: neither a clock that was set, nor the time that the service was away, makes a host look dead.
 */
export class LostHosts {
	readonly #deps: Deps;
	readonly #elapsed: () => number;
	#sights: Map<string, Sight> = new Map();
	readonly #givenUpAt = new Map<string, number>();

	/** `elapsed`: ms on a clock that only goes on. */
	constructor(deps: Deps, elapsed: () => number = () => performance.now()) {
		this.#deps = deps;
		this.#elapsed = elapsed;
	}

	/** To be called every so often, and after changes of hosts. */
	async look(): Promise<void> {
		const hosts: readonly Host[] = await this.#deps.store.db
			.selectFrom('host')
			.select(['hostname', 'last_seen_at', 'forced_down'])
			.execute();
		const before = this.#sights;
		this.#sights = new Map(hosts.map((host) => [host.hostname, this.#sight(host, before.get(host.hostname))]));
		for (const host of hosts) {
			const sight = this.#sights.get(host.hostname);
			if (sight?.state === 'lost') await this.#giveUpNowAndThen(host, before.get(host.hostname)?.state === 'lost');
			else if (sight?.state === 'alive' && before.get(host.hostname)?.state !== 'alive') {
				// Until it was asked, it counts as lost: where that fails, the next look asks.
				this.#sights.set(host.hostname, { ...sight, state: 'lost' });
				await this.#ask(host.hostname);
				this.#sights.set(host.hostname, sight);
			}
		}
	}

	#sight(host: Host, before: Sight | undefined): Sight {
		const now = this.#elapsed();
		const heard = before !== undefined && before.lastSeenAt !== host.last_seen_at;
		const heardAt = before === undefined || heard ? now : before.heardAt;
		const seen = { lastSeenAt: host.last_seen_at, heardAt };
		if (host.forced_down === 1 || now - heardAt > this.#deps.options.hostDownAfter) return { ...seen, state: 'lost' };
		if (heard || before?.state === 'lost') return { ...seen, state: 'alive' };
		return { ...seen, state: before?.state ?? 'unsure' };
	}

	/** Once given up, little can be new: a report that was on its way. All of its sandboxes are looked through for that. */
	async #giveUpNowAndThen(host: Host, again: boolean): Promise<void> {
		const now = this.#elapsed();
		if (again && now - (this.#givenUpAt.get(host.hostname) ?? Number.NEGATIVE_INFINITY) < lookInterval) return;
		await this.#giveUp(host);
		this.#givenUpAt.set(host.hostname, now);
	}

	async #giveUp(host: Host): Promise<void> {
		let changed: number;
		do {
			changed = await this.#deps.store.transaction(async (tx) => {
				// It may have come back since it was looked at.
				if (!(await isAsSeen(tx, host))) return 0;
				const sandboxes = await goingOn(tx, host.hostname);
				for (const sandbox of sandboxes) await this.#markUnknown(tx, sandbox, reasonOf(host));
				return sandboxes.length;
			});
		} while (changed === batch);
	}

	async #markUnknown(tx: StoreTransaction, sandbox: SandboxRow, reason: string): Promise<void> {
		const now = this.#deps.now();
		const unknown = { status: 'Unknown', status_reason: reason };
		for (const container of await containersOf(tx, sandbox.id)) {
			if (isGoing(container)) await changeContainer(tx, container, unknown, now);
		}
		if (isGoing(sandbox)) await noteSandboxChange(tx, sandbox, unknown, now);
	}

	/** Its agent need not have noticed that control gave it up, and tells only what is news to it. */
	async #ask(hostname: string): Promise<void> {
		const { store, bus } = this.#deps;
		const rows = await unknown(store.db, hostname);
		if (rows.length === 0) return;
		await store.transaction(async (tx) => {
			for (const { id } of rows) await touchSandbox(tx, id);
		});
		for (const { id } of rows) bus.wake(hostname, id);
	}
}

function isGoing(row: SandboxRow | ContainerRow): boolean {
	return going.includes(row.status);
}

function reasonOf(host: Host): string {
	if (host.forced_down === 1) return `Host ${host.hostname} was declared dead: nothing is known of what runs there.`;
	const since = host.last_seen_at === null ? 'never' : `last heard of at ${new Date(host.last_seen_at).toISOString()}`;
	return `Host ${host.hostname} is silent (${since}): nothing is known of what runs there.`;
}

async function isAsSeen(tx: StoreTransaction, host: Host): Promise<boolean> {
	const now = await tx
		.selectFrom('host')
		.select('id')
		.where('hostname', '=', host.hostname)
		.where('last_seen_at', 'is', host.last_seen_at)
		.where('forced_down', '=', host.forced_down)
		.executeTakeFirst();
	return now !== undefined;
}

async function goingOn(tx: StoreTransaction, hostname: string): Promise<readonly SandboxRow[]> {
	return await withStatus(tx, hostname, going).selectAll('sandbox').limit(batch).execute();
}

async function unknown(db: Queryable, hostname: string): Promise<readonly { readonly id: string }[]> {
	return await withStatus(db, hostname, ['Unknown']).select('sandbox.id').execute();
}

/** Sandboxes of the host that have one of the statuses, or hold a container that does. */
function withStatus(db: Queryable, hostname: string, statuses: readonly string[]) {
	return db
		.selectFrom('sandbox')
		.where('host', '=', hostname)
		.where((eb) =>
			eb.or([
				eb('sandbox.status', 'in', statuses),
				eb.exists(
					eb
						.selectFrom('container')
						.select('container.id')
						.whereRef('container.sandbox_id', '=', 'sandbox.id')
						.where('container.status', 'in', statuses),
				),
			]),
		);
}
