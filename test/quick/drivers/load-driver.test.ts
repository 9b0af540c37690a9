import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DriverLoadError, loadDriver } from '../../../src/drivers/load-driver.ts';

describe('loading a driver by its name', () => {
	let folder = '';
	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'load-driver-'));
		await mkdir(path.join(folder, 'node_modules/installed'), { recursive: true });
		await writeFile(
			path.join(folder, 'node_modules/installed/package.json'),
			'{ "name": "installed", "type": "module", "exports": "./index.js" }',
		);
		await writeFile(
			path.join(folder, 'node_modules/installed/index.js'),
			'export const createDriver = async () => ({ name: "x", sandboxes: {} });',
		);
		await writeFile(path.join(folder, 'empty.mjs'), 'export const other = 1;');
		await writeFile(path.join(folder, 'broken.mjs'), 'this is no program');
		await writeFile(path.join(folder, 'failing.mjs'), 'export async function createDriver() { throw new Error("no engine here"); }');
	});
	after(() => rm(folder, { recursive: true, force: true }));

	const load = (name: string): Promise<unknown> => loadDriver(name, { owner: 'test', stateDirectory: folder, settings: {} }, folder);

	const failures: readonly (readonly [name: string, message: RegExp])[] = [
		['no-such-driver', /no driver "no-such-driver".*docker, fake/],
		['./no-such-file.mjs', /no driver "\.\/no-such-file\.mjs"/],
		['', /no driver ""/],
		['./empty.mjs', /exports no function createDriver/],
		['./broken.mjs', /broken\.mjs could not be loaded/],
		['./failing.mjs', /could not be made: no engine here/],
		['installed', /is not complete: it lacks .*facts.*sandboxes\.create.*containers\.logs.*images\.pull.*capabilities\.exec/],
	];
	for (const [name, message] of failures) {
		test(`${name || 'nothing'}: ${message}`, async () => {
			await assert.rejects(load(name), (error) => error instanceof DriverLoadError && message.test(error.message));
		});
	}

	test('a built-in one', async () => {
		const driver = await loadDriver('fake', { owner: 'test', stateDirectory: folder, settings: {} });
		assert.equal(driver.name, 'fake');
		await driver.close();
	});

	test('by a file’s path and by its URL', async () => {
		const file = path.resolve(import.meta.dirname, '../../../src/drivers/fake/index.ts');
		for (const name of [file, `file://${file}`]) {
			const driver = await loadDriver(name, { owner: 'test', stateDirectory: folder, settings: {} }, folder);
			assert.equal(driver.name, 'fake');
			await driver.close();
		}
	});
});
