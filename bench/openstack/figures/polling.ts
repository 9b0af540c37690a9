import { setTimeout as delay } from 'node:timers/promises';
import { atMost, type Measurement } from '../../support/figure.ts';
import { isPoll } from '../counted-region.ts';
import type { MeasuredCloud } from '../measured-cloud.ts';

/** As many as there are when the time for making them is up, where that comes first. */
const wanted = Number(process.env['BENCH_SANDBOXES'] ?? 100);
const makingTime = 900_000;
const lanes = 8;
/** ms. */
const settling = 10_000;
const watched = 60_000;
const interval = 5_000;

/** What a hundred sandboxes that nobody does anything with cost the cloud's services. All of them are servers that Nova has made. */
export function polling(cloud: MeasuredCloud): Measurement {
	return {
		name: 'polling',
		async measure(say) {
			try {
				say(`making ${wanted} sandboxes`);
				await makeMany(cloud);
				const count = (await cloud.sandboxIds()).length;
				await cloud.quiet(settling);
				say(`watching for ${watched / 1000} s what ${count} sandboxes cost`);
				const began = performance.now();
				await delay(watched);
				const calls = cloud.region.since(began);
				const polls = calls.filter(isPoll);
				const [first, last] = [polls.at(0), polls.at(-1)];
				if (first === undefined || last === undefined || first === last) throw new Error('the service does not look for changes');
				const plain = { unit: 'calls', peer: null } as const;
				return [
					{
						...plain,
						name: `with ${count} sandboxes: lists that Nova is asked for in 5 s`,
						value: ((polls.length - 1) * interval) / (last.began - first.began),
						promise: atMost(1),
					},
					{
						...plain,
						name: `with ${count} sandboxes: all other calls of the cloud in ${watched / 1000} s`,
						value: calls.length - polls.length,
						promise: atMost(0),
					},
				];
			} finally {
				say('deleting them');
				await cloud.empty();
			}
		},
	};
}

async function makeMany(cloud: MeasuredCloud): Promise<void> {
	const end = performance.now() + makingTime;
	let next = 0;
	await Promise.all(
		Array.from({ length: lanes }, async () => {
			while (next < wanted && performance.now() < end) {
				next += 1;
				await cloud.runs(await cloud.ask(`quiet-${next}`, 'tiny'));
			}
		}),
	);
}
