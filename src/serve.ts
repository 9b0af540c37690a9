import { pino } from 'pino';
import { ConfigError, loadConfig } from './config/load.ts';
import { startService } from './start-service.ts';

/** `zunbox serve`: serves until SIGINT or SIGTERM, and leaves containers running. */
export async function serve(): Promise<void> {
	// What the service writes is for its own user alone.
	process.umask(0o077);
	try {
		const config = await loadConfig({ environment: process.env });
		const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
		const service = await startService(config, { log });
		log.info({ url: service.url, dataDirectory: config.dataDirectory }, 'serving');
		await new Promise<void>((resolve) => {
			process.once('SIGINT', () => resolve());
			process.once('SIGTERM', () => resolve());
		});
		log.info({}, 'stopping; containers go on running');
		await service.stop();
	} catch (error) {
		console.error(error instanceof ConfigError ? `zunbox: ${error.message}` : error);
		process.exitCode = 1;
	}
}
