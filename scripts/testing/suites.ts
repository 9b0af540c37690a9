/** What `npm test` and its parts run, in this order. */
export interface Suite {
	/** As in `npm run test:<name>`; for test files also their folder below test/. */
	readonly name: string;
	/** What it runs: programs, each one check, or the test files of its folder. */
	readonly runs: readonly Check[] | TestFiles;
	/** Minutes after which it is ended and counted as failed. */
	readonly limit: number;
	/** Whether it is a part of plain `npm test`. */
	readonly byDefault: boolean;
}

export interface Check {
	readonly name: string;
	readonly command: readonly [string, ...string[]];
}

export interface TestFiles {
	/** Files that run at the same time. */
	readonly concurrency: number;
	/** Minutes that one test file may take. */
	readonly fileLimit: number;
	/** A program that gets the command which runs the files as its last arguments, and runs it where they belong. */
	readonly within?: readonly [string, ...string[]];
}

export const suites: readonly Suite[] = [
	{
		name: 'lint',
		runs: [
			{ name: 'biome', command: ['node_modules/.bin/biome', 'check', '.'] },
			{ name: 'layers', command: [process.execPath, 'scripts/lint-layers.ts'] },
		],
		limit: 2,
		byDefault: true,
	},
	{ name: 'types', runs: [{ name: 'tsc', command: ['node_modules/.bin/tsc'] }], limit: 3, byDefault: true },
	{ name: 'quick', runs: { concurrency: 2, fileLimit: 4 }, limit: 10, byDefault: true },
	{ name: 'machine', runs: { concurrency: 2, fileLimit: 6 }, limit: 15, byDefault: true },
	{ name: 'crash', runs: { concurrency: 2, fileLimit: 10 }, limit: 12, byDefault: true },
	{ name: 'network', runs: { concurrency: 1, fileLimit: 8 }, limit: 10, byDefault: false },
	{ name: 'clients', runs: { concurrency: 2, fileLimit: 10 }, limit: 15, byDefault: false },
	{ name: 'fresh', runs: { concurrency: 1, fileLimit: 10 }, limit: 10, byDefault: false },
	{
		name: 'openstack',
		runs: { concurrency: 1, fileLimit: 12, within: [process.execPath, 'test/openstack/cloud/enter.ts'] },
		limit: 20,
		byDefault: false,
	},
	{ name: 'chaos', runs: { concurrency: 1, fileLimit: 14 }, limit: 15, byDefault: false },
];
