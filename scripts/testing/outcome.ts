import { appendFileSync, readFileSync } from 'node:fs';

/** How one test ended. */
export interface Outcome {
	readonly suite: string;
	/** Path from the root of the checkout; empty for what is no test file. */
	readonly file: string;
	/** With the names of the tests around it, ` › ` between. */
	readonly name: string;
	readonly result: 'passed' | 'failed' | 'skipped';
}

/**
 * Outcomes are kept as lines of JSON in a file: written one by one by the process that runs the tests, so that what
 * had ended when it was killed still counts.
 */
export function recordOutcome(journal: string, outcome: Outcome): void {
	appendFileSync(journal, `${JSON.stringify(outcome)}\n`);
}

export function readOutcomes(journal: string): readonly Outcome[] {
	return readFileSync(journal, 'utf8')
		.split('\n')
		.filter((line) => line.endsWith('}'))
		.map((line): Outcome => JSON.parse(line));
}

/** The line that sums it up: `12 passed, 0 failed`, and `, 3 skipped` where there were any. */
export function closingLine(outcomes: readonly Outcome[]): string {
	const count = (result: Outcome['result']) => outcomes.filter((outcome) => outcome.result === result).length;
	return `${count('passed')} passed, ${count('failed')} failed${count('skipped') > 0 ? `, ${count('skipped')} skipped` : ''}`;
}

/** One line for each that failed. */
export function failureLines(outcomes: readonly Outcome[]): readonly string[] {
	return outcomes
		.filter((outcome) => outcome.result === 'failed')
		.map((outcome) => `failed: ${[outcome.suite, outcome.file, outcome.name].filter(Boolean).join(' · ')}`);
}
