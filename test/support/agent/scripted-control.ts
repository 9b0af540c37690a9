import type { ControlLink } from '../../../src/bus/bus.ts';
import { fail } from '../../../src/model/errors.ts';
import type { HostFacts } from '../../../src/model/host.ts';
import type { ServerCall, ServerTaken } from '../../../src/model/server.ts';
import type {
	ContainerReport,
	ContainerSpec,
	HostNetworkSpec,
	OperationReport,
	SandboxReport,
	SandboxSpec,
} from '../../../src/model/spec.ts';
import { eventually } from '../eventually.ts';
import { takeReport } from './model-control.ts';
import { ScriptedServers } from './scripted-servers.ts';

/** Control in memory, for one host. It outlives the agents that speak to it, as a database does. */
export class ScriptedControl implements ControlLink {
	readonly #specs = new Map<string, SandboxSpec>();
	readonly #last = new Map<string, SandboxReport>();
	#wake: ((sandboxId: string | null) => void) | null = null;
	/** Every report, in order. */
	readonly reports: SandboxReport[] = [];
	readonly registered: HostFacts[] = [];
	heartbeats = 0;
	/** Volumes that no sandbox has, and that are kept all the same. */
	readonly kept: string[] = [];
	/** Archives of the image service's images, by id. */
	readonly archives = new Map<string, (signal: AbortSignal) => AsyncIterable<Uint8Array>>();
	readonly imagesAsked: string[] = [];
	/** While true, every call fails. */
	away = false;
	/** What a compute service's calls make of the sandboxes. */
	readonly scripted = new ScriptedServers();
	networks: HostNetworkSpec = { version: 1, networks: [], securityGroups: [], publishedPorts: [] };

	async register(facts: HostFacts): Promise<void> {
		this.#reach();
		this.registered.push(facts);
	}

	async heartbeat(): Promise<void> {
		this.#reach();
		this.heartbeats += 1;
	}

	async assignments() {
		this.#reach();
		return [...this.#specs.values()].map((spec) => {
			const work = [spec, ...spec.containers].some(({ operation }) => operation !== null);
			return { sandboxId: spec.id, version: spec.version, work };
		});
	}

	async sandbox(_hostname: string, sandboxId: string): Promise<SandboxSpec | null> {
		this.#reach();
		return this.#specs.get(sandboxId) ?? null;
	}

	async report(_hostname: string, report: SandboxReport): Promise<SandboxSpec | null> {
		this.#reach();
		this.reports.push(report);
		this.#last.set(report.sandboxId, report);
		const spec = this.#specs.get(report.sandboxId);
		if (spec === undefined) return null;
		const next = takeReport(spec, report);
		if (next === null) this.#specs.delete(spec.id);
		else this.#specs.set(spec.id, JSON.stringify(next) === JSON.stringify(spec) ? spec : { ...next, version: spec.version + 1 });
		return this.#specs.get(spec.id) ?? null;
	}

	async network(_hostname: string, knownVersion: number | null): Promise<HostNetworkSpec | null> {
		this.#reach();
		return knownVersion === this.networks.version ? null : this.networks;
	}

	/** Every volume that a sandbox has, and those of `kept`. */
	async volumes(): Promise<readonly string[]> {
		this.#reach();
		return [...this.kept, ...[...this.#specs.values()].flatMap((spec) => spec.volumes.map(({ id }) => id))];
	}

	async server(_hostname: string, call: ServerCall): Promise<ServerTaken> {
		this.#reach();
		const { taken, spec } = this.scripted.take(call, (matches) => [...this.#specs.values()].find(matches));
		if (spec !== null) this.#put(spec);
		return taken;
	}

	async servers() {
		this.#reach();
		return [...this.#specs.values()].flatMap(({ id, name, serverId }) =>
			serverId === undefined ? [] : [{ serverId, name, sandboxId: id }],
		);
	}

	async image(_hostname: string, imageId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
		this.#reach();
		this.imagesAsked.push(imageId);
		const archive = this.archives.get(imageId);
		if (archive === undefined) throw fail('image-not-found', `There is no image ${imageId}.`);
		return archive(signal);
	}

	onWake(_hostname: string, wake: (sandboxId: string | null) => void, signal: AbortSignal): void {
		this.#wake = wake;
		signal.addEventListener('abort', () => {
			if (this.#wake === wake) this.#wake = null;
		});
	}

	/** Wants a new sandbox on the host. */
	add(spec: SandboxSpec): void {
		this.#specs.set(spec.id, spec);
		this.#wake?.(spec.id);
	}

	/** Something of the host as a whole may have changed. */
	wakeHost(): void {
		this.#wake?.(null);
	}

	/** Forgets a sandbox, as a database that was restored from a copy would. */
	forget(sandboxId: string): void {
		this.#specs.delete(sandboxId);
	}

	/** Wants something else of a sandbox. */
	change(sandboxId: string, change: Partial<SandboxSpec>): void {
		const spec = this.spec(sandboxId);
		this.#specs.set(sandboxId, { ...spec, ...change, version: spec.version + 1 });
		this.#wake?.(sandboxId);
	}

	/** Wants something else of a container; one that is not there is added. */
	changeContainer(sandboxId: string, container: Partial<ContainerSpec> & { readonly id: string }, added?: ContainerSpec): void {
		const { containers } = this.spec(sandboxId);
		const changed = containers.map((one) => (one.id === container.id ? { ...one, ...container } : one));
		this.change(sandboxId, { containers: added === undefined ? changed : [...containers, added] });
	}

	spec(sandboxId: string): SandboxSpec {
		const spec = this.#specs.get(sandboxId);
		if (spec === undefined) throw new Error(`control has no sandbox ${sandboxId}`);
		return spec;
	}

	has(sandboxId: string): boolean {
		return this.#specs.has(sandboxId);
	}

	/** The last that was told of a sandbox. */
	last(sandboxId: string): SandboxReport | undefined {
		return this.#last.get(sandboxId);
	}

	/** The last that was told of a container. */
	seen(sandboxId: string, containerId: string): ContainerReport | undefined {
		return this.#last.get(sandboxId)?.containers.find(({ id }) => id === containerId);
	}

	/** All that was told of an operation, in order. */
	outcomes(operationId: string): readonly OperationReport[] {
		return this.reports.flatMap(({ operations }) => operations).filter(({ id }) => id === operationId);
	}

	/** Ends when nothing that was asked is unfinished. */
	async quiet(sandboxId: string): Promise<void> {
		await eventually(`no unfinished operation of ${sandboxId}`, () => {
			const spec = this.#specs.get(sandboxId);
			return spec === undefined || [spec, ...spec.containers].every(({ operation }) => operation === null);
		});
	}

	#put(spec: SandboxSpec): void {
		const known = this.#specs.get(spec.id);
		if (JSON.stringify(known) === JSON.stringify(spec)) return;
		this.#specs.set(spec.id, { ...spec, version: (known?.version ?? 0) + 1 });
		this.#wake?.(spec.id);
	}

	#reach(): void {
		if (this.away) throw new Error('control is away');
	}
}
