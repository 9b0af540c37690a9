import { readFile } from 'node:fs/promises';

/** By their numbers, from 0. */
const names =
	'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'.split(
		' ',
	);

/** The engine's settings of a privileged container on this host. */
export async function privilegedSettings(): Promise<Readonly<Record<string, unknown>>> {
	const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
	const last = await readFile('/proc/sys/kernel/cap_last_cap', 'utf8').catch(() => '');
	return settingsFor(/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? null, Number(last));
}

/**
 * On a host that lacks a capability itself, such as one that is a container, the engine's own "privileged" cannot start
 * anything. There a privileged container is given what the host has: its capabilities and devices, without seccomp and
 * masked paths. `bounding` is the host's set as hexadecimal digits, null = not known.
 */
export function settingsFor(bounding: string | null, lastCapability: number): Readonly<Record<string, unknown>> {
	if (bounding === null || !Number.isInteger(lastCapability)) return { Privileged: true };
	const held = BigInt(`0x${bounding}`);
	const has = (capability: number): boolean => ((held >> BigInt(capability)) & 1n) === 1n;
	const missing = names.filter((_, capability) => capability <= lastCapability && !has(capability));
	if (missing.length === 0) return { Privileged: true };
	return {
		// Said so, since the engine refuses to add by name those that are newer than itself.
		CapAdd: ['ALL'],
		CapDrop: missing,
		SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined', 'label=disable'],
		MaskedPaths: [],
		ReadonlyPaths: [],
		Devices: [{ PathOnHost: '/dev', PathInContainer: '/dev', CgroupPermissions: 'rwm' }],
		DeviceCgroupRules: ['a *:* rwm'],
	};
}
