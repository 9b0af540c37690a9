import { posix } from 'node:path';
import { FileError } from './file-tree.ts';
import { complain, type ProgramContext, print, readInput } from './program-context.ts';
import { runShell } from './shell.ts';

/** What a program does with its arguments (without its name); answers its exit code. */
export type SimulatedProgram = (context: ProgramContext, args: readonly string[]) => Promise<number>;

/** The program of that name, also by a path to it; null when it is not simulated. */
export function findProgram(name: string): SimulatedProgram | null {
	return programs.get(posix.basename(name)) ?? null;
}

/** Waits for a signal: what a server does as far as anything outside can tell. */
const serve: SimulatedProgram = ({ process }) => process.sleep(Number.POSITIVE_INFINITY).then(() => 0);

const programs: ReadonlyMap<string, SimulatedProgram> = new Map<string, SimulatedProgram>([
	['sh', runShell],
	['ash', runShell],
	['busybox', (context, [name = '', ...args]) => findProgram(name)?.(context, args) ?? complain(context, `${name}: applet not found`, 127)],
	['true', async () => 0],
	['false', async () => 1],
	['httpd', serve],
	['nc', serve],
	['echo', echo],
	['printf', printf],
	['cat', cat],
	['sleep', sleep],
	['seq', seq],
	['yes', yes],
	['head', head],
	['tail', tail],
	['pwd', async (context) => say(context, `${context.workdir}\n`)],
	['hostname', async (context) => say(context, `${context.hostname}\n`)],
	['id', async (context) => say(context, `${context.user}\n`)],
	[
		'env',
		async (context) =>
			say(
				context,
				Object.entries(context.environment)
					.map(([name, value]) => `${name}=${value}\n`)
					.join(''),
			),
	],
	['stty', stty],
	['tty', async (context) => (context.terminal === null ? say(context, 'not a tty\n', 1) : say(context, '/dev/pts/0\n'))],
	['test', testFile],
	['[', testFile],
	['ls', ls],
	['mkdir', (context, args) => onFiles(context, 'mkdir', args, (path) => context.files.mkdir(path))],
	['touch', (context, args) => onFiles(context, 'touch', args, (path) => context.files.write(path, Buffer.alloc(0), true))],
	['rm', (context, args) => onFiles(context, 'rm', args, (path) => context.files.remove(path))],
]);

async function say(context: ProgramContext, text: string, exitCode = 0): Promise<number> {
	await print(context, text);
	return exitCode;
}

async function echo(context: ProgramContext, args: readonly string[]): Promise<number> {
	const bare = args[0] === '-n';
	return say(context, bare ? args.slice(1).join(' ') : `${args.join(' ')}\n`);
}

async function printf(context: ProgramContext, [format = '', ...values]: readonly string[]): Promise<number> {
	const bytes: number[] = [];
	const rest = [...values];
	for (const match of format.matchAll(/\\([0-7]{1,3})|\\([ntr\\"])|%([sd%])|([\s\S]?)/gu)) {
		const [, octal, escaped, conversion, plain = ''] = match;
		if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff);
		else if (escaped !== undefined) bytes.push(...Buffer.from({ n: '\n', t: '\t', r: '\r' }[escaped] ?? escaped));
		else if (conversion !== undefined) bytes.push(...Buffer.from(conversion === '%' ? '%' : (rest.shift() ?? '')));
		else bytes.push(...Buffer.from(plain));
	}
	await context.write('stdout', Uint8Array.from(bytes));
	return 0;
}

async function cat(context: ProgramContext, args: readonly string[]): Promise<number> {
	let exitCode = 0;
	for (const name of args.length === 0 ? ['-'] : args) {
		if (name === '-') {
			for (let bytes = await readInput(context); bytes !== null; bytes = await readInput(context)) await context.write('stdout', bytes);
			continue;
		}
		const bytes = readFile(context, name);
		if (bytes instanceof FileError) exitCode = await complain(context, `cat: can't open '${name}': ${bytes.message}`, 1);
		else await context.write('stdout', bytes);
	}
	return exitCode;
}

/** Not async: there are thousands of these at once, and each function that waits takes memory. */
function sleep(context: ProgramContext, [duration = '']: readonly string[]): Promise<number> {
	const seconds = duration === 'infinity' || duration === 'inf' ? Number.POSITIVE_INFINITY : Number(duration);
	if (duration === '' || Number.isNaN(seconds)) return complain(context, `sleep: invalid number '${duration}'`, 1);
	return context.process.sleep(seconds * 1000).then(() => 0);
}

async function seq(context: ProgramContext, args: readonly string[]): Promise<number> {
	const [first, last] = args.length > 1 ? [Number(args[0]), Number(args[1])] : [1, Number(args[0])];
	for (let from = first; from <= last; from += 1000) {
		const count = Math.min(1000, last - from + 1);
		await print(context, Array.from({ length: count }, (_, index) => `${from + index}\n`).join(''));
		await context.process.yield();
	}
	return 0;
}

async function yes(context: ProgramContext, [word = 'y']: readonly string[]): Promise<number> {
	const chunk = `${word}\n`.repeat(512);
	for (;;) {
		await print(context, chunk);
		await context.process.yield();
	}
}

/** `head -c <bytes> <file>`, also of /dev/zero. */
async function head(context: ProgramContext, args: readonly string[]): Promise<number> {
	const [option, amount = '', name = ''] = args;
	if (option !== '-c') return complain(context, 'head: only -c is simulated', 1);
	const wanted = Number(amount);
	if (name === '/dev/zero') {
		for (let left = wanted; left > 0; left -= 65536) {
			await context.write('stdout', Buffer.alloc(Math.min(left, 65536)));
			await context.process.yield();
		}
		return 0;
	}
	const bytes = readFile(context, name);
	if (bytes instanceof FileError) return complain(context, `head: ${name}: ${bytes.message}`, 1);
	await context.write('stdout', bytes.subarray(0, wanted));
	return 0;
}

/** `tail /dev/zero` is how a script uses up memory: it ends only where there is a limit. */
async function tail(context: ProgramContext, args: readonly string[]): Promise<number> {
	if (args[0] === '/dev/zero') {
		if (context.memoryLimit() !== null) context.outOfMemory();
		await context.process.sleep(Number.POSITIVE_INFINITY);
	}
	if (args.includes('-f')) await context.process.sleep(Number.POSITIVE_INFINITY);
	return complain(context, 'tail: only -f and /dev/zero are simulated', 1);
}

async function stty(context: ProgramContext, [what]: readonly string[]): Promise<number> {
	if (context.terminal === null) return complain(context, 'stty: standard input: Inappropriate ioctl for device', 1);
	if (what !== 'size') return 0;
	return say(context, `${context.terminal.size.height} ${context.terminal.size.width}\n`);
}

async function testFile(context: ProgramContext, args: readonly string[]): Promise<number> {
	const [left = '', operator = '', right = ''] = args.at(-1) === ']' ? args.slice(0, -1) : args;
	if (operator === '=') return left === right ? 0 : 1;
	if (operator === '!=') return left !== right ? 0 : 1;
	if (left === '-n') return operator !== '' ? 0 : 1;
	if (left === '-z') return operator === '' ? 0 : 1;
	const node = context.files.stat(resolve(context, operator));
	if (left === '-f') return node?.type === 'file' ? 0 : 1;
	if (left === '-d') return node?.type === 'directory' ? 0 : 1;
	if (left === '-e') return node !== null ? 0 : 1;
	return complain(context, `test: ${args.join(' ')}: not simulated`, 2);
}

async function ls(context: ProgramContext, args: readonly string[]): Promise<number> {
	const [path = '.'] = args.filter((argument) => !argument.startsWith('-'));
	try {
		return await say(
			context,
			context.files
				.names(resolve(context, path))
				.map((name) => `${name}\n`)
				.join(''),
		);
	} catch (error) {
		if (!(error instanceof FileError)) throw error;
		return complain(context, `ls: ${path}: ${error.message}`, 1);
	}
}

async function onFiles(context: ProgramContext, program: string, args: readonly string[], action: (path: string) => void): Promise<number> {
	const forced = args.some((argument) => /^-.*f/.test(argument));
	for (const name of args.filter((argument) => !argument.startsWith('-'))) {
		try {
			action(resolve(context, name));
		} catch (error) {
			if (!(error instanceof FileError)) throw error;
			if (!forced) return complain(context, `${program}: can't change '${name}': ${error.message}`, 1);
		}
	}
	return 0;
}

function readFile(context: ProgramContext, name: string): Uint8Array | FileError {
	try {
		return context.files.read(resolve(context, name));
	} catch (error) {
		if (error instanceof FileError) return error;
		throw error;
	}
}

function resolve(context: ProgramContext, path: string): string {
	return posix.resolve(context.workdir, path);
}
