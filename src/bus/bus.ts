import type { HostFacts } from '../model/host.ts';
import type { Listener } from '../model/listener.ts';
import type { ServerCall, ServerTaken } from '../model/server.ts';
import type { HostNetworkSpec, SandboxReport, SandboxSpec } from '../model/spec.ts';

/**
 * Between control and the agents. Both sides are plain interfaces whose arguments and results are JSON (streams
 * aside), so that an implementation may put a network between them; in process, they are called directly.
 * A lost wake-up costs latency, never work: agents also ask.
 */

/** What an agent asks of control. */
export interface ControlLink {
	/** At the agent's start, and when what the host offers changed. */
	register(facts: HostFacts, signal: AbortSignal): Promise<void>;
	/** Fails for a host that control does not know (any more): it is to register. */
	heartbeat(hostname: string, signal: AbortSignal): Promise<void>;
	/** Ids and versions of all sandboxes that are placed on the host, also of those that are to be deleted. */
	assignments(
		hostname: string,
		signal: AbortSignal,
	): Promise<readonly { readonly sandboxId: string; readonly version: number; readonly work: boolean }[]>;
	/** null = the host has nothing to do with it any more: whatever is left of it on the host must go. */
	sandbox(hostname: string, sandboxId: string, signal: AbortSignal): Promise<SandboxSpec | null>;
	/** Takes what was seen and done, in one transaction; answers the spec as it stands then. */
	report(hostname: string, report: SandboxReport, signal: AbortSignal): Promise<SandboxSpec | null>;
	/** null = the agent has the newest already. */
	network(hostname: string, knownVersion: number | null, signal: AbortSignal): Promise<HostNetworkSpec | null>;
	/** Ids of all volumes whose data may be on the host, and of files injected there: the data of any other can go. */
	volumes(hostname: string, signal: AbortSignal): Promise<readonly string[]>;
	/**
	 * What the compute service wants of a server on this host. It is written down before this answers; then the agent
	 * makes it true as the sandbox's spec says. Throws `not-found` for an unknown server (other than at spawn and destroy),
	 * `conflict` for a spawn whose metadata names a sandbox that is not its own, `invalid` where no compute service is used.
	 */
	server(hostname: string, call: ServerCall, signal: AbortSignal): Promise<ServerTaken>;
	/** Servers that are on the host as far as control knows. */
	servers(
		hostname: string,
		signal: AbortSignal,
	): Promise<readonly { readonly serverId: string; readonly name: string; readonly sandboxId: string }[]>;
	/**
	 * The archive of an image of the image service, for a host that has to make a container of it. It comes as it is read.
	 * Throws `image-not-found` for an image that is no such, or is not there any more, `service-unavailable` where it cannot
	 * be had now; reading may fail with the latter too.
	 */
	image(hostname: string, imageId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
	/** Calls back when there is work for a sandbox (or, with null, for the host's networks and volumes), until the signal is aborted. */
	onWake(hostname: string, wake: (sandboxId: string | null) => void, signal: AbortSignal): void;
}

/**
 * What control asks of the agent of one host, directly and without an operation: looks and streams. The driver's own
 * calls, by container id; they fail with a DriverError, or with `host-not-up` when there is no agent.
 */
export interface Bus {
	/** Wakes a host's agent for a sandbox; null = for its networks and volumes. */
	wake(hostname: string, sandboxId: string | null): void;
	/** The agent's side of a host; throws `host-not-up` naming the host when it cannot be reached. */
	agent(hostname: string): AgentLink;
}

/** What an agent does on demand. */
export interface AgentLink
	extends Pick<
		import('../drivers/driver.ts').ContainerDriver,
		'exec' | 'execInteractive' | 'attach' | 'resize' | 'logs' | 'top' | 'stats' | 'getArchive' | 'putArchive' | 'commit'
	> {
	readonly images: import('../drivers/driver.ts').ImageDriver;
	/** What the host's own processes listen at, where a published port would take it from them. */
	listeners(signal: AbortSignal): Promise<readonly Listener[]>;
}
