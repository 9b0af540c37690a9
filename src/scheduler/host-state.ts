/** A host as the scheduler sees it: what it has, what is claimed of it, and which sandboxes it holds. */
export interface HostState {
	readonly hostname: string;
	readonly up: boolean;
	readonly disabled: boolean;
	readonly availabilityZone: string;
	readonly driver: string;
	readonly runtimes: readonly string[];
	readonly labels: Readonly<Record<string, string>>;
	/** What may be claimed in all, over-commit included. */
	readonly capacity: Size;
	readonly claimed: Size;
}

/** Cores, MiB and GiB. */
export interface Size {
	readonly cpu: number;
	readonly memoryMib: number;
	readonly diskGib: number;
}

/** What is to be placed. */
export interface Request extends Size {
	readonly driver: string;
	/** null = any. */
	readonly runtime: string | null;
	readonly availabilityZone: string | null;
	readonly host: string | null;
	readonly excludedHosts: ReadonlySet<string>;
	/** Labels that the host must carry. */
	readonly labels: readonly (readonly [key: string, value: string])[];
	/** Hosts of the sandboxes named by the hints; null = no such hint. */
	readonly sameHost: ReadonlySet<string> | null;
	readonly differentHost: ReadonlySet<string> | null;
	readonly preferSameHost: ReadonlySet<string> | null;
	readonly preferDifferentHost: ReadonlySet<string> | null;
}
