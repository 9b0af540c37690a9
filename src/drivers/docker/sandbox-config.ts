import type { SandboxSettings } from '../driver.ts';
import { cpuPeriod, type GroupLimits } from './cgroup/layout.ts';
import { number } from './engine/json.ts';
import { createdLimits, leastMemory, unlimitedMemory } from './engine-limits.ts';
import { labels } from './names.ts';

/**
 * The engine's form of a namespace holder. It runs nothing but `pause`: no capability, no user, nothing to write to, no
 * network of the engine's. Its hosts and resolv.conf become those of all containers that join its network: the engine
 * gives them the holder's own. The agent must rewrite these files in place, since a mount is of the file, not its name.
 */
export function sandboxConfig(settings: SandboxSettings, owner: string, image: string, cgroupParent: string): unknown {
	const files = [
		[settings.hostsFile, '/etc/hosts'],
		[settings.resolvFile, '/etc/resolv.conf'],
	] as const;
	return {
		Image: image,
		Hostname: settings.hostname,
		User: '65535:65535',
		StopSignal: 'SIGTERM',
		// The engine's own way to an empty network takes it 80 ms and switches IPv6 off. Without it the runtime makes the
		// namespace; but then the engine makes no hosts and resolv.conf either.
		NetworkDisabled: settings.hostsFile !== null && settings.resolvFile !== null,
		Labels: {
			[labels.owner]: owner,
			[labels.kind]: 'sandbox',
			[labels.sandbox]: settings.id,
			[labels.container]: '',
			[labels.name]: settings.name,
			[labels.revision]: '',
			[labels.hostname]: '',
			[labels.ports]: '',
		},
		HostConfig: {
			NetworkMode: 'none',
			IpcMode: settings.ipc ? 'shareable' : 'private',
			CgroupParent: cgroupParent,
			CapDrop: ['ALL'],
			ReadonlyRootfs: true,
			SecurityOpt: ['no-new-privileges'],
			RestartPolicy: { Name: 'no' },
			LogConfig: { Type: 'none', Config: {} },
			// The record of the sandbox's limits: they are set on the group above it, which the engine keeps no note of.
			...createdLimits(holderLimits(settings)),
			...(settings.runtime === null ? {} : { Runtime: settings.runtime }),
			Mounts: files.flatMap(([source, target]) =>
				source === null ? [] : [{ Type: 'bind', Source: source, Target: target, ReadOnly: false }],
			),
		},
	};
}

/** The sandbox's limits as the holder's own. It needs next to nothing of them, and there they outlive the host's reboot. */
export function holderLimits({ cpu, memory }: GroupLimits): { cpu: number | null; memory: number | null; pids: null } {
	return { cpu, memory: memory === null ? null : Math.max(leastMemory, memory), pids: null };
}

/** The sandbox's limits from the engine's description of its holder. */
export function recordedLimits(inspected: unknown): GroupLimits {
	const quota = number(inspected, 'HostConfig', 'CpuQuota');
	const memory = number(inspected, 'HostConfig', 'Memory');
	return {
		cpu: quota > 0 ? quota / cpuPeriod : null,
		memory: memory > 0 && memory < unlimitedMemory ? Math.floor(memory / 1024 / 1024) : null,
	};
}
