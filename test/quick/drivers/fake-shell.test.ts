import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteQueue } from '../../../src/drivers/fake/byte-queue.ts';
import { FileTree } from '../../../src/drivers/fake/file-tree.ts';
import { runShell } from '../../../src/drivers/fake/shell.ts';
import { SimulatedProcess, signalName } from '../../../src/drivers/fake/simulated-process.ts';

/** Runs the script in a process of its own; answers its two outputs and its exit code. */
async function shell(script: string, input = ''): Promise<{ stdout: string; stderr: string; exitCode: number }> {
	const output = { stdout: '', stderr: '' };
	const stdin = new ByteQueue();
	stdin.push(Buffer.from(input));
	stdin.end();
	const process = new SimulatedProcess(false);
	const exited = Promise.withResolvers<number>();
	process.onExit(exited.resolve);
	const context = {
		process,
		files: new FileTree(),
		environment: { HOME: '/root' },
		workdir: '/',
		hostname: 'shell',
		user: '0',
		terminal: null,
		memoryLimit: () => null,
		outOfMemory: () => process.end(137),
		stdin,
		write: async (stream: 'stdout' | 'stderr', bytes: Uint8Array) => {
			output[stream] += Buffer.from(bytes).toString();
		},
	};
	process.run(() => runShell(context, ['-c', script]));
	return { exitCode: await exited.promise, ...output };
}

const cases: readonly (readonly [script: string, stdout: string, exitCode: number])[] = [
	['echo a; echo b', 'a\nb\n', 0],
	['false; echo $?', '1\n', 0],
	['false || echo or && echo and', 'or\nand\n', 0],
	['true && false', '', 1],
	['if test -f /x; then echo yes; else echo no; fi', 'no\n', 0],
	['if false; then :; fi', '', 0],
	['for i in 1 2 "3 4"; do echo "<$i>"; done', '<1>\n<2>\n<3 4>\n', 0],
	['X="a  b"; echo $X "$X" ${X}c', 'a b a  b a  bc\n', 0],
	['echo \'single $HOME\' "double $HOME" \\$HOME', 'single $HOME double /root $HOME\n', 0],
	['echo hidden >/dev/null; echo shown > /tmp/f; echo more >> /tmp/f; cat /tmp/f', 'shown\nmore\n', 0],
	['{ echo out; echo error >&2; } ; cat < /no/such', 'out\n', 1],
	['echo a b c | { read X Y; echo "$Y,$X"; } | cat', 'b c,a\n', 0],
	['seq 1 3 | cat', '1\n2\n3\n', 0],
	['read X; echo "got $X"; cat', 'got first\nsecond\n', 0],
	['while read X; do echo "line $X"; done', 'line first\nline second\n', 0],
	['cd /tmp && pwd; cd /nowhere; echo $?', '/tmp\n2\n', 0],
	['A=1 env | cat; export B=2; env', 'HOME=/root\nA=1\nHOME=/root\nB=2\n', 0],
	['exit 300', '', 44],
	['exec echo last; echo never', 'last\n', 0],
	['sleep 0.01 & wait; echo waited', 'waited\n', 0],
	["printf '\\101\\n%s=%d\\\\' key 7", 'A\nkey=7\\', 0],
	['# a comment\necho after # another', 'after\n', 0],
	['mkdir -p /a/b; touch /a/b/c; ls /a/b; rm -r /a; ls /a', 'c\n', 1],
	['no-such-program', '', 127],
	['echo $(date)', '', 2],
	['echo "open', '', 2],
	['if true; then echo', '', 2],
];

describe('the simulated shell', () => {
	for (const [script, stdout, exitCode] of cases) {
		test(script, async () => {
			const result = await shell(script, 'first\nsecond\n');
			assert.deepEqual([result.stdout, result.exitCode], [stdout, exitCode], result.stderr);
			if (exitCode > 1 && exitCode !== 44) assert.notEqual(result.stderr, '');
		});
	}

	test('names of signals', () => {
		assert.deepEqual(['SIGTERM', 'hup', '9', 'SIGNOTHING', ''].map(signalName), ['SIGTERM', 'SIGHUP', 'SIGKILL', null, null]);
	});
});
