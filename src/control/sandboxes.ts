import type { Updateable } from 'kysely';
import { failPoint } from '../faults/fail-point.ts';
import { fail } from '../model/errors.ts';
import type { Operation, OperationArgs, SandboxOperationKind } from '../model/operation.ts';
import type { Principal } from '../model/principal.ts';
import type { SandboxGoal } from '../model/sandbox.ts';
import { checkSandboxAction } from '../model/transitions.ts';
import type { RequestedNet } from '../providers/network/network-provider.ts';
import { containersOf } from '../store/containers.ts';
import { idList } from '../store/id-list.ts';
import { toOperation } from '../store/operations.ts';
import { type SandboxRow, sandboxRow, toSandbox } from '../store/sandboxes.ts';
import type { SandboxTable } from '../store/schema.ts';
import { changeSandbox } from './changes.ts';
import type { ContainerView, CreateSandbox, Idempotency, ListQuery, SandboxControl, SandboxView, UpdateSandbox } from './control.ts';
import { createOnce } from './create-once.ts';
import { askSandboxDelete } from './deletion.ts';
import type { Deps } from './deps.ts';
import { expiryAt } from './expiry.ts';
import { inOrder, page } from './lists.ts';
import { findSandbox } from './lookup.ts';
import { askSandbox } from './queue.ts';
import { ReadCache, readKey } from './read-cache.ts';
import { writeSandbox } from './sandbox-creation.ts';
import { type AttachedNet, type FindTarget, SandboxNetworks } from './sandbox-networks.ts';
import { prepareMounts, prepareSandbox } from './servers/prepare.ts';
import { isPending } from './servers/record.ts';
import { sandboxSize } from './sizes.ts';
import { containerViews, sandboxViews } from './views.ts';
import { waitFor } from './wait.ts';

const columns = {
	id: 'created_at',
	uuid: 'id',
	name: 'name',
	status: 'status',
	project_id: 'project_id',
	user_id: 'user_id',
	hostname: 'hostname',
	created_at: 'created_at',
	updated_at: 'updated_at',
	expires_at: 'expires_at',
	cpu: 'cpu',
	memory: 'memory',
	host: 'host',
	task_state: 'task_state',
	created_by: 'created_by',
	availability_zone: 'availability_zone',
} as const;

const filterable = {
	uuid: 'id',
	name: 'name',
	status: 'status',
	project_id: 'project_id',
	user_id: 'user_id',
	hostname: 'hostname',
	host: 'host',
	task_state: 'task_state',
	created_by: 'created_by',
	availability_zone: 'availability_zone',
	memory: 'memory',
} as const;

export class Sandboxes implements SandboxControl {
	readonly #deps: Deps;
	readonly #networks: SandboxNetworks;
	readonly #reads: ReadCache<readonly SandboxView[]>;

	constructor(deps: Deps) {
		this.#deps = deps;
		this.#networks = new SandboxNetworks(deps);
		this.#reads = new ReadCache({
			version: () => deps.store.version(),
			weigh: (views) => 1 + views.length,
			capacity: deps.options.maxKeptViews,
		});
		deps.store.onCommit(() => this.#reads.clear());
	}

	async create(principal: Principal, input: CreateSandbox, idempotency?: Idempotency): Promise<SandboxView> {
		const row = await createOnce(this.#deps, principal, idempotency, {
			kind: 'sandbox',
			wish: input,
			prepare: () => this.#prepared(principal, input),
			earlier: existing,
			write: (tx, wish) => writeSandbox(this.#deps, tx, principal, wish, 'user', { cpu: 0, memory: 0, disk: 0 }),
		});
		this.#wake(row);
		return await this.#view(row);
	}

	async list(principal: Principal, query: ListQuery): Promise<readonly SandboxView[]> {
		const limit = Math.min(query.limit, this.#deps.options.maxLimit);
		return await this.#reads.get(readKey(principal, { ...query, limit }), async () => {
			const db = this.#deps.store.db;
			const ids = await page(db, 'sandbox', principal, { ...query, limit }, { sortable: columns, filterable });
			if (ids.length === 0) return [];
			const rows = await db.selectFrom('sandbox').selectAll().where('id', 'in', idList(ids)).execute();
			return await sandboxViews(this.#deps, db, inOrder(ids, rows));
		});
	}

	async show(principal: Principal, ref: string): Promise<SandboxView> {
		const [view] = await this.#reads.get(readKey(principal, ref), async () => [
			await this.#view(await findSandbox(this.#deps.store.db, principal, ref)),
		]);
		if (view === undefined) throw fail('sandbox-not-found', `Sandbox ${ref} could not be found.`);
		return view;
	}

	async update(principal: Principal, ref: string, input: UpdateSandbox): Promise<SandboxView> {
		const now = this.#deps.now();
		const id = await this.#deps.store.transaction(async (tx) => {
			const row = await findSandbox(tx, principal, ref);
			checkSandboxAction('update', toSandbox(row));
			const change: Updateable<SandboxTable> = {};
			if (input.name !== undefined) change.name = input.name;
			if (input.labels !== undefined) change.labels = JSON.stringify(input.labels);
			if (input.cpu !== undefined) change.cpu = input.cpu;
			if (input.memory !== undefined) change.memory = input.memory;
			if (input.expiresIn !== undefined) {
				const left = input.expiresIn === null ? null : input.expiresIn * 1000;
				const paused = row.expires_remaining !== null || row.desired_status === 'Paused';
				change.expires_at = left === null ? null : now + left;
				change.expires_remaining = paused ? left : null;
			}
			await changeSandbox(tx, row, change, now);
			if (input.publish !== undefined) await this.#deps.network.publish(tx, principal, row.id, input.publish);
			if (input.cpu !== undefined || input.memory !== undefined) {
				const size = await sandboxSize(tx, row.id);
				if (!(await this.#deps.placement.resize(tx, row.id, size))) {
					throw fail('conflict', `The host of sandbox ${row.id} has no room for ${size.cpu} cores and ${size.memoryMib} MiB.`);
				}
				await this.#deps.quotas.check(tx, row.project_id, ['cpu', 'memory']);
				await askSandbox(this.#deps, tx, principal, row, 'update', {});
			}
			return row.id;
		});
		const row = await existing(this.#deps.store.db, id);
		this.#wake(row);
		return await this.#view(row);
	}

	async delete(principal: Principal, ref: string, options: { readonly force: boolean }): Promise<void> {
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await findSandbox(tx, principal, ref);
			const members = await containersOf(tx, found.id);
			if (members.length > 0 && !options.force && found.created_by === 'user') {
				const names = members.map((member) => `${member.name} (${member.id})`).join(', ');
				throw fail('sandbox-in-use', `Sandbox ${found.id} has containers: ${names}. Delete them first, or use force.`);
			}
			await askSandboxDelete(this.#deps, tx, principal, found);
			failPoint('control.delete-sandbox.before-commit');
			return found;
		});
		failPoint('control.delete-sandbox.committed');
		this.#wake(row);
	}

	async start(principal: Principal, ref: string): Promise<void> {
		await this.#act(principal, ref, 'start', 'Running', 'sandbox_starting', {});
	}

	async stop(principal: Principal, ref: string, options: { readonly timeout: number | null }): Promise<void> {
		await this.#act(principal, ref, 'stop', 'Stopped', 'sandbox_stopping', { timeout: options.timeout });
	}

	async pause(principal: Principal, ref: string): Promise<void> {
		await this.#act(principal, ref, 'pause', 'Paused', 'sandbox_pausing', {});
	}

	async unpause(principal: Principal, ref: string): Promise<void> {
		await this.#act(principal, ref, 'unpause', 'Running', 'sandbox_unpausing', {});
	}

	async networkAttach(principal: Principal, ref: string, net: RequestedNet): Promise<void> {
		await this.#networks.attach(principal, target(principal, ref, 'network_attach'), net);
	}

	async networkDetach(principal: Principal, ref: string, what: AttachedNet): Promise<void> {
		await this.#networks.detach(principal, target(principal, ref, 'network_detach'), what);
	}

	async containers(principal: Principal, ref: string): Promise<readonly ContainerView[]> {
		const db = this.#deps.store.db;
		const row = await findSandbox(db, principal, ref);
		return await containerViews(this.#deps, db, await containersOf(db, row.id), this.#deps.now());
	}

	async operations(principal: Principal, ref: string): Promise<readonly Operation[]> {
		const db = this.#deps.store.db;
		const row = await findSandbox(db, principal, ref);
		const rows = await db
			.selectFrom('operation')
			.selectAll()
			.where('target_id', '=', row.id)
			.orderBy('seq', 'desc')
			.limit(this.#deps.options.maxLimit)
			.execute();
		return rows.map(toOperation);
	}

	async wait(principal: Principal, ref: string, status: string, timeout: number, signal: AbortSignal): Promise<SandboxView> {
		const { id } = await findSandbox(this.#deps.store.db, principal, ref);
		return await waitFor(this.#deps, () => this.show(principal, id), id, status, timeout, signal);
	}

	async #act(
		principal: Principal,
		ref: string,
		kind: Extract<SandboxOperationKind, 'start' | 'stop' | 'pause' | 'unpause'>,
		goal: SandboxGoal,
		taskState: string,
		args: OperationArgs,
	): Promise<void> {
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await findSandbox(tx, principal, ref);
			checkSandboxAction(kind, toSandbox(found));
			if (found.host === null && !isPending(found))
				throw fail('conflict', `Sandbox ${found.id} has no host: ${found.status_reason ?? 'it was never placed'}`);
			await changeSandbox(
				tx,
				found,
				{ desired_status: goal, task_state: taskState, ...expiryAt(found, goal, this.#deps.now()) },
				this.#deps.now(),
			);
			await askSandbox(this.#deps, tx, principal, found, kind, args);
			failPoint(`control.${kind}-sandbox.before-commit`);
			return found;
		});
		failPoint(`control.${kind}-sandbox.committed`);
		this.#wake(row);
	}

	/** A server has room for one container of the size that those have that give none, whatever else is not said. */
	async #prepared(principal: Principal, input: CreateSandbox) {
		const { defaultCpu, defaultMemory } = this.#deps.options;
		const size = { cpu: input.cpu ?? defaultCpu, memory: input.memory ?? defaultMemory, disk: input.disk ?? 0 };
		const wish = input.volumes === undefined ? input : { ...input, volumes: await prepareMounts(this.#deps, principal, input.volumes) };
		return await prepareSandbox(this.#deps, principal, wish, size);
	}

	#wake(row: SandboxRow): void {
		if (row.host !== null) this.#deps.bus.wake(row.host, row.id);
	}

	async #view(row: SandboxRow): Promise<SandboxView> {
		const [view] = await sandboxViews(this.#deps, this.#deps.store.db, [row]);
		if (view === undefined) throw fail('sandbox-not-found', `Sandbox ${row.id} could not be found.`);
		return view;
	}
}

function target(principal: Principal, ref: string, action: 'network_attach' | 'network_detach'): FindTarget {
	return async (db) => {
		const row = await findSandbox(db, principal, ref);
		checkSandboxAction(action, toSandbox(row));
		return { target: 'sandbox', targetId: row.id, sandboxId: row.id, projectId: row.project_id };
	};
}

async function existing(db: Deps['store']['db'], id: string): Promise<SandboxRow> {
	const row = await sandboxRow(db, id);
	if (row === undefined) throw fail('sandbox-not-found', `Sandbox ${id} could not be found.`);
	return row;
}
