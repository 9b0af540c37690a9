/** What a host has, as its agent found it. Sizes in MiB and GiB as named. */
export interface HostFacts {
	readonly hostname: string;
	readonly cpus: number;
	readonly memoryMib: number;
	readonly diskGib: number;
	readonly diskQuotaSupported: boolean;
	readonly architecture: string;
	readonly osType: string;
	readonly os: string;
	readonly kernelVersion: string;
	readonly driver: string;
	readonly driverVersion: string;
	readonly runtimes: readonly string[];
	readonly defaultRuntime: string;
	readonly labels: Readonly<Record<string, string>>;
}

/** A machine with an agent. */
export interface Host extends HostFacts {
	readonly id: string;
	readonly availabilityZone: string;
	/** Takes no new sandboxes when true. */
	readonly disabled: boolean;
	readonly disabledReason: string | null;
	/** Declared dead by an administrator. */
	readonly forcedDown: boolean;
	/** Last heartbeat, ms since the epoch. */
	readonly lastSeenAt: number | null;
	readonly reportCount: number;
	readonly createdAt: number;
	readonly updatedAt: number;
}

/** Heartbeats older than this mean that the host is down, in ms. Zun's default is 180 s. */
export const defaultHostDownAfter = 60_000;

/** Whether the host is taken to be alive at `now`. */
export function isHostUp(host: Pick<Host, 'lastSeenAt' | 'forcedDown'>, now: number, downAfter: number): boolean {
	return !host.forcedDown && host.lastSeenAt !== null && now - host.lastSeenAt <= downAfter;
}
