import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { KernelNetworking } from '../../src/agent/network/kernel-networking.ts';
import { parseOpenrc } from '../../src/config/client.ts';
import { HttpClient } from './http-client.ts';

export interface ServiceOptions {
	readonly driver: 'fake' | 'docker';
	/** The one core that it may use; null = all. */
	readonly core?: number | null;
	readonly environment?: Readonly<Record<string, string>>;
}

export const program = path.resolve(import.meta.dirname, '../../bin/zunbox');

/** The service as it is installed, as a process of its own with an empty database. */
export class MeasuredService {
	readonly owner: string;
	readonly url: string;
	readonly token: string;
	readonly pid: number;
	/** Asks as the first administrator. */
	readonly client: HttpClient;
	/** Its data directory. */
	readonly folder: string;
	readonly #process: ChildProcess;
	readonly #networked: boolean;

	private constructor(facts: {
		owner: string;
		url: string;
		token: string;
		pid: number;
		folder: string;
		process: ChildProcess;
		networked: boolean;
	}) {
		this.owner = facts.owner;
		this.url = facts.url;
		this.token = facts.token;
		this.pid = facts.pid;
		this.folder = facts.folder;
		this.#process = facts.process;
		this.#networked = facts.networked;
		this.client = new HttpClient(targetOf(facts.url), headersOf(facts.token));
	}

	/** Ends when a sandbox could be made. */
	static async start({ driver, core = null, environment = {} }: ServiceOptions): Promise<MeasuredService> {
		const owner = `bench-${randomBytes(4).toString('hex')}`;
		const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-bench-'));
		const networked = driver === 'docker';
		const command = core === null ? [program, 'serve'] : ['taskset', '-c', String(core), program, 'serve'];
		const [file = program, ...args] = command;
		const child = spawn(file, args, {
			env: { ...process.env, ...settings(owner, folder, driver, networked), ...environment },
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		try {
			const url = await announced(child);
			const token = await login(url, folder);
			const service = new MeasuredService({ owner, url, token, pid: child.pid ?? 0, folder, process: child, networked });
			await service.#ready();
			return service;
		} catch (error) {
			child.kill('SIGKILL');
			await rm(folder, { recursive: true, force: true });
			throw error;
		}
	}

	/** Removes everything that was made, ends the process and removes its files. */
	async remove(): Promise<void> {
		try {
			await this.empty();
		} finally {
			this.client.close();
			const ended = once(this.#process, 'exit');
			if (this.#process.exitCode === null && this.#process.signalCode === null) {
				this.#process.kill('SIGTERM');
				await ended;
			}
			if (this.#networked) await new KernelNetworking({ owner: this.owner }).clear(AbortSignal.timeout(60_000));
			await rm(this.folder, { recursive: true, force: true });
		}
	}

	/** Deletes every sandbox and waits until they are gone. */
	async empty(): Promise<void> {
		for (const id of await this.sandboxIds()) await this.client.ask('DELETE', `/v1/sandboxes/${id}?force=true`);
		await this.until('all sandboxes are gone', async () => (await this.sandboxIds()).length === 0);
	}

	async sandboxIds(): Promise<readonly string[]> {
		const { sandboxes } = (await this.client.ok('GET', '/v1/sandboxes?limit=1000')).body;
		return Array.isArray(sandboxes) ? sandboxes.map(({ uuid }) => String(uuid)) : [];
	}

	/** Polls until it is so; throws after two minutes. */
	async until(what: string, look: () => Promise<boolean>): Promise<void> {
		const deadline = performance.now() + 120_000;
		while (!(await look())) {
			if (performance.now() > deadline) throw new Error(`not within two minutes: ${what}`);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}

	/** A sandbox without a host is refused for good, so this asks until the host has registered. */
	async #ready(): Promise<void> {
		await this.until('the host has registered', async () => {
			const { body } = await this.client.ok('POST', '/v1/sandboxes', { name: 'probe' });
			const id = String(body['uuid']);
			const { status } = (await this.client.ok('GET', `/v1/sandboxes/${id}?wait=Running&timeout=60`)).body;
			await this.client.ask('DELETE', `/v1/sandboxes/${id}`);
			return status === 'Running';
		});
		await this.empty();
	}
}

export function targetOf(url: string): { readonly host: string; readonly port: number } {
	const { hostname, port } = new URL(url);
	return { host: hostname, port: Number(port) };
}

export function headersOf(token: string): Readonly<Record<string, string>> {
	return { 'x-auth-token': token, 'openstack-api-version': 'container latest' };
}

function settings(owner: string, folder: string, driver: string, networked: boolean): Record<string, string> {
	return {
		ZUNBOX_DATA_DIRECTORY: folder,
		ZUNBOX_OWNER: owner,
		ZUNBOX_HOSTNAME: owner,
		ZUNBOX_DRIVER_NAME: driver,
		ZUNBOX_LISTEN_PORT: '0',
		ZUNBOX_NETWORK_ENABLED: String(networked),
		ZUNBOX_NETWORK_CIDR: `10.${randomInt(128, 256)}.0.0/16`,
		ZUNBOX_SCHEDULER_CPU_OVERCOMMIT: '1000',
		ZUNBOX_SCHEDULER_MEMORY_OVERCOMMIT: '1000',
		ZUNBOX_SCHEDULER_DISK_OVERCOMMIT: '1000',
		ZUNBOX_QUOTA_SANDBOXES: '-1',
		ZUNBOX_QUOTA_CONTAINERS: '-1',
		ZUNBOX_QUOTA_CPU: '-1',
		ZUNBOX_QUOTA_MEMORY: '-1',
		ZUNBOX_QUOTA_PORTS: '-1',
		ZUNBOX_LOG_LEVEL: 'info',
	};
}

/** Ends with the URL when the service says that it serves. */
async function announced(child: ChildProcess): Promise<string> {
	const { stdout } = child;
	if (stdout === null) throw new Error('the service has no output');
	let output = '';
	return await new Promise<string>((resolve, reject) => {
		child.once('error', reject);
		child.once('exit', () => reject(new Error(`the service ended: ${output}`)));
		stdout.setEncoding('utf8');
		stdout.on('data', (text: string) => {
			// Read to the end of its life, so that it never waits for us.
			if (output.length < 100_000) output += text;
			const url = /"url":"([^"]+)"/.exec(output)?.[1];
			if (url !== undefined) resolve(url);
		});
	});
}

async function login(url: string, folder: string): Promise<string> {
	const variables = parseOpenrc(await readFile(path.join(folder, 'credentials', 'openrc'), 'utf8'));
	const client = new HttpClient(targetOf(url));
	const user = { name: variables['OS_USERNAME'], domain: { id: 'default' }, password: variables['OS_PASSWORD'] };
	const scope = { project: { name: variables['OS_PROJECT_NAME'], domain: { id: 'default' } } };
	const answer = await client.ok('POST', '/identity/v3/auth/tokens', {
		auth: { identity: { methods: ['password'], password: { user } }, scope },
	});
	client.close();
	const token = answer.headers['x-subject-token'];
	if (typeof token !== 'string') throw new Error('the service gave no token');
	return token;
}
