import { posix } from 'node:path';
import { ByteQueue } from './byte-queue.ts';
import { FileError } from './file-tree.ts';
import { complain, type ProgramContext, print, readLine } from './program-context.ts';
import { findProgram } from './programs.ts';
import { type Command, parseShell, type Redirect, ShellSyntaxError, type Word } from './shell-parser.ts';
import { signalName } from './simulated-process.ts';

/** Unwinds a script that says `exit`. */
class ShellExit extends Error {
	readonly exitCode: number;
	constructor(exitCode: number) {
		super();
		this.exitCode = exitCode;
	}
}

/** What a script keeps between its commands. */
interface ShellState {
	variables: Map<string, string>;
	exported: Set<string>;
	workdir: string;
	lastExitCode: number;
	readonly jobs: Set<Promise<void>>;
}

/** `sh -c script`, or the commands that come on standard input, line by line. */
export async function runShell(context: ProgramContext, args: readonly string[]): Promise<number> {
	const state: ShellState = {
		variables: new Map(Object.entries(context.environment)),
		exported: new Set(Object.keys(context.environment)),
		workdir: context.workdir,
		lastExitCode: 0,
		jobs: new Set(),
	};
	try {
		if (args[0] === '-c') await runScript(context, state, args[1] ?? '');
		else if (args[0] !== undefined && !args[0].startsWith('-')) {
			await runScript(context, state, Buffer.from(context.files.read(posix.resolve(context.workdir, args[0]))).toString());
		} else await runInput(context, state);
		return state.lastExitCode;
	} catch (error) {
		if (error instanceof ShellExit) return error.exitCode;
		if (error instanceof FileError) return complain(context, `sh: ${error.message}`, 2);
		throw error;
	}
}

async function runInput(context: ProgramContext, state: ShellState): Promise<void> {
	const prompt = context.terminal === null ? '' : '# ';
	await print(context, prompt);
	for (let line = await readLine(context); line !== null; line = await readLine(context)) {
		await runScript(context, state, line);
		await print(context, prompt);
	}
}

async function runScript(context: ProgramContext, state: ShellState, script: string): Promise<void> {
	let command: Command;
	try {
		command = parseShell(script);
	} catch (error) {
		if (!(error instanceof ShellSyntaxError)) throw error;
		state.lastExitCode = await complain(context, `sh: syntax error: ${error.message}`, 2);
		return;
	}
	await run(context, state, command);
}

async function run(context: ProgramContext, state: ShellState, command: Command): Promise<void> {
	switch (command.kind) {
		case 'list':
			for (const each of command.commands) await run(context, state, each);
			return;
		case 'and':
		case 'or':
			await run(context, state, command.left);
			if ((state.lastExitCode === 0) === (command.kind === 'and')) await run(context, state, command.right);
			return;
		case 'pipe':
			return runPipe(context, state, command);
		case 'background': {
			const job = run({ ...context, stdin: closedInput() }, { ...state, variables: new Map(state.variables) }, command.command).catch(
				() => undefined,
			);
			state.jobs.add(job);
			void job.then(() => state.jobs.delete(job));
			state.lastExitCode = 0;
			return;
		}
		case 'if':
			await run(context, state, command.condition);
			if (state.lastExitCode === 0) return run(context, state, command.then);
			state.lastExitCode = 0;
			if (command.otherwise !== null) return run(context, state, command.otherwise);
			return;
		case 'for':
			for (const value of command.words.flatMap((word) => expand(state, word))) {
				state.variables.set(command.variable, value);
				await run(context, state, command.body);
				await context.process.yield();
			}
			return;
		case 'while':
			for (;;) {
				await run(context, state, command.condition);
				if ((state.lastExitCode === 0) === command.until) break;
				await run(context, state, command.body);
				await context.process.yield();
			}
			state.lastExitCode = 0;
			return;
		case 'simple':
			await runSimple(context, state, command.words, command.redirects);
			// A shell runs its traps between two commands.
			if (context.process.hasPendingTrap) await context.process.runTraps();
			return;
	}
}

async function runPipe(context: ProgramContext, state: ShellState, command: Command & { kind: 'pipe' }): Promise<void> {
	const pipe = new ByteQueue();
	const left: ProgramContext = {
		...context,
		write: async (stream, bytes) => {
			if (stream === 'stderr') return context.write(stream, bytes);
			pipe.push(bytes);
			while (pipe.full) await context.process.wait((wake) => pipe.onChange(wake));
		},
	};
	const writer = inSubshell(left, state, command.left).finally(() => pipe.end());
	const [, exitCode] = await Promise.all([writer, inSubshell({ ...context, stdin: pipe }, state, command.right).finally(() => pipe.end())]);
	state.lastExitCode = exitCode;
}

async function inSubshell(context: ProgramContext, state: ShellState, command: Command): Promise<number> {
	const inner: ShellState = { ...state, variables: new Map(state.variables), jobs: new Set() };
	try {
		await run(context, inner, command);
		return inner.lastExitCode;
	} catch (error) {
		if (error instanceof ShellExit) return error.exitCode;
		throw error;
	}
}

async function runSimple(
	context: ProgramContext,
	state: ShellState,
	words: readonly Word[],
	redirects: readonly Redirect[],
): Promise<void> {
	const assignments: [string, string][] = [];
	let rest = [...words];
	for (let match = assignment(rest[0]); match !== null; match = assignment(rest[0])) {
		assignments.push([match.name, expandWhole(state, match.value)]);
		rest = rest.slice(1);
	}
	const [name, ...args] = rest.flatMap((word) => expand(state, word));
	if (name === undefined) for (const [variable, value] of assignments) state.variables.set(variable, value);
	try {
		const redirected = redirect(context, state, redirects);
		state.lastExitCode = name === undefined ? 0 : await runNamed(redirected, state, name, args, assignments);
	} catch (error) {
		if (!(error instanceof FileError)) throw error;
		state.lastExitCode = await complain(context, `sh: ${error.message}`, 1);
	}
}

async function runNamed(
	context: ProgramContext,
	state: ShellState,
	name: string,
	args: readonly string[],
	assignments: readonly [string, string][],
): Promise<number> {
	switch (name) {
		case ':':
			return 0;
		case 'exit':
			throw new ShellExit(args[0] === undefined ? state.lastExitCode : Number(args[0]) & 0xff);
		case 'exec': {
			const [program, ...rest] = args;
			if (program === undefined) return 0;
			throw new ShellExit(await runNamed(context, state, program, rest, assignments));
		}
		case 'cd': {
			const path = posix.resolve(state.workdir, args[0] ?? '/');
			if (context.files.stat(path)?.type !== 'directory') return complain(context, `sh: cd: can't cd to ${args[0]}`, 2);
			state.workdir = path;
			return 0;
		}
		case 'export':
			for (const argument of args) {
				const [variable = '', ...value] = argument.split('=');
				state.exported.add(variable);
				if (argument.includes('=')) state.variables.set(variable, value.join('='));
			}
			return 0;
		case 'read': {
			const line = await readLine(context);
			const names = args.filter((argument) => !argument.startsWith('-'));
			const words = (line ?? '').trim().split(/\s+/);
			// The last name takes all that is left.
			for (const [index, variable] of names.entries()) {
				state.variables.set(variable, index < names.length - 1 ? (words[index] ?? '') : words.slice(index).join(' '));
			}
			return line === null ? 1 : 0;
		}
		case 'trap':
			return setTrap(context, state, args);
		case 'wait':
			await waitForJobs(context, state);
			return 0;
	}
	const program = findProgram(name);
	if (program === null) return complain(context, `sh: ${name}: not found`, 127);
	const exported = [...state.variables].filter(([variable]) => state.exported.has(variable));
	const environment = Object.fromEntries([...exported, ...assignments]);
	return program({ ...context, environment, workdir: state.workdir }, args);
}

async function setTrap(context: ProgramContext, state: ShellState, [script = '', ...names]: readonly string[]): Promise<number> {
	for (const name of names) {
		const signal = signalName(name);
		if (signal === null) return complain(context, `sh: trap: ${name}: invalid signal specification`, 1);
		context.process.trap(signal, async () => {
			const { lastExitCode } = state;
			await runScript(context, state, script);
			state.lastExitCode = lastExitCode;
		});
	}
	return 0;
}

async function waitForJobs(context: ProgramContext, state: ShellState): Promise<void> {
	if (state.jobs.size === 0) return;
	await context.process.wait((wake) => {
		void Promise.all(state.jobs).then(wake);
		return () => undefined;
	}, true);
}

function redirect(context: ProgramContext, state: ShellState, redirects: readonly Redirect[]): ProgramContext {
	let { stdin } = context;
	const targets = { stdout: sink(context, 'stdout'), stderr: sink(context, 'stderr') };
	for (const { from, to } of redirects) {
		const name = from === 2 ? 'stderr' : 'stdout';
		if ('stream' in to) {
			targets[name] = to.stream === 1 ? targets.stdout : targets.stderr;
			continue;
		}
		const path = posix.resolve(state.workdir, expandWhole(state, to.file));
		if (from === 0) {
			stdin = new ByteQueue();
			stdin.push(context.files.read(path));
			stdin.end();
			continue;
		}
		if (path === '/dev/null') targets[name] = async () => undefined;
		else {
			context.files.write(path, Buffer.alloc(0), to.append);
			targets[name] = async (bytes) => context.files.write(path, bytes, true);
		}
	}
	return { ...context, stdin, write: (stream, bytes) => targets[stream](bytes) };
}

function sink(context: ProgramContext, stream: 'stdout' | 'stderr'): (bytes: Uint8Array) => Promise<void> {
	return (bytes) => context.write(stream, bytes);
}

function closedInput(): ByteQueue {
	const queue = new ByteQueue();
	queue.end();
	return queue;
}

/** `NAME=value` at the start of a command. */
function assignment(word: Word | undefined): { name: string; value: Word } | null {
	const [first, ...parts] = word?.parts ?? [];
	if (word === undefined || first === undefined || !('text' in first)) return null;
	const match = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(first.text);
	if (match === null) return null;
	return { name: match[1] ?? '', value: { quoted: word.quoted, parts: [{ text: match[2] ?? '' }, ...parts] } };
}

/** The words that a word becomes: variables without quotes are split at white space. */
function expand(state: ShellState, word: Word): string[] {
	const [part] = word.parts;
	if (!word.quoted && word.parts.length === 1 && part !== undefined && 'variable' in part)
		return variableOf(state, part.variable).split(/\s+/).filter(Boolean);
	const text = expandWhole(state, word);
	return text === '' && !word.quoted ? [] : [text];
}

function expandWhole(state: ShellState, word: Word): string {
	return word.parts.map((part) => ('text' in part ? part.text : variableOf(state, part.variable))).join('');
}

function variableOf(state: ShellState, variable: string): string {
	if (variable === '?') return String(state.lastExitCode);
	if (variable === '$') return '1';
	return state.variables.get(variable) ?? '';
}
