import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { NetworkObservation } from './network-links.ts';
import { type ObservedLink, type ObservedRoute, parseLinks, parseRoutes } from './observed-links.ts';
import { CommandError, type Run } from './run.ts';

const namespaceFolder = '/run/netns';
const settingsFolder = '/proc/sys/net';

/** Kernel settings of a network's namespace, below /proc/sys/net. Those of the bridge must be there: without them rules would not be asked. */
const networkSettings: readonly (readonly [path: string, value: string])[] = [
	['bridge/bridge-nf-call-iptables', '1'],
	['bridge/bridge-nf-call-ip6tables', '1'],
	['bridge/bridge-nf-call-arptables', '0'],
	['ipv4/ip_forward', '1'],
	['ipv4/conf/all/send_redirects', '0'],
	['ipv4/conf/default/send_redirects', '0'],
	['ipv4/conf/all/rp_filter', '0'],
	['ipv4/conf/default/rp_filter', '0'],
	['ipv6/conf/all/disable_ipv6', '0'],
	['ipv6/conf/default/disable_ipv6', '0'],
	['ipv6/conf/all/forwarding', '1'],
	['ipv6/conf/all/accept_ra', '0'],
	['ipv6/conf/default/accept_ra', '0'],
	['ipv6/conf/default/accept_dad', '0'],
];

/** Arguments: pairs of path and value. A setting of the bridge that is missing is an error; another one is of a protocol that the kernel has not. */
const settingsScript = `
[ -e ${settingsFolder}/bridge/bridge-nf-call-iptables ] || modprobe br_netfilter
while [ $# -gt 1 ]; do
	if [ -e "${settingsFolder}/$1" ]; then echo "$2" > "${settingsFolder}/$1" || exit 1
	else case "$1" in bridge/*) echo "the kernel has no $1: load br_netfilter" >&2; exit 1 ;; esac; fi
	shift 2
done`;

/** Arguments: how much of the rules to list (`all`, `structure` without elements, `none`), and paths of settings. Parts are separated by record separators. */
const inspectScript = `
detail=$1; shift
ip -j addr || exit 1
printf '\\036'; ip -j route
printf '\\036'; ip -j -6 route 2>/dev/null
printf '\\036'
for setting; do value=-; [ -e "${settingsFolder}/$setting" ] && read -r value < "${settingsFolder}/$setting"; echo "$value"; done
printf '\\036'
case "$detail" in all) nft list ruleset ;; structure) nft -t list ruleset ;; esac`;

/** Argument: name of our table. */
const inspectHostScript = `
ip -j addr || exit 1
printf '\\036'; ip -j route
printf '\\036'; ip -j -6 route 2>/dev/null
printf '\\036'; nft list table inet "$1" 2>/dev/null
for command in iptables ip6tables; do
	printf '\\036'
	command -v $command >/dev/null && $command -w 5 -S FORWARD 2>/dev/null
done
true`;

/** Arguments: name of the interface. Settings that the link needs before it goes up, then the batch on standard input. */
const sandboxScript = `
for setting in disable_ipv6=0 accept_ra=0 accept_dad=0; do
	path="${settingsFolder}/ipv6/conf/$1/\${setting%=*}"
	[ ! -e "$path" ] || echo "\${setting#*=}" > "$path" || exit 1
done
exec ip -batch -`;

const sandboxInspectScript = `
ip -j addr || exit 1
printf '\\036'; ip -j route
printf '\\036'; ip -j -6 route 2>/dev/null
true`;

/** How much of the rules is listed: with sets and maps of many elements it is most of a look's cost. */
export type RuleDetail = 'all' | 'structure' | 'none';

/** Everything that one look at a network's namespace shows. */
export interface NetworkInspection extends NetworkObservation {
	/** Whether the kernel's settings are as they must be. */
	readonly settings: boolean;
	/** The rules, as much of them as was asked for. */
	readonly listing: string;
}

/** Everything that one look at the host's own namespace shows. */
export interface HostInspection {
	readonly links: readonly ObservedLink[];
	readonly routes: readonly ObservedRoute[];
	/** Our table; empty when it is not there. */
	readonly listing: string;
	/** Rules of the FORWARD chains of iptables and ip6tables; empty where there is no such command. */
	readonly forward: Readonly<Record<FirewallCommand, readonly string[]>>;
}

export type FirewallCommand = 'iptables' | 'ip6tables';

/** The few things that are asked of the kernel, each one spawn. */
export class Kernel {
	readonly #run: Run;

	constructor(run: Run) {
		this.#run = run;
	}

	/** Names of network namespaces that begin with the prefix, whole or left over from a crash. */
	async namespaces(prefix: string): Promise<readonly string[]> {
		const names = await readdir(namespaceFolder).catch(() => []);
		return names.filter((name) => name.startsWith(prefix)).sort();
	}

	async addNamespace(name: string, signal: AbortSignal): Promise<void> {
		await this.#run('ip', ['netns', 'add', name], '', signal);
	}

	/** Removes the namespace's name, and with it the namespace and all links in it. One that is gone is no error. */
	async removeNamespace(name: string, signal: AbortSignal): Promise<void> {
		await ignoring(/No such file/, this.#run('ip', ['netns', 'del', name], '', signal));
	}

	async prepareNetwork(namespace: string, signal: AbortSignal): Promise<void> {
		await this.#inside(namespace, settingsScript, networkSettings.flat(), '', signal);
	}

	async inspectNetwork(namespace: string, detail: RuleDetail, signal: AbortSignal): Promise<NetworkInspection> {
		const paths = networkSettings.map(([path]) => path);
		const output = await this.#inside(namespace, inspectScript, [detail, ...paths], '', signal);
		const [links = '', routes4 = '', routes6 = '', settings = '', listing = ''] = output.split('\x1e');
		const values = settings.trim().split('\n');
		return {
			links: parseLinks(links),
			routes4: parseRoutes(routes4),
			routes6: parseRoutes(routes6),
			settings: networkSettings.every(
				([path, value], index) => values[index] === value || (values[index] === '-' && !path.startsWith('bridge/')),
			),
			listing,
		};
	}

	/** Links of a sandbox's namespace, by path. */
	async inspectSandbox(path: string, signal: AbortSignal): Promise<NetworkObservation> {
		const output = await this.#run('nsenter', [`--net=${path}`, 'sh', '-c', sandboxInspectScript], '', signal);
		const [links = '', routes4 = '', routes6 = ''] = output.split('\x1e');
		return { links: parseLinks(links), routes4: parseRoutes(routes4), routes6: parseRoutes(routes6) };
	}

	/** Commands for `ip -batch` in a sandbox's namespace, after the settings of the interface. */
	async configureSandbox(path: string, interfaceName: string, commands: readonly string[], signal: AbortSignal): Promise<void> {
		await this.#run('nsenter', [`--net=${path}`, 'sh', '-c', sandboxScript, 'sh', interfaceName], `${commands.join('\n')}\n`, signal);
	}

	/** Runs `ip` commands in a namespace of ours, or in the host's own; ends at the first that fails. */
	async ip(namespace: string | null, commands: readonly string[], signal: AbortSignal): Promise<void> {
		if (commands.length === 0) return;
		await this.#run('ip', [...(namespace === null ? [] : ['-n', namespace]), '-batch', '-'], `${commands.join('\n')}\n`, signal);
	}

	/** Removes a link; one that is gone, or whose namespace is, is no error. */
	async removeLink(namespace: string | null, name: string, signal: AbortSignal): Promise<void> {
		const gone = /Cannot find device|No such device|Cannot open network namespace|Invalid argument/;
		await ignoring(gone, this.#run('ip', [...(namespace === null ? [] : ['-n', namespace]), 'link', 'del', 'dev', name], '', signal));
	}

	async links(namespace: string | null, signal: AbortSignal): Promise<readonly ObservedLink[]> {
		return parseLinks(await this.#run('ip', [...(namespace === null ? [] : ['-n', namespace]), '-j', 'addr'], '', signal));
	}

	/** Links of the host's own namespace with their aliases, which the listing of addresses leaves out. */
	async aliasedLinks(signal: AbortSignal): Promise<readonly ObservedLink[]> {
		return parseLinks(await this.#run('ip', ['-j', 'link'], '', signal)).filter((link) => link.alias !== null);
	}

	/** Loads rules as one transaction, in a namespace of ours or in the host's own. */
	async nft(namespace: string | null, text: string, signal: AbortSignal): Promise<void> {
		if (text === '') return;
		if (namespace === null) await this.#run('nft', ['-f', '-'], text, signal);
		else await this.#run('nsenter', [`--net=${namespaceFolder}/${namespace}`, 'nft', '-f', '-'], text, signal);
	}

	/** The rules of a namespace of ours. */
	async listRules(namespace: string, detail: Exclude<RuleDetail, 'none'>, signal: AbortSignal): Promise<string> {
		const command = ['nft', ...(detail === 'all' ? [] : ['-t']), 'list', 'ruleset'];
		return await this.#run('nsenter', [`--net=${namespaceFolder}/${namespace}`, ...command], '', signal);
	}

	async inspectHost(table: string, signal: AbortSignal): Promise<HostInspection> {
		const output = await this.#run('sh', ['-c', inspectHostScript, 'sh', table], '', signal);
		const [links = '', routes4 = '', routes6 = '', listing = '', iptables = '', ip6tables = ''] = output.split('\x1e');
		return {
			links: parseLinks(links),
			routes: [...parseRoutes(routes4), ...parseRoutes(routes6)],
			listing,
			forward: { iptables: linesOf(iptables), ip6tables: linesOf(ip6tables) },
		};
	}

	/** A setting of the host's own namespace, below /proc/sys/net; null when the kernel has it not. */
	async hostSetting(path: string): Promise<string | null> {
		return await readFile(`${settingsFolder}/${path}`, 'utf8').then(
			(value) => value.trim(),
			() => null,
		);
	}

	/** One that the kernel has not is left. */
	async setHostSetting(path: string, value: string): Promise<void> {
		await writeFile(`${settingsFolder}/${path}`, `${value}\n`, { flag: 'r+' }).catch((error: unknown) => {
			if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
		});
	}

	async #inside(namespace: string, script: string, args: readonly string[], input: string, signal: AbortSignal): Promise<string> {
		return await this.#run('nsenter', [`--net=${namespaceFolder}/${namespace}`, 'sh', '-c', script, 'sh', ...args], input, signal);
	}
}

function linesOf(text: string): readonly string[] {
	return text.split('\n').filter((line) => line !== '');
}

async function ignoring(pattern: RegExp, work: Promise<unknown>): Promise<void> {
	try {
		await work;
	} catch (error) {
		if (!(error instanceof CommandError) || !pattern.test(error.stderr)) throw error;
	}
}
