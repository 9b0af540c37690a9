import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DriverError } from '../../../src/drivers/driver.ts';
import { loadDriver } from '../../../src/drivers/load-driver.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const name = 'zunbox-driver-local-processes';

/** A driver in a package outside the project, installed beside a configuration file. */
describe('a driver of a third party', () => {
	let folder = '';
	before(async () => {
		folder = await mkdtemp(path.join(os.tmpdir(), 'third-party-'));
		await mkdir(path.join(folder, 'node_modules'));
		await cp(path.join(root, 'test/fixtures/sample-driver'), path.join(folder, 'node_modules', name), { recursive: true });
		await symlink(root, path.join(folder, 'node_modules/zunbox'));
	});
	after(() => rm(folder, { recursive: true, force: true }));

	test('is loaded by its name in the configuration and works', async (t) => {
		const driver = await loadDriver(name, { owner: 'third-party', stateDirectory: folder, settings: {} }, folder);
		const signal = AbortSignal.timeout(30_000);
		t.after(() => driver.close());
		assert.equal(driver.name, 'local-processes');
		assert.equal(await driver.images.inspect('no/such:image', signal), null);
		await assert.rejects(
			driver.sandboxes.start('no-such-sandbox', signal),
			(error) => error instanceof DriverError && error.code === 'not-found',
		);
	});

	test('runs the suite from its own package, and passes', async () => {
		const test = path.join(folder, 'node_modules', name, 'conformance.test.js');
		const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
		const child = spawn(process.execPath, ['--conditions=zunbox-source', '--test-reporter=tap', '--test', test], {
			cwd: folder,
			env: environment,
			stdio: ['ignore', 'pipe', 'inherit'],
			timeout: 240_000,
		});
		let report = '';
		child.stdout.on('data', (bytes: Buffer) => {
			report += bytes.toString();
		});
		const [exitCode] = await once(child, 'close');
		assert.equal(exitCode, 0, report);
		const passed = Number(/^# pass (\d+)$/m.exec(report)?.[1]);
		assert(passed >= 40, `${passed} tests passed:\n${report}`);
	});
});
