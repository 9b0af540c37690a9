import type { Principal } from '../../model/principal.ts';
import type { Delegation } from '../delegation.ts';

/** What a volume service outside is asked to do for sandboxes. Each call fails with a ProviderError, or with the signal's reason. */
export interface VolumeService {
	/** The volume that a user means by an id or a name. Throws ZunboxError `volume-not-found`, `conflict` for a name of several. */
	resolve(principal: Principal, idOrName: string, signal: AbortSignal): Promise<VolumeFacts>;
	/** Begins to make a volume, in the user's name. Not to be repeated without looking with `find` first. */
	create(order: VolumeOrder, user: Delegation, signal: AbortSignal): Promise<VolumeFacts>;
	/** The volume of the project that was made under that key; null = there is none. */
	find(projectId: string, key: string, signal: AbortSignal): Promise<VolumeFacts | null>;
	/** null = there is none, or not any more. */
	volume(volumeId: string, signal: AbortSignal): Promise<VolumeFacts | null>;
	/** What is gone already is no error. It is not gone yet when this answers. `force` = also where its status is wrong. */
	remove(volumeId: string, force: boolean, signal: AbortSignal): Promise<void>;
}

export interface VolumeOrder {
	/** By which it is found again. */
	readonly key: string;
	readonly sandboxId: string;
	/** Empty = none was chosen. */
	readonly name: string;
	/** GiB. */
	readonly size: number;
}

/**
 * `making` and `changing` pass by themselves; `available` = nothing has it; `used` = something has it;
 * `deleting` = on its way out; `broken` = in error, and nothing has it.
 */
export type VolumeState = 'making' | 'available' | 'changing' | 'used' | 'deleting' | 'broken';

export interface VolumeFacts {
	readonly volumeId: string;
	readonly name: string;
	/** GiB. */
	readonly size: number;
	readonly state: VolumeState;
	/** The service's own word for it. */
	readonly status: string;
}

/** What a mount means there: a volume that is there, or one that is to be made of that many GiB. */
export type ResolvedVolume = { readonly kind: 'existing'; readonly volume: VolumeFacts } | { readonly kind: 'new'; readonly size: number };
