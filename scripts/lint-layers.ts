/**
 * Keeps the layers of the house apart: which folder of src/ may import which. An import that is not listed here is
 * an error. Type-only imports count like any other, unless the row says `types:`.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const allowed: Record<string, readonly string[]> = {
	model: [],
	faults: [],
	config: ['model'],
	store: ['model'],
	scheduler: ['model'],
	bus: ['model', 'types:drivers'],
	drivers: ['model'],
	openstack: ['model'],
	providers: ['model', 'openstack', 'store'],
	control: ['model', 'store', 'scheduler', 'bus', 'providers', 'types:drivers'],
	api: ['model', 'control', 'providers', 'types:drivers', 'types:config'],
	agent: ['model', 'bus', 'drivers'],
	cli: ['model', 'config'],
	doctor: ['model', 'openstack', 'agent', 'drivers'],
	wiring: ['model', 'config', 'store', 'bus', 'drivers', 'openstack', 'providers', 'control', 'api', 'agent', 'doctor'],
};

const root = path.resolve(import.meta.dirname, '..');
const problems: string[] = [];
for (const file of globSync('src/**/*.ts', { cwd: root })) {
	const layer = file.split(path.sep)[1] ?? '';
	if (layer.endsWith('.ts')) continue;
	const rules = allowed[layer];
	if (rules === undefined) {
		problems.push(`${file}: folder src/${layer} has no row in scripts/lint-layers.ts`);
		continue;
	}
	const source = readFileSync(path.join(root, file), 'utf8');
	for (const match of source.matchAll(/^\s*(import|export)\s+(type\s+)?[^;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gms)) {
		const specifier = match[3] ?? match[4] ?? '';
		const typeOnly = match[2] !== undefined || match[4] !== undefined;
		const target = path.relative(path.join(root, 'src'), path.resolve(root, path.dirname(file), specifier)).split(path.sep)[0] ?? '';
		if (target === layer || target === 'faults' || rules.includes(target) || (typeOnly && rules.includes(`types:${target}`))) continue;
		problems.push(`${file}: ${layer} may not import ${target} (${specifier})`);
	}
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'layers: kept' : `layers: ${problems.length} imports cross them`);
process.exitCode = problems.length === 0 ? 0 : 1;
