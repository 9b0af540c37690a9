import { Capsules } from './capsules/capsules.ts';
import { Containers } from './containers.ts';
import type { Control } from './control.ts';
import type { Deps } from './deps.ts';
import { Events } from './events.ts';
import { HostLink, type HostLinkOptions } from './host-link.ts';
import { Housekeeping } from './housekeeping.ts';
import { ImageSweep } from './image-service/sweep.ts';
import { ImageUploads } from './image-service/uploads.ts';
import { Sandboxes } from './sandboxes.ts';
import { ServerPoller } from './servers/poller.ts';
import { Provisioner } from './servers/provisioner.ts';

/** The whole of control over one store. */
export class Service implements Control {
	readonly sandboxes: Sandboxes;
	readonly containers: Containers;
	readonly capsules: Capsules;
	readonly events: Events;
	readonly housekeeping: Housekeeping;
	/** Where sandboxes are servers of a compute service. */
	readonly #provisioning: readonly (Provisioner | ServerPoller)[];
	/** Where there is an image service. */
	readonly #images: { readonly uploads: ImageUploads; readonly sweep: ImageSweep } | null;
	readonly #deps: Deps;

	constructor(deps: Deps) {
		this.#deps = deps;
		const { imageService } = deps;
		this.#images =
			imageService === undefined ? null : { uploads: new ImageUploads(deps, imageService), sweep: new ImageSweep(deps, imageService) };
		this.sandboxes = new Sandboxes(deps);
		this.containers = new Containers(deps, this.#images?.uploads);
		this.capsules = new Capsules(deps);
		this.events = new Events(deps);
		this.housekeeping = new Housekeeping(deps);
		const { compute } = deps;
		this.#provisioning = compute === undefined ? [] : [new Provisioner(deps, compute), new ServerPoller(deps, compute)];
	}

	/** The side of the bus that agents speak to. */
	hostLink(options: HostLinkOptions): HostLink {
		return new HostLink(this.#deps, options);
	}

	/** Begins its own work: watchers hear of commits, time passes for what expires. */
	async start(): Promise<void> {
		this.#deps.store.onCommit(() => this.#deps.hub.notify());
		await this.#deps.store.transaction((tx) => this.#deps.network.initialize(tx));
		this.housekeeping.start();
		for (const part of this.#provisioning) part.start();
		await this.#images?.uploads.start();
		this.#images?.sweep.start();
	}

	async stop(): Promise<void> {
		await Promise.all([
			this.housekeeping.stop(),
			...this.#provisioning.map((part) => part.stop()),
			this.#images?.uploads.stop(),
			this.#images?.sweep.stop(),
		]);
	}
}
