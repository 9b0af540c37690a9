import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Figure, isKept, type Measurement, ratioOf } from './figure.ts';
import { renderTable } from './table.ts';

/** The measurements of those names, all where none is named; null, with a word to the user, where one is not known. */
export function chosen(measurements: readonly Measurement[], names: readonly string[]): readonly Measurement[] | null {
	const unknown = names.filter((name) => !measurements.some((measurement) => measurement.name === name));
	if (unknown.length > 0) {
		console.error(`bench: there is no ${unknown.join(', ')}; there are ${measurements.map(({ name }) => name).join(', ')}`);
		return null;
	}
	return measurements.filter(({ name }) => names.length === 0 || names.includes(name));
}

/**
 * Takes the measurements, prints one table and writes it as JSON to bench/results/. Answers the status to end with: 1
 * when a promise is broken, 2 when something could not be measured.
 */
export async function runMeasurements(measurements: readonly Measurement[], prefix = ''): Promise<number> {
	const figures: Figure[] = [];
	const failures: { readonly name: string; readonly error: string }[] = [];
	const began = new Date();
	for (const measurement of measurements) {
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

	const directory = path.resolve(import.meta.dirname, '../results');
	await mkdir(directory, { recursive: true });
	const file = path.join(directory, `${prefix}${began.toISOString().replaceAll(':', '-')}.json`);
	const machine = { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memory: os.totalmem(), kernel: os.release(), node: process.version };
	const written = figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), kept: isKept(figure) }));
	await writeFile(
		file,
		`${JSON.stringify({ at: began.toISOString(), machine, load: os.loadavg(), figures: written, failures }, null, '\t')}\n`,
	);
	console.log(`written: ${path.relative(process.cwd(), file)}`);
	return broken.length > 0 ? 1 : failures.length > 0 ? 2 : 0;
}
