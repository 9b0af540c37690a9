import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';

/** Another service runs on the data folder. The message is for the administrator. */
export class DataFolderInUse extends Error {
	override readonly name = 'DataFolderInUse';
}

/**
 * Keeps a second service off a data folder for as long as this process lives: two would each take the other's
 * sandboxes for their own. A name in the kernel's abstract socket space is the lock, since it goes with the process
 * however that ends.
 */
export async function holdAlone(directory: string): Promise<() => Promise<void>> {
	const digest = createHash('sha256')
		.update(await realpath(directory))
		.digest('hex');
	const server: Server = createServer((socket) => socket.destroy());
	await new Promise<void>((resolve, reject) => {
		server.once('error', (error: NodeJS.ErrnoException) => {
			reject(
				error.code === 'EADDRINUSE'
					? new DataFolderInUse(`another zunbox service uses the data folder ${directory}: stop it first`)
					: error,
			);
		});
		server.listen(`\0zunbox-${digest.slice(0, 32)}`, resolve);
	});
	server.unref();
	return () => new Promise((resolve) => server.close(() => resolve()));
}
