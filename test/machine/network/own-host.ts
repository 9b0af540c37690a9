import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';

const mark = 'ZUNBOX_TEST_OWN_HOST';

/**
 * Runs a test file's tests in a network namespace of their own, which stands in for a whole host: its forwarding, routes
 * and firewall can be changed without harm. `define` is called there; outside, the file is one test that starts it again.
 */
export function onOwnHost(name: string, file: string, define: () => void): void {
	if (process.env[mark] === '1') {
		define();
		return;
	}
	test(name, { timeout: 300_000 }, async () => {
		const { NODE_TEST_CONTEXT: _context, ...environment } = process.env;
		const result = await new Promise<{ readonly failed: boolean; readonly output: string }>((resolve) => {
			execFile(
				'unshare',
				['--net', process.execPath, '--test-reporter=spec', file],
				{ env: { ...environment, [mark]: '1' }, timeout: 280_000, maxBuffer: 16 * 1024 * 1024 },
				(error, stdout, stderr) => resolve({ failed: error !== null, output: stdout + stderr }),
			);
		});
		assert.equal(result.failed, false, result.output);
	});
}
