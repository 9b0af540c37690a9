import type { Kernel } from './kernel.ts';
import type { OwnerNames } from './names.ts';
import { CommandError, type Run } from './run.ts';

const comment = 'zunbox';
/** Waits this many seconds for others who change the rules at the same time. */
const lockWait = '5';

/**
 * Lets our networks' packets through a firewall made by iptables whose FORWARD chain drops what nobody accepted, as
 * Docker's does: two rules for each family, at the end, so that every rule of others is asked first. What our own table
 * drops stays dropped. Where there is no iptables there is nothing to do. Answers what was added.
 */
export async function acceptForwarding(run: Run, names: OwnerNames, signal: AbortSignal): Promise<readonly string[]> {
	const added: string[] = [];
	for (const command of ['iptables', 'ip6tables']) {
		const present = await forwardRules(run, command, signal);
		if (present === null) continue;
		for (const option of ['-i', '-o']) {
			if (present.some((rule) => rule.includes(` ${option} ${names.transitPrefix}+ `) && rule.includes('-j ACCEPT'))) continue;
			await run(command, ['-w', lockWait, '-A', 'FORWARD', ...ruleText(names, option)], '', signal);
			added.push(`${command} had no rule that accepts packets ${option === '-i' ? 'from' : 'to'} networks`);
		}
	}
	return added;
}

/** Takes those rules away again. */
export async function withdrawForwarding(run: Run, names: OwnerNames, signal: AbortSignal): Promise<void> {
	for (const command of ['iptables', 'ip6tables']) {
		const present = (await forwardRules(run, command, signal)) ?? [];
		for (const option of ['-i', '-o']) {
			for (const rule of present) {
				if (!rule.includes(` ${option} ${names.transitPrefix}+ `)) continue;
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

/** Rules of FORWARD; null when the machine has no iptables, or its kernel has none of it. */
async function forwardRules(run: Run, command: string, signal: AbortSignal): Promise<readonly string[] | null> {
	try {
		return (await run(command, ['-w', lockWait, '-S', 'FORWARD'], '', signal)).split('\n');
	} catch (error) {
		if (error instanceof CommandError && !signal.aborted) return null;
		throw error;
	}
}
