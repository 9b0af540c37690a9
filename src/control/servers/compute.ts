import type { ComputeProvider } from '../../providers/compute/compute-provider.ts';
import type { PortService } from '../../providers/network/port-service.ts';
import type { VolumeService } from '../../providers/volume/volume-service.ts';

/** Where sandboxes are servers of a compute service, with ports of a network service outside. */
export interface Compute {
	readonly provider: ComputeProvider;
	readonly ports: PortService;
	/** Missing = volumes are the hosts' own. */
	readonly volumes?: VolumeService;
	/** Seals the tokens of users in whose name something is still to be made. */
	readonly sealer: Sealer;
	readonly options: ComputeOptions;
}

export interface Sealer {
	seal(secret: string, rowId: string): string;
	/** Throws when it is not what was sealed. */
	unseal(sealed: string, rowId: string): string;
}

/** Times in ms. */
export interface ComputeOptions {
	/** Sandboxes that are worked on at the same time. */
	readonly atOnce: number;
	/** Limit of one call of another service. */
	readonly callTimeout: number;
	/** Between two lists of the servers that changed, and between two of all. */
	readonly pollInterval: number;
	readonly fullPollInterval: number;
	/** First and longest pause between two looks at a server of which something is awaited. */
	readonly firstLook: number;
	readonly longestLook: number;
	/** First and longest pause after a failure that may pass. */
	readonly firstRetry: number;
	readonly longestRetry: number;
	/** How long the making of a sandbox is tried. */
	readonly makingDeadline: number;
}

export const defaultComputeOptions: ComputeOptions = {
	atOnce: 8,
	callTimeout: 150_000,
	pollInterval: 5_000,
	fullPollInterval: 900_000,
	firstLook: 250,
	longestLook: 1_000,
	firstRetry: 1_000,
	longestRetry: 20_000,
	makingDeadline: 3_600_000,
};
