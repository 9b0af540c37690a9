import { execFile } from 'node:child_process';

/** Runs a program to its end with `input` on its standard input and answers its standard output. */
export type Run = (command: string, args: readonly string[], input: string, signal: AbortSignal) => Promise<string>;

/** A program that ended with another code than 0, could not be started, or was cut. */
export class CommandError extends Error {
	override readonly name = 'CommandError';
	/** Exit code; null = it was not started or was killed. */
	readonly exitCode: number | null;
	readonly stderr: string;

	constructor(message: string, exitCode: number | null, stderr: string) {
		super(message);
		this.exitCode = exitCode;
		this.stderr = stderr;
	}
}

/** Longest time that one program may take, ms: a rule set of thousands of ports on a loaded machine stays well below. */
const deadline = 30_000;
const maxOutput = 256 * 1024 * 1024;

/** The way to the kernel: `ip`, `nft` and `nsenter` as they are found on the machine. */
export const runProgram: Run = programRunner(deadline);

/** Runs programs that each may take `timeout` ms at the most. */
export function programRunner(timeout: number): Run {
	return (command, args, input, signal) =>
		new Promise((resolve, reject) => {
			const child = execFile(
				command,
				[...args],
				{
					signal,
					timeout,
					killSignal: 'SIGKILL',
					maxBuffer: maxOutput,
					encoding: 'utf8',
					env: { PATH: searchPath(), LC_ALL: 'C' },
				},
				(error, stdout, stderr) => {
					if (error === null) return resolve(stdout);
					const code = typeof error.code === 'number' ? error.code : null;
					const said = stderr.trim().split('\n').slice(0, 6).join('; ').slice(0, 1000);
					reject(new CommandError(`${command} ${args.join(' ').slice(0, 200)}: ${said || error.message}`, code, stderr));
				},
			);
			// A program that ends before it has read everything says why with its exit code.
			child.stdin?.on('error', () => {});
			child.stdin?.end(input);
		});
}

function searchPath(): string {
	return `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;
}
