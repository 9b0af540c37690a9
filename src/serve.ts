import { flushCompileCache } from 'node:module';
import { pino } from 'pino';
import { ConfigError, loadConfig } from './config/load.ts';
import { settings } from './config/settings.ts';
import { DriverLoadError } from './drivers/load-driver.ts';
import { messageOf } from './model/errors.ts';
import { startService } from './start-service.ts';
import { CloudSettingsError } from './wiring/cloud.ts';
import { DataFolderInUse } from './wiring/single-instance.ts';

export interface ServeOptions {
	/** Configuration file. */
	readonly file?: string;
	/** Settings by the names of their options, such as `--listen-port`. */
	readonly flags?: Readonly<Record<string, string>>;
}

/** `zunbox serve`: serves until SIGINT or SIGTERM, and leaves containers running. Answers the exit code. */
export async function serve(options: ServeOptions = {}): Promise<number> {
	// What the service writes is for its own user alone.
	process.umask(0o077);
	try {
		const { file, flags = {} } = options;
		const config = await loadConfig({ environment: process.env, flags: byName(flags), ...(file === undefined ? {} : { file }) });
		const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
		const service = await startService(config, { log });
		log.info({ url: service.url, dataDirectory: config.dataDirectory }, 'serving');
		// Node.js writes what it compiled when it ends in order. A service that is killed would start slowly for ever.
		flushCompileCache();
		await new Promise<void>((resolve) => {
			process.once('SIGINT', () => resolve());
			process.once('SIGTERM', () => resolve());
		});
		log.info({}, 'stopping; containers go on running');
		await service.stop();
		return 0;
	} catch (error) {
		const forPeople = [ConfigError, DriverLoadError, DataFolderInUse, CloudSettingsError].some((kind) => error instanceof kind);
		console.error(forPeople ? `zunbox: ${messageOf(error)}` : error);
		return 1;
	}
}

/** What is no setting keeps its name, which the configuration then refuses. */
function byName(flags: Readonly<Record<string, string>>): Record<string, string> {
	const names = new Map(settings.map((setting) => [setting.flag, setting.name]));
	return Object.fromEntries(Object.entries(flags).map(([flag, value]) => [names.get(flag) ?? flag, value]));
}
