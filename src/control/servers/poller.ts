import { messageOf } from '../../model/errors.ts';
import { every } from '../../model/repeat.ts';
import type { ServerView } from '../../providers/compute/compute-provider.ts';
import { sandboxRow } from '../../store/sandboxes.ts';
import { type ServerRow, serverById, serverRow } from '../../store/servers.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { changeSandbox } from '../changes.ts';
import type { Deps } from '../deps.ts';
import { expiryAt } from '../expiry.ts';
import { deletedElsewhere, statusIn } from './action-steps.ts';
import type { Compute } from './compute.ts';
import { serverIsGone } from './endings.ts';

/** ms that the compute service's clock may differ from ours, and a change take to be seen. */
const overlap = 60_000;

/**
 * Learns what became of servers without a call to their host: deleted while that was away, or in error. One list of what
 * changed serves them all; now and then all are listed.
 */
export class ServerPoller {
	readonly #deps: Deps;
	readonly #compute: Compute;
	readonly #stop = new AbortController();
	#running: Promise<void> = Promise.resolve();
	/** When the last list, and the last list of all, was asked for; null = not yet. ms since the epoch. */
	#since: number | null = null;
	#allSince = 0;
	#failing = false;

	constructor(deps: Deps, compute: Compute) {
		this.#deps = deps;
		this.#compute = compute;
	}

	start(): void {
		const { signal } = this.#stop;
		const look = async (): Promise<void> => {
			await this.poll(signal);
			this.#failing = false;
		};
		this.#running = every(this.#compute.options.pollInterval, look, (error) => this.#failed(error), signal);
	}

	async stop(): Promise<void> {
		this.#stop.abort(new DOMException('the service stops', 'AbortError'));
		await this.#running;
	}

	/** Said once, not at each look. */
	#failed(error: unknown): void {
		if (!this.#failing)
			this.#deps.log.warn({ error: messageOf(error) }, 'the compute service cannot be asked for its servers; it is tried again');
		this.#failing = true;
	}

	/** Looks once. */
	async poll(signal: AbortSignal): Promise<void> {
		const { pollInterval, fullPollInterval, callTimeout } = this.#compute.options;
		const { db } = this.#deps.store;
		const now = this.#deps.now();
		const any = await db.selectFrom('server').select('server_id').where('server_id', 'is not', null).limit(1).executeTakeFirst();
		if (any === undefined) return;
		const all = this.#since === null || now - this.#allSince >= fullPollInterval;
		const deadline = AbortSignal.any([signal, AbortSignal.timeout(Math.max(callTimeout, pollInterval))]);
		const known = all ? await db.selectFrom('server').select(['sandbox_id', 'server_id']).where('server_id', 'is not', null).execute() : [];
		const views = await this.#compute.provider.servers(all ? null : (this.#since ?? now) - overlap, deadline);
		for (const view of views) await this.#note(view);
		if (all) {
			const listed = new Set(views.map(({ serverId }) => serverId));
			for (const { sandbox_id, server_id } of known) {
				if (server_id !== null && !listed.has(server_id)) await this.#verify(sandbox_id, server_id, deadline);
			}
			this.#allSince = now;
		}
		this.#since = now;
	}

	/** Not being listed is no proof. */
	async #verify(sandboxId: string, serverId: string, signal: AbortSignal): Promise<void> {
		const view = await this.#compute.provider.server(serverId, signal);
		if (view !== null) return await this.#note(view);
		await this.#deps.store.transaction(async (tx) => {
			const server = await serverRow(tx, sandboxId);
			if (server !== undefined && server.server_id === serverId && server.state !== 'gone')
				await serverIsGone(this.#deps, tx, server, deletedElsewhere);
		});
	}

	async #note(view: ServerView): Promise<void> {
		const known = await serverById(this.#deps.store.db, view.serverId);
		if (known === undefined || known.state === 'gone' || known.stage === 'failed') return;
		if (known.state === view.state && view.state !== 'gone') return;
		if (view.busy && view.state !== 'gone') return;
		await this.#deps.store.transaction(async (tx) => {
			const server = await serverRow(tx, known.sandbox_id);
			if (server !== undefined && server.server_id === view.serverId) await this.#write(tx, server, view);
		});
	}

	async #write(tx: StoreTransaction, server: ServerRow, view: ServerView): Promise<void> {
		if (view.state === 'gone') return await serverIsGone(this.#deps, tx, server, deletedElsewhere);
		await tx.updateTable('server').set({ state: view.state }).where('sandbox_id', '=', server.sandbox_id).execute();
		const sandbox = await sandboxRow(tx, server.sandbox_id);
		// The lane of a sandbox that is being made, or of which something was asked, looks for itself.
		if (sandbox === undefined || server.stage !== 'standing' || sandbox.desired_status === 'Deleted' || server.work > 0) return;
		const now = this.#deps.now();
		if (view.state === 'error') {
			const reason = view.fault ?? 'The compute service has its server in state ERROR.';
			return await changeSandbox(tx, sandbox, { status: 'Error', status_reason: reason }, now);
		}
		const goal = statusIn(view.state);
		if (goal === null) return;
		// Its host said how it stands while that was no news to us: it is asked to say so again.
		const anew = server.state === 'error' && sandbox.status === 'Error' ? { status: 'Unknown', status_reason: null } : {};
		if (goal === sandbox.desired_status && anew.status === undefined) return;
		await changeSandbox(tx, sandbox, { desired_status: goal, ...anew, ...expiryAt(sandbox, goal, now) }, now);
	}
}
