import type { HostState, Request } from './host-state.ts';

/** Rounding of sums of fractions of cores must not cost a host its last core. */
const tolerance = 1e-9;

/**
 * What takes a host out of the choice, in the order of asking; the first that does is the one that is named. Each
 * name completes the sentence "<n> hosts …".
 */
export const filters: readonly { readonly name: string; readonly passes: (host: HostState, request: Request) => boolean }[] = [
	{ name: 'are not the requested host', passes: (host, request) => request.host === null || request.host === host.hostname },
	{ name: 'are down', passes: (host) => host.up },
	{ name: 'are disabled', passes: (host) => !host.disabled },
	{ name: 'refused it before', passes: (host, request) => !request.excludedHosts.has(host.hostname) },
	{
		name: 'are in another availability zone',
		passes: (host, request) => request.availabilityZone === null || request.availabilityZone === host.availabilityZone,
	},
	{ name: 'have another driver', passes: (host, request) => host.driver === request.driver },
	{ name: 'lack the runtime', passes: (host, request) => request.runtime === null || host.runtimes.includes(request.runtime) },
	{ name: 'lack a label', passes: (host, request) => request.labels.every(([key, value]) => host.labels[key] === value) },
	{
		name: 'hold none of the sandboxes of same_host',
		passes: (host, request) => request.sameHost === null || request.sameHost.has(host.hostname),
	},
	{
		name: 'hold a sandbox of different_host',
		passes: (host, request) => request.differentHost === null || !request.differentHost.has(host.hostname),
	},
	{ name: 'have too few cores left', passes: (host, request) => host.claimed.cpu + request.cpu <= host.capacity.cpu + tolerance },
	{ name: 'have too little memory left', passes: (host, request) => host.claimed.memoryMib + request.memoryMib <= host.capacity.memoryMib },
	{ name: 'have too little disk left', passes: (host, request) => host.claimed.diskGib + request.diskGib <= host.capacity.diskGib },
];
