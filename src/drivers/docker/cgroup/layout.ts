/** How the engine lays out control groups: what its `/info` says. */
export interface CgroupLayout {
	/** `none` = the engine cannot use control groups at all. */
	readonly manager: 'cgroupfs' | 'systemd' | 'none';
	readonly version: 1 | 2;
}

/** Limits of a sandbox as a whole; null = none. Cores and MiB. */
export interface GroupLimits {
	readonly cpu: number | null;
	readonly memory: number | null;
}

export interface CgroupWrite {
	/** Folder below the mount for version 1; '' for version 2. */
	readonly controller: string;
	readonly file: string;
	readonly value: string;
	/** A file that some kernels do not have. */
	readonly optional: boolean;
}

export const cpuPeriod = 100_000;

/** µs of a period that the cores are; the kernel's least is 1,000. */
export function cpuQuota(cpu: number): number {
	return Math.max(1_000, Math.round(cpu * cpuPeriod));
}

/**
 * The parent of all control groups of a sandbox, in the form that the engine takes as CgroupParent: a path, or with
 * systemd the name of a slice (where a dash stands for a level of the tree, so that names must have none inside).
 */
export function parentName(layout: CgroupLayout, owner: string, sandboxId: string): string {
	const safe = (name: string): string => name.replace(/[^A-Za-z0-9_.-]/g, '_');
	if (layout.manager === 'none') return '';
	if (layout.manager === 'cgroupfs') return `/zunbox/${safe(owner)}/${safe(sandboxId)}`;
	const level = (name: string): string => safe(name).replace(/-/g, '');
	return `zunbox-${level(owner)}-${level(sandboxId)}.slice`;
}

/**
 * What to write into the parent's files, in this order. The limit of memory and swap is lifted first, since it can
 * never be below that of memory. A sandbox with a limit of memory gets no swap beyond it.
 */
export function limitWrites(version: 1 | 2, limits: GroupLimits): readonly CgroupWrite[] {
	const bytes = limits.memory === null ? null : limits.memory * 1024 * 1024;
	const quota = limits.cpu === null ? null : cpuQuota(limits.cpu);
	if (version === 2) {
		return [
			{ controller: '', file: 'cpu.max', value: `${quota ?? 'max'} ${cpuPeriod}`, optional: false },
			{ controller: '', file: 'memory.max', value: `${bytes ?? 'max'}`, optional: false },
			{ controller: '', file: 'memory.swap.max', value: bytes === null ? 'max' : '0', optional: true },
		];
	}
	return [
		{ controller: 'cpu', file: 'cpu.cfs_period_us', value: `${cpuPeriod}`, optional: false },
		{ controller: 'cpu', file: 'cpu.cfs_quota_us', value: `${quota ?? -1}`, optional: false },
		{ controller: 'memory', file: 'memory.use_hierarchy', value: '1', optional: true },
		{ controller: 'memory', file: 'memory.memsw.limit_in_bytes', value: '-1', optional: true },
		{ controller: 'memory', file: 'memory.limit_in_bytes', value: `${bytes ?? -1}`, optional: false },
		{ controller: 'memory', file: 'memory.memsw.limit_in_bytes', value: `${bytes ?? -1}`, optional: true },
	];
}

/** Properties of a slice, for `systemctl set-property`. */
export function sliceProperties(version: 1 | 2, limits: GroupLimits): readonly string[] {
	const cpu = limits.cpu === null ? '' : `${Math.max(1, Math.round(limits.cpu * 100))}%`;
	const memory = limits.memory === null ? 'infinity' : `${limits.memory}M`;
	if (version === 1) return [`CPUQuota=${cpu}`, `MemoryLimit=${memory}`];
	return [`CPUQuota=${cpu}`, `MemoryMax=${memory}`, `MemorySwapMax=${limits.memory === null ? 'infinity' : '0'}`];
}
