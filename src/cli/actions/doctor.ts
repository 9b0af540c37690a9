import type { Examined } from '../context.ts';
import { exitCodes } from '../exit-code.ts';
import type { Tone } from '../output/style.ts';
import type { Action } from '../tree/spec.ts';
import { configuration } from './configuration.ts';

const tones: Readonly<Record<string, Tone>> = { ok: 'good', warning: 'busy', failed: 'bad', skipped: 'quiet' };

/** Ends with 1 when something failed. */
export const doctor: Action = async (context) => {
	const { healthy, checks } = await context.roles.doctor(configuration(context), context.io.signal);
	if (context.output.form === 'json') {
		context.output.json({ healthy, checks });
		return healthy ? exitCodes.ok : exitCodes.failed;
	}
	type Row = Examined['checks'][number];
	context.output.table<Row>(
		[
			{ title: 'CHECK', value: ({ name }) => name },
			{ title: 'RESULT', value: ({ outcome }) => outcome, tone: (outcome) => tones[outcome] ?? null },
			{ title: 'FOUND', value: ({ found }) => found },
			{ title: 'WHAT TO DO', value: ({ advice }) => advice ?? '', optional: true },
		],
		checks,
	);
	return healthy ? exitCodes.ok : exitCodes.failed;
};
