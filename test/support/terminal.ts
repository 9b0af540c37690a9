import { type ChildProcessByStdio, spawn } from 'node:child_process';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { eventually } from './eventually.ts';

/** A program in a real terminal, with somebody at its keyboard. */
export class Terminal {
	/** All that the program wrote. */
	text = '';
	readonly exited: Promise<number | null>;
	readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;

	constructor(command: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly width: number; readonly height: number }) {
		const script = path.join(import.meta.dirname, 'terminal.py');
		this.#process = spawn('/usr/bin/python3', [script, String(options.width), String(options.height), ...command], {
			env: options.env,
			stdio: ['pipe', 'pipe', 'pipe'],
		});
		for (const stream of [this.#process.stdout, this.#process.stderr]) {
			stream.setEncoding('utf8').on('data', (text: string) => {
				this.text += text;
			});
		}
		this.#process.stdin.on('error', () => undefined);
		this.exited = new Promise((resolve) => this.#process.once('close', resolve));
	}

	/** `\r` is the return key. */
	type(text: string): void {
		this.#tell({ type: text });
	}

	/** As when the window of the terminal gets another size. */
	resize(width: number, height: number): void {
		this.#tell({ resize: [width, height] });
	}

	/** Waits until the program has written it. */
	async until(pattern: RegExp, timeout = 60_000): Promise<void> {
		await eventually(`${pattern} in the terminal`, () => pattern.test(this.text), { timeout }).catch((error: unknown) => {
			throw new Error(`the terminal shows: ${JSON.stringify(this.text)}`, { cause: error });
		});
	}

	/** Types the line until the program answers: what runs in the container may not read yet, or not have its size. */
	async ask(line: string, pattern: RegExp): Promise<void> {
		const look = () => {
			this.type(`${line}\r`);
			return pattern.test(this.text);
		};
		await eventually(`${pattern} after ${line}`, look, { interval: 300, timeout: 60_000 }).catch((error: unknown) => {
			throw new Error(`the terminal shows: ${JSON.stringify(this.text)}`, { cause: error });
		});
	}

	/** Ends the program as if the terminal's window was closed. */
	close(): void {
		this.#process.kill('SIGKILL');
	}

	#tell(command: object): void {
		this.#process.stdin.write(`${JSON.stringify(command)}\n`);
	}
}
