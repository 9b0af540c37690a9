import { ensureBusybox } from '../../../test/support/docker.ts';
import { atMost, type Measurement } from '../../support/figure.ts';
import { isPoll } from '../counted-region.ts';
import type { MeasuredCloud } from '../measured-cloud.ts';

const each = 100;

/** What the service asks of the cloud while a user lists and shows what there is. */
export function reads(cloud: MeasuredCloud): Measurement {
	return {
		name: 'reads',
		async measure(say) {
			const { client, region } = cloud;
			try {
				const image = await ensureBusybox();
				const sandbox = await cloud.ask('read', 'small');
				await cloud.runs(sandbox);
				const { body } = await client.ok('POST', '/v1/containers?run=true', { image, sandbox: 'read', command: ['sleep', '3600'] });
				const container = String(body['uuid']);
				const { status } = (await client.ok('GET', `/v1/containers/${container}?wait=Running&timeout=60`)).body;
				if (status !== 'Running') throw new Error(`the container is ${status}`);
				if (!region.seen.some(({ service, method }) => service === 'compute' && method === 'POST')) {
					throw new Error('a server was made that the proxy has not seen');
				}
				await cloud.quiet(3000);
				say(`${each} lists and ${each} shows`);
				const lists = ['/v1/sandboxes', '/v1/containers', '/v1/capsules', '/v1/sandboxes?limit=10', '/v1/containers?limit=10'];
				const shows = [`/v1/sandboxes/${sandbox}`, `/v1/containers/${container}`, '/v1/sandboxes/read'];
				const began = performance.now();
				for (let count = 0; count < each; count += 1) {
					for (const paths of [lists, shows]) await client.ok('GET', paths[count % paths.length] ?? '');
				}
				// What came of it may come a moment later.
				await new Promise((resolve) => setTimeout(resolve, 1000));
				const asked = region.since(began).filter((call) => !isPoll(call));
				for (const { service, method, path } of asked) say(`asked ${service}: ${method} ${path}`);
				return [
					{
						name: `calls of Nova, Neutron, Cinder and Glance for ${each} lists and ${each} shows`,
						value: asked.length,
						unit: 'calls',
						peer: null,
						promise: atMost(0),
					},
				];
			} finally {
				await cloud.empty();
			}
		},
	};
}
