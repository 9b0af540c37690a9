import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, test } from 'node:test';
import { mutations } from '../../fixtures/broken-driver/mutations.ts';

const file = path.resolve(import.meta.dirname, '../../fixtures/broken-driver/conformance.ts');

/** Runs the part of the suite whose titles hold the text over the driver that is broken so; answers the report. */
async function run(mutation: string, titles: string): Promise<string> {
	const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
	const child = spawn(process.execPath, ['--test-reporter=tap', `--test-name-pattern=${titles}`, '--test', file], {
		env: { ...environment, MUTATION: mutation },
		stdio: ['ignore', 'pipe', 'inherit'],
		timeout: 60_000,
	});
	let report = '';
	child.stdout.on('data', (bytes: Buffer) => {
		report += bytes.toString();
	});
	await once(child, 'close');
	return report;
}

describe('the suite notices', () => {
	for (const [name, { noticedBy }] of Object.entries(mutations)) {
		test(name, async () => {
			// That the sound driver passes the same test is what conformance-fake.test.ts holds.
			const report = await run(name, noticedBy);
			assert(
				report.split('\n').some((line) => line.includes('not ok') && line.includes(noticedBy)),
				report,
			);
		});
	}
});
