/**
 * The `zunbox` command. What it can do is in `cli/`; the service's own roles, which only this file may bring together
 * with it, are loaded when they are called.
 */
import path from 'node:path';
import { processIo } from './cli/io.ts';
import { runCli } from './cli/run-cli.ts';

const databaseIn = (dataDirectory: string): string => path.join(dataDirectory, 'zunbox.db');

process.exitCode = await runCli(process.argv.slice(2), processIo(), {
	async serve(options) {
		const { serve } = await import('./serve.ts');
		return await serve(options);
	},
	async backUpDatabase(dataDirectory, target, options) {
		const { backUpFile } = await import('./store/backup.ts');
		return await backUpFile(databaseIn(dataDirectory), target, options);
	},
	async checkDatabase(dataDirectory) {
		const { checkFile } = await import('./store/backup.ts');
		return checkFile(databaseIn(dataDirectory));
	},
	async rotateKeys(dataDirectory) {
		const { rotateKeys } = await import('./wiring/maintenance.ts');
		return await rotateKeys(dataDirectory);
	},
	async resetAdministrator(dataDirectory) {
		const { resetAdministrator } = await import('./wiring/maintenance.ts');
		await resetAdministrator(dataDirectory);
	},
	async doctor(sources, signal) {
		const { examine } = await import('./wiring/doctor.ts');
		return await examine(sources, signal);
	},
	async register(request, signal) {
		const { registerService } = await import('./wiring/register.ts');
		return await registerService(request, signal);
	},
});
