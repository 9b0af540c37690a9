/**
 * Runs suites and sums them up; scripts/test.sh brings what they need.
 *
 *   node scripts/test.ts [suite ...]     without names: those of `npm test`
 *
 * The last line that it prints is `N passed, N failed` over all suites. With ZUNBOX_TEST_TOTALS set to a file's path,
 * the outcomes are added to that file too, for a caller that sums up several runs.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closingLine, failureLines, readOutcomes } from './testing/outcome.ts';
import { hasTests, runSuite } from './testing/run-suite.ts';
import { type Suite, suites } from './testing/suites.ts';

function chosenSuites(names: readonly string[]): readonly Suite[] {
	const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
	if (unknown.length > 0)
		throw new Error(`no such suite: ${unknown.join(', ')}; there are ${suites.map((suite) => suite.name).join(', ')}`);
	return suites.filter((suite) => (names.length === 0 ? suite.byDefault : names.includes(suite.name)));
}

function seconds(since: number): string {
	return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

async function main(): Promise<number> {
	process.chdir(path.resolve(import.meta.dirname, '..'));
	const chosen = chosenSuites(process.argv.slice(2));
	const aborted = new AbortController();
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => aborted.abort());
	const folder = mkdtempSync(path.join(tmpdir(), 'zunbox-test-run-'));
	const journal = path.join(folder, 'outcomes');
	writeFileSync(journal, '');
	try {
		const start = performance.now();
		for (const suite of chosen) {
			if (aborted.signal.aborted) break;
			if (!hasTests(suite)) {
				console.log(`── ${suite.name}: has no tests`);
				continue;
			}
			console.log(`── ${suite.name}`);
			const suiteStart = performance.now();
			await runSuite(suite, journal, aborted.signal);
			const outcomes = readOutcomes(journal).filter((outcome) => outcome.suite === suite.name);
			console.log(`── ${suite.name}: ${closingLine(outcomes)} in ${seconds(suiteStart)}, ${seconds(start)} in all`);
		}
		const outcomes = readOutcomes(journal);
		const totals = process.env['ZUNBOX_TEST_TOTALS'];
		if (totals !== undefined && totals !== '') appendFileSync(totals, readFileSync(journal));
		console.log();
		for (const line of failureLines(outcomes)) console.log(line);
		console.log(closingLine(outcomes));
		if (aborted.signal.aborted) return 130;
		return outcomes.some((outcome) => outcome.result === 'failed') || outcomes.length === 0 ? 1 : 0;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

process.exitCode = await main();
