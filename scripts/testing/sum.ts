/** Sums up the outcomes of several runs: `node scripts/testing/sum.ts <file>`. Exits with 1 when any failed or there are none. */
import { closingLine, failureLines, readOutcomes } from './outcome.ts';

const outcomes = readOutcomes(process.argv[2] ?? '/dev/null');
for (const line of failureLines(outcomes)) console.log(line);
console.log(closingLine(outcomes));
process.exitCode = outcomes.length === 0 || outcomes.some((outcome) => outcome.result === 'failed') ? 1 : 0;
