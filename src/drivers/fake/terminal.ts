import type { ByteQueue } from './byte-queue.ts';

/** What a terminal makes of output: newlines become carriage return and newline. */
export function terminalOutput(bytes: Uint8Array): Uint8Array {
	return Buffer.from(Buffer.from(bytes).toString('latin1').replace(/\n/g, '\r\n'), 'latin1');
}

/** What a terminal makes of what is typed: return is a newline, ^D the end of input; it shows what it gets. */
export function terminalInput(bytes: Uint8Array, stdin: ByteQueue, show: (bytes: Uint8Array) => void): void {
	const [typed = '', ...rest] = Buffer.from(bytes).toString('latin1').replace(/\r/g, '\n').split('\x04');
	const text = Buffer.from(typed, 'latin1');
	show(text);
	stdin.push(text);
	if (rest.length > 0) stdin.end();
}
