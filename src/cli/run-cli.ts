import { commands, groups } from './commands/commands.ts';
import { createContext, type Roles } from './context.ts';
import { CliError, exitCodes } from './exit-code.ts';
import type { Io } from './io.ts';
import { plain } from './output/text.ts';
import { parseCommandLine } from './tree/parse.ts';

/** Runs one command line, without the program's own name; answers the exit code. Never throws. */
export async function runCli(words: readonly string[], io: Io, roles: Roles): Promise<number> {
	try {
		const parsed = parseCommandLine(words, commands);
		if (parsed.kind === 'run') {
			const action = await parsed.spec.load();
			return await action(createContext(parsed.input, io, roles));
		}
		if (parsed.kind === 'version') {
			const { version } = await import('./version.ts');
			io.out.write(`zunbox ${version()}\n`);
			return exitCodes.ok;
		}
		const { renderHelp } = await import('./tree/help.ts');
		io.out.write(renderHelp(parsed.path, commands, groups, io.out.isTerminal ? io.out.width : 100));
		return exitCodes.ok;
	} catch (error) {
		io.err.write(`zunbox: ${plain(error instanceof Error ? error.message : String(error))}\n`);
		if (!(error instanceof CliError) && io.environment['NODE_DEBUG']?.includes('zunbox') && error instanceof Error) {
			io.err.write(`${error.stack}\n`);
		}
		return error instanceof CliError ? error.exitCode : exitCodes.failed;
	}
}
