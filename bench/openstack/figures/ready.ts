import { setTimeout as delay } from 'node:timers/promises';
import { Account, type Fields, fieldsIn } from '../../../test/openstack/cloud/account.ts';
import { imageName } from '../../../test/openstack/cloud/catalog.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { atMost, type Figure, type Measurement } from '../../support/figure.ts';
import { interleaved, median, quantile } from '../../support/statistics.ts';
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
}

/**
 * From the request for a sandbox until a watcher of events sees it run. The peer is the same user's request to Nova itself
 * for a server of the same flavor and image on the same network, which the same host and driver build, until it is ACTIVE.
 */
export function ready(cloud: MeasuredCloud): Measurement {
	return {
		name: 'ready',
		async measure(say) {
			const nova = new NovaServers(cloud, await idOf('nova', 'flavors', flavor), await idOf('glance', 'images', imageName));
			const parts: Parts[] = [];
			say(`${rounds} sandboxes and ${rounds} servers in turn`);
			const { ours, theirs } = await interleaved(
				rounds,
				warmUp,
				async () => {
					const made = await makeSandbox(cloud);
					parts.push(made);
					return made.running;
				},
				() => nova.make(),
			);
			const counted = parts.slice(warmUp);
			const part = (name: string, of: (made: Parts) => number): Figure => ({
				name: `sandbox: ${name}, p50`,
				value: median(counted.map(of)),
				unit: 'ms',
				peer: null,
				promise: null,
			});
			const peer = 'POST /servers to ACTIVE';
			return [
				{
					name: 'sandbox, request to Running, p50',
					value: median(ours),
					unit: 'ms',
					peer: { name: peer, value: median(theirs) },
					promise: atMost(1.15, 'ratio'),
				},
				{
					name: 'sandbox, request to Running, p90',
					value: quantile(ours, 0.9),
					unit: 'ms',
					peer: { name: peer, value: quantile(theirs, 0.9) },
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
	const calls = cloud.region.since(began);
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
		this.#request = { name: 'peer', flavorRef: flavorId, imageRef: imageId, networks: [{ uuid: cloud.network.id }] };
	}

	/** ms until one is ACTIVE. It is gone when this ends. */
	async make(): Promise<number> {
		const { user } = this.#cloud;
		const began = performance.now();
		const id = String(fieldsIn(await user.ok('nova', 'POST /servers', { server: this.#request }), 'server')['id']);
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
