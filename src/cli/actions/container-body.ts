import { readFile, stat } from 'node:fs/promises';
import { CliError, usageError } from '../exit-code.ts';
import type { Resource } from '../resource.ts';
import type { Input } from '../tree/input.ts';
import { given, placementFields } from './placement.ts';
import { gibibytes, mebibytes, seconds } from './units.ts';

/** The request that makes a container. */
export async function containerBody(input: Input): Promise<Resource> {
	const memory = input.text('memory');
	const { command } = input;
	const entrypoint = input.texts('entrypoint');
	const mounts = await Promise.all(input.texts('volume').map(mount));
	const exposed = input.texts('expose');
	return given({
		image: input.argument('image'),
		name: input.text('name'),
		sandbox: input.text('sandbox'),
		command: command.length === 0 ? undefined : command,
		entrypoint: entrypoint.length === 0 ? undefined : entrypoint,
		environment: environmentOf(input),
		labels: input.pairs('label'),
		cpu: input.number('cpu'),
		memory: memory === undefined ? undefined : mebibytes('--memory', memory),
		disk: input.integer('disk'),
		pids: input.integer('pids'),
		workdir: input.text('workdir'),
		hostname: input.text('hostname'),
		restart_policy: restartPolicy(input.text('restart')),
		auto_remove: input.flag('rm'),
		auto_heal: input.flag('auto-heal'),
		interactive: input.flag('interactive'),
		tty: input.flag('tty'),
		image_driver: input.text('image-driver'),
		image_pull_policy: input.text('pull'),
		registry: input.text('registry'),
		privileged: input.flag('privileged'),
		mounts: mounts.length === 0 ? undefined : mounts,
		exposed_ports: exposed.length === 0 ? undefined : Object.fromEntries(exposed.map((port) => [exposedPort(port), {}])),
		healthcheck: healthCheck(input),
		...placementFields(input),
	});
}

/** `NAME` without a value is passed on from the caller's environment, when it is there. */
function environmentOf(input: Input): Resource | undefined {
	const words = input.texts('env');
	if (words.length === 0) return undefined;
	return Object.fromEntries(
		words.flatMap((word) => {
			const mark = word.indexOf('=');
			if (mark === 0) throw usageError(`--env takes NAME=value, not "${word}"`);
			if (mark > 0) return [[word.slice(0, mark), word.slice(mark + 1)]];
			const value = process.env[word];
			return value === undefined ? [] : [[word, value]];
		}),
	);
}

/** As requests take it; throws for what is no policy. */
export function restartPolicy(text: string | undefined): Resource | undefined {
	if (text === undefined) return undefined;
	const match = /^(no|always|unless-stopped|on-failure)(?::(\d+))?$/.exec(text);
	if (match === null) throw usageError(`--restart takes no, always, unless-stopped or on-failure[:retries], not "${text}"`);
	return given({ Name: match[1], MaximumRetryCount: match[2] });
}

function exposedPort(text: string): string {
	if (!/^\d{1,5}(\/(tcp|udp))?$/.test(text)) throw usageError(`--expose takes a port such as 80 or 53/udp, not "${text}"`);
	return text.includes('/') ? text : `${text}/tcp`;
}

function healthCheck(input: Input): Resource | undefined {
	const cmd = input.text('health-cmd');
	const interval = input.text('health-interval');
	const timeout = input.text('health-timeout');
	const retries = input.integer('health-retries');
	if (cmd === undefined) {
		if (interval ?? timeout ?? retries) throw usageError('--health-interval, --health-timeout and --health-retries need --health-cmd');
		return undefined;
	}
	return given({
		cmd,
		retries,
		interval: interval === undefined ? undefined : seconds('--health-interval', interval),
		timeout: timeout === undefined ? undefined : seconds('--health-timeout', timeout),
	});
}

/** `volume:/path[:ro]`, `2g:/path` for a new volume, `./file:/path` for a file whose content is sent. */
async function mount(text: string): Promise<Resource> {
	const match = /^(.+?):(\/[^:]*)(?::(ro|rw))?$/.exec(text);
	if (match === null) throw usageError(`--volume takes <volume, size or file>:</path>[:ro], not "${text}"`);
	const [, source = '', destination = '', mode] = match;
	const common = given({ destination, read_only: mode === 'ro' ? true : undefined });
	const size = gibibytes(source);
	if (size !== null) return { type: 'volume', size, ...common };
	if (!/^\.{0,2}\//.test(source)) return { type: 'volume', source, ...common };
	return { type: 'bind', source: await fileContent(source), ...common };
}

async function fileContent(file: string): Promise<string> {
	try {
		if (!(await stat(file)).isFile())
			throw new CliError(`${file} is not a file: only files can be put into a container so; zunbox container cp copies folders`);
		return (await readFile(file)).toString('base64');
	} catch (error) {
		if (error instanceof CliError) throw error;
		throw new CliError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
	}
}
