import type { CommandContext } from '../context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { numberIn, type Resource, textIn } from '../resource.ts';
import { ApiError } from '../session/api-error.ts';
import type { Action } from '../tree/spec.ts';

/** Runs a command in a container; answers its exit code. */
export const exec: Action = async (context) => {
	const { input, io, output } = context;
	const name = input.argument('container');
	const path = `/containers/${encodeURIComponent(name)}/execute`;
	const command = input.command.map(quoted).join(' ');
	const client = await context.client();
	if (input.flag('interactive') || input.flag('tty')) return await execInteractive(context, name, path, command);
	// The service bounds the time that a command may take; this only must not be shorter.
	const answer = await client.resource('POST', path, { body: { command, run: true, interactive: false }, timeout: 3_600_000 });
	if (output.form === 'json') output.json(answer);
	else io.out.write(textIn(answer, 'output'));
	return numberIn(answer, 'exit_code') ?? exitCodes.failed;
};

async function execInteractive(context: CommandContext, name: string, path: string, command: string): Promise<number> {
	const client = await context.client();
	const answer = await interactive('exec -it', () => client.resource('POST', path, { body: { command, run: false, interactive: true } }));
	const execId = textIn(answer, 'exec_id');
	const resize = (size: Resource) =>
		client.call('POST', `/containers/${encodeURIComponent(name)}/execute_resize`, {
			query: { exec_id: execId, h: textIn(size, 'h'), w: textIn(size, 'w') },
		});
	const { connectTerminal } = await import('../streams/terminal.ts');
	await connectTerminal(context.io, textIn(answer, 'proxy_url'), { resize, hasTerminal: true, caFile: client.credentials.caFile });
	// The stream only tells that it ended; how, is asked for.
	const ended = await client.resource('GET', `/containers/${encodeURIComponent(name)}/execs/${execId}`).catch((): Resource => ({}));
	return numberIn(ended, 'exit_code') ?? exitCodes.ok;
}

export const attach: Action = (context) => attachTo(context, context.input.argument('container'), context.input.argument('container'));

/** Connects the terminal with the first process; answers its exit code when it ended. */
export async function attachTo(context: CommandContext, id: string, name: string): Promise<number> {
	const client = await context.client();
	const path = `/containers/${encodeURIComponent(id)}`;
	const link = await interactive('attach', () => client.call('GET', `${path}/attach`)).catch((error: unknown) => {
		if (error instanceof ApiError && error.code === 'no-interactive-flag') {
			throw new CliError(`${name} was not made with -i, so there is nothing to attach to; zunbox logs -f ${name} shows what it writes`);
		}
		throw error;
	});
	const resize = (size: Resource) => client.call('POST', `${path}/resize`, { query: { h: textIn(size, 'h'), w: textIn(size, 'w') } });
	const { connectTerminal } = await import('../streams/terminal.ts');
	const { tty } = await client.resource('GET', path);
	await connectTerminal(context.io, String(link), { resize, hasTerminal: tty === true, caFile: client.credentials.caFile });
	const seen = await client.resource('GET', path).catch((): Resource => ({}));
	return textIn(seen, 'status') === 'Stopped' ? (numberIn(seen, 'exit_code') ?? exitCodes.ok) : exitCodes.ok;
}

/** What the service may not serve yet. */
async function interactive<T>(what: string, ask: () => Promise<T>): Promise<T> {
	try {
		return await ask();
	} catch (error) {
		if (error instanceof ApiError && error.status === 501) {
			throw new CliError(
				`${what} is not available: this service has no two-way streams; zunbox exec without -i and -t, and zunbox logs -f work`,
			);
		}
		throw error;
	}
}

/** A word as the service's command line takes it. */
export function quoted(word: string): string {
	return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
