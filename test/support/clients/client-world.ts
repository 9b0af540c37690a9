/** A whole service on the machine's Docker, and the stock OpenStack clients as its administrator runs them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseOpenrc } from '../../../src/config/client.ts';
import { CrashClient, type Fields } from '../crash-client.ts';
import { CrashService } from '../crash-service.ts';
import { engineOk, ensureBusybox } from '../docker.ts';
import { eventually } from '../eventually.ts';

export interface Ended {
	readonly code: number;
	/** What it wrote to both outputs: the clients do not keep apart what belongs where. */
	readonly text: string;
	readonly out: string;
}

/** Packages of Debian that have the clients. */
const packages = { zun: 'python3-zunclient', openstack: 'python3-openstackclient', '/usr/bin/python3': 'python3-openstacksdk' } as const;

export class ClientWorld {
	readonly service = new CrashService();
	readonly api = new CrashClient(this.service);
	/** Every command line that was run, without the name of the program and the options before the command. */
	readonly ran: string[] = [];
	#environment: Readonly<Record<string, string>> = {};

	static async start(): Promise<ClientWorld> {
		const world = new ClientWorld();
		try {
			await ensureBusybox();
			await world.service.start();
			await world.api.login();
			const file = path.join(world.service.data, 'credentials/openrc');
			world.#environment = parseOpenrc(readFileSync(file, 'utf8'));
			await eventually('the host is there', async () => list(await world.api.ok('GET /v1/hosts'), 'hosts').length === 1);
			return world;
		} catch (error) {
			await world.service.remove();
			throw error;
		}
	}

	/** Name of the only host. */
	get host(): string {
		return this.service.owner;
	}

	/** A folder for files of the test. */
	get folder(): string {
		return this.service.folder;
	}

	/** Deletes every container and capsule, and waits until they and what they were in are gone. */
	async clear(): Promise<void> {
		const gone = (what: string) => async () => list(await this.api.ok(`GET /v1/${what}`), what).length === 0;
		for (const { uuid } of list(await this.api.ok('GET /v1/containers'), 'containers')) {
			await this.api.call(`DELETE /v1/containers/${uuid}?force=true`);
		}
		for (const { uuid } of list(await this.api.ok('GET /v1/capsules'), 'capsules')) await this.api.call(`DELETE /v1/capsules/${uuid}`);
		for (const what of ['containers', 'capsules', 'sandboxes']) await eventually(`there are no ${what}`, gone(what));
	}

	async remove(): Promise<void> {
		await this.service.remove();
	}

	/** Runs `zun`; what it wrote to its standard output. Fails unless it exits with 0. */
	async zun(...words: readonly string[]): Promise<string> {
		return ok(words, await this.tryZun(...words)).out;
	}

	/** Runs `openstack`. */
	async openstack(...words: readonly string[]): Promise<string> {
		return ok(words, await this.tryOpenstack(...words)).out;
	}

	/** Runs `openstack ... -f json`. */
	async show(...words: readonly string[]): Promise<Fields> {
		return JSON.parse(await this.openstack(...words, '-f', 'json'));
	}

	/** The same for commands that answer a list. */
	async list(...words: readonly string[]): Promise<readonly Fields[]> {
		return JSON.parse(await this.openstack(...words, '-f', 'json'));
	}

	async tryZun(...words: readonly string[]): Promise<Ended> {
		return this.#run('zun', words);
	}

	async tryOpenstack(...words: readonly string[]): Promise<Ended> {
		return this.#run('openstack', words);
	}

	/** Runs a script with the interpreter and the libraries of the clients. */
	async python(script: string): Promise<string> {
		return ok(['python3'], await this.#run('/usr/bin/python3', ['-c', script])).out;
	}

	/** A container as the API shows it, once it has this status and nothing is being done with it. */
	async settled(container: string, status: string): Promise<Fields> {
		return eventually(`${container} is ${status}`, async () => {
			const shown = await this.api.ok(`GET /v1/containers/${container}`);
			if (shown['status'] === 'Error' && status !== 'Error') throw new Error(`${container}: ${shown['status_reason']}`);
			return shown['status'] === status && shown['task_state'] === null ? shown : null;
		});
	}

	/** As the engine describes the container that is shown. */
	async inspect(shown: Fields): Promise<unknown> {
		return (await engineOk('GET', `/containers/zunbox-${shown['uuid']}/json`)).json();
	}

	/** Whether a command line was run that begins with this command. */
	hasRun(command: string): boolean {
		return this.ran.some((line) => line === command || line.startsWith(`${command} `));
	}

	async #run(program: keyof typeof packages, words: readonly string[]): Promise<Ended> {
		const env = {
			PATH: process.env['PATH'],
			HOME: this.folder,
			// Wide enough for tables that break no line.
			COLUMNS: '1000',
			PYTHONWARNINGS: 'ignore',
			...this.#environment,
		};
		if (program !== '/usr/bin/python3') this.ran.push(words.slice(words[0]?.endsWith('-api-version') ? 2 : 0).join(' '));
		return await new Promise((resolve, reject) => {
			execFile(program, [...words], { env, cwd: this.folder, timeout: 120_000, maxBuffer: 64 << 20 }, (error, out, err) => {
				if (error !== null && error.code === 'ENOENT') reject(new Error(`install ${packages[program]} to run this test`));
				else resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, text: `${out}${err}`, out });
			}).stdin?.end();
		});
	}
}

function ok(words: readonly string[], ended: Ended): Ended {
	assert.equal(ended.code, 0, `${words.join(' ')}: ${ended.text}`);
	return ended;
}

/** Most commands that change something exit with 0 also when it was refused: their words are what counts. */
export async function accepted(running: Promise<string>): Promise<void> {
	assert.match(await running, /has been accepted/);
}

/** Rows of the first table in an output, by the names of its columns. */
export function tableRows(output: string): readonly Readonly<Record<string, string>>[] {
	const cells = output
		.split('\n')
		.filter((line) => line.startsWith('|'))
		.map((line) =>
			line
				.slice(1, line.lastIndexOf('|'))
				.split('|')
				.map((cell) => cell.trim()),
		);
	const [names = [], ...rows] = cells;
	return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? ''])));
}

/** A table of properties, as `zun` shows one thing. */
export function tableFields(output: string): Readonly<Record<string, string>> {
	return Object.fromEntries(tableRows(output).map((row) => [row['Property'] ?? '', row['Value'] ?? '']));
}

/** A field that must be a list of objects. */
export function list(fields: Fields, name: string): readonly Fields[] {
	const value: unknown = fields[name];
	if (!Array.isArray(value)) throw new Error(`no list ${name} in ${JSON.stringify(fields)}`);
	return value;
}
