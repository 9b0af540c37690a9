import { failPoint } from '../../faults/fail-point.ts';
import { capsuleState, membersToStart } from '../../model/capsule.ts';
import { fail } from '../../model/errors.ts';
import type { Principal } from '../../model/principal.ts';
import { checkSandboxAction } from '../../model/transitions.ts';
import { containersOf, toContainer } from '../../store/containers.ts';
import { idList } from '../../store/id-list.ts';
import { type SandboxRow, sandboxRow, toSandbox } from '../../store/sandboxes.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { changeSandbox } from '../changes.ts';
import type { Idempotency, ListQuery } from '../control.ts';
import { createOnce } from '../create-once.ts';
import { askSandboxDelete } from '../deletion.ts';
import type { Deps } from '../deps.ts';
import { expiryAt } from '../expiry.ts';
import { inOrder, page } from '../lists.ts';
import { findCapsule } from '../lookup.ts';
import { askSandbox } from '../queue.ts';
import { waitFor } from '../wait.ts';
import type { CapsuleControl, CapsuleView, CreateCapsule, UpdateCapsule } from './capsule-control.ts';
import { prepareCapsule, writeCapsule } from './creation.ts';
import { startMembers } from './progress.ts';
import { capsuleViews } from './views.ts';

const sortable = {
	id: 'created_at',
	uuid: 'id',
	name: 'name',
	status: 'status',
	project_id: 'project_id',
	user_id: 'user_id',
	host: 'host',
	created_at: 'created_at',
	updated_at: 'updated_at',
} as const;

const filterable = { created_by: 'created_by' } as const;

/** What users do with capsules. */
export class Capsules implements CapsuleControl {
	readonly #deps: Deps;

	constructor(deps: Deps) {
		this.#deps = deps;
	}

	async create(principal: Principal, input: CreateCapsule, idempotency?: Idempotency): Promise<CapsuleView> {
		const row = await createOnce(this.#deps, principal, idempotency, {
			kind: 'capsule',
			wish: input,
			prepare: () => prepareCapsule(this.#deps, principal, input),
			earlier: (tx, id) => findCapsule(tx, principal, id),
			write: async (tx, wish) => {
				// A template may hold more than is worth being written only to be undone.
				const containers = wish.initContainers.length + wish.containers.length;
				await this.#deps.quotas.check(tx, principal.projectId, ['sandboxes', 'containers'], { sandboxes: 1, containers });
				return await writeCapsule(this.#deps, tx, principal, wish);
			},
		});
		this.#wake(row);
		return await this.#view(row);
	}

	async list(principal: Principal, query: ListQuery): Promise<readonly CapsuleView[]> {
		const db = this.#deps.store.db;
		const limit = Math.min(query.limit, this.#deps.options.maxLimit);
		const filters = { ...query.filters, created_by: 'capsule' };
		const ids = await page(db, 'sandbox', principal, { ...query, limit, filters }, { sortable, filterable });
		if (ids.length === 0) return [];
		const rows = await db.selectFrom('sandbox').selectAll().where('id', 'in', idList(ids)).execute();
		return await capsuleViews(this.#deps, db, inOrder(ids, rows));
	}

	async show(principal: Principal, ref: string): Promise<CapsuleView> {
		return await this.#view(await findCapsule(this.#deps.store.db, principal, ref));
	}

	async update(principal: Principal, ref: string, input: UpdateCapsule): Promise<CapsuleView> {
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await findCapsule(tx, principal, ref);
			if (found.desired_status === 'Deleted') throw invalidState('update', found, 'Deleting');
			const change = {
				...(input.name === undefined ? {} : { name: input.name }),
				...(input.labels === undefined ? {} : { labels: JSON.stringify(input.labels) }),
			};
			await changeSandbox(tx, found, change, this.#deps.now());
			if (input.annotations !== undefined) {
				const annotations = JSON.stringify(input.annotations);
				await tx.updateTable('capsule').set({ annotations }).where('sandbox_id', '=', found.id).execute();
			}
			return (await sandboxRow(tx, found.id)) ?? found;
		});
		this.#wake(row);
		return await this.#view(row);
	}

	async delete(principal: Principal, ref: string): Promise<void> {
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await findCapsule(tx, principal, ref);
			await askSandboxDelete(this.#deps, tx, principal, found);
			failPoint('control.delete-capsule.before-commit');
			return found;
		});
		failPoint('control.delete-capsule.committed');
		this.#wake(row);
	}

	async start(principal: Principal, ref: string): Promise<void> {
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await findCapsule(tx, principal, ref);
			const rows = await containersOf(tx, found.id);
			const members = rows.map(toContainer);
			const { status, reason } = capsuleState(toSandbox(found), members);
			if (status !== 'Stopped' && status !== 'Error') throw invalidState('start', found, status);
			if (found.host === null) throw fail('conflict', `Capsule ${found.id} has no host: ${reason ?? 'it was never placed'}`);
			if (found.desired_status === 'Stopped' && found.status !== 'Stopped') {
				throw fail('invalid-state-exception', `Cannot start capsule ${found.id} while it is being stopped.`);
			}
			if (found.status === 'Stopped' || found.status === 'Error') await this.#ask(tx, principal, found, 'start', null);
			await startMembers(this.#deps, tx, principal, found, rows, membersToStart(members));
			failPoint('control.start-capsule.before-commit');
			return found;
		});
		failPoint('control.start-capsule.committed');
		this.#wake(row);
	}

	async stop(principal: Principal, ref: string, options: { readonly timeout: number | null }): Promise<void> {
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await findCapsule(tx, principal, ref);
			checkSandboxAction('stop', toSandbox(found), 'capsule');
			await this.#ask(tx, principal, found, 'stop', options.timeout);
			failPoint('control.stop-capsule.before-commit');
			return found;
		});
		failPoint('control.stop-capsule.committed');
		this.#wake(row);
	}

	async wait(principal: Principal, ref: string, status: string, timeout: number, signal: AbortSignal): Promise<CapsuleView> {
		const { id } = await findCapsule(this.#deps.store.db, principal, ref);
		return await waitFor(this.#deps, () => this.show(principal, id), id, status, timeout, signal);
	}

	async #ask(tx: StoreTransaction, principal: Principal, row: SandboxRow, kind: 'start' | 'stop', timeout: number | null): Promise<void> {
		const now = this.#deps.now();
		const goal = kind === 'start' ? 'Running' : 'Stopped';
		const taskState = kind === 'start' ? 'sandbox_starting' : 'sandbox_stopping';
		await changeSandbox(tx, row, { desired_status: goal, task_state: taskState, ...expiryAt(row, goal, now) }, now);
		await askSandbox(this.#deps, tx, principal, row, kind, kind === 'stop' ? { timeout } : {});
	}

	#wake(row: SandboxRow): void {
		if (row.host !== null) this.#deps.bus.wake(row.host, row.id);
	}

	async #view(row: SandboxRow): Promise<CapsuleView> {
		const [view] = await capsuleViews(this.#deps, this.#deps.store.db, [row]);
		if (view === undefined) throw fail('capsule-not-found', `Capsule ${row.id} could not be found.`);
		return view;
	}
}

function invalidState(action: string, row: SandboxRow, status: string) {
	return fail('invalid-state-exception', `Cannot ${action} capsule ${row.id} in ${status} state`);
}
