import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { atMost, type Figure, type Measurement } from '../support/figure.ts';
import { MeasuredService, program } from '../support/service.ts';
import { interleaved, median, timed } from '../support/statistics.ts';

const run = promisify(execFile);
const rounds = 15;
const warmUp = 3;

/** How long a command takes from its start to its end, beside Node.js itself. */
export const command: Measurement = {
	name: 'command',
	async measure() {
		const service = await MeasuredService.start({ driver: 'fake' });
		const env = { ...process.env, ZUNBOX_DATA_DIRECTORY: service.folder };
		try {
			const figures: Figure[] = [];
			for (const args of [['--help'], ['ps']]) {
				const { ours, theirs } = await interleaved(
					rounds,
					warmUp,
					() => timed(() => run(program, args, { env })),
					() => timed(() => run(process.execPath, ['-e', '0'])),
				);
				figures.push({
					name: `zunbox ${args.join(' ')}, from start to end, p50`,
					value: median(ours),
					unit: 'ms',
					peer: { name: 'node -e 0', value: median(theirs) },
					// A command starts in time; what the service takes for its answer is not in it.
					promise: args.includes('--help') ? atMost(150) : null,
				});
			}
			return figures;
		} finally {
			await service.remove();
		}
	},
};
