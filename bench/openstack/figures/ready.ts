import { setTimeout as delay } from 'node:timers/promises';
import { Account, type Fields, fieldsIn } from '../../../test/openstack/cloud/account.ts';
import { imageName } from '../../../test/openstack/cloud/catalog.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { atMost, type Figure, type Measurement } from '../../support/figure.ts';
import { interleaved, median, quantile } from '../../support/statistics.ts';
import { isPoll } from '../counted-region.ts';
import type { SeenCall } from '../counting-proxy.ts';
import type { MeasuredCloud } from '../measured-cloud.ts';

const rounds = 10;
const warmUp = 2;
const flavor = 'tiny';
/** ms. */
const patience = 300_000;
const betweenLooks = 50;

/** When, in ms since the request, what else there is to see of a sandbox's making was seen. */
interface Parts {
	readonly answered: number;
	readonly portAsked: number;
	readonly portMade: number;
	readonly serverAsked: number;
	readonly serverAnswered: number;
	readonly running: number;
	/** What the service asked of the cloud until then. */
	readonly calls: readonly SeenCall[];
}

/**
 * From the request for a sandbox until a watcher of events sees it run. The peers are the same user's request to Nova itself
 * for a server of the same flavor and image with one port, which the same host and driver build, until it is ACTIVE: with a
 * port that was made before, which is in no figure but ours, and with a network, where Nova makes the port.
 */
export function ready(cloud: MeasuredCloud): Measurement {
	return {
		name: 'ready',
		async measure(say) {
			const nova = new NovaServers(cloud, await idOf('nova', 'flavors', flavor), await idOf('glance', 'images', imageName));
			const parts: Parts[] = [];
			const networked: number[] = [];
			say(`${rounds} sandboxes and twice as many servers in turn`);
			const { ours, theirs } = await interleaved(
				rounds,
				warmUp,
				async () => {
					const made = await makeSandbox(cloud);
					parts.push(made);
					return made.running;
				},
				async () => {
					networked.push(await nova.make({ uuid: cloud.network.id }));
					return await nova.makeWithPort();
				},
			);
			const counted = parts.slice(warmUp);
			for (const { service, method, path } of counted.at(-1)?.calls ?? []) say(`asked ${service}: ${method} ${path}`);
			const part = (name: string, of: (made: Parts) => number): Figure => ({
				name: `sandbox: ${name}, p50`,
				value: median(counted.map(of)),
				unit: 'ms',
				peer: null,
				promise: null,
			});
			const compared = (what: string, of: (samples: readonly number[]) => number, promise: Figure['promise']): readonly Figure[] =>
				[
					{ name: 'POST /servers with a port to ACTIVE', value: of(theirs) },
					{ name: 'POST /servers with a network to ACTIVE', value: of(networked.slice(warmUp)) },
				].map((peer) => ({ name: `sandbox, request to Running, ${what}`, value: of(ours), unit: 'ms', peer, promise }));
			return [
				...compared('p50', median, atMost(1.15, 'ratio')),
				...compared('p90', (samples) => quantile(samples, 0.9), null),
				{
					name: 'calls of the cloud for one sandbox until it runs, p50',
					value: median(counted.map(({ calls }) => calls.length)),
					unit: 'calls',
					peer: null,
					promise: null,
				},
				part('until the request is answered', ({ answered }) => answered),
				part('from then until its port is asked for', ({ answered, portAsked }) => portAsked - answered),
				part('its port is made', ({ portAsked, portMade }) => portMade - portAsked),
				part('from then until its server is asked for', ({ portMade, serverAsked }) => serverAsked - portMade),
				part('Nova answers', ({ serverAsked, serverAnswered }) => serverAnswered - serverAsked),
				part('from then until it runs', ({ serverAnswered, running }) => running - serverAnswered),
			];
		},
	};
}

/** It is gone when this ends. */
async function makeSandbox(cloud: MeasuredCloud): Promise<Parts> {
	const began = performance.now();
	const id = await cloud.ask('ready', flavor);
	const answered = performance.now() - began;
	const running = (await cloud.events.status(id, 'Running', patience)) - began;
	const calls = cloud.region.since(began).filter((call) => !isPoll(call));
	const port = posted(calls, 'network', '/v2.0/ports');
	const server = posted(calls, 'compute', '/v2.1/servers');
	await cloud.client.ok('DELETE', `/v1/sandboxes/${id}?force=true`);
	await cloud.isGone(id);
	await cloud.quiet(500);
	return {
		answered,
		portAsked: port.began - began,
		portMade: port.ended - began,
		serverAsked: server.began - began,
		serverAnswered: server.ended - began,
		running,
		calls,
	};
}

function posted(calls: readonly SeenCall[], service: string, path: string): { readonly began: number; readonly ended: number } {
	const [call, ...others] = calls.filter((one) => one.service === service && one.method === 'POST' && one.path === path);
	if (call === undefined || call.ended === null || others.length > 0) throw new Error(`POST ${path} was not seen once`);
	return { began: call.began, ended: call.ended };
}

/** Servers that the user makes with Nova alone. */
class NovaServers {
	readonly #cloud: MeasuredCloud;
	readonly #request: Fields;
	/** The shortest making so far, in ms. */
	#fastest = 0;

	constructor(cloud: MeasuredCloud, flavorId: string, imageId: string) {
		this.#cloud = cloud;
		this.#request = { name: 'peer', flavorRef: flavorId, imageRef: imageId };
	}

	/** As `make`, with a port of the user's own. */
	async makeWithPort(): Promise<number> {
		const { user, network } = this.#cloud;
		const made = fieldsIn(await user.ok('neutron', 'POST /v2.0/ports', { port: { network_id: network.id } }), 'port');
		try {
			return await this.make({ port: made['id'] });
		} finally {
			await user.call('neutron', `DELETE /v2.0/ports/${made['id']}`);
		}
	}

	/** ms until one is ACTIVE that is attached to this. It is gone when this ends. */
	async make(attached: Fields): Promise<number> {
		const { user } = this.#cloud;
		const server = { ...this.#request, networks: [attached] };
		const began = performance.now();
		const id = String(fieldsIn(await user.ok('nova', 'POST /servers', { server }), 'server')['id']);
		const took = (await this.#active(id, began)) - began;
		this.#fastest = this.#fastest === 0 ? took : Math.min(this.#fastest, took);
		await user.ok('nova', `DELETE /servers/${id}`);
		const gone = async () => (await user.call('nova', `GET /servers/${id}`)).status === 404;
		await eventually(`server ${id} is gone`, gone, { timeout: patience, interval: 200 });
		// The service has adopted it.
		await this.#cloud.isGone(id);
		await this.#cloud.quiet(500);
		return took;
	}

	/**
	 * When it was ACTIVE: between the last look that did not find it so and the first that did. Each look is work for Nova,
	 * so they begin late, when the first servers have shown when that may be.
	 */
	async #active(id: string, began: number): Promise<number> {
		await delay(Math.max(0, began + this.#fastest * 0.6 - performance.now()));
		let before: number | null = null;
		for (;;) {
			const looked = performance.now();
			const server = fieldsIn(await this.#cloud.user.ok('nova', `GET /servers/${id}`), 'server');
			if (server['status'] === 'ACTIVE') return before === null ? looked : (before + looked) / 2;
			if (server['status'] !== 'BUILD' || looked - began > patience) throw new Error(`server ${id} is ${JSON.stringify(server)}`);
			before = looked;
			await delay(betweenLooks);
		}
	}
}

async function idOf(service: 'nova' | 'glance', list: 'flavors' | 'images', name: string): Promise<string> {
	const admin = new Account('admin', 'admin');
	const all = await admin.list(service, service === 'nova' ? 'GET /flavors' : 'GET /v2/images', list);
	const found = all.find((one) => one['name'] === name);
	if (found === undefined) throw new Error(`the cloud has no ${name} among its ${list}`);
	return String(found['id']);
}
