import type { Listener } from '../../model/listener.ts';
import type { HostNetworkSpec, PortSpec } from '../../model/spec.ts';

/**
 * The ports and networks of one host, whatever the driver. Everything is rendered from specs, and what is there is
 * asked of the kernel, never remembered: an agent that starts anew goes on where the old one stopped.
 */
export interface HostNetworking {
	/**
	 * Makes the kernel hold the networks, rules and published ports of the spec, and removes those of ours that are not
	 * in it. A port's rules change in one atomic step. Ports without rules here let nothing through.
	 */
	apply(spec: HostNetworkSpec, signal: AbortSignal): Promise<void>;
	/** Looks at the kernel and repairs what differs from the spec applied last; answers what was repaired, for the log. */
	check(signal: AbortSignal): Promise<readonly string[]>;
	/** Puts a port into the sandbox's network namespace, with its addresses and routes. The spec applied last must hold the port. */
	plug(sandboxId: string, port: PortSpec, networkNamespacePath: string, signal: AbortSignal): Promise<void>;
	/** Removes a port's link wherever it is. */
	unplug(portId: string, signal: AbortSignal): Promise<void>;
	/** Ids of the ports that are whole (both ends, bridge, addresses) in that namespace. */
	plugged(sandboxId: string, ports: readonly PortSpec[], networkNamespacePath: string, signal: AbortSignal): Promise<readonly string[]>;
	/** What the host's own processes listen at, where a published port would take it from them. */
	listeners(signal: AbortSignal): Promise<readonly Listener[]>;
	/** Removes everything that it ever made on this host. */
	clear(signal: AbortSignal): Promise<void>;
}
