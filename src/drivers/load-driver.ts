import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Driver, DriverOptions } from './driver.ts';

/** Built-in drivers, loaded only when they are used. */
const builtIn: ReadonlyMap<string, () => Promise<unknown>> = new Map<string, () => Promise<unknown>>([
	['docker', () => import('./docker/index.ts')],
	['fake', () => import('./fake/index.ts')],
]);

/** The configured driver cannot be used. The message says why and what to do; it is for the administrator. */
export class DriverLoadError extends Error {
	override readonly name = 'DriverLoadError';
}

/**
 * The driver of that name, made with the options: a built-in (`docker`, `fake`), an npm package, or a path to a file or
 * package folder (`./…`, `/…`, `file:…`). Paths, and packages that are not installed beside Zunbox, are looked for from
 * `baseDirectory`, where the configuration file is. Throws DriverLoadError.
 */
export async function loadDriver(name: string, options: DriverOptions, baseDirectory: string = process.cwd()): Promise<Driver> {
	const createDriver = factoryOf(name, await importDriver(name, baseDirectory));
	let driver: unknown;
	try {
		driver = await createDriver(options);
	} catch (cause) {
		throw new DriverLoadError(`The driver ${name} could not be made: ${cause instanceof Error ? cause.message : cause}`, { cause });
	}
	return checked(name, driver);
}

async function importDriver(name: string, baseDirectory: string): Promise<unknown> {
	const load = builtIn.get(name);
	if (load !== undefined) return load();
	if (name === '') throw notFound(name);
	try {
		return await import(locate(name, baseDirectory));
	} catch (cause) {
		if (cause instanceof DriverLoadError) throw cause;
		throw new DriverLoadError(`The driver ${name} could not be loaded: ${cause instanceof Error ? cause.message : cause}`, { cause });
	}
}

/** What to import: a file's URL. */
function locate(name: string, baseDirectory: string): string {
	const isPath = /^(\.{1,2}(\/|$)|\/|file:)/.test(name);
	const wanted = name.startsWith('file:') ? fileURLToPath(name) : isPath ? path.resolve(baseDirectory, name) : name;
	// Both resolve folders and packages with a package.json; import() alone resolves no folders.
	const places = isPath ? [import.meta.url] : [path.join(path.resolve(baseDirectory), 'configuration'), import.meta.url];
	for (const place of places) {
		try {
			return pathToFileURL(createRequire(place).resolve(wanted)).href;
		} catch (cause) {
			const code = cause instanceof Error && 'code' in cause ? cause.code : '';
			if (code === 'MODULE_NOT_FOUND') continue;
			throw new DriverLoadError(`The driver ${name} cannot be resolved: ${cause instanceof Error ? cause.message : cause}`, { cause });
		}
	}
	throw notFound(name);
}

function notFound(name: string): DriverLoadError {
	return new DriverLoadError(
		`There is no driver "${name}": it is none of the built-in ones (${[...builtIn.keys()].join(', ')}), and no such package or file was found. ` +
			'Install its package beside the configuration file, or give the path to it.',
	);
}

function factoryOf(name: string, module: unknown): (options: DriverOptions) => Promise<unknown> {
	const found = property(module, 'createDriver') ?? property(property(module, 'default'), 'createDriver');
	if (typeof found !== 'function') throw new DriverLoadError(`The driver ${name} exports no function createDriver, so it is no driver.`);
	return async (options) => found(options);
}

/** The methods that a driver has, by part. A part of `` is the driver itself. */
const parts: { readonly [part in '' | 'sandboxes' | 'containers' | 'images']: readonly string[] } = {
	'': ['facts', 'list', 'observe', 'events', 'close'],
	sandboxes: [
		'create',
		'start',
		'stop',
		'pause',
		'unpause',
		'update',
		'remove',
		'networkNamespacePath',
	] satisfies (keyof Driver['sandboxes'])[],
	containers: [
		'create',
		'start',
		'stop',
		'pause',
		'unpause',
		'kill',
		'update',
		'remove',
		'exec',
		'execInteractive',
		'attach',
		'resize',
		'logs',
		'top',
		'stats',
		'getArchive',
		'putArchive',
		'commit',
	] satisfies (keyof Driver['containers'])[],
	images: ['inspect', 'list', 'pull', 'load', 'save', 'tag', 'push', 'remove'] satisfies (keyof Driver['images'])[],
};

const capabilityNames = [
	'pause',
	'exec',
	'attach',
	'archive',
	'commit',
	'updateLimits',
	'healthcheck',
	'privileged',
	'networkNamespace',
] as const satisfies readonly (keyof Driver['capabilities'])[];

function checked(name: string, driver: unknown): Driver {
	const missing = Object.entries(parts).flatMap(([part, methods]) => {
		const holder = part === '' ? driver : property(driver, part);
		return methods
			.filter((method) => typeof property(holder, method) !== 'function')
			.map((method) => (part === '' ? method : `${part}.${method}`));
	});
	const capabilities = property(driver, 'capabilities');
	for (const capability of capabilityNames) {
		if (typeof property(capabilities, capability) !== 'boolean') missing.push(`capabilities.${capability}`);
	}
	if (typeof property(driver, 'name') !== 'string') missing.push('name');
	if (missing.length === 0 && isDriver(driver)) return driver;
	throw new DriverLoadError(`The driver ${name} is not complete: it lacks ${missing.join(', ')}.`);
}

/** Whether it is an object; that it has all of a driver's methods has been checked by name. */
function isDriver(driver: unknown): driver is Driver {
	return typeof driver === 'object' && driver !== null;
}

function property(holder: unknown, key: string): unknown {
	if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) return undefined;
	return Reflect.get(holder, key);
}
