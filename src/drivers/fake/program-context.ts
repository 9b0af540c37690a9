import type { TerminalSize } from '../driver.ts';
import type { ByteQueue } from './byte-queue.ts';
import type { FileTree } from './file-tree.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** All that a simulated program sees of its world. */
export interface ProgramContext {
	readonly process: SimulatedProcess;
	readonly files: FileTree;
	readonly environment: Readonly<Record<string, string>>;
	readonly workdir: string;
	readonly hostname: string;
	readonly user: string;
	/** null = no terminal. */
	readonly terminal: { size: TerminalSize } | null;
	/** Of the container, in MiB; null = no limit. */
	readonly memoryLimit: () => number | null;
	/** Ends the container as the kernel does when its memory is used up. */
	readonly outOfMemory: () => void;
	readonly stdin: ByteQueue;
	/** Resolves when the bytes are taken. */
	readonly write: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>;
}

/** The next bytes of standard input; null at its end. */
export async function readInput(context: ProgramContext): Promise<Uint8Array | null> {
	for (;;) {
		context.process.check();
		const bytes = context.stdin.take();
		if (bytes !== undefined) return bytes;
		await context.process.wait((wake) => context.stdin.onChange(wake));
	}
}

/** The next line without its newline; null at the end of input. */
export async function readLine(context: ProgramContext): Promise<string | null> {
	const parts: Uint8Array[] = [];
	for (let bytes = await readInput(context); bytes !== null; bytes = await readInput(context)) {
		const end = bytes.indexOf(0x0a);
		parts.push(end < 0 ? bytes : bytes.subarray(0, end));
		if (end < 0) continue;
		context.stdin.untake(bytes.subarray(end + 1));
		return Buffer.concat(parts).toString();
	}
	return parts.length === 0 ? null : Buffer.concat(parts).toString();
}

export async function print(context: ProgramContext, text: string): Promise<void> {
	await context.write('stdout', Buffer.from(text));
}

/** Says what went wrong, as programs do, and answers the exit code. */
export async function complain(context: ProgramContext, text: string, exitCode: number): Promise<number> {
	await context.write('stderr', Buffer.from(`${text}\n`));
	return exitCode;
}
