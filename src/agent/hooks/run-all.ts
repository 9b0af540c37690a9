import { DriverError } from '../../drivers/driver.ts';
import { messageOf } from '../../model/errors.ts';

/** Runs one after the other, all of them, and throws one error that tells of all that failed. */
export async function runAll(work: readonly (() => Promise<void>)[]): Promise<void> {
	const errors: unknown[] = [];
	for (const run of work) {
		try {
			await run();
		} catch (error) {
			errors.push(error);
		}
	}
	const [first] = errors;
	if (errors.length === 1) throw first;
	if (errors.length === 0) return;
	const passing = errors.every((error) => error instanceof DriverError && error.transient);
	throw new DriverError(passing ? 'unavailable' : 'failed', errors.map(messageOf).join('; '), { cause: new AggregateError(errors) });
}
