import type { Principal } from '../model/principal.ts';
import type { RegistryAuth } from '../model/spec.ts';
import type { Queryable } from '../store/store.ts';

/** Credentials of private registries. */
export interface Registries {
	/** The registry by id or name; throws registry-not-found, conflict. */
	find(db: Queryable, principal: Principal, ref: string): Promise<{ readonly id: string; readonly domain: string }>;
	/** Decrypted, for the agent that pulls; null for a registry that is gone, or that needs no login. */
	auth(db: Queryable, registryId: string): Promise<RegistryAuth | null>;
}
