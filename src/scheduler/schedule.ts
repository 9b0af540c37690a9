import { filters } from './filters.ts';
import type { HostState, Request } from './host-state.ts';

/** `spread` prefers the emptiest host, `pack` the fullest that still has room. */
export type Strategy = 'spread' | 'pack';

export type Choice = { readonly host: HostState } | { readonly host: null; readonly reason: string };

/** A wish that the hints express outweighs any difference in load. */
const wishWeight = 10;

/** Chooses a host: a pure function of what is known. Of equals, the first in the order given. */
export function schedule(hosts: readonly HostState[], request: Request, strategy: Strategy): Choice {
	const removed = new Array<number>(filters.length).fill(0);
	let best: HostState | null = null;
	let bestWeight = Number.NEGATIVE_INFINITY;
	for (const host of hosts) {
		const failed = firstFailed(host, request);
		if (failed >= 0) {
			removed[failed] = (removed[failed] ?? 0) + 1;
			continue;
		}
		const weight = weigh(host, request, strategy);
		if (weight > bestWeight) {
			best = host;
			bestWeight = weight;
		}
	}
	return best === null ? { host: null, reason: explain(hosts.length, removed) } : { host: best };
}

function firstFailed(host: HostState, request: Request): number {
	for (let index = 0; index < filters.length; index += 1) {
		if (filters[index]?.passes(host, request) === false) return index;
	}
	return -1;
}

function weigh(host: HostState, request: Request, strategy: Strategy): number {
	const free = (share(host.claimed.cpu, host.capacity.cpu) + share(host.claimed.memoryMib, host.capacity.memoryMib)) / 2;
	let weight = strategy === 'spread' ? free : 1 - free;
	if (request.preferSameHost?.has(host.hostname)) weight += wishWeight;
	if (request.preferDifferentHost?.has(host.hostname)) weight -= wishWeight;
	return weight;
}

/** The share that is still free, 0 to 1. */
function share(claimed: number, capacity: number): number {
	return capacity <= 0 ? 0 : 1 - claimed / capacity;
}

/** Zun's sentence, and behind it which filter took out how many. */
function explain(total: number, removed: readonly number[]): string {
	const parts = filters.flatMap((filter, index) => {
		const count = removed[index] ?? 0;
		return count === 0 ? [] : `${count} ${filter.name}`;
	});
	const detail = total === 0 ? 'No host has registered.' : `Of ${total} hosts, ${parts.join(', ')}.`;
	return `There are not enough hosts available. ${detail}`;
}
