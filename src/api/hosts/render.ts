import { agentBinary, type HostView } from '../../control/hosts.ts';
import { type LinkBase, resourceLinks } from '../http/links.ts';
import { zunActionTime } from '../parse/time.ts';

/** A host as Zun shows it, and its zone and driver. */
export function renderHost(host: HostView, base: LinkBase) {
	return {
		uuid: host.id,
		links: resourceLinks(base, 'hosts', host.id),
		hostname: host.hostname,
		mem_total: host.memoryMib,
		mem_used: host.memoryUsed,
		cpus: host.cpus,
		cpu_used: rounded(host.cpuUsed),
		disk_total: host.diskGib,
		disk_used: host.diskUsed,
		disk_quota_supported: host.diskQuotaSupported,
		total_containers: host.totalContainers,
		architecture: host.architecture,
		os_type: host.osType,
		os: host.os,
		kernel_version: host.kernelVersion,
		labels: host.labels,
		runtimes: host.runtimes,
		enable_cpu_pinning: false,
		availability_zone: host.availabilityZone,
		driver: host.driver,
		driver_version: host.driverVersion,
	};
}

/** The agent of a host as Zun's service. */
export function renderService(host: HostView) {
	return {
		id: serviceId(host.id),
		host: host.hostname,
		binary: agentBinary,
		state: host.up ? 'up' : 'down',
		disabled: host.disabled,
		disabled_reason: host.disabledReason,
		forced_down: host.forcedDown,
		report_count: host.reportCount,
		last_seen_up: host.lastSeenAt === null ? null : zunActionTime(host.lastSeenAt),
		created_at: zunActionTime(host.createdAt),
		updated_at: zunActionTime(host.updatedAt),
		availability_zone: host.availabilityZone,
	};
}

/** Zun numbers its services; ours bear ids, so the number is made of the id: it stays the same. */
function serviceId(hostId: string): number {
	return Number.parseInt(hostId.slice(0, 8), 16);
}

/** Without the traces of binary fractions. */
function rounded(value: number): number {
	return Math.round(value * 1e6) / 1e6;
}
