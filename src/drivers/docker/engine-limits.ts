import type { ContainerLimits } from '../driver.ts';
import { cpuPeriod, cpuQuota } from './cgroup/layout.ts';

type Limits = Pick<ContainerLimits, 'cpu' | 'memory' | 'pids'>;

const mebibyte = 1024 * 1024;

/**
 * Bytes that stand for "no limit" where there was one: the engine takes no other word for it in an update, since 0 means
 * "as it was" and it refuses -1.
 */
export const unlimitedMemory = 2 ** 50;

/** The engine's least limit of memory, in MiB. */
export const leastMemory = 6;

/** For the creation of a container. Memory and swap together are limited to the memory: swap never softens a limit. */
export function createdLimits({ cpu, memory, pids }: Limits): Readonly<Record<string, number>> {
	return {
		...(cpu === null ? {} : { CpuPeriod: cpuPeriod, CpuQuota: cpuQuota(cpu) }),
		...(memory === null ? {} : { Memory: memory * mebibyte, MemorySwap: memory * mebibyte }),
		...(pids === null ? {} : { PidsLimit: pids }),
	};
}

/** For a container that stands; what is null is lifted. */
export function updatedLimits({ cpu, memory, pids }: Limits): Readonly<Record<string, number>> {
	const bytes = memory === null ? unlimitedMemory : memory * mebibyte;
	return {
		CpuPeriod: cpuPeriod,
		CpuQuota: cpu === null ? -1 : cpuQuota(cpu),
		Memory: bytes,
		MemorySwap: bytes,
		PidsLimit: pids ?? -1,
	};
}
