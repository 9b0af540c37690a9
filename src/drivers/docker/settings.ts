import { DriverError } from '../driver.ts';

/** The driver's part of the configuration. */
export interface DockerSettings {
	/** Path of the engine's unix socket. */
	readonly socket: string;
	/** An image on the host to use for the sandbox's first process instead of our own `pause`; null = our own. */
	readonly pauseImage: string | null;
	/** Logs of a container never take more than `logMaxSize` (such as 10m) times `logMaxFiles`. */
	readonly logMaxSize: string;
	readonly logMaxFiles: number;
}

/** Throws a DriverError `invalid` that names the setting. */
export function readSettings(settings: Readonly<Record<string, unknown>>): DockerSettings {
	const known = new Set(['socket', 'pauseImage', 'logMaxSize', 'logMaxFiles']);
	const unknown = Object.keys(settings).find((name) => !known.has(name));
	if (unknown !== undefined) throw invalid(unknown, `is not a setting of the Docker driver; it has ${[...known].join(', ')}`);
	const logMaxSize = text(settings, 'logMaxSize') ?? '10m';
	if (!/^[1-9]\d*[kmg]$/.test(logMaxSize)) throw invalid('logMaxSize', 'must be a number with k, m or g, such as 10m');
	const logMaxFiles = settings['logMaxFiles'] ?? 3;
	if (typeof logMaxFiles !== 'number' || !Number.isInteger(logMaxFiles) || logMaxFiles < 1) {
		throw invalid('logMaxFiles', 'must be a whole number from 1');
	}
	return {
		socket: (text(settings, 'socket') ?? '/var/run/docker.sock').replace(/^unix:\/\//, ''),
		pauseImage: text(settings, 'pauseImage'),
		logMaxSize,
		logMaxFiles,
	};
}

function text(settings: Readonly<Record<string, unknown>>, name: string): string | null {
	const value = settings[name] ?? null;
	if (value !== null && (typeof value !== 'string' || value === '')) throw invalid(name, 'must be a text');
	return value;
}

function invalid(name: string, problem: string): DriverError {
	return new DriverError('invalid', `setting ${name} of the Docker driver ${problem}`);
}
