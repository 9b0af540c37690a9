import type {
	Archive,
	ContainerStats,
	DriverSession,
	ExecResult,
	LogRequest,
	OutputChunk,
	ProcessTable,
	TerminalSize,
} from '../drivers/driver.ts';
import type { Container, HealthCheck, ImagePullPolicy, RestartPolicy } from '../model/container.ts';
import type { Event } from '../model/event.ts';
import type { Operation } from '../model/operation.ts';
import type { Principal } from '../model/principal.ts';
import type { Sandbox, SandboxNamespaces } from '../model/sandbox.ts';
import type { AddressView, RequestedNet, SandboxNetworkView } from '../providers/network/network-provider.ts';
import type { ResolvedVolume } from '../providers/volume/volume-service.ts';

/**
 * What the service does, as the API (or any other front) calls it. Every function checks what belongs to whom:
 * a thing of another project is not found, unless the principal is an administrator. Whether a role may call it at
 * all is the API's policy table. Each throws ZunboxError.
 *
 * `ref` is an id or a name. A name that several things bear is a `conflict`.
 */
export interface Control {
	readonly sandboxes: SandboxControl;
	readonly containers: ContainerControl;
	readonly events: EventControl;
}

/** A page of a list. `sortKey` is a column's API name; unknown ones are `invalid-parameter-value`. */
export interface ListQuery {
	readonly limit: number;
	/** Id of the last thing of the page before. */
	readonly marker?: string;
	readonly sortKey?: string;
	readonly sortDir?: 'asc' | 'desc';
	readonly allProjects?: boolean;
	/** Exact matches by API name, such as `{ status: 'Running' }`; `label:<key>` matches a label, `name_contains` a part of the name. */
	readonly filters: Readonly<Record<string, string>>;
}

export interface SandboxView extends Sandbox, Pick<SandboxNetworkView, 'addresses' | 'securityGroupIds' | 'publishedPorts'> {
	readonly containerIds: readonly string[];
	readonly volumes: readonly { readonly volumeId: string; readonly readOnly: boolean }[];
}

export interface ContainerView extends Container {
	readonly addresses: Readonly<Record<string, readonly AddressView[]>>;
	readonly securityGroupIds: readonly string[];
	readonly host: string | null;
	readonly sandboxName: string;
	readonly runtime: string | null;
	/** Engine's words such as `Up 5 minutes`, derived from status and times. */
	readonly statusDetail: string;
}

export interface MountRequest {
	readonly type: 'volume' | 'bind';
	/** Volume id or name; for `bind` the base64 content of the file. */
	readonly source?: string;
	/** GiB of a new volume that goes with the sandbox. */
	readonly size?: number;
	readonly destination: string;
	readonly readOnly?: boolean;
	/** What it means at another service, found before the transaction; missing = it is found in it. */
	readonly resolved?: ResolvedVolume;
}

export interface PublishRequest {
	readonly protocol: 'tcp' | 'udp';
	readonly hostIp: string;
	readonly hostPort: number;
	readonly sandboxPort: number;
}

/** What belongs to a sandbox and may also be given when a container is created without one. */
export interface SandboxPlacement {
	readonly nets?: readonly RequestedNet[];
	readonly securityGroups?: readonly string[];
	readonly host?: string;
	readonly availabilityZone?: string;
	readonly hints?: Readonly<Record<string, unknown>>;
	readonly runtime?: string;
}

export interface CreateSandbox extends SandboxPlacement {
	readonly name?: string;
	readonly labels?: Readonly<Record<string, string>>;
	readonly hostname?: string;
	readonly cpu?: number;
	readonly memory?: number;
	readonly disk?: number;
	readonly namespaces?: Partial<Pick<SandboxNamespaces, 'ipc' | 'pid'>>;
	/** Seconds from now. */
	readonly expiresIn?: number;
	/** Volumes to attach: each by name or id, or made by size. */
	readonly volumes?: readonly Omit<MountRequest, 'type' | 'destination'>[];
	readonly publish?: readonly PublishRequest[];
}

export interface UpdateSandbox {
	readonly name?: string;
	readonly labels?: Readonly<Record<string, string>>;
	readonly cpu?: number | null;
	readonly memory?: number | null;
	/** Seconds from now; null = never. */
	readonly expiresIn?: number | null;
	/** The whole list. */
	readonly publish?: readonly PublishRequest[];
}

export interface CreateContainer extends SandboxPlacement {
	/** Sandbox to join, id or name; missing = one is made for this container. With it, nothing of SandboxPlacement may be given. */
	readonly sandbox?: string;
	readonly name?: string;
	readonly image: string;
	readonly imageDriver?: 'docker' | 'glance';
	readonly imagePullPolicy?: ImagePullPolicy;
	readonly registry?: string;
	readonly command?: readonly string[];
	readonly entrypoint?: readonly string[];
	readonly cpu?: number;
	readonly cpuPolicy?: 'shared' | 'dedicated';
	readonly memory?: number;
	readonly disk?: number;
	readonly pids?: number;
	readonly workdir?: string;
	readonly hostname?: string;
	readonly environment?: Readonly<Record<string, string>>;
	readonly labels?: Readonly<Record<string, string>>;
	readonly interactive?: boolean;
	readonly tty?: boolean;
	readonly privileged?: boolean;
	readonly autoRemove?: boolean;
	readonly autoHeal?: boolean;
	readonly restartPolicy?: RestartPolicy;
	readonly healthcheck?: HealthCheck;
	readonly exposedPorts?: Readonly<Record<string, object>>;
	readonly mounts?: readonly MountRequest[];
	/** Also start it. */
	readonly run: boolean;
}

export interface UpdateContainer {
	readonly name?: string;
	readonly cpu?: number;
	readonly memory?: number;
	readonly autoHeal?: boolean;
	/** All of them: those that are left out go. */
	readonly labels?: Readonly<Record<string, string>>;
	/** All of it; holds from the next rebuild on. */
	readonly environment?: Readonly<Record<string, string>>;
	/** Holds from the next end on. */
	readonly restartPolicy?: RestartPolicy;
}

/** What a repeated create needs so that it answers with what the first one made. */
export interface Idempotency {
	readonly key: string;
	/** Digest of method, path and body. */
	readonly fingerprint: string;
}

export interface ShowOptions {
	readonly allProjects?: boolean;
}

export interface SandboxControl {
	create(principal: Principal, input: CreateSandbox, idempotency?: Idempotency): Promise<SandboxView>;
	list(principal: Principal, query: ListQuery): Promise<readonly SandboxView[]>;
	show(principal: Principal, ref: string, options?: ShowOptions): Promise<SandboxView>;
	update(principal: Principal, ref: string, input: UpdateSandbox): Promise<SandboxView>;
	/** `sandbox-in-use` naming the containers, unless `force`. */
	delete(principal: Principal, ref: string, options: { readonly force: boolean }): Promise<void>;
	start(principal: Principal, ref: string): Promise<void>;
	stop(principal: Principal, ref: string, options: { readonly timeout: number | null }): Promise<void>;
	pause(principal: Principal, ref: string): Promise<void>;
	unpause(principal: Principal, ref: string): Promise<void>;
	networkAttach(principal: Principal, ref: string, net: RequestedNet): Promise<void>;
	networkDetach(principal: Principal, ref: string, what: { readonly network?: string; readonly port?: string }): Promise<void>;
	containers(principal: Principal, ref: string): Promise<readonly ContainerView[]>;
	operations(principal: Principal, ref: string): Promise<readonly Operation[]>;
	/**
	 * Answers when the status is reached, when it cannot be reached any more (failed, or gone: container-not-found), or
	 * at the timeout (ms) with what stands then.
	 */
	wait(principal: Principal, ref: string, status: string, timeout: number, signal: AbortSignal): Promise<SandboxView>;
}

export interface ContainerControl {
	create(principal: Principal, input: CreateContainer, idempotency?: Idempotency): Promise<ContainerView>;
	list(principal: Principal, query: ListQuery): Promise<readonly ContainerView[]>;
	show(principal: Principal, ref: string, options?: ShowOptions): Promise<ContainerView>;
	/** At `cpu` or `memory` also an operation for the agent. */
	update(principal: Principal, ref: string, input: UpdateContainer): Promise<ContainerView>;
	delete(
		principal: Principal,
		ref: string,
		options: { readonly force: boolean; readonly stop: boolean; readonly allProjects: boolean },
	): Promise<void>;
	start(principal: Principal, ref: string): Promise<void>;
	stop(principal: Principal, ref: string, options: { readonly timeout: number | null }): Promise<void>;
	reboot(principal: Principal, ref: string, options: { readonly timeout: number | null }): Promise<void>;
	pause(principal: Principal, ref: string): Promise<void>;
	unpause(principal: Principal, ref: string): Promise<void>;
	/** `signal` in any form that Zun takes: `SIGHUP`, `hup`, `1`; null = KILL. */
	kill(principal: Principal, ref: string, options: { readonly signal: string | null }): Promise<void>;
	rebuild(
		principal: Principal,
		ref: string,
		options: { readonly image: string | null; readonly imageDriver: string | null },
	): Promise<void>;
	execute(principal: Principal, ref: string, command: readonly string[], signal: AbortSignal): Promise<ExecResult>;
	executeInteractive(
		principal: Principal,
		ref: string,
		command: readonly string[],
		tty: boolean,
		signal: AbortSignal,
	): Promise<DriverSession>;
	attach(principal: Principal, ref: string, signal: AbortSignal): Promise<DriverSession>;
	resize(principal: Principal, ref: string, size: TerminalSize, signal: AbortSignal): Promise<void>;
	logs(principal: Principal, ref: string, request: LogRequest, signal: AbortSignal): Promise<AsyncIterable<OutputChunk>>;
	top(principal: Principal, ref: string, psArgs: string | null, signal: AbortSignal): Promise<ProcessTable>;
	stats(principal: Principal, ref: string, signal: AbortSignal): Promise<ContainerStats>;
	getArchive(principal: Principal, ref: string, path: string, signal: AbortSignal): Promise<Archive>;
	putArchive(principal: Principal, ref: string, path: string, tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
	commit(principal: Principal, ref: string, repository: string, tag: string, signal: AbortSignal): Promise<string>;
	networkAttach(principal: Principal, ref: string, net: RequestedNet): Promise<void>;
	networkDetach(principal: Principal, ref: string, what: { readonly network?: string; readonly port?: string }): Promise<void>;
	addSecurityGroup(principal: Principal, ref: string, group: string): Promise<void>;
	removeSecurityGroup(principal: Principal, ref: string, group: string): Promise<void>;
	/** Newest first; also those of containers that are gone, for as long as history is kept. */
	operations(principal: Principal, ref: string): Promise<readonly Operation[]>;
	operation(principal: Principal, ref: string, requestId: string): Promise<Operation>;
	wait(principal: Principal, ref: string, status: string, timeout: number, signal: AbortSignal): Promise<ContainerView>;
}

export interface EventFilter {
	/** Resume after this number; null = only what comes from now on. */
	readonly after: number | null;
	readonly sandbox?: string;
	readonly container?: string;
	/** Exact kind, or its first part such as `container`. */
	readonly kind?: string;
	readonly allProjects?: boolean;
}

export interface EventControl {
	/** Events as they are committed, oldest first, until the signal is aborted. */
	watch(principal: Principal, filter: EventFilter, signal: AbortSignal): AsyncIterable<Event>;
}
