import type { SandboxSettings } from '../driver.ts';
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
			...holderLimits(settings),
			...(settings.runtime === null ? {} : { Runtime: settings.runtime }),
			Mounts: files.flatMap(([source, target]) =>
				source === null ? [] : [{ Type: 'bind', Source: source, Target: target, ReadOnly: false }],
			),
		},
	};
}

/** The engine refuses less memory for a container. */
const leastMemory = 6 * 1024 * 1024;

/** The sandbox's limits as the holder's own. It needs next to nothing of them, and they outlive the host's reboot there. */
export function holderLimits(limits: { readonly cpu: number | null; readonly memory: number | null }): Readonly<Record<string, number>> {
	const memory = limits.memory === null ? -1 : Math.max(leastMemory, limits.memory * 1024 * 1024);
	return {
		CpuPeriod: 100_000,
		CpuQuota: limits.cpu === null ? -1 : Math.max(1_000, Math.round(limits.cpu * 100_000)),
		Memory: memory,
		MemorySwap: memory,
	};
}
