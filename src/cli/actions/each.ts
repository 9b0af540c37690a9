import type { CommandContext } from '../context.ts';
import { CliError, exitCodes } from '../exit-code.ts';
import { plain } from '../output/text.ts';

/** Most that are worked on at once. */
const atOnce = 8;

/**
 * Does it for each name, several at once. What fails is told and does not keep the others from being done; the answer
 * is the exit code of the first that failed.
 */
export async function forEach(context: CommandContext, names: readonly string[], work: (name: string) => Promise<void>): Promise<number> {
	const left = [...new Set(names)];
	const order = [...left];
	const failures = new Map<string, unknown>();
	const worker = async (): Promise<void> => {
		for (let name = left.shift(); name !== undefined; name = left.shift()) {
			try {
				await work(name);
			} catch (error) {
				failures.set(name, error);
			}
		}
	};
	await Promise.all(Array.from({ length: Math.min(atOnce, left.length) }, worker));
	let code: number = exitCodes.ok;
	for (const name of order) {
		if (!failures.has(name)) continue;
		const error = failures.get(name);
		context.io.err.write(`zunbox: ${plain(error instanceof Error ? error.message : String(error))}\n`);
		if (code === exitCodes.ok) code = error instanceof CliError ? error.exitCode : exitCodes.failed;
		// Each would say the same.
		if (code === exitCodes.noService) break;
	}
	return code;
}
