import type { CommandContext } from '../context.ts';
import { CliError } from '../exit-code.ts';

/** All of standard input. */
export async function standardInput(context: CommandContext): Promise<string> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of context.io.input ?? []) chunks.push(Buffer.from(chunk));
	return Buffer.concat(chunks).toString('utf8');
}

/** A password on standard input. Never an argument: those of a process can be read by everybody on the machine. */
export async function passwordInput(context: CommandContext): Promise<string> {
	const password = (await standardInput(context)).replace(/\r?\n$/, '');
	if (password === '') throw new CliError('there is no password on standard input');
	return password;
}
