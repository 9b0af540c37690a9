import { setTimeout as delay } from 'node:timers/promises';
import type { Account } from '../../test/openstack/cloud/account.ts';
import { urls } from '../../test/openstack/cloud/settings.ts';
import { makeNetwork, type TestNetwork } from '../../test/openstack/support/networks.ts';
import { CloudWorld } from '../../test/openstack/support/world.ts';
import { eventually } from '../../test/support/eventually.ts';
import { HttpClient } from '../support/http-client.ts';
import { headersOf, targetOf } from '../support/service.ts';
import { CountedRegion, isPoll } from './counted-region.ts';
import { EventWatch } from './event-watch.ts';

/** ms; what takes seconds takes long on a busy machine, and a hundred of it longer. */
const patience = 900_000;
/** MiB of flavors of the test cloud. */
const memoryOf = { tiny: 64, small: 512 } as const;

/** The service on an OpenStack of its own, with all that it asks of the cloud counted, and a user with a network. */
export class MeasuredCloud {
	readonly region: CountedRegion;
	readonly network: TestNetwork;
	/** The user, at the cloud's services themselves. */
	readonly user: Account;
	/** The user, at the service. */
	readonly client: HttpClient;
	/** What the user sees happen. */
	readonly events: EventWatch;
	readonly #world: CloudWorld;
	readonly #endings: readonly (() => unknown)[];

	private constructor(
		world: CloudWorld,
		parts: Pick<MeasuredCloud, 'region' | 'network' | 'client' | 'events'>,
		endings: readonly (() => unknown)[],
	) {
		this.#world = world;
		this.#endings = endings;
		this.user = world.alpha.account;
		this.region = parts.region;
		this.network = parts.network;
		this.client = parts.client;
		this.events = parts.events;
	}

	/** Inside of the test cloud (test/openstack/cloud/enter.ts). */
	static async open(): Promise<MeasuredCloud> {
		const endings: (() => unknown)[] = [];
		const region = await CountedRegion.open();
		endings.push(() => region.close());
		try {
			const world = await CloudWorld.start('everything', region.environment);
			try {
				const { account } = world.alpha;
				const network = await makeNetwork({ after: (ending: () => unknown) => endings.unshift(ending) }, account, '10.64.0.0/22');
				const target = targetOf(urls.container);
				const headers = headersOf(await account.token());
				const client = new HttpClient(target, headers);
				const events = await EventWatch.open(new URL(urls.container).origin, headers);
				return new MeasuredCloud(world, { region, network, client, events }, endings);
			} catch (error) {
				await world.remove();
				throw error;
			}
		} catch (error) {
			for (const ending of endings) await ending();
			throw error;
		}
	}

	/** Removes everything that was made and ends the service. */
	async remove(): Promise<void> {
		this.events.close();
		try {
			await this.empty();
		} finally {
			this.client.close();
			await this.#world.remove();
			for (const ending of this.#endings) await ending();
		}
	}

	/** Asks for a sandbox on the network; answers its id. */
	async ask(name: string, flavor: keyof typeof memoryOf): Promise<string> {
		const request = { name, nets: [{ network: this.network.id }], memory: memoryOf[flavor], hints: { flavor } };
		const { body } = await this.client.ok('POST', '/v1/sandboxes', request);
		return String(body['uuid']);
	}

	/** Ends when the sandbox runs; an Error when it does not. */
	async runs(id: string): Promise<void> {
		await eventually(
			`sandbox ${id} runs`,
			async () => {
				const { body } = await this.client.ok('GET', `/v1/sandboxes/${id}?wait=Running&timeout=60`);
				return body['status'] === 'Running' || body['status'] === 'Error' ? body : null;
			},
			{ timeout: patience },
		).then((body) => {
			if (body['status'] !== 'Running') throw new Error(`sandbox ${id} is in Error: ${body['status_reason']}`);
		});
	}

	async sandboxIds(): Promise<readonly string[]> {
		const { sandboxes } = (await this.client.ok('GET', '/v1/sandboxes?limit=1000')).body;
		return Array.isArray(sandboxes) ? sandboxes.map(({ uuid }) => String(uuid)) : [];
	}

	async isGone(id: string): Promise<void> {
		const look = async () => (await this.client.ask('GET', `/v1/sandboxes/${id}`)).status === 404;
		await eventually(`sandbox ${id} is gone`, look, { timeout: patience, interval: 200 });
	}

	/** Deletes all sandboxes of the user and waits until they are gone. */
	async empty(): Promise<void> {
		for (const id of await this.sandboxIds()) await this.client.ask('DELETE', `/v1/sandboxes/${id}?force=true`);
		const look = async () => (await this.sandboxIds()).length === 0;
		await eventually('all sandboxes are gone', look, { timeout: patience, interval: 500 });
	}

	/** Ends when the service has asked the cloud for nothing but changes of servers for that many ms. */
	async quiet(ms: number): Promise<void> {
		const end = performance.now() + patience;
		while (this.region.since(performance.now() - ms).some((call) => !isPoll(call) || call.ended === null)) {
			if (performance.now() > end) throw new Error('the service goes on asking the cloud');
			await delay(100);
		}
	}
}
