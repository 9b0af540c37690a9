import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';

const folder = path.resolve(import.meta.dirname, '../../../nova-virt-driver/zunbox_nova');

describe("Nova's virt driver", () => {
	test('stays thin: below 400 lines, each one that can be read', async () => {
		const files = (await readdir(folder)).filter((name) => name.endsWith('.py'));
		const lines = (await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')))).map((text) =>
			text.trimEnd().split('\n'),
		);
		const count = lines.reduce((sum, { length }) => sum + length, 0);
		assert.ok(files.includes('driver.py') && count > 100 && count < 400, `${count} lines`);
		assert.deepEqual(
			lines.flat().filter((line) => line.length > 140),
			[],
		);
	});

	test('is Python that compiles, without a trace of that', async () => {
		const script = 'import ast, pathlib, sys\nfor f in pathlib.Path(sys.argv[1]).rglob("*.py"): ast.parse(f.read_text(), str(f))';
		await promisify(execFile)('python3', ['-c', script, path.dirname(folder)]);
	});
});
