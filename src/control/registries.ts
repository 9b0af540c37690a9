import type { Principal } from '../model/principal.ts';
import type { RegistryAuth } from '../model/spec.ts';
import type { Queryable } from '../store/store.ts';

/** Credentials of private registries. */
export interface Registries {
	/** Id of the registry by id or name; throws registry-not-found, conflict. */
	find(db: Queryable, principal: Principal, ref: string): Promise<string>;
	/** Decrypted, for the agent that pulls. */
	auth(db: Queryable, registryId: string): Promise<RegistryAuth | null>;
}
