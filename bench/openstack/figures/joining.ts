import { ensureBusybox } from '../../../test/support/docker.ts';
import { timedContainer } from '../../support/container.ts';
import { atMost, type Measurement } from '../../support/figure.ts';
import { MeasuredService } from '../../support/service.ts';
import { interleaved, median, quantile } from '../../support/statistics.ts';
import { isPoll } from '../counted-region.ts';
import type { MeasuredCloud } from '../measured-cloud.ts';

const rounds = 30;
const warmUp = 3;

/**
 * From the request for a container in a sandbox that there is until it runs. The peer is the same request to a service
 * without OpenStack beside it, with the same engine.
 */
export function joining(cloud: MeasuredCloud): Measurement {
	return {
		name: 'joining',
		async measure(say) {
			const image = await ensureBusybox();
			const plain = await MeasuredService.start({ driver: 'docker', environment: { ZUNBOX_NETWORK_ENABLED: 'false' } });
			const { client } = cloud;
			try {
				await cloud.runs(await cloud.ask('joined', 'small'));
				const sandbox = await plain.client.ok('POST', '/v1/sandboxes', { name: 'joined' });
				await plain.client.ok('GET', `/v1/sandboxes/${sandbox.body['uuid']}?wait=Running&timeout=60`);
				await cloud.quiet(3000);
				say('containers into a sandbox, with OpenStack and without');
				const request = { image, sandbox: 'joined', command: ['sleep', '3600'], cpu: 0.5, memory: 64 };
				const began = performance.now();
				const { ours, theirs } = await interleaved(
					rounds,
					warmUp,
					() => timedContainer(client, request),
					() => timedContainer(plain.client, request),
				);
				const asked = cloud.region.since(began).filter((call) => !isPoll(call)).length;
				const figure = (what: string, of: (samples: readonly number[]) => number) => ({
					name: `container into a sandbox, request to Running, ${what}`,
					value: of(ours),
					unit: 'ms' as const,
					peer: { name: 'the same without OpenStack', value: of(theirs) },
				});
				return [
					{ ...figure('p50', median), promise: atMost(1.1, 'ratio') },
					{ ...figure('p90', (samples) => quantile(samples, 0.9)), promise: null },
					{
						name: `calls of the cloud for ${rounds + warmUp} containers into a sandbox and out of it`,
						value: asked,
						unit: 'calls',
						peer: null,
						promise: null,
					},
				];
			} finally {
				await plain.remove();
				await cloud.empty();
			}
		},
	};
}
