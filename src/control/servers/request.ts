import type { ServerChoice } from '../../providers/compute/compute-provider.ts';
import { fromJson } from '../../store/json.ts';

/** What a server for a sandbox is to be, as it was found before the sandbox was written. */
export interface ServerRequest extends ServerChoice {
	/** As the compute service reads it; null = any. */
	readonly availabilityZone: string | null;
	readonly hints: Readonly<Record<string, unknown>>;
	/** `req-<uuid>` of the request. */
	readonly requestId: string;
}

/** The same of a server that somebody else made. */
export function adoptedRequest(vcpus: number, memoryMib: number, diskGib: number, requestId: string): ServerRequest {
	return { flavorId: '', imageId: '', vcpus, memoryMib, diskGib, availabilityZone: null, hints: {}, requestId };
}

export function requestOf(row: { readonly request: string }): ServerRequest {
	return fromJson(row.request);
}

/** What of a port is chosen. */
export interface WantedPort {
	readonly addresses: readonly string[];
	readonly macAddress: string | null;
}
