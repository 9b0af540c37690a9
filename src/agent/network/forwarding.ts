import type { FirewallCommand, HostInspection, Kernel } from './kernel.ts';
import type { OwnerNames } from './names.ts';
import type { Run } from './run.ts';

const comment = 'zunbox';
/** Waits this many seconds for others who change the rules at the same time. */
const lockWait = '5';
const commands: readonly FirewallCommand[] = ['iptables', 'ip6tables'];

/**
 * Lets our networks' packets through a firewall made by iptables whose FORWARD chain drops what nobody accepted, as
 * Docker's does: two rules for each family, at the end, so that every rule of others is asked first. What our own table
 * drops stays dropped. Where there is no iptables there is nothing to do. Answers what was added.
 */
export async function acceptForwarding(run: Run, names: OwnerNames, host: HostInspection, signal: AbortSignal): Promise<readonly string[]> {
	const added: string[] = [];
	for (const command of commands) {
		const present = host.forward[command];
		if (present.length === 0) continue;
		for (const option of ['-i', '-o']) {
			if (present.some((rule) => isOurs(rule, names, option) && rule.includes('-j ACCEPT'))) continue;
			await run(command, ['-w', lockWait, '-A', 'FORWARD', ...ruleText(names, option)], '', signal);
			added.push(`${command} had no rule that accepts packets ${option === '-i' ? 'from' : 'to'} networks`);
		}
	}
	return added;
}

/** Takes those rules away again. */
export async function withdrawForwarding(run: Run, names: OwnerNames, host: HostInspection, signal: AbortSignal): Promise<void> {
	for (const command of commands) {
		for (const option of ['-i', '-o']) {
			for (const _rule of host.forward[command].filter((rule) => isOurs(rule, names, option))) {
				await run(command, ['-w', lockWait, '-D', 'FORWARD', ...ruleText(names, option)], '', signal);
			}
		}
	}
}

/** Turns on what a router needs. IPv6 is left as the host has it: to turn it on would end the host's own autoconfiguration. */
export async function enableForwarding(kernel: Kernel): Promise<readonly string[]> {
	if ((await kernel.hostSetting('ipv4/ip_forward')) === '1') return [];
	await kernel.setHostSetting('ipv4/ip_forward', '1');
	return ['the host did not forward IPv4'];
}

function ruleText(names: OwnerNames, option: string): readonly string[] {
	return [option, `${names.transitPrefix}+`, '-m', 'comment', '--comment', comment, '-j', 'ACCEPT'];
}

function isOurs(rule: string, names: OwnerNames, option: string): boolean {
	return rule.includes(` ${option} ${names.transitPrefix}+ `);
}
