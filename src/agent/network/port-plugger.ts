import { DriverError } from '../../drivers/driver.ts';
import { failPoint } from '../../faults/fail-point.ts';
import type { PortSpec } from '../../model/spec.ts';
import type { Kernel } from './kernel.ts';
import { bridgeName, namespaceName, type OwnerNames, portAlias, portLinkName } from './names.ts';
import type { ObservedLink } from './observed-links.ts';
import { anchorCommands, isWhole, type PortAnchor, sandboxCommands } from './port-links.ts';

/** Puts ports into sandboxes and takes them out again. It keeps nothing: the kernel is asked. */
export class PortPlugger {
	readonly #kernel: Kernel;
	readonly #names: OwnerNames;

	constructor(kernel: Kernel, names: OwnerNames) {
		this.#kernel = kernel;
		this.#names = names;
	}

	async plug(port: PortSpec, networkNamespacePath: string, signal: AbortSignal): Promise<void> {
		const anchor = this.#anchor(port);
		const commands = anchorCommands(port, anchor, networkNamespacePath);
		failPoint('agent.network.plug.before');
		try {
			await this.#kernel.ip(anchor.namespace, commands, signal);
		} catch {
			signal.throwIfAborted();
			// It is there already, whole or as an earlier try left it; what is not whole goes with both its ends.
			if ((await this.plugged([port], networkNamespacePath, signal)).length > 0) return;
			await this.#kernel.removeLink(anchor.namespace, anchor.device, signal);
			await this.#needBridge(anchor, signal);
			await this.#kernel.ip(anchor.namespace, commands, signal);
		}
		failPoint('agent.network.plug.between');
		await this.#kernel.configureSandbox(networkNamespacePath, port.interfaceName, sandboxCommands(port), signal);
		failPoint('agent.network.plug.after');
	}

	/** `networkId` null = not known: the port's link is looked for in every network, and in bridges of others. */
	async unplug(portId: string, networkId: string | null, signal: AbortSignal): Promise<void> {
		failPoint('agent.network.unplug.before');
		const device = portLinkName(portId);
		const namespaces =
			networkId === null ? await this.#kernel.namespaces(this.#names.namespacePrefix) : [namespaceName(this.#names, networkId)];
		for (const namespace of namespaces) await this.#kernel.removeLink(namespace, device, signal);
		if (networkId === null) await this.#removeAliased((alias) => alias === portAlias(this.#names, portId), signal);
		failPoint('agent.network.unplug.after');
	}

	/** Ids of the ports that are whole. */
	async plugged(ports: readonly PortSpec[], networkNamespacePath: string, signal: AbortSignal): Promise<readonly string[]> {
		if (ports.length === 0) return [];
		const sandbox = await this.#kernel.inspectSandbox(networkNamespacePath, signal);
		const anchors = new Map<string | null, readonly ObservedLink[]>();
		const whole: string[] = [];
		for (const port of ports) {
			const anchor = this.#anchor(port);
			let links = anchors.get(anchor.namespace);
			if (links === undefined) {
				links = await this.#kernel.links(anchor.namespace, signal).catch((): readonly ObservedLink[] => {
					signal.throwIfAborted();
					return [];
				});
				anchors.set(anchor.namespace, links);
			}
			if (isWhole(port, anchor, links, sandbox)) whole.push(port.id);
		}
		return whole;
	}

	/** Removes every link of ours that is in a bridge of somebody else. */
	async removeForeign(signal: AbortSignal): Promise<void> {
		await this.#removeAliased((alias) => alias.startsWith(portAlias(this.#names, '')), signal);
	}

	async #removeAliased(matches: (alias: string) => boolean, signal: AbortSignal): Promise<void> {
		for (const link of await this.#kernel.aliasedLinks(signal)) {
			if (link.alias !== null && matches(link.alias)) await this.#kernel.removeLink(null, link.name, signal);
		}
	}

	/** A bridge of somebody else: after a start of the host, its maker may come later than the agent. */
	async #needBridge({ namespace, bridge }: PortAnchor, signal: AbortSignal): Promise<void> {
		if (namespace !== null || (await this.#kernel.links(null, signal)).some(({ name }) => name === bridge)) return;
		throw new DriverError('unavailable', `The host has no bridge ${bridge}: the network service has not made it yet.`);
	}

	#anchor(port: PortSpec): PortAnchor {
		if (port.binding.type === 'bridge') {
			const { bridge, device } = port.binding;
			return { namespace: null, device, bridge, alias: portAlias(this.#names, port.id) };
		}
		return { namespace: namespaceName(this.#names, port.networkId), device: portLinkName(port.id), bridge: bridgeName, alias: null };
	}
}
