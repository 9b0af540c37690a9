import { type Check, failed, ok, warning } from './check.ts';
import type { Machine } from './machine.ts';

/**
 * What the kernel and the machine's programs must be able to do. Links and rules are tried in a network namespace of
 * their own, which is gone with the program that made it.
 */

/** Links and rules are tried as the agent uses them. */
const rules = `table inet zunbox_doctor {
	map by_link { type ifname : verdict; }
	chain forward { type filter hook forward priority filter; ct state established accept; iifname vmap @by_link; }
}
table ip zunbox_doctor_nat {
	chain out { type nat hook postrouting priority srcnat; masquerade; }
}
`;

export function rootCheck(machine: Machine): Check {
	return {
		name: 'root',
		advice: 'run it as root',
		look: async () =>
			machine.uid === 0
				? ok('runs as root')
				: failed('does not run as root', 'run zunbox doctor, and the service, as root: namespaces, links and mounts need it'),
	};
}

export function linkCheck(machine: Machine, kind: 'veth' | 'bridge'): Check {
	const peer = kind === 'veth' ? ['peer', 'name', 'zunbox-b'] : [];
	return {
		name: `kernel: ${kind}`,
		needs: ['root'],
		advice: `load the kernel module ${kind} (modprobe ${kind}), and install iproute2 and util-linux`,
		async look(signal) {
			await machine.run('unshare', ['--net', '--', 'ip', 'link', 'add', 'zunbox-a', 'type', kind, ...peer], '', signal);
			return ok('a link of this kind can be made');
		},
	};
}

export function nftablesCheck(machine: Machine): Check {
	return {
		name: 'kernel: nftables',
		needs: ['root'],
		advice: 'install nftables and load the kernel modules nf_tables, nf_conntrack and nft_masq',
		async look(signal) {
			await machine.run('unshare', ['--net', '--', 'nft', '-f', '-'], rules, signal);
			return ok('rules with maps, connection tracking and NAT can be made');
		},
	};
}

export function loopCheck(machine: Machine): Check {
	return {
		name: 'kernel: loop devices',
		needs: ['root'],
		advice: 'load the kernel module loop (modprobe loop); in a container, give it /dev/loop-control and the loop devices',
		async look(signal) {
			const device = (await machine.run('losetup', ['--find'], '', signal)).trim();
			return ok(`${device} is free`);
		},
	};
}

export function fileSystemCheck(machine: Machine): Check {
	return {
		name: 'kernel: ext4',
		advice: 'install e2fsprogs, and load the kernel module ext4 (modprobe ext4)',
		async look(signal) {
			await machine.run('mkfs.ext4', ['-V'], '', signal);
			const known = hasLine(await machine.read('/proc/filesystems'), 'ext4');
			return known ? ok('known, and mkfs.ext4 is there') : warning('not loaded', 'load it at boot: modprobe ext4');
		},
	};
}

export function overlayCheck(machine: Machine): Check {
	return {
		name: 'kernel: overlay',
		advice: 'load the kernel module overlay (modprobe overlay)',
		async look() {
			const known = hasLine(await machine.read('/proc/filesystems'), 'overlay');
			return known ? ok('known') : warning('not loaded', 'modprobe overlay; without it containers copy their whole image');
		},
	};
}

const controllers = ['cpu', 'memory', 'pids'] as const;

export function cgroupCheck(machine: Machine): Check {
	return {
		name: 'kernel: control groups',
		advice: 'boot with control groups: systemd.unified_cgroup_hierarchy=1',
		async look() {
			const unified = await machine.read('/sys/fs/cgroup/cgroup.controllers');
			const there = unified === null ? controllersOfOld(await machine.read('/proc/cgroups')) : unified.trim().split(/\s+/);
			const missing = controllers.filter((name) => !there.includes(name));
			const version = unified === null ? 'version 1' : 'version 2';
			if (missing.length === 0) return ok(`${version}, with ${controllers.join(', ')}`);
			return failed(`${version}, without ${missing.join(', ')}`, `enable ${missing.join(', ')}: without them sandboxes have no limits`);
		},
	};
}

/** Of lines `name  hierarchy  groups  enabled`. */
function controllersOfOld(table: string | null): readonly string[] {
	return (table ?? '')
		.split('\n')
		.map((line) => line.split('\t'))
		.filter(([, , , enabled]) => enabled === '1')
		.map(([name = '']) => name);
}

/** Neutron's Linux bridge agent filters with iptables, which sees a bridge's packets only so. */
export function bridgeFilterCheck(machine: Machine): Check {
	return {
		name: 'kernel: bridge filtering',
		advice: 'modprobe br_netfilter; sysctl net.bridge.bridge-nf-call-iptables=1',
		async look() {
			const value = (await machine.read('/proc/sys/net/bridge/bridge-nf-call-iptables'))?.trim() ?? null;
			if (value === '1') return ok('iptables sees what bridges pass on');
			return warning(
				value === null ? 'br_netfilter is not loaded' : 'iptables does not see what bridges pass on',
				'with Linux bridge ports, security groups do nothing so: modprobe br_netfilter; sysctl net.bridge.bridge-nf-call-iptables=1',
			);
		},
	};
}

function hasLine(table: string | null, name: string): boolean {
	return (table ?? '').split('\n').some((line) => line.trim().split(/\s+/).at(-1) === name);
}
