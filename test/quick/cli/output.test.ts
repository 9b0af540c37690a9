import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { shellWords } from '../../../src/api/parse/shell-words.ts';
import { quoted } from '../../../src/cli/actions/exec.ts';
import { gibibytes, mebibytes, seconds } from '../../../src/cli/actions/units.ts';
import type { Io } from '../../../src/cli/io.ts';
import { Progress } from '../../../src/cli/output/progress.ts';
import { renderDetails, renderTable } from '../../../src/cli/output/table.ts';
import { cut, plain, widthOf } from '../../../src/cli/output/text.ts';
import { age, bytesText, timeOf } from '../../../src/cli/output/words.ts';

const noPaint = (text: string): string => text;
type Row = readonly string[];
const columns = ['NAME', 'IMAGE', 'NOTE'].map((title, index) => ({
	title,
	value: (row: Row) => row[index] ?? '',
	...(index > 0 ? { least: 5 } : {}),
}));

describe('a table', () => {
	test('stands in columns, with a dash where nothing is', () => {
		const text = renderTable(
			columns,
			[
				['web', 'nginx', ''],
				['a-longer-name', 'x', 'yes'],
			],
			null,
			noPaint,
		);
		assert.equal(text, 'NAME           IMAGE  NOTE\nweb            nginx  -\na-longer-name  x      yes\n');
	});

	test('fits a narrow terminal by cutting what may be cut', () => {
		const row = ['web', 'registry.example/shop/web:2', 'the registry does not answer'];
		const lines = renderTable(columns, [row], 40, noPaint).trimEnd().split('\n');
		for (const line of lines) assert.ok(widthOf(line) <= 40, line);
		assert.match(lines[1] ?? '', /^web {3}registry.*… {2}the reg.*…$/);
	});

	test('leaves out optional columns that are empty', () => {
		const optional = columns.map((column, index) => (index === 2 ? { ...column, optional: true as const } : column));
		assert.doesNotMatch(renderTable(optional, [['web', 'nginx', '']], null, noPaint), /NOTE/);
		assert.match(renderTable(optional, [['web', 'nginx', 'x']], null, noPaint), /NOTE/);
	});

	test('lines of any text keep to the width, and no control character gets out', () => {
		fc.assert(
			fc.property(
				fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), { maxLength: 5 }),
				fc.integer({ min: 30, max: 90 }),
				(rows, width) => {
					const text = renderTable(
						columns.slice(1),
						rows.map(([image, note]) => ['', image, note]),
						width,
						noPaint,
					);
					for (const line of text.trimEnd().split('\n')) assert.ok(widthOf(line) <= width);
					assert.doesNotMatch(text.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f]/);
					assert.equal(text.split('\n').length, rows.length + 2);
				},
			),
		);
	});

	test('of one thing shows each of several values on its line', () => {
		assert.equal(
			renderDetails(
				[
					['name', 'web'],
					['addresses', ['10.0.0.1', 'fd00::1']],
					['labels', []],
				],
				noPaint,
			),
			'name       web\naddresses  10.0.0.1\n           fd00::1\nlabels     -\n',
		);
	});
});

describe('text', () => {
	test('from elsewhere cannot steer the terminal', () => {
		assert.equal(plain('a\u001b[31mb\u0007\u202ec\nd'), 'a\\x1b[31mb\\x07\\x202ec d');
	});

	test('is measured as a terminal shows it', () => {
		assert.equal(widthOf('web'), 3);
		assert.equal(widthOf('箱子'), 4);
		assert.equal(widthOf('e\u0301'), 1);
		assert.equal(cut('箱子箱子', 5), '箱子…');
		assert.equal(cut('short', 5), 'short');
	});

	test('says times and sizes in short', () => {
		assert.deepEqual(
			[5, 65, 3700, 90_000].map((ago) => age(0, ago * 1000)),
			['5s', '1m', '1h', '1d'],
		);
		assert.equal(bytesText(0), '0 B');
		assert.equal(bytesText(12.34 * 1024 * 1024), '12.3 MiB');
		assert.equal(timeOf('2026-01-02 03:04:05'), Date.UTC(2026, 0, 2, 3, 4, 5));
		assert.equal(timeOf('2026-01-02T03:04:05+00:00'), Date.UTC(2026, 0, 2, 3, 4, 5));
	});
});

describe('what is typed', () => {
	test('is read with its units', () => {
		assert.deepEqual(
			['90', '90s', '1.5m', '2h', '1d'].map((text) => seconds('--x', text)),
			[90, 90, 90, 7200, 86_400],
		);
		assert.deepEqual(
			['256', '256m', '2g', '0.5G', '1GiB'].map((text) => mebibytes('--x', text)),
			[256, 256, 2048, 512, 1024],
		);
		assert.deepEqual(['5g', '5GB', '5', 'data'].map(gibibytes), [5, 5, null, null]);
		assert.throws(() => seconds('--x', 'soon'), /--x takes a time such as 90s/);
		assert.throws(() => mebibytes('--x', '1t'), /--x takes a size such as 256m/);
	});

	test('reaches the container word for word', () => {
		fc.assert(
			fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 6 }), (words) => {
				assert.deepEqual(shellWords(words.map(quoted).join(' ')), words);
			}),
		);
	});
});

describe('progress', () => {
	function recorder(isTerminal: boolean) {
		const state = { text: '', now: 0 };
		const sink = {
			write: (content: string | Uint8Array) => {
				state.text += String(content);
			},
			isTerminal,
			width: 80,
			drained: async () => {},
		};
		const io: Io = {
			out: sink,
			err: sink,
			environment: { LANG: 'C.UTF-8' },
			now: () => state.now,
			signal: new AbortController().signal,
			input: null,
		};
		return { state, progress: new Progress(io, true) };
	}
	const pull = { layersDone: 1, layersTotal: 4, bytesDone: 25 * 1024 * 1024, bytesTotal: 100 * 1024 * 1024 };

	test('is a bar that is drawn anew on a terminal, and gone at the end', () => {
		const { state, progress } = recorder(true);
		progress.show('web', 'pulling nginx', pull);
		progress.end();
		assert.match(state.text, /web {2}.*pulling nginx.* ━{3}┄{9} +25 % {2}25\.0 MiB of 100\.0 MiB, 1 of 4 layers/);
		assert.ok(state.text.endsWith('\u001b[1A\u001b[0J'));
	});

	test('is a line for each change elsewhere, and few of them for a pull', () => {
		const { state, progress } = recorder(false);
		progress.show('web', 'Creating');
		progress.show('web', 'Creating');
		for (let step = 0; step < 100; step += 1) {
			state.now += 100;
			progress.show('web', 'pulling nginx', pull);
		}
		progress.show('web', 'Running');
		progress.end();
		const lines = state.text.trimEnd().split('\n');
		assert.equal(lines[0], 'web: Creating');
		assert.equal(lines.at(-1), 'web: Running');
		assert.ok(lines.length <= 6, state.text);
		assert.doesNotMatch(state.text, /\u001b/);
	});
});
