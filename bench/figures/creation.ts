import { randomBytes } from 'node:crypto';
import { ensureBusybox } from '../../test/support/docker.ts';
import { timedContainer } from '../support/container.ts';
import { atMost, type Figure, type Measurement } from '../support/figure.ts';
import { HttpClient, isRecord } from '../support/http-client.ts';
import { MeasuredService } from '../support/service.ts';
import { interleaved, median, quantile, timed } from '../support/statistics.ts';

const rounds = 40;
const warmUp = 3;
const size = { cpu: 0.5, memory: 64 };

/**
 * From the request until the container runs, on the machine's Docker Engine. Ours is what a user waits for: POST, and
 * then one GET that answers when the state is reached. The peer is the Engine's own API, called by the same client:
 * create and start of a container with the very same settings.
 */
export const creation: Measurement = {
	name: 'creation',
	async measure(say) {
		const engine = new HttpClient({ socketPath: '/var/run/docker.sock' }, { host: 'docker' });
		const image = await ensureBusybox();
		const service = await MeasuredService.start({ driver: 'docker' });
		try {
			const joined = await joinedContainer(service, engine, image);
			say('containers into a sandbox, and the same by the Engine API');
			const joins = await interleaved(
				rounds,
				warmUp,
				() => timedContainer(service.client, { ...size, image, sandbox: 'bench', command: ['sleep', '3600'] }),
				() => theirCreate(engine, joined),
			);
			say('containers with a sandbox of their own, and containers on the bridge of Docker');
			const bridged = { Image: image, Cmd: ['sleep', '3600'], HostConfig: limits };
			const firsts = await interleaved(
				rounds,
				warmUp,
				() => timedContainer(service.client, { ...size, image, command: ['sleep', '3600'] }),
				() => theirCreate(engine, bridged),
			);
			return [
				...compared('container into a sandbox, request to Running', joins, 'Engine API, create + start', 1.25),
				...compared('container with a new sandbox, request to Running', firsts, "Engine API on Docker's bridge", 1.6),
			];
		} finally {
			await service.remove();
			engine.close();
		}
	},
};

const limits = { NanoCpus: size.cpu * 1e9, Memory: size.memory << 20 };

function compared(
	name: string,
	{ ours, theirs }: { readonly ours: readonly number[]; readonly theirs: readonly number[] },
	peer: string,
	limit: number,
): readonly Figure[] {
	const figure = (what: string, of: (samples: readonly number[]) => number, promise: Figure['promise']): Figure => ({
		name: `${name}, ${what}`,
		value: of(ours),
		unit: 'ms',
		peer: { name: peer, value: of(theirs) },
		promise,
	});
	return [figure('p50', median, atMost(limit, 'ratio')), figure('p90', (samples) => quantile(samples, 0.9), null)];
}

/** ms until the Engine has started a container with this configuration. It is gone when this ends. */
async function theirCreate(engine: HttpClient, configuration: object): Promise<number> {
	const name = `bench-${randomBytes(6).toString('hex')}`;
	try {
		return await timed(async () => {
			await engine.ok('POST', `/containers/create?name=${name}`, configuration);
			await engine.ok('POST', `/containers/${name}/start`);
		});
	} finally {
		await engine.ask('DELETE', `/containers/${name}?force=true&v=true`);
	}
}

/** The configuration of a container that the service made in a sandbox, for the Engine to make the same: without the labels that make it ours. */
async function joinedContainer(service: MeasuredService, engine: HttpClient, image: string): Promise<object> {
	const { client } = service;
	const sandbox = await client.ok('POST', '/v1/sandboxes', { name: 'bench' });
	await client.ok('GET', `/v1/sandboxes/${sandbox.body['uuid']}?wait=Running&timeout=60`);
	const request = { image, sandbox: 'bench', command: ['sleep', '3600'], ...size };
	const { body } = await client.ok('POST', '/v1/containers?run=true', request);
	await client.ok('GET', `/v1/containers/${body['uuid']}?wait=Running&timeout=60`);
	const inspected = (await engine.ok('GET', `/containers/zunbox-${body['uuid']}/json`)).body;
	await client.ok('DELETE', `/v1/containers/${body['uuid']}?force=true`);
	const { Config: settings, HostConfig: hostSettings } = inspected;
	if (!isRecord(settings) || !isRecord(hostSettings)) throw new Error('the Engine shows no configuration');
	const { Hostname: _hostname, Domainname: _domain, Labels: _labels, ...rest } = settings;
	return { ...rest, HostConfig: hostSettings };
}
