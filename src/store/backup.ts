import { open, rename, rm, stat } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';

/**
 * Writes a consistent copy of a database to a new file, also while others use it, and looks whether the copy is whole
 * before it gets its name. Answers its size in bytes. Throws when the target is there and may not be replaced.
 */
export async function backUpFile(
	source: string,
	target: string,
	options: { readonly replace: boolean },
): Promise<{ readonly bytes: number }> {
	if (!options.replace && (await exists(target)))
		throw new Error(`${target} is there already: choose another name, or replace it with --force`);
	const file = openToRead(source);
	const unfinished = `${target}.unfinished`;
	try {
		await rm(unfinished, { force: true });
		// Made first, so that nobody else may read it at any moment.
		await (await open(unfinished, 'wx', 0o600)).close();
		// In one read transaction: page by page, a copy would begin anew with each commit of others, and never end.
		file.prepare('VACUUM INTO ?').run(unfinished);
		settle(unfinished);
		const problems = checkFile(unfinished);
		if (problems.length > 0) throw new Error(`the copy is not whole: ${problems[0]}`);
		await rename(unfinished, target);
	} catch (error) {
		await rm(unfinished, { force: true });
		throw error;
	} finally {
		file.close();
	}
	return { bytes: (await stat(target)).size };
}

/** What is wrong with a database; empty = nothing. Others may use it meanwhile. */
export function checkFile(path: string): readonly string[] {
	const file = openToRead(path);
	try {
		const broken = file.prepare('PRAGMA integrity_check').all();
		const dangling = file.prepare('PRAGMA foreign_key_check').all();
		return [
			...broken.map((row) => String(row['integrity_check'])).filter((text) => text !== 'ok'),
			...dangling.map((row) => `a row of ${String(row['table'])} points to one of ${String(row['parent'])} that is gone`),
		];
	} catch (error) {
		return [error instanceof Error ? error.message : String(error)];
	} finally {
		file.close();
	}
}

/** Makes the copy one file, without the log that a database in use has beside it. */
function settle(path: string): void {
	const file = new DatabaseSync(path);
	file.exec('PRAGMA journal_mode = DELETE');
	file.close();
}

function openToRead(path: string): DatabaseSync {
	try {
		return new DatabaseSync(path, { readOnly: true, timeout: 5000 });
	} catch (error) {
		throw new Error(`the database ${path} cannot be opened: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
	}
}

async function exists(path: string): Promise<boolean> {
	return await stat(path).then(
		() => true,
		() => false,
	);
}
