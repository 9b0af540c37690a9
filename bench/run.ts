/**
 * `npm run bench`: measures what SPEC.md promises, prints one table and writes it as JSON to bench/results/. Arguments
 * are the names of the measurements to take; all by default. Ends with 1 when a promise is broken, with 2 when something
 * could not be measured.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { measurements } from './measurements.ts';
import { type Figure, isKept, ratioOf } from './support/figure.ts';
import { renderTable } from './support/table.ts';

const names = process.argv.slice(2);
const unknown = names.filter((name) => !measurements.some((measurement) => measurement.name === name));
if (unknown.length > 0) {
	console.error(`bench: there is no ${unknown.join(', ')}; there are ${measurements.map(({ name }) => name).join(', ')}`);
	process.exit(2);
}
const figures: Figure[] = [];
const failures: { readonly name: string; readonly error: string }[] = [];
const began = new Date();
for (const measurement of measurements) {
	if (names.length > 0 && !names.includes(measurement.name)) continue;
	console.error(`bench: ${measurement.name}`);
	try {
		figures.push(...(await measurement.measure((message) => console.error(`bench: ${measurement.name}: ${message}`))));
	} catch (error) {
		console.error(error);
		failures.push({ name: measurement.name, error: error instanceof Error ? error.message : String(error) });
	}
}

console.log(renderTable(figures));
const broken = figures.filter((figure) => !isKept(figure));
for (const { name, value, unit } of broken) console.log(`broken: ${name} (${value} ${unit})`);
for (const { name, error } of failures) console.log(`not measured: ${name}: ${error}`);

const directory = path.join(import.meta.dirname, 'results');
await mkdir(directory, { recursive: true });
const file = path.join(directory, `${began.toISOString().replaceAll(':', '-')}.json`);
const machine = { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memory: os.totalmem(), kernel: os.release(), node: process.version };
const written = figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), kept: isKept(figure) }));
await writeFile(
	file,
	`${JSON.stringify({ at: began.toISOString(), machine, load: os.loadavg(), figures: written, failures }, null, '\t')}\n`,
);
console.log(`written: ${path.relative(process.cwd(), file)}`);
process.exitCode = broken.length > 0 ? 1 : failures.length > 0 ? 2 : 0;
