import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** Makes a folder, with those above it, that only its owner may enter. One that is there gets its mode set. */
export async function makePrivateDirectory(directory: string): Promise<void> {
	await mkdir(directory, { recursive: true, mode: 0o700 });
	await chmod(directory, 0o700);
}

/**
 * Writes a file that only its owner may read (0600). All or nothing: after a crash at any moment there is the old file
 * or the new one, and what was written before the call returned outlives a power cut.
 */
export async function writePrivateFile(file: string, content: string): Promise<void> {
	const temporary = `${file}.${randomBytes(6).toString('hex')}.new`;
	try {
		const handle = await open(temporary, 'wx', 0o600);
		try {
			await handle.writeFile(content);
			await handle.sync();
		} finally {
			await handle.close();
		}
		await rename(temporary, file);
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
	const directory = await open(path.dirname(file), 'r');
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}
