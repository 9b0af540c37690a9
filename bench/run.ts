/**
 * `npm run bench`: measures what SPEC.md promises, prints one table and writes it as JSON to bench/results/. Arguments
 * are the names of the measurements to take; all by default. Ends with 1 when a promise is broken, with 2 when something
 * could not be measured.
 */
import { measurements } from './measurements.ts';
import { chosen, runMeasurements } from './support/runner.ts';

const taken = chosen(measurements, process.argv.slice(2));
process.exitCode = taken === null ? 2 : await runMeasurements(taken);
