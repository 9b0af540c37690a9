import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Principal, Role } from '../../../src/model/principal.ts';
import type { NetworkChange } from '../../../src/providers/network/embedded/change-notifier.ts';
import { type EmbeddedNetworkOptions, EmbeddedNetworkProvider } from '../../../src/providers/network/embedded/embedded-network-provider.ts';
import { insertSandbox } from '../../../src/store/sandboxes.ts';
import { Store, type StoreTransaction } from '../../../src/store/store.ts';
import { embeddedNetworkOptions } from '../../support/embedded-network.ts';

/** Somebody of the project; a new project where none is given. */
export function somebody(role: Role = 'member', projectId: string = randomUUID()): Principal {
	return { userId: randomUUID(), userName: 'u', projectId, projectName: `p-${projectId}`, roles: [role], requestId: `req-${randomUUID()}` };
}

/** A row for a sandbox, which ports need. */
export async function writeSandbox(
	tx: StoreTransaction,
	projectId: string,
	host: string | null,
	hostname = 'box',
): Promise<{ readonly id: string; readonly host: string | null; readonly projectId: string }> {
	const id = randomUUID();
	await insertSandbox(tx, {
		id,
		name: hostname,
		project_id: projectId,
		user_id: 'u',
		host,
		availability_zone: null,
		driver: 'fake',
		provider_ids: '{}',
		status: 'Running',
		status_reason: null,
		task_state: null,
		desired_status: 'Running',
		labels: '{}',
		hostname,
		cpu: null,
		memory: null,
		disk: null,
		namespaces: '{}',
		runtime: null,
		hints: '{}',
		created_by: 'user',
		expires_at: null,
		expires_remaining: null,
		created_at: Date.now(),
		updated_at: Date.now(),
		version: 1,
		spec_version: 1,
	});
	return { id, host, projectId };
}

export interface EmbeddedWorld {
	readonly store: Store;
	readonly provider: EmbeddedNetworkProvider;
	/** What the provider told, in its order. */
	readonly changes: NetworkChange[];
}

/** A database with an initialized provider, gone after the test. */
export async function embeddedWorld(context: TestContext, options: Partial<EmbeddedNetworkOptions> = {}): Promise<EmbeddedWorld> {
	const store = await Store.open({ path: ':memory:' });
	context.after(() => store.close());
	const changes: NetworkChange[] = [];
	const provider = new EmbeddedNetworkProvider(store, { ...embeddedNetworkOptions, ...options }, (change) => changes.push(change));
	await store.transaction((tx) => provider.initialize(tx));
	return { store, provider, changes };
}

/** The default network with this IPv4 block and no IPv6. */
export function smallDefault(cidr: string): Partial<EmbeddedNetworkOptions> {
	return { defaultNetwork: { ...embeddedNetworkOptions.defaultNetwork, cidr, cidr6: null } };
}
