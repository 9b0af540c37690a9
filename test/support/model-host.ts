import type { HostLink } from '../../src/control/host-link.ts';
import type { ContainerReport, ContainerSpec, OperationReport, SandboxReport, SandboxSpec } from '../../src/model/spec.ts';

/** A host that does at once what it is asked, and tells: enough to drive control without an engine. */
export class ModelHost {
	readonly #link: HostLink;
	readonly #hostname: string;
	/** Exit codes of containers that ended by themselves. */
	readonly #ended = new Map<string, number>();
	/** Kinds of operations to fail, with the reason. */
	readonly failures = new Map<string, string>();
	/** Names of images that are told to have been pulled with a login. */
	readonly loginPulls = new Set<string>();
	readonly #revisions = new Map<string, number>();

	constructor(link: HostLink, hostname: string) {
		this.#link = link;
		this.#hostname = hostname;
	}

	/** The container's process ends by itself. */
	end(containerId: string, exitCode: number): void {
		this.#ended.set(containerId, exitCode);
	}

	/** Works until there is nothing left to do. */
	async settle(): Promise<void> {
		for (let round = 0; round < 50; round += 1) {
			const assignments = await this.#link.assignments(this.#hostname);
			const busy = assignments.filter((assignment) => assignment.work);
			if (busy.length === 0 && round > 0) return;
			await this.round();
		}
		throw new Error('control gave new work for 50 rounds');
	}

	/** Does what it is asked now, and tells once. */
	async round(): Promise<void> {
		for (const { sandboxId } of await this.#link.assignments(this.#hostname)) {
			const spec = await this.#link.sandbox(this.#hostname, sandboxId);
			if (spec !== null) await this.#link.report(this.#hostname, this.#work(spec));
		}
	}

	#work(spec: SandboxSpec): SandboxReport {
		const operations: OperationReport[] = [];
		const failed = spec.operation !== null && this.#outcome(spec.operation, 'sandbox', operations);
		const containers = failed ? [] : spec.containers.map((container) => this.#container(spec, container, operations));
		return {
			sandboxId: spec.id,
			version: spec.version,
			status: failed && spec.operation?.kind === 'create' ? 'Missing' : spec.goal === 'Deleted' ? 'Missing' : spec.goal,
			statusReason: null,
			containers: containers.filter((container) => container !== null),
			removedContainers: spec.containers.filter((container) => container.goal === 'Deleted').map((container) => container.id),
			removed: spec.goal === 'Deleted',
			operations,
			activePorts: spec.ports.map((port) => port.id),
			detachedVolumes: spec.volumes.filter(({ detached }) => detached).map(({ id }) => id),
		};
	}

	/** Whether it fails. */
	#outcome(operation: { readonly id: string; readonly kind: string }, target: string, operations: OperationReport[]): boolean {
		const error = this.failures.get(`${target}.${operation.kind}`) ?? null;
		operations.push({ id: operation.id, outcome: error === null ? 'done' : 'failed', error, at: Date.now() });
		return error !== null;
	}

	#container(spec: SandboxSpec, container: ContainerSpec, operations: OperationReport[]): ContainerReport | null {
		const failed = container.operation !== null && this.#outcome(container.operation, 'container', operations);
		if (container.goal === 'Deleted') return null;
		if (container.operation !== null && !failed) {
			this.#ended.delete(container.id);
			this.#revisions.set(container.id, container.revision);
		}
		const revision = this.#revisions.get(container.id);
		const exitCode = this.#ended.get(container.id) ?? null;
		const missing = revision === undefined || spec.goal === 'Deleted';
		const status = missing ? 'Missing' : exitCode !== null ? 'Stopped' : spec.goal === 'Running' ? container.goal : spec.goal;
		return {
			id: container.id,
			status,
			statusReason: null,
			runtimeId: missing ? null : `engine-${container.id}`,
			revision: revision ?? 0,
			exitCode: status === 'Stopped' ? (exitCode ?? 137) : null,
			oomKilled: false,
			startedAt: status === 'Running' ? Date.now() : null,
			finishedAt: status === 'Stopped' ? Date.now() : null,
			health: null,
			restartCount: 0,
			command: ['sh'],
			entrypoint: [],
			workdir: '/',
			hostname: spec.hostname,
			ports: [],
			pull: null,
			pulledWithLogin: this.loginPulls.has(container.image) ? container.image : null,
			ended: exitCode !== null,
		};
	}
}
