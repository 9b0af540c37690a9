import { randomInt } from 'node:crypto';
import { failPoint } from '../../faults/fail-point.ts';
import type { HostNetwork, HostSecurityGroup } from '../../model/spec.ts';
import type { Kernel, NetworkInspection, RuleDetail } from './kernel.ts';
import { namespaceName, type OwnerNames, transitName, uplinkName } from './names.ts';
import { type Ipv6Support, networkLinkChange, supported } from './network-links.ts';
import { type NetworkRules, networkRules, RuleMemo } from './network-rules.ts';
import type { ObservedLink } from './observed-links.ts';
import type { PublishedTarget } from './published.ts';
import { canonicalListing, mayForbid, renderChange, renderTable } from './ruleset.ts';
import { type Transit, transitPrefixLength } from './transit.ts';

/** What one network shall be on this host. */
export interface NetworkGoal {
	readonly network: HostNetwork;
	readonly groups: ReadonlyMap<string, HostSecurityGroup>;
	readonly published: readonly PublishedTarget[];
	/** null = no link to the host. */
	readonly transit: Transit | null;
	readonly ipv6: Ipv6Support;
}

/** Links of the host's own namespace, looked at once for all networks of a round. */
export type HostLinks = () => Promise<readonly ObservedLink[]>;

/**
 * Keeps one network's namespace as it shall be. What it knows of the kernel's rules is only used to make a change small:
 * whenever it does not know them, it loads all of them anew, in one transaction.
 */
export class NetworkKeeper {
	readonly #kernel: Kernel;
	readonly #names: OwnerNames;
	readonly #namespace: string;
	#goal: NetworkGoal;
	/** What the links were last made from; null = not known. */
	#linksKey: string | null = null;
	#rulesKey: string | null = null;
	/** What the kernel holds as far as we made it; null = not known. */
	#rules: NetworkRules | null = null;
	#generation: number = randomInt(1, 2 ** 32 - 1);
	readonly #memo = new RuleMemo();
	/** The kernel's own words for the rules; null = they changed since. */
	#listing: { readonly all: string; readonly structure: string } | null = null;

	constructor(kernel: Kernel, names: OwnerNames, goal: NetworkGoal) {
		this.#kernel = kernel;
		this.#names = names;
		this.#goal = goal;
		this.#namespace = namespaceName(names, goal.network.id);
	}

	get namespace(): string {
		return this.#namespace;
	}

	/** Leads the namespace to the goal; what did not change since the last call costs nothing. */
	async apply(goal: NetworkGoal, hostLinks: HostLinks, signal: AbortSignal): Promise<void> {
		this.#goal = goal;
		const linksKey = keyOfLinks(goal);
		if (linksKey !== this.#linksKey) {
			this.#linksKey = null;
			const inspection = await this.#ensureNamespace(signal);
			// Rules first: no link comes up without them.
			await this.#applyRules(signal);
			await this.#applyLinks(inspection, hostLinks, signal);
			this.#linksKey = linksKey;
		} else await this.#applyRules(signal);
	}

	/** Whether the rules changed since they were last seen whole. */
	get changed(): boolean {
		return this.#listing === null;
	}

	get portCount(): number {
		return this.#goal.network.ports.length;
	}

	/**
	 * Looks at links and rules and repairs them; answers what was wrong. `exists` = the namespace's name is there.
	 * `detail` = all looks at each element of sets and maps; rules that changed since are then loaded anew, so that what
	 * somebody did in between does not stay.
	 */
	async check(exists: boolean, detail: 'all' | 'structure', hostLinks: HostLinks, signal: AbortSignal): Promise<readonly string[]> {
		if (!exists) {
			this.#forget();
			await this.apply(this.#goal, hostLinks, signal);
			return ['the namespace was missing'];
		}
		const repaired: string[] = [];
		let inspection = await this.#inspect(this.#listing === null ? 'none' : detail, signal);
		if (inspection === null) {
			repaired.push('the namespace was broken');
			this.#forget();
			inspection = await this.#ensureNamespace(signal);
		} else if (!inspection.settings) {
			repaired.push('kernel settings were changed');
			await this.#kernel.prepareNetwork(this.#namespace, signal);
		}
		const known = this.#listing;
		const damaged = known !== null && !sameListing(inspection.listing, detail === 'all' ? known.all : known.structure);
		if (damaged) repaired.push('rules were changed');
		if (damaged || (known === null && detail === 'all')) {
			await this.#loadAll(signal);
			this.#listing = {
				all: await this.#kernel.listRules(this.#namespace, 'all', signal),
				structure: await this.#kernel.listRules(this.#namespace, 'structure', signal),
			};
		}
		repaired.push(...(await this.#applyLinks(inspection, hostLinks, signal)));
		return repaired;
	}

	async remove(signal: AbortSignal): Promise<void> {
		failPoint('agent.network.remove.before');
		await this.#kernel.removeLink(null, transitName(this.#names, this.#goal.network.id), signal);
		await this.#kernel.removeNamespace(this.#namespace, signal);
		failPoint('agent.network.remove.after');
	}

	#forget(): void {
		this.#linksKey = null;
		this.#rules = null;
		this.#rulesKey = null;
		this.#listing = null;
	}

	async #inspect(detail: RuleDetail, signal: AbortSignal): Promise<NetworkInspection | null> {
		try {
			return await this.#kernel.inspectNetwork(this.#namespace, detail, signal);
		} catch (error) {
			signal.throwIfAborted();
			// A name without a namespace behind it: its maker was cut between the two.
			if (!(await this.#kernel.namespaces(this.#namespace)).includes(this.#namespace)) return null;
			await this.#kernel.removeNamespace(this.#namespace, signal).catch(() => {
				throw error;
			});
			return null;
		}
	}

	async #ensureNamespace(signal: AbortSignal): Promise<NetworkInspection> {
		const exists = (await this.#kernel.namespaces(this.#namespace)).includes(this.#namespace);
		const inspection = exists ? await this.#inspect('none', signal) : null;
		if (inspection?.settings === true) return inspection;
		if (inspection === null) {
			failPoint('agent.network.namespace.before');
			await this.#kernel.addNamespace(this.#namespace, signal);
			failPoint('agent.network.namespace.after');
			this.#forget();
		}
		await this.#kernel.prepareNetwork(this.#namespace, signal);
		failPoint('agent.network.settings.after');
		return await this.#kernel.inspectNetwork(this.#namespace, 'none', signal);
	}

	async #applyRules(signal: AbortSignal): Promise<void> {
		const { network, groups, published } = this.#goal;
		const key = JSON.stringify([network, [...groups.values()], published]);
		if (key === this.#rulesKey && this.#rules !== null) return;
		const before = this.#rules;
		if (before === null) {
			await this.#loadAll(signal);
			this.#rulesKey = key;
			return;
		}
		let after = this.#render(before);
		if (mayForbid(before.spoof, after.spoof) || mayForbid(before.filter, after.filter)) {
			this.#generation = (this.#generation % (2 ** 32 - 2)) + 1;
			after = this.#render(before);
		}
		const change = renderChange(before.spoof, after.spoof) + renderChange(before.filter, after.filter);
		if (change !== '') {
			this.#rules = null;
			this.#listing = null;
			failPoint('agent.network.rules.before');
			try {
				await this.#kernel.nft(this.#namespace, change, signal);
			} catch {
				// Somebody changed what the change builds on: all of it anew, or that says what is wrong.
				signal.throwIfAborted();
				await this.#loadAll(signal);
			}
			failPoint('agent.network.rules.after');
		}
		this.#rules = after;
		this.#rulesKey = key;
	}

	#render(before: NetworkRules | null): NetworkRules {
		const { network, groups, published } = this.#goal;
		return networkRules({ network, groups, published, numbers: before?.numbers ?? new Map(), generation: this.#generation }, this.#memo);
	}

	async #loadAll(signal: AbortSignal): Promise<void> {
		const rules = this.#render(this.#rules);
		this.#rules = null;
		this.#listing = null;
		failPoint('agent.network.load.before');
		await this.#kernel.nft(this.#namespace, `flush ruleset\n${renderTable(rules.spoof)}${renderTable(rules.filter)}`, signal);
		failPoint('agent.network.load.after');
		this.#rules = rules;
	}

	async #applyLinks(inspection: NetworkInspection, hostLinks: HostLinks, signal: AbortSignal): Promise<readonly string[]> {
		const { network, transit, ipv6 } = this.#goal;
		const repaired: string[] = [];
		let observed = inspection;
		const link = await this.#applyTransit(inspection, hostLinks, signal);
		if (link !== 'whole') repaired.push(`the link to the host was ${link}`);
		if (link === 'missing' || link === 'not wanted') {
			// The end in here is not what was seen.
			observed = { ...inspection, links: inspection.links.filter((link) => link.name !== uplinkName), routes4: [], routes6: [] };
		}
		const change = networkLinkChange({ network, transit, ipv6 }, observed);
		if (change.commands.length > 0) {
			failPoint('agent.network.links.before');
			await this.#kernel.ip(this.#namespace, change.commands, signal);
			failPoint('agent.network.links.after');
		}
		return [...repaired, ...change.repaired];
	}

	/** The link to the host, made from the host's side; answers how it was found. */
	async #applyTransit(
		inspection: NetworkInspection,
		hostLinks: HostLinks,
		signal: AbortSignal,
	): Promise<'whole' | 'damaged' | 'missing' | 'not wanted'> {
		const { network, transit } = this.#goal;
		const name = transitName(this.#names, network.id);
		const uplink = inspection.links.find((link) => link.name === uplinkName);
		if (transit === null) {
			if (uplink === undefined) return 'whole';
			await this.#kernel.removeLink(this.#namespace, uplinkName, signal);
			return 'not wanted';
		}
		const host = (await hostLinks()).find((link) => link.name === name);
		const both = [`${transit.host4}/${transitPrefixLength[4]}`, `${transit.host6}/${transitPrefixLength[6]}`];
		const addresses = supported(both, this.#goal.ipv6);
		const paired = host !== undefined && uplink !== undefined && host.index === uplink.peerIndex && uplink.index === host.peerIndex;
		if (paired && host.up && addresses.every((address) => host.addresses.includes(address)) && (await this.#transitSettings(name)))
			return 'whole';
		failPoint('agent.network.transit.before');
		if (!paired) {
			if (host !== undefined) await this.#kernel.removeLink(null, name, signal);
			if (uplink !== undefined) await this.#kernel.removeLink(this.#namespace, uplinkName, signal);
		}
		if (!paired) {
			const ends = `mtu ${network.mtu} type veth peer name ${uplinkName} mtu ${network.mtu} netns ${this.#namespace}`;
			await this.#kernel.ip(null, [`link add name ${name} ${ends}`], signal);
			failPoint('agent.network.transit.between');
		}
		// Settings first: a host may have switched IPv6 off for links that it does not know.
		for (const [path, value] of transitSettings(name)) await this.#kernel.setHostSetting(path, value);
		const missing = addresses.filter((address) => !paired || !host.addresses.includes(address));
		const commands = missing.map((address) => `addr add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`);
		await this.#kernel.ip(null, [...commands, `link set dev ${name} up`], signal);
		failPoint('agent.network.transit.after');
		return paired ? 'damaged' : 'missing';
	}

	async #transitSettings(name: string): Promise<boolean> {
		for (const [path, value] of transitSettings(name)) {
			const found = await this.#kernel.hostSetting(path);
			if (found !== null && found !== value) return false;
		}
		return true;
	}
}

/** The same text in most cases; else the same objects in another order. */
function sameListing(one: string, other: string): boolean {
	return one === other || canonicalListing(one) === canonicalListing(other);
}

/** The guard chain of our table on the host keeps loopback addresses from coming in here. */
function transitSettings(name: string): readonly (readonly [path: string, value: string])[] {
	return [
		[`ipv4/conf/${name}/route_localnet`, '1'],
		[`ipv4/conf/${name}/forwarding`, '1'],
		[`ipv4/conf/${name}/rp_filter`, '0'],
		[`ipv6/conf/${name}/disable_ipv6`, '0'],
	];
}

function keyOfLinks(goal: NetworkGoal): string {
	const { id, mtu, subnets } = goal.network;
	return JSON.stringify([id, mtu, subnets, goal.transit, goal.ipv6]);
}
