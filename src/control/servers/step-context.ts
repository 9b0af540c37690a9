import type { Delegation } from '../../providers/delegation.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import type { ServerRow } from '../../store/servers.ts';
import type { Deps } from '../deps.ts';
import type { Compute } from './compute.ts';
import { openDelegation } from './delegation.ts';
import type { ServerSight } from './sight.ts';

/** What a step is carried out with. */
export interface StepContext {
	readonly deps: Deps;
	readonly compute: Compute;
	readonly sight: ServerSight;
	/** How often the same step was left to be looked at again; 0 = the first time. */
	readonly looks: number;
	/** Aborted when the service stops or the time for a call is up. */
	readonly signal: AbortSignal;
}

/** ms until the same is looked at again; 0 = it is done. */
export type StepResult = number;

export const done: StepResult = 0;

/** When to look again at what another service is busy with: soon at first. */
export function lookAgain({ compute, looks }: Pick<StepContext, 'compute' | 'looks'>): StepResult {
	const { firstLook, longestLook } = compute.options;
	return Math.min(longestLook, firstLook * (looks + 1));
}

/** In whose name something is made. */
export function userOf(compute: Compute, server: ServerRow): Delegation {
	const user = openDelegation(compute.sealer, server);
	if (user === null) throw new ProviderError('unauthorized', 'The token that it was asked for with is not there any more.');
	return user;
}

/** The server's id, where a step needs one. */
export function serverIdOf({ server }: ServerSight): string {
	if (server.server_id === null) throw new Error(`sandbox ${server.sandbox_id} has no server yet`);
	return server.server_id;
}
