import { fail } from '../../model/errors.ts';

/**
 * Links to two-way streams (attach, interactive execute), which run over a WebSocket. A link holds a token that is used
 * once, belongs to one container and ends after a minute.
 */
export interface StreamLinks {
	attach(containerId: string): Promise<string>;
}

/** Stands in until streams are served: says so. */
export function streamsNotServed(what: string): never {
	throw fail('not-implemented', `${what} is not served by this version of the service.`);
}
