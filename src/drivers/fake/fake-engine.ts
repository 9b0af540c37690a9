import type { HostFacts } from '../../model/host.ts';
import {
	type ContainerSettings,
	DriverError,
	type DriverEvent,
	type ObservedSandbox,
	type ObservedState,
	type SandboxSettings,
} from '../driver.ts';
import { FakeContainer } from './fake-container.ts';
import { type FakeImage, makeBusyboxImage } from './fake-image.ts';
import { FakeRegistry } from './fake-registry.ts';
import { FakeSandbox } from './fake-sandbox.ts';
import { Faults } from './faults.ts';
import { ImageStore } from './image-store.ts';

/**
 * A container engine in memory. It stands outside the driver, as a real engine does: a test closes a driver, or drops
 * it as a crash would, and opens another one on the same engine.
 *
 * All that happens to an engine behind its drivers' backs is a method of it; slow and failing calls are in `faults`.
 */
export class FakeEngine {
	readonly faults = new Faults();
	readonly images = new ImageStore();
	readonly registry = new FakeRegistry();
	/** What `facts` answers. */
	facts: Omit<HostFacts, 'hostname' | 'labels'> = {
		cpus: 8,
		memoryMib: 16384,
		diskGib: 100,
		diskQuotaSupported: true,
		architecture: 'x86_64',
		osType: 'linux',
		os: 'Fake',
		kernelVersion: '0.0.0',
		driver: 'fake',
		driverVersion: '1.0',
		runtimes: ['fake'],
		defaultRuntime: 'fake',
	};
	/** Sandboxes of each owner, and the containers of each of them. */
	readonly #owners = new Map<string, Map<string, FakeSandbox>>();
	readonly #containers = new Map<string, Map<string, FakeContainer>>();
	/** The same containers by `<owner> <sandbox>`, so that looking at one sandbox does not look at all. */
	readonly #members = new Map<string, Map<string, FakeContainer>>();
	readonly #watchers = new Set<{ readonly owner: string; readonly listener: (event: DriverEvent) => void }>();

	/** `zunbox/busybox:latest` is on the host and in the registry from the start. */
	constructor() {
		const busybox = makeBusyboxImage();
		this.images.add(busybox, ['zunbox/busybox:latest']);
		this.registry.add('zunbox/busybox:latest', busybox);
	}

	createSandbox(owner: string, settings: SandboxSettings): void {
		const sandboxes = this.#sandboxesOf(owner);
		if (sandboxes.has(settings.id)) return;
		sandboxes.set(settings.id, new FakeSandbox(settings));
		this.#tell(owner, { kind: 'sandbox', sandboxId: settings.id, containerId: null, action: 'create' });
	}

	startSandbox(owner: string, id: string): void {
		if (this.sandbox(owner, id).start()) this.#tell(owner, { kind: 'sandbox', sandboxId: id, containerId: null, action: 'start' });
	}

	/** Ends the holder and what runs in it. */
	stopSandbox(owner: string, id: string): void {
		const sandbox = this.sandbox(owner, id);
		for (const container of this.#joined(owner, sandbox)) container.destroy();
		if (sandbox.stop()) this.#tell(owner, { kind: 'sandbox', sandboxId: id, containerId: null, action: 'die' });
	}

	pauseSandbox(owner: string, id: string, paused: boolean): void {
		const sandbox = this.sandbox(owner, id);
		if (!sandbox.alive) throw new DriverError('not-running', `Sandbox ${id} does not run.`);
		const status = paused ? 'paused' : 'running';
		if (sandbox.status === status) return;
		sandbox.status = status;
		this.#tell(owner, { kind: 'sandbox', sandboxId: id, containerId: null, action: paused ? 'pause' : 'unpause' });
	}

	removeSandbox(owner: string, id: string): void {
		const sandbox = this.#sandboxesOf(owner).get(id);
		if (sandbox === undefined) return;
		this.stopSandbox(owner, id);
		sandbox.gone = true;
		this.#sandboxesOf(owner).delete(id);
		this.#tell(owner, { kind: 'sandbox', sandboxId: id, containerId: null, action: 'destroy' });
	}

	createContainer(owner: string, settings: ContainerSettings): void {
		const containers = this.#containersOf(owner);
		if (containers.has(settings.id)) return;
		const sandbox = this.sandbox(owner, settings.sandboxId);
		const tell = (action: string): void =>
			this.#tell(owner, { kind: 'container', sandboxId: settings.sandboxId, containerId: settings.id, action });
		const container = new FakeContainer(settings, this.images.get(settings.imageId ?? settings.image), sandbox, tell);
		containers.set(settings.id, container);
		getOrMake(this.#members, `${owner} ${settings.sandboxId}`).set(settings.id, container);
		tell('create');
	}

	removeContainer(owner: string, id: string): void {
		const container = this.#containersOf(owner).get(id);
		if (container === undefined) return;
		container.destroy();
		this.#containersOf(owner).delete(id);
		const group = `${owner} ${container.settings.sandboxId}`;
		this.#members.get(group)?.delete(id);
		if (this.#members.get(group)?.size === 0) this.#members.delete(group);
		this.#tell(owner, { kind: 'container', sandboxId: container.settings.sandboxId, containerId: id, action: 'destroy' });
	}

	/** Fails with `not-found`. */
	sandbox(owner: string, id: string): FakeSandbox {
		const sandbox = this.#sandboxesOf(owner).get(id);
		if (sandbox === undefined) throw new DriverError('not-found', `Sandbox ${id} is not on this host.`);
		return sandbox;
	}

	/** Fails with `not-found`. */
	container(owner: string, id: string): FakeContainer {
		const container = this.#containersOf(owner).get(id);
		if (container === undefined) throw new DriverError('not-found', `Container ${id} is not on this host.`);
		return container;
	}

	/** Whether a container of anybody is made of the image. */
	uses(image: FakeImage): boolean {
		for (const containers of this.#containers.values())
			for (const container of containers.values()) if (container.image === image) return true;
		return false;
	}

	list(owner: string): ObservedState {
		const sandboxes = this.#sandboxesOf(owner);
		return {
			sandboxes: [...sandboxes.values()].map((sandbox) => sandbox.state()),
			containers: [...this.#containersOf(owner).values()].map((container) => container.state(!container.sandbox.gone)),
		};
	}

	observe(owner: string, sandboxId: string): ObservedSandbox {
		const containers = [...(this.#members.get(`${owner} ${sandboxId}`)?.values() ?? [])];
		return {
			sandbox: this.#sandboxesOf(owner).get(sandboxId)?.state() ?? null,
			containers: containers.map((container) => container.state(!container.sandbox.gone)),
		};
	}

	/** Calls back at each change; answers what ends that. */
	watch(owner: string, listener: (event: DriverEvent) => void): () => void {
		const watcher = { owner, listener };
		this.#watchers.add(watcher);
		return () => this.#watchers.delete(watcher);
	}

	/** The holder is removed by somebody else: its containers end, and cannot start again as they are. */
	loseSandbox(owner: string, id: string): void {
		this.removeSandbox(owner, id);
	}

	/** A container is removed by somebody else. */
	loseContainer(owner: string, id: string): void {
		this.removeContainer(owner, id);
	}

	/** The host starts anew: nothing runs, all that was made is still there, and all event streams end. */
	reboot(): void {
		for (const owner of this.#owners.keys()) for (const id of this.#sandboxesOf(owner).keys()) this.stopSandbox(owner, id);
		this.faults.goAway();
		this.faults.comeBack();
	}

	/** The engine comes back with nothing but its images. */
	loseEverything(): void {
		this.reboot();
		for (const owner of [...this.#containers.keys()])
			for (const id of [...this.#containersOf(owner).keys()]) this.removeContainer(owner, id);
		for (const owner of [...this.#owners.keys()]) for (const id of [...this.#sandboxesOf(owner).keys()]) this.removeSandbox(owner, id);
	}

	#sandboxesOf(owner: string): Map<string, FakeSandbox> {
		return getOrMake(this.#owners, owner);
	}

	#containersOf(owner: string): Map<string, FakeContainer> {
		return getOrMake(this.#containers, owner);
	}

	#joined(owner: string, sandbox: FakeSandbox): FakeContainer[] {
		const members = this.#members.get(`${owner} ${sandbox.settings.id}`)?.values() ?? [];
		return [...members].filter((container) => container.sandbox === sandbox);
	}

	#tell(owner: string, event: DriverEvent): void {
		for (const watcher of [...this.#watchers]) if (watcher.owner === owner) watcher.listener(event);
	}
}

function getOrMake<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
	let map = maps.get(key);
	if (map === undefined) {
		map = new Map();
		maps.set(key, map);
	}
	return map;
}
