import { failPoint } from '../../faults/fail-point.ts';
import { type Cidr, parseCidr } from '../../model/ip.ts';
import type { Listener } from '../../model/listener.ts';
import type { HostNetwork, HostNetworkSpec, HostSecurityGroup, PortSpec } from '../../model/spec.ts';
import { groupOnNetwork, remoteGroups } from './group-rules.ts';
import { HostKeeper } from './host-keeper.ts';
import type { HostNetworking } from './host-networking.ts';
import type { HostRulesInput } from './host-rules.ts';
import { type HostInspection, Kernel } from './kernel.ts';
import { hostListeners } from './listeners.ts';
import { namespaceName, type OwnerNames, ownerNames, transitName } from './names.ts';
import { type HostLinks, type NetworkGoal, NetworkKeeper } from './network-keeper.ts';
import type { Ipv6Support } from './network-links.ts';
import type { ObservedLink } from './observed-links.ts';
import { PortPlugger } from './port-plugger.ts';
import { type PublishedTarget, publishedTargets } from './published.ts';
import { type Run, runProgram } from './run.ts';
import { chooseTransit, type Transit } from './transit.ts';

export interface KernelNetworkingOptions {
	/** Mark of this installation: names in the kernel follow from it, and only what carries it is touched. */
	readonly owner: string;
	/** Interfaces that lead out of this machine beside those of its default routes, where they are bridges or veths. */
	readonly uplinks?: readonly string[];
	/** How programs are run. */
	readonly run?: Run;
	/** Networks that one `check` looks into at most; the next call goes on with the others. */
	readonly checkedAtOnce?: number;
}

/** Ports whose rules one check lists element by element, about: that is what a check costs most for. */
const portsLookedAtWhole = 300;
/** Networks that are changed at the same time. */
const concurrency = 4;

/**
 * Networks of Linux bridges, veths and nftables: one network namespace for each network, which holds its bridge, its
 * gateway and its rules, apart from the host and from other networks. Needs root, iproute2, nftables and nsenter.
 */
export class KernelNetworking implements HostNetworking {
	readonly #owner: string;
	readonly #names: OwnerNames;
	readonly #run: Run;
	readonly #kernel: Kernel;
	readonly #host: HostKeeper;
	readonly #ports: PortPlugger;
	readonly #uplinks: readonly string[];
	readonly #checkedAtOnce: number;
	readonly #keepers = new Map<string, NetworkKeeper>();
	readonly #transits = new Map<string, Transit>();
	#spec: HostNetworkSpec | null = null;
	/** Networks known by their ports, for unplugging those that the spec no longer has. */
	#networkOfPort = new Map<string, string>();
	/** An apply could not do everything: the next check tries again. */
	#unfinished = false;
	#appliedIpv6: Ipv6Support = 'none';
	#nextChecked = 0;
	/** When each network's rules were last looked at whole, as a number that grows. */
	readonly #seenWhole = new WeakMap<NetworkKeeper, number>();
	#round = 0;
	/** Interfaces of the host's default routes, as last seen. */
	#leading: readonly string[] = [];
	#lane: Promise<unknown> = Promise.resolve();

	constructor(options: KernelNetworkingOptions) {
		this.#owner = options.owner;
		this.#names = ownerNames(options.owner);
		this.#run = options.run ?? runProgram;
		this.#kernel = new Kernel(this.#run);
		this.#host = new HostKeeper(this.#kernel, this.#run, this.#names);
		this.#ports = new PortPlugger(this.#kernel, this.#names);
		this.#uplinks = options.uplinks ?? [];
		this.#checkedAtOnce = options.checkedAtOnce ?? 32;
	}

	async apply(spec: HostNetworkSpec, signal: AbortSignal): Promise<void> {
		await this.#inTurn(() => this.#apply(spec, signal));
	}

	async check(signal: AbortSignal): Promise<readonly string[]> {
		return await this.#inTurn(() => this.#check(signal));
	}

	async plug(sandboxId: string, port: PortSpec, networkNamespacePath: string, signal: AbortSignal): Promise<void> {
		if (port.binding.type === 'embedded' && this.#networkOfPort.get(port.id) !== port.networkId) {
			throw new Error(`port ${port.id} of sandbox ${sandboxId} is not in what this host was told of its networks yet`);
		}
		await this.#ports.plug(port, networkNamespacePath, signal);
	}

	async unplug(portId: string, signal: AbortSignal): Promise<void> {
		await this.#ports.unplug(portId, this.#networkOfPort.get(portId) ?? null, signal);
	}

	async plugged(
		_sandboxId: string,
		ports: readonly PortSpec[],
		networkNamespacePath: string,
		signal: AbortSignal,
	): Promise<readonly string[]> {
		return await this.#ports.plugged(ports, networkNamespacePath, signal);
	}

	async listeners(signal: AbortSignal): Promise<readonly Listener[]> {
		return await hostListeners(signal);
	}

	async clear(signal: AbortSignal): Promise<void> {
		await this.#inTurn(async () => {
			failPoint('agent.network.clear.before');
			this.#spec = null;
			this.#keepers.clear();
			this.#transits.clear();
			this.#networkOfPort = new Map();
			for (const namespace of await this.#kernel.namespaces(this.#names.namespacePrefix))
				await this.#kernel.removeNamespace(namespace, signal);
			await this.#removeHostLinks(this.#hostLinks(signal), new Set(), signal);
			await this.#ports.removeForeign(signal);
			await this.#host.clear(signal);
			failPoint('agent.network.clear.after');
		});
	}

	async #apply(spec: HostNetworkSpec, signal: AbortSignal): Promise<void> {
		const first = this.#spec === null;
		this.#spec = spec;
		this.#networkOfPort = new Map(spec.networks.flatMap((network) => network.ports.map((port) => [port.id, network.id])));
		const targets = publishedTargets(spec.publishedPorts);
		const errors: unknown[] = [];
		const attempt = async (work: () => Promise<void>): Promise<void> => {
			try {
				await work();
			} catch (error) {
				signal.throwIfAborted();
				errors.push(error);
			}
		};
		const wanted = new Set(spec.networks.map((network) => network.id));
		for (const [id, keeper] of this.#keepers) {
			if (wanted.has(id)) continue;
			await attempt(async () => {
				await keeper.remove(signal);
				this.#keepers.delete(id);
				this.#transits.delete(id);
			});
		}
		if (first) await attempt(async () => void (await this.#removeLeftovers(this.#hostLinks(signal), signal)));
		await attempt(() => this.#chooseTransits(spec, targets, signal));
		// The host's rules come before the links, so that no link to the host is ever without them.
		await attempt(async () => this.#host.apply(this.#hostInput(targets), signal));
		const groups = new Map(spec.securityGroups.map((group) => [group.id, group]));
		const hostLinks = this.#hostLinks(signal);
		const ipv6 = await this.#ipv6Support();
		this.#appliedIpv6 = ipv6;
		const waiting = spec.networks.map((network) => {
			const goal = this.#goal(network, groups, targets, ipv6);
			const keeper = this.#keepers.get(network.id) ?? new NetworkKeeper(this.#kernel, this.#names, goal);
			this.#keepers.set(network.id, keeper);
			return () => keeper.apply(goal, hostLinks, signal);
		});
		const next = async (): Promise<void> => {
			for (let work = waiting.pop(); work !== undefined; work = waiting.pop()) await attempt(work);
		};
		await Promise.all(Array.from({ length: concurrency }, next));
		this.#unfinished = errors.length > 0;
		if (errors.length === 1) throw errors[0];
		if (errors.length > 1)
			throw new AggregateError(errors, errors.map((error) => (error instanceof Error ? error.message : String(error))).join('; '));
	}

	async #check(signal: AbortSignal): Promise<readonly string[]> {
		const spec = this.#spec;
		if (spec === null) return [];
		const host = await this.#kernel.inspectHost(this.#names.hostTable, signal);
		const hostLinks: HostLinks = async () => host.links;
		const repaired = [...(await this.#removeLeftovers(hostLinks, signal))];
		this.#leading = leadingOut(host);
		const targets = publishedTargets(spec.publishedPorts);
		await this.#chooseTransits(spec, targets, signal);
		repaired.push(...(await this.#host.check(this.#hostInput(targets), host, signal)));
		const present = new Set(await this.#kernel.namespaces(this.#names.namespacePrefix));
		const keepers = [...this.#keepers.values()];
		const start = this.#nextChecked % Math.max(1, keepers.length);
		const turn = [...keepers.slice(start), ...keepers.slice(0, start)].slice(0, this.#checkedAtOnce);
		this.#nextChecked = start + turn.length;
		const missing = keepers.filter((keeper) => !present.has(keeper.namespace) && !turn.includes(keeper));
		const whole = this.#lookedAtWhole(turn);
		for (const keeper of [...missing, ...turn]) {
			const detail = whole.has(keeper) ? 'all' : 'structure';
			const found = await keeper.check(present.has(keeper.namespace), detail, hostLinks, signal);
			repaired.push(...found.map((what) => `${keeper.namespace}: ${what}`));
		}
		if (this.#unfinished || this.#appliedIpv6 !== (await this.#ipv6Support())) await this.#apply(spec, signal);
		return repaired;
	}

	/**
	 * The networks whose rules are looked at element by element this time: as many as have a few hundred ports together,
	 * those that changed first, the others in turn.
	 */
	#lookedAtWhole(keepers: readonly NetworkKeeper[]): ReadonlySet<NetworkKeeper> {
		const whole = new Set<NetworkKeeper>();
		const rank = (keeper: NetworkKeeper): number => (keeper.changed ? -1 : (this.#seenWhole.get(keeper) ?? 0));
		let ports = 0;
		for (const keeper of [...keepers].sort((one, other) => rank(one) - rank(other))) {
			if (ports >= portsLookedAtWhole) break;
			ports += keeper.portCount;
			whole.add(keeper);
			this.#round += 1;
			this.#seenWhole.set(keeper, this.#round);
		}
		return whole;
	}

	#goal(
		network: HostNetwork,
		groups: ReadonlyMap<string, HostSecurityGroup>,
		targets: readonly PublishedTarget[],
		ipv6: Ipv6Support,
	): NetworkGoal {
		return {
			network,
			groups: relevantGroups(network, groups),
			published: targets.filter((target) => target.networkId === network.id),
			transit: this.#transits.get(network.id) ?? null,
			ipv6,
		};
	}

	/** Gives each network that needs one the addresses of its link to the host: those that stand, or free ones. */
	async #chooseTransits(spec: HostNetworkSpec, targets: readonly PublishedTarget[], signal: AbortSignal): Promise<void> {
		const published = new Set(targets.map((target) => target.networkId));
		const needing = spec.networks.filter((network) => network.external || published.has(network.id)).map((network) => network.id);
		for (const id of this.#transits.keys()) if (!needing.includes(id)) this.#transits.delete(id);
		const missing = needing.filter((id) => !this.#transits.has(id));
		if (missing.length === 0) return;
		const host = await this.#kernel.inspectHost(this.#names.hostTable, signal);
		this.#leading = leadingOut(host);
		const { links, routes } = host;
		const taken: Cidr[] = [...links.flatMap((link) => link.addresses), ...routes.map((route) => route.destination)].flatMap(
			(text) => parseCidr(text) ?? [],
		);
		for (const id of missing) {
			const link = links.find((candidate) => candidate.name === transitName(this.#names, id));
			const current = link?.addresses.find((address) => address.startsWith('169.254.'))?.split('/')[0] ?? null;
			const transit = chooseTransit(this.#owner, id, current, taken);
			this.#transits.set(id, transit);
			const block = parseCidr(`${transit.host4}/30`);
			if (block !== null) taken.push(block);
		}
	}

	#hostInput(targets: readonly PublishedTarget[]): HostRulesInput {
		return {
			names: this.#names,
			transits: this.#transits,
			published: targets,
			uplinks: [...new Set([...this.#leading, ...this.#uplinks])].sort(),
		};
	}

	#hostLinks(signal: AbortSignal): HostLinks {
		let links: Promise<readonly ObservedLink[]> | undefined;
		return () => {
			links ??= this.#kernel.links(null, signal);
			return links;
		};
	}

	async #ipv6Support(): Promise<Ipv6Support> {
		const forwarding = await this.#kernel.hostSetting('ipv6/conf/all/forwarding');
		return forwarding === null ? 'none' : forwarding === '1' ? 'forwarded' : 'local';
	}

	/** Namespaces and links to the host of networks that the spec does not hold. */
	async #removeLeftovers(hostLinks: HostLinks, signal: AbortSignal): Promise<readonly string[]> {
		const networks = this.#spec?.networks ?? [];
		const wanted = new Set(networks.map((network) => namespaceName(this.#names, network.id)));
		const removed: string[] = [];
		for (const namespace of await this.#kernel.namespaces(this.#names.namespacePrefix)) {
			if (wanted.has(namespace)) continue;
			await this.#kernel.removeNamespace(namespace, signal);
			removed.push(`namespace ${namespace} belonged to no network`);
		}
		removed.push(
			...(await this.#removeHostLinks(hostLinks, new Set(networks.map((network) => transitName(this.#names, network.id))), signal)),
		);
		return removed;
	}

	async #removeHostLinks(hostLinks: HostLinks, keep: ReadonlySet<string>, signal: AbortSignal): Promise<readonly string[]> {
		const removed: string[] = [];
		for (const link of await hostLinks()) {
			if (!link.name.startsWith(this.#names.transitPrefix) || keep.has(link.name)) continue;
			await this.#kernel.removeLink(null, link.name, signal);
			removed.push(`link ${link.name} belonged to no network`);
		}
		return removed;
	}

	/** Applying, checking and clearing exclude one another; what failed before does not matter to the next. */
	async #inTurn<T>(work: () => Promise<T>): Promise<T> {
		const turn = this.#lane.then(work, work);
		this.#lane = turn.catch(() => {});
		return await turn;
	}
}

function leadingOut(host: HostInspection): readonly string[] {
	return host.routes.flatMap((route) => (route.destination === 'default' && route.device !== null ? [route.device] : []));
}

/** The groups that ports of the network are in and those that their rules name, with what concerns this network alone. */
function relevantGroups(network: HostNetwork, groups: ReadonlyMap<string, HostSecurityGroup>): ReadonlyMap<string, HostSecurityGroup> {
	const own = [...new Set(network.ports.flatMap((port) => port.securityGroupIds))].flatMap((id) => groups.get(id) ?? []);
	const named = [...remoteGroups(own)].flatMap((id) => groups.get(id) ?? []);
	return new Map([...own, ...named].map((group) => [group.id, groupOnNetwork(group, network.id)]));
}
