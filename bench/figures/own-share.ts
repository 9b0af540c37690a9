import path from 'node:path';
import { Store } from '../../src/store/store.ts';
import { atMost, type Measurement } from '../support/figure.ts';
import { MeasuredService } from '../support/service.ts';
import { interleaved, median, quantile, timed } from '../support/statistics.ts';

const rounds = 100;
const warmUp = 20;

/**
 * What of a create is ours: from the request until the container runs, with a driver that takes no time. All else is
 * real: HTTP, the transactions on the disk, the agent's rounds. The peer is one transaction that waits for the disk.
 */
export const ownShare: Measurement = {
	name: 'own-share',
	async measure() {
		const service = await MeasuredService.start({ driver: 'fake' });
		const store = await Store.open({ path: path.join(service.folder, 'peer.db') });
		const { client } = service;
		const create = async (request: object): Promise<number> => {
			let id = '';
			const took = await timed(async () => {
				const { body } = await client.ok('POST', '/v1/containers?run=true', {
					image: 'zunbox/busybox:latest',
					command: ['sleep', '3600'],
					cpu: 0.1,
					memory: 16,
					...request,
				});
				id = String(body['uuid']);
				const shown = await client.ok('GET', `/v1/containers/${id}?wait=Running&timeout=60`);
				if (shown.body['status'] !== 'Running') throw new Error(`it does not run: ${shown.text}`);
			});
			// One at a time, as in the creation beside the Engine: what is measured is not how a sandbox full of containers fares.
			await client.ok('DELETE', `/v1/containers/${id}?force=true`);
			await service.until('the container is gone', async () => (await client.ask('GET', `/v1/containers/${id}`)).status === 404);
			return took;
		};
		let commits = 0;
		const commit = (): Promise<number> => {
			commits += 1;
			const row = { key: 'commits', value: String(commits) };
			return timed(() =>
				store.transaction((tx) =>
					tx
						.insertInto('meta')
						.values(row)
						.onConflict((conflict) => conflict.doUpdateSet(row))
						.execute(),
				),
			);
		};
		try {
			await client.ok('POST', '/v1/sandboxes', { name: 'share' });
			const joined = await interleaved(rounds, warmUp, () => create({ sandbox: 'share' }), commit);
			const whole = await interleaved(rounds, warmUp, () => create({}), commit);
			const figure = (name: string, value: number, theirs: number, promised: boolean) => ({
				name,
				value,
				unit: 'ms' as const,
				peer: { name: 'one transaction on the disk', value: theirs },
				promise: promised ? atMost(20) : null,
			});
			return [
				figure("control's own share of a create, p50", median(joined.ours), median(joined.theirs), true),
				figure("control's own share of a create, p90", quantile(joined.ours, 0.9), quantile(joined.theirs, 0.9), false),
				figure("control's own share with a new sandbox, p50", median(whole.ours), median(whole.theirs), true),
			];
		} finally {
			await store.close();
			await service.remove();
		}
	},
};
