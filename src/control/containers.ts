import type { Updateable } from 'kysely';
import { failPoint } from '../faults/fail-point.ts';
import { fail, ZunboxError } from '../model/errors.ts';
import type { ContainerOperationKind, Operation, OperationArgs } from '../model/operation.ts';
import type { Principal } from '../model/principal.ts';
import { signalName } from '../model/signals.ts';
import { type ContainerAction, checkContainerAction } from '../model/transitions.ts';
import type { RequestedNet } from '../providers/network/network-provider.ts';
import { type ContainerRow, containerRow, imageSourceOf, toContainer } from '../store/containers.ts';
import { idList } from '../store/id-list.ts';
import { insertOperation, toOperation } from '../store/operations.ts';
import { sandboxRow, touchSandbox } from '../store/sandboxes.ts';
import type { ContainerTable } from '../store/schema.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import { checkMemberAction } from './capsules/members.ts';
import { changeContainer } from './changes.ts';
import { checkNameIsFree, prepareContainer, writeContainer } from './container-creation.ts';
import { ContainerLooks } from './container-looks.ts';
import type { ContainerControl, ContainerView, CreateContainer, Idempotency, ListQuery, UpdateContainer } from './control.ts';
import { createOnce } from './create-once.ts';
import { askContainerDelete } from './deletion.ts';
import type { Deps } from './deps.ts';
import { isOtherImage, prepareRebuild } from './image-service/find.ts';
import type { ImageUploads } from './image-service/uploads.ts';
import { inOrder, page } from './lists.ts';
import { findContainer, findSandbox } from './lookup.ts';
import { requireRoomInQueue } from './queue.ts';
import { ReadCache, readKey } from './read-cache.ts';
import { type AttachedNet, type FindTarget, SandboxNetworks } from './sandbox-networks.ts';
import { isPending } from './servers/record.ts';
import { sandboxSize } from './sizes.ts';
import { containerViews, upToDate } from './views.ts';
import { waitFor } from './wait.ts';

const sortable = {
	id: 'created_at',
	uuid: 'id',
	name: 'name',
	image: 'image',
	status: 'status',
	status_reason: 'status_reason',
	task_state: 'task_state',
	project_id: 'project_id',
	user_id: 'user_id',
	sandbox_id: 'sandbox_id',
	cpu: 'cpu',
	memory: 'memory',
	disk: 'disk',
	command: 'command',
	hostname: 'hostname',
	workdir: 'workdir',
	image_driver: 'image_driver',
	auto_remove: 'auto_remove',
	interactive: 'interactive',
	tty: 'tty',
	started_at: 'started_at',
	created_at: 'created_at',
	updated_at: 'updated_at',
} as const;

const filterable = {
	uuid: 'id',
	name: 'name',
	image: 'image',
	project_id: 'project_id',
	user_id: 'user_id',
	memory: 'memory',
	task_state: 'task_state',
	status: 'status',
	auto_remove: 'auto_remove',
	sandbox_id: 'sandbox_id',
	kind: 'kind',
	host: '(select host from sandbox where sandbox.id = container.sandbox_id)',
} as const;

interface Ask {
	readonly action: ContainerAction;
	readonly kind: ContainerOperationKind;
	readonly change: Updateable<ContainerTable>;
	readonly args?: OperationArgs;
}

/** What users do with containers. What is only looked at or streamed is in ContainerLooks. */
export class Containers extends ContainerLooks implements ContainerControl {
	readonly #deps: Deps;
	readonly #networks: SandboxNetworks;
	readonly #reads: ReadCache<readonly ContainerView[]>;

	/** `uploads` = where commits go that name no registry; missing = they stay on the host. */
	constructor(deps: Deps, uploads?: ImageUploads) {
		super(deps, uploads);
		this.#deps = deps;
		this.#networks = new SandboxNetworks(deps);
		this.#reads = new ReadCache({
			version: () => deps.store.version(),
			weigh: (views) => 1 + views.length,
			capacity: deps.options.maxKeptViews,
		});
		deps.store.onCommit(() => this.#reads.clear());
	}

	async create(principal: Principal, input: CreateContainer, idempotency?: Idempotency): Promise<ContainerView> {
		const row = await createOnce(this.#deps, principal, idempotency, {
			kind: 'container',
			wish: input,
			prepare: () => prepareContainer(this.#deps, principal, input),
			earlier: (tx, id) => this.#row(tx, id),
			write: (tx, wish) => writeContainer(this.#deps, tx, principal, wish),
		});
		await this.#wake(row);
		return await this.#view(row);
	}

	async list(principal: Principal, query: ListQuery): Promise<readonly ContainerView[]> {
		const limit = Math.min(query.limit, this.#deps.options.maxLimit);
		return await this.#read(readKey(principal, { ...query, limit }), async () => {
			const db = this.#deps.store.db;
			// Members of capsules are listed only by their sandbox, as in Zun they are not seen here at all.
			const filters = query.filters['sandbox_id'] === undefined ? { ...query.filters, kind: 'container' } : query.filters;
			const ids = await page(db, 'container', principal, { ...query, limit, filters }, { sortable, filterable });
			if (ids.length === 0) return [];
			const rows = await db.selectFrom('container').selectAll().where('id', 'in', idList(ids)).execute();
			return await containerViews(this.#deps, db, inOrder(ids, rows), this.#deps.now());
		});
	}

	async show(principal: Principal, ref: string): Promise<ContainerView> {
		const [view] = await this.#read(readKey(principal, ref), async () => [
			await this.#view(await findContainer(this.#deps.store.db, principal, ref)),
		]);
		if (view === undefined) throw fail('container-not-found', `Container ${ref} could not be found.`);
		return view;
	}

	async update(principal: Principal, ref: string, input: UpdateContainer): Promise<ContainerView> {
		const id = await this.#deps.store.transaction(async (tx) => {
			const row = await this.#find(tx, principal, ref, 'update');
			const change: Updateable<ContainerTable> = {};
			if (input.name !== undefined) {
				if (input.name === row.name) throw fail('conflict', `Container ${row.id} is named ${input.name} already.`);
				if (this.#deps.options.uniqueContainerNames) await checkNameIsFree(tx, row.project_id, input.name);
				change.name = input.name;
			}
			if (input.autoHeal !== undefined) change.auto_heal = input.autoHeal ? 1 : 0;
			if (input.cpu !== undefined) change.cpu = input.cpu;
			if (input.memory !== undefined) change.memory = input.memory;
			if (input.labels !== undefined) change.labels = JSON.stringify(input.labels);
			if (input.environment !== undefined) change.environment = JSON.stringify(input.environment);
			if (input.restartPolicy !== undefined) {
				if (row.kind !== 'container') throw fail('invalid', 'The restart policy of a member is that of its capsule.');
				change.restart_policy = JSON.stringify(input.restartPolicy);
			}
			if (input.labels !== undefined || input.restartPolicy !== undefined) await touchSandbox(tx, row.sandbox_id);
			await changeContainer(tx, row, change, this.#deps.now());
			if (input.cpu !== undefined || input.memory !== undefined) {
				const size = await sandboxSize(tx, row.sandbox_id);
				if (!(await this.#deps.placement.resize(tx, row.sandbox_id, size))) {
					throw fail('conflict', `The host of container ${row.id} has no room for ${size.cpu} cores and ${size.memoryMib} MiB.`);
				}
				await this.#deps.quotas.check(tx, row.project_id, ['cpu', 'memory']);
				await this.#ask(tx, principal, row, { action: 'update', kind: 'update', change: {} });
			}
			return row.id;
		});
		const row = await this.#row(this.#deps.store.db, id);
		await this.#wake(row);
		return await this.#view(row);
	}

	async delete(
		principal: Principal,
		ref: string,
		options: { readonly force: boolean; readonly stop: boolean; readonly allProjects: boolean },
	): Promise<void> {
		const action = options.force ? 'delete_force' : options.stop ? 'delete_after_stop' : 'delete';
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await this.#find(tx, principal, ref, action);
			await askContainerDelete(this.#deps, tx, principal, found, options.stop && !options.force);
			failPoint('control.delete-container.before-commit');
			return found;
		});
		failPoint('control.delete-container.committed');
		await this.#wake(row);
	}

	async start(principal: Principal, ref: string): Promise<void> {
		await this.#act(principal, ref, {
			action: 'start',
			kind: 'start',
			change: { desired_status: 'Running', task_state: 'container_starting' },
		});
	}

	async stop(principal: Principal, ref: string, options: { readonly timeout: number | null }): Promise<void> {
		const change = { desired_status: 'Stopped', task_state: 'container_stopping' };
		await this.#act(principal, ref, { action: 'stop', kind: 'stop', change, args: { timeout: options.timeout } });
	}

	async reboot(principal: Principal, ref: string, options: { readonly timeout: number | null }): Promise<void> {
		const change = { desired_status: 'Running', task_state: 'container_rebooting', status: 'Restarting' };
		await this.#act(principal, ref, { action: 'reboot', kind: 'reboot', change, args: { timeout: options.timeout } });
	}

	async pause(principal: Principal, ref: string): Promise<void> {
		await this.#act(principal, ref, {
			action: 'pause',
			kind: 'pause',
			change: { desired_status: 'Paused', task_state: 'container_pausing' },
		});
	}

	async unpause(principal: Principal, ref: string): Promise<void> {
		const change = { desired_status: 'Running', task_state: 'container_unpausing' };
		await this.#act(principal, ref, { action: 'unpause', kind: 'unpause', change });
	}

	async kill(principal: Principal, ref: string, options: { readonly signal: string | null }): Promise<void> {
		const signal = signalName(options.signal ?? 'KILL');
		if (signal === null) throw fail('invalid-value', `There is no signal ${options.signal}: use a name such as SIGHUP, or a number.`);
		const change = { task_state: 'container_killing', ...(signal === 'SIGKILL' ? { desired_status: 'Stopped' } : {}) };
		await this.#act(principal, ref, { action: 'kill', kind: 'kill', change, args: { signal } });
	}

	async rebuild(
		principal: Principal,
		ref: string,
		options: { readonly image: string | null; readonly imageDriver: string | null },
	): Promise<void> {
		const known = await findContainer(this.#deps.store.db, principal, ref);
		const wanted = await prepareRebuild(this.#deps, principal, known, options);
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await this.#find(tx, principal, ref, 'rebuild');
			// What was found is of the image that it had then.
			if (isOtherImage(known, found)) throw fail('conflict', `Container ${found.id} is being rebuilt: try again.`);
			const wasRunning = found.status === 'Running' || found.desired_status === 'Running';
			await this.#ask(tx, principal, found, {
				action: 'rebuild',
				kind: 'rebuild',
				args: { wasRunning, previous: { image: found.image, imageDriver: found.image_driver, imageSource: imageSourceOf(found) } },
				change: {
					...wanted,
					revision: found.revision + 1,
					status: 'Rebuilding',
					task_state: 'container_rebuilding',
					desired_status: wasRunning ? 'Running' : 'Created',
					image_command: null,
					image_entrypoint: null,
					image_workdir: null,
				},
			});
			failPoint('control.rebuild-container.before-commit');
			return found;
		});
		failPoint('control.rebuild-container.committed');
		await this.#wake(row);
	}

	async networkAttach(principal: Principal, ref: string, net: RequestedNet): Promise<void> {
		await this.#networks.attach(principal, this.#target(principal, ref, null), net);
	}

	async networkDetach(principal: Principal, ref: string, what: AttachedNet): Promise<void> {
		await this.#networks.detach(principal, this.#target(principal, ref, null), what);
	}

	async addSecurityGroup(principal: Principal, ref: string, group: string): Promise<void> {
		await this.#networks.addGroup(principal, this.#target(principal, ref, 'add_security_group'), group);
	}

	async removeSecurityGroup(principal: Principal, ref: string, group: string): Promise<void> {
		await this.#networks.removeGroup(principal, this.#target(principal, ref, 'remove_security_group'), group);
	}

	async operations(principal: Principal, ref: string): Promise<readonly Operation[]> {
		return await this.#history(principal, ref, null);
	}

	async operation(principal: Principal, ref: string, requestId: string): Promise<Operation> {
		const [operation] = await this.#history(principal, ref, requestId);
		if (operation === undefined)
			throw fail('resource-not-found', `Action for request_id ${requestId} on container ${ref} could not be found.`);
		return operation;
	}

	async wait(principal: Principal, ref: string, status: string, timeout: number, signal: AbortSignal): Promise<ContainerView> {
		const { id } = await findContainer(this.#deps.store.db, principal, ref);
		return await waitFor(this.#deps, () => this.show(principal, id), id, status, timeout, signal);
	}

	/** History outlives the container: by its id it is found for as long as it is kept. */
	async #history(principal: Principal, ref: string, requestId: string | null): Promise<readonly Operation[]> {
		const db = this.#deps.store.db;
		const live = await findContainer(db, principal, ref).catch((error: unknown) => {
			if (error instanceof ZunboxError && error.code === 'container-not-found') return null;
			throw error;
		});
		let query = db
			.selectFrom('operation')
			.selectAll()
			.where('target', '=', 'container')
			.where('target_id', '=', live?.id ?? ref)
			.orderBy('seq', 'desc')
			.limit(this.#deps.options.maxLimit);
		if (live === null && !principal.roles.includes('admin')) query = query.where('project_id', '=', principal.projectId);
		if (requestId !== null) query = query.where('request_id', '=', requestId);
		const rows = await query.execute();
		if (live === null && rows.length === 0) throw fail('container-not-found', `Container ${ref} could not be found.`);
		return rows.map(toOperation);
	}

	async #act(principal: Principal, ref: string, ask: Ask): Promise<void> {
		const row = await this.#deps.store.transaction(async (tx) => {
			const found = await this.#find(tx, principal, ref, ask.action);
			const sandbox = await findSandbox(tx, principal, found.sandbox_id);
			if (ask.change.desired_status === 'Running' && sandbox.desired_status !== 'Running') {
				throw fail(
					'invalid-state-exception',
					`Cannot ${ask.action} container ${found.id}: its sandbox ${sandbox.id} is in ${sandbox.status} state`,
				);
			}
			await this.#ask(tx, principal, found, ask);
			failPoint(`control.${ask.kind}-container.before-commit`);
			return found;
		});
		failPoint(`control.${ask.kind}-container.committed`);
		await this.#wake(row);
	}

	/** Its sandbox is what changes; null = that is legal in every status of the container. */
	#target(principal: Principal, ref: string, action: ContainerAction | null): FindTarget {
		return async (db) => {
			const row = action === null ? await findContainer(db, principal, ref) : await this.#find(db, principal, ref, action);
			return { target: 'container', targetId: row.id, sandboxId: row.sandbox_id, projectId: row.project_id };
		};
	}

	async #ask(tx: StoreTransaction, principal: Principal, row: ContainerRow, ask: Ask): Promise<void> {
		const sandbox = await sandboxRow(tx, row.sandbox_id);
		// Nobody would ever carry it out.
		if (sandbox === undefined || (sandbox.host === null && !isPending(sandbox)))
			throw fail('conflict', `Container ${row.id} has no host: ${row.status_reason ?? 'it was never placed'}`);
		await requireRoomInQueue(tx, 'container', row.id);
		const operation = { ...subject(principal, row), kind: ask.kind, args: ask.args ?? {}, host: sandbox.host };
		await insertOperation(tx, operation, this.#deps.now());
		await changeContainer(tx, row, ask.change, this.#deps.now());
		await touchSandbox(tx, row.sandbox_id);
	}

	async #find(db: Queryable, principal: Principal, ref: string, action: ContainerAction): Promise<ContainerRow> {
		const row = await findContainer(db, principal, ref);
		checkContainerAction(action, toContainer(row));
		checkMemberAction(action, row);
		return row;
	}

	async #row(db: Deps['store']['db'], id: string): Promise<ContainerRow> {
		const row = await containerRow(db, id);
		if (row === undefined) throw fail('container-not-found', `Container ${id} could not be found.`);
		return row;
	}

	async #wake(row: ContainerRow): Promise<void> {
		const sandbox = await sandboxRow(this.#deps.store.db, row.sandbox_id);
		if (sandbox?.host) this.#deps.bus.wake(sandbox.host, sandbox.id);
	}

	/** A read of what was last committed; how long things have been as they are is told as of now. */
	#read(key: string, read: () => Promise<readonly ContainerView[]>): Promise<readonly ContainerView[]> {
		return this.#reads.get(key, read, (views) => upToDate(views, this.#deps.now()));
	}

	async #view(row: ContainerRow): Promise<ContainerView> {
		const [view] = await containerViews(this.#deps, this.#deps.store.db, [row], this.#deps.now());
		if (view === undefined) throw fail('container-not-found', `Container ${row.id} could not be found.`);
		return view;
	}
}

function subject(principal: Principal, row: ContainerRow) {
	return {
		requestId: principal.requestId,
		projectId: row.project_id,
		userId: principal.userId,
		target: 'container',
		targetId: row.id,
		sandboxId: row.sandbox_id,
	} as const;
}
