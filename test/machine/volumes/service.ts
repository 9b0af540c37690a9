/** The whole service with the Docker driver in this process, spoken to over HTTP. It can be stopped and started again. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config/load.ts';
import { type RunningService, startService } from '../../../src/start-service.ts';
import { eventually } from '../../support/eventually.ts';

export interface Answer {
	readonly status: number;
	readonly text: string;
	readonly body: Readonly<Record<string, unknown>>;
}

export class VolumeService {
	readonly #folder: string;
	readonly #owner: string;
	#service: RunningService | null = null;
	#token = '';

	constructor(folder: string, owner: string) {
		this.#folder = folder;
		this.#owner = owner;
	}

	async start(): Promise<void> {
		const config = await loadConfig({
			file: '/dev/null',
			flags: {
				dataDirectory: this.#folder,
				owner: this.#owner,
				'listen.port': '0',
				'network.enabled': 'false',
				hostname: 'host-1',
				'agent.reconcileInterval': '1',
			},
		});
		this.#service = await startService(config, { log: pino({ level: 'silent' }) });
		this.#token = await this.#logIn();
	}

	async stop(): Promise<void> {
		await this.#service?.stop();
		this.#service = null;
	}

	async send(method: string, url: string, body?: object): Promise<Answer> {
		const answer = await fetch(`${this.#service?.url}${url}`, {
			method,
			headers: {
				'x-auth-token': this.#token,
				'openstack-api-version': 'container latest',
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			signal: AbortSignal.timeout(120_000),
		});
		const text = await answer.text();
		return { status: answer.status, text, body: text.startsWith('{') ? JSON.parse(text) : {} };
	}

	/** As `send`, and an Error unless it was taken. */
	async ask(method: string, url: string, body?: object): Promise<Readonly<Record<string, unknown>>> {
		const answer = await this.send(method, url, body);
		if (answer.status >= 300) throw new Error(`${method} ${url} gave ${answer.status}: ${answer.text}`);
		return answer.body;
	}

	/** Makes a container that sleeps in the sandbox, and answers its id when it runs. */
	async container(sandbox: string, image: string, mounts: readonly object[]): Promise<string> {
		const body = { image, sandbox, mounts, command: ['sleep', '1000'], image_pull_policy: 'ifnotpresent' };
		const id = String((await this.ask('POST', '/v1/containers?run=true', body))['uuid']);
		const seen = await this.ask('GET', `/v1/containers/${id}?wait=Running&timeout=60`);
		if (seen['status'] !== 'Running') throw new Error(JSON.stringify(seen));
		return id;
	}

	/** Runs a line in the container's shell; answers what it said and its exit code. */
	async shell(container: string, line: string): Promise<{ readonly output: string; readonly code: number }> {
		const parameters = new URLSearchParams({ command: `sh -c '${line}'`, run: 'true', interactive: 'false' });
		const { output, exit_code: code } = await this.ask('POST', `/v1/containers/${container}/execute?${parameters}`);
		return { output: String(output), code: Number(code) };
	}

	async remove(collection: string, id: string): Promise<void> {
		await this.ask('DELETE', `/v1/${collection}/${id}${collection === 'volumes' ? '' : '?force=true'}`);
		await eventually(`${id} is gone`, async () => (await this.send('GET', `/v1/${collection}/${id}`)).status === 404, { timeout: 60_000 });
	}

	async #logIn(): Promise<string> {
		const file = await readFile(path.join(this.#folder, 'credentials', 'openrc'), 'utf8');
		const value = (name: string) => new RegExp(`${name}=['"]?([^'"\\n]+)`).exec(file)?.[1] ?? '';
		const user = { name: value('OS_USERNAME'), domain: { id: 'default' }, password: value('OS_PASSWORD') };
		const scope = { project: { name: value('OS_PROJECT_NAME'), domain: { id: 'default' } } };
		const answer = await fetch(`${this.#service?.url}/identity/v3/auth/tokens`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
		});
		if (answer.status !== 201) throw new Error(await answer.text());
		return answer.headers.get('x-subject-token') ?? '';
	}
}
