import { fail } from '../model/errors.ts';
import type { NetworkOperationKind, Operation } from '../model/operation.ts';
import type { Principal } from '../model/principal.ts';
import type { RequestedNet } from '../providers/network/network-provider.ts';
import { insertOperation } from '../store/operations.ts';
import { sandboxRow, touchSandbox } from '../store/sandboxes.ts';
import type { Queryable, StoreTransaction } from '../store/store.ts';
import type { Deps } from './deps.ts';
import { requireRoomInQueue } from './queue.ts';
import { keepDelegation } from './servers/delegation.ts';
import { prepareGroup, prepareIds, prepareNet } from './servers/prepare.ts';
import { isPending } from './servers/record.ts';

/** What a change of a sandbox's networks is asked of: the sandbox itself, or a container in it. */
export type NetworkTarget = Pick<Operation, 'target' | 'targetId' | 'sandboxId' | 'projectId'>;

/** Finds the target, before the transaction and again in it. Throws where the principal may not, or it is not legal now. */
export type FindTarget = (db: Queryable) => Promise<NetworkTarget>;

/** The network or the port that is meant: one of them. */
export interface AttachedNet {
	readonly network?: string;
	readonly port?: string;
}

/** What sandboxes are attached to, changed while they are there. */
export class SandboxNetworks {
	readonly #deps: Deps;

	constructor(deps: Deps) {
		this.#deps = deps;
	}

	/** Neither network nor port = the default network. */
	async attach(principal: Principal, find: FindTarget, net: RequestedNet): Promise<void> {
		const { compute, network, quotas } = this.#deps;
		const found = await this.#prepared(find, () => prepareNet(this.#deps, principal, net), net);
		await this.#change(principal, find, 'network_attach', async (tx, { sandboxId, projectId }) => {
			const sandbox = await sandboxRow(tx, sandboxId);
			// The port would be of nobody: nothing takes it away again.
			if (sandbox === undefined || (sandbox.host === null && !isPending(sandbox)))
				throw fail('conflict', `Sandbox ${sandboxId} has no host: ${sandbox?.status_reason ?? 'it was never placed'}`);
			await network.attach(tx, principal, { id: sandboxId, host: sandbox.host, projectId }, [found], null);
			if (compute !== undefined) await keepDelegation(compute, tx, sandboxId, principal);
			await quotas.check(tx, projectId, ['ports']);
		});
	}

	async detach(principal: Principal, find: FindTarget, what: AttachedNet): Promise<void> {
		const found = await this.#prepared(find, () => prepareIds(this.#deps, principal, what), what);
		await this.#change(principal, find, 'network_detach', (tx, { sandboxId }) =>
			this.#deps.network.detach(tx, principal, sandboxId, found),
		);
	}

	async addGroup(principal: Principal, find: FindTarget, group: string): Promise<void> {
		const found = await this.#prepared(find, () => prepareGroup(this.#deps, principal, group), group);
		await this.#change(principal, find, 'add_security_group', (tx, { sandboxId }) =>
			this.#deps.network.addSecurityGroup(tx, principal, sandboxId, found),
		);
	}

	async removeGroup(principal: Principal, find: FindTarget, group: string): Promise<void> {
		const found = await this.#prepared(find, () => prepareGroup(this.#deps, principal, group), group);
		await this.#change(principal, find, 'remove_security_group', (tx, { sandboxId }) =>
			this.#deps.network.removeSecurityGroup(tx, principal, sandboxId, found),
		);
	}

	/** What a request names of other services, found before its transaction, for somebody who may see the target at all. */
	async #prepared<T>(find: FindTarget, prepare: () => Promise<T>, asked: T): Promise<T> {
		if (this.#deps.network.resolver === undefined) return asked;
		await find(this.#deps.store.db);
		return await prepare();
	}

	/**
	 * A change of what the sandbox owns. Where control makes it itself, its operation is recorded as done at once; a network
	 * service outside is told by the provisioner, which ends the operation.
	 */
	async #change(
		principal: Principal,
		find: FindTarget,
		kind: NetworkOperationKind,
		change: (tx: StoreTransaction, target: NetworkTarget) => Promise<unknown>,
	): Promise<void> {
		const { store, compute, bus, now } = this.#deps;
		const { sandboxId } = await store.transaction(async (tx) => {
			const target = await find(tx);
			await requireRoomInQueue(tx, target.target, target.targetId);
			await change(tx, target);
			await touchSandbox(tx, target.sandboxId);
			const asker = { requestId: principal.requestId, userId: principal.userId };
			const outcome = compute === undefined ? { outcome: { error: null } } : {};
			await insertOperation(tx, { ...asker, ...target, kind, host: null, ...outcome }, now());
			return target;
		});
		const sandbox = await sandboxRow(store.db, sandboxId);
		if (!sandbox?.host) return;
		bus.wake(sandbox.host, sandbox.id);
		bus.wake(sandbox.host, null);
	}
}
