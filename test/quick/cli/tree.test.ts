import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { shellWords } from '../../../src/api/parse/shell-words.ts';
import { commands, groups } from '../../../src/cli/commands/commands.ts';
import { CliError } from '../../../src/cli/exit-code.ts';
import { cliReference } from '../../../src/cli/reference.ts';
import { renderHelp } from '../../../src/cli/tree/help.ts';
import { parseCommandLine } from '../../../src/cli/tree/parse.ts';

function parsed(...words: string[]) {
	const result = parseCommandLine(words, commands);
	assert.equal(result.kind, 'run');
	if (result.kind !== 'run') throw new Error('unreachable');
	return result;
}

function complaint(...words: string[]): string {
	try {
		parseCommandLine(words, commands);
	} catch (error) {
		assert.ok(error instanceof CliError);
		assert.equal(error.exitCode, 2);
		return error.message;
	}
	return assert.fail(`zunbox ${words.join(' ')} was taken`);
}

describe('the commands', () => {
	test('each has its own path, and its code can be loaded', async () => {
		assert.equal(new Set(commands.map(({ path }) => path)).size, commands.length);
		for (const command of commands) assert.equal(typeof (await command.load()), 'function', command.path);
	});

	test('each has examples in its help, and they are commands that can be parsed', () => {
		for (const command of commands) {
			const help = renderHelp(command.path, commands, groups, 80);
			assert.match(help, /\nExamples?:\n {2}\S/, command.path);
			const own = command.examples.filter((example) => example.startsWith('zunbox '));
			for (const example of own) {
				const words = shellWords(example.replace(/\$\(.*?\)/g, 'x').replace(/ > .*/, ''));
				const result = parseCommandLine(words.slice(1), commands);
				assert.equal(result.kind === 'run' ? result.spec.path : result.kind, command.path, example);
			}
		}
	});

	test('no line of help is wider than the terminal, as far as words can be broken', () => {
		for (const { path } of [...commands, ...groups, { path: '' }]) {
			const lines = renderHelp(path, commands, groups, 80).split('\n');
			const wide = lines.filter(
				(line) =>
					line.length > 80 &&
					!/^ {2}\S*(zunbox|curl|pass|source) /.test(line) &&
					!line.startsWith('Usage:') &&
					!line.startsWith('Exit codes:'),
			);
			assert.deepEqual(wide, [], path);
		}
	});

	test('no option is known twice to one command', () => {
		for (const command of commands) {
			const names = (command.options ?? []).flatMap(({ name, short }) => [name, ...(short === undefined ? [] : [`-${short}`])]);
			assert.deepEqual(names, [...new Set(names)], command.path);
		}
	});

	test('docs/cli.md is what they make', () => {
		const file = path.resolve(import.meta.dirname, '../../../docs/cli.md');
		assert.equal(readFileSync(file, 'utf8'), cliReference(), 'run: node src/cli/reference.ts > docs/cli.md');
	});
});

describe('a command line', () => {
	test('gives options in every form', () => {
		const { input } = parsed('sandbox', 'create', 'shop', '-l', 'a=1', '--label=b=2', '-m', '512m', '--no-wait', '-q');
		assert.equal(input.argument('name'), 'shop');
		assert.deepEqual(input.pairs('label'), { a: '1', b: '2' });
		assert.equal(input.text('memory'), '512m');
		assert.equal(input.flag('wait'), false);
		assert.equal(input.flag('quiet'), true);
		assert.equal(input.flag('private-pid'), undefined);
	});

	test('leaves the command for a container as it is', () => {
		const { input } = parsed('run', '--name', 'x', 'busybox', 'ls', '-la', '--name', 'y', '--', '-h');
		assert.equal(input.text('name'), 'x');
		assert.equal(input.argument('image'), 'busybox');
		assert.deepEqual(input.command, ['ls', '-la', '--name', 'y', '--', '-h']);
		assert.deepEqual(parsed('exec', 'web', '--', 'ls', '-l').input.command, ['ls', '-l']);
		assert.deepEqual(parsed('exec', '-it', 'web', 'sh').input.command, ['sh']);
	});

	test('takes negative numbers as values', () => {
		assert.equal(parsed('quota', 'set', 'shop', '--containers', '-1', '--cpu=-1').input.integer('containers'), -1);
		assert.match(complaint('quota', 'set', 'shop', '--containers', '--cpu', '1'), /--containers needs a value: --containers <count>/);
	});

	test('takes several names where there may be several', () => {
		assert.deepEqual(parsed('rm', 'a', '--stop', 'b', 'c').input.arguments('container'), ['a', 'b', 'c']);
	});

	test('asks for help anywhere before a command for a container', () => {
		assert.deepEqual(parseCommandLine([], commands), { kind: 'help', path: '' });
		assert.deepEqual(parseCommandLine(['sandbox', '--help'], commands), { kind: 'help', path: 'sandbox' });
		assert.deepEqual(parseCommandLine(['help', 'sandbox', 'create'], commands), { kind: 'help', path: 'sandbox create' });
		assert.deepEqual(parseCommandLine(['rm', 'a', '-h'], commands), { kind: 'help', path: 'rm' });
		assert.deepEqual(parseCommandLine(['serve', '--help'], commands), { kind: 'help', path: 'serve' });
		assert.equal(parseCommandLine(['exec', 'web', 'ls', '--help'], commands).kind, 'run');
	});

	test('that is wrong is answered with what would be right', () => {
		assert.match(complaint('sandbx', 'list'), /no command "sandbx"; did you mean zunbox sandbox\?/);
		assert.match(complaint('sandbox', 'lst'), /did you mean zunbox sandbox list\?/);
		assert.match(complaint('sandbox'), /say what to do: zunbox sandbox create\|list/);
		assert.match(complaint('ps', '--al-projects'), /no option --al-projects; did you mean --all-projects\?/);
		assert.match(complaint('ps', '--limit'), /--limit needs a value: --limit <count>/);
		assert.match(complaint('ps', '--quiet=yes'), /--quiet takes no value/);
		assert.match(complaint('ps', '-o', 'xml'), /--output is one of table, json, not "xml"/);
		assert.match(complaint('rm'), /<container> is missing; see zunbox rm --help/);
		assert.match(complaint('sandbox', 'show', 'a', 'b'), /"b" is one word too many/);
		assert.match(complaint('completion', 'fish'), /<shell> is bash or zsh, not "fish"/);
		assert.match(complaint('exec', 'web'), /say which command/);
	});
});
