import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { eventually } from '../../support/eventually.ts';
import { Account, type Fields, listIn } from '../cloud/account.ts';
import { commonEnvironment } from '../cloud/daemons.ts';
import { password, region, urls } from '../cloud/settings.ts';

export interface ServiceAnswer {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** {} where the body is no JSON object. */
	readonly body: Fields;
}

/** ms that something may take which takes seconds on a quiet machine. */
const patience = 120_000;

/** A user of the cloud: with its services, with the service under test, and at a command line. */
export class Tenant {
	readonly account: Account;

	constructor(name: string) {
		this.account = new Account(name, name);
	}

	get name(): string {
		return this.account.user;
	}

	/** One request to the service under test, such as `POST /v1/sandboxes`. Any status is an answer. `key` = to be done once. */
	async call(line: string, body?: unknown, token?: string, key?: string): Promise<ServiceAnswer> {
		const [method = 'GET', place = '/'] = line.split(' ');
		const answer = await fetch(`${new URL(urls.container).origin}${place}`, {
			method,
			headers: {
				'x-auth-token': token ?? (await this.account.token()),
				'openstack-api-version': 'container latest',
				connection: 'close',
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
				...(key === undefined ? {} : { 'idempotency-key': key }),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
			signal: AbortSignal.timeout(60_000),
		});
		const text = await answer.text();
		return { status: answer.status, headers: answer.headers, text, body: objectIn(text) };
	}

	/** As `call`, and an Error unless the status is 2xx. */
	async ok(line: string, body?: unknown): Promise<Fields> {
		const answer = await this.call(line, body);
		if (answer.status < 200 || answer.status > 299) throw new Error(`${line} gave ${answer.status}: ${answer.text}`);
		return answer.body;
	}

	async list(what: 'sandboxes' | 'containers' | 'capsules' | 'volumes'): Promise<readonly Fields[]> {
		return listIn(await this.ok(`GET /v1/${what}`), what);
	}

	/** A sandbox, container or capsule as the API shows it, once it has this status and nothing is being done with it. */
	async settled(what: 'sandboxes' | 'containers' | 'capsules', id: unknown, status: string, timeout = patience): Promise<Fields> {
		return await eventually(
			`${id} is ${status}`,
			async () => {
				const shown = await this.ok(`GET /v1/${what}/${id}`);
				if (shown['status'] === 'Error' && status !== 'Error') assert.fail(`${id} is in Error: ${shown['status_reason']}`);
				if (shown['status'] !== status || (shown['task_state'] ?? null) !== null) throw new Error(JSON.stringify(shown));
				return shown;
			},
			{ timeout, interval: 100 },
		);
	}

	async gone(what: 'sandboxes' | 'containers' | 'capsules', id: unknown, timeout = patience): Promise<void> {
		const look = async () => (await this.call(`GET /v1/${what}/${id}`)).status === 404;
		await eventually(`${id} is gone`, look, { timeout, interval: 100 });
	}

	/** A sandbox with these fields, running. */
	async sandbox(fields: Fields): Promise<Fields> {
		const made = await this.ok('POST /v1/sandboxes', fields);
		return await this.settled('sandboxes', made['uuid'], 'Running');
	}

	/** A running container with these fields. */
	async container(fields: Fields): Promise<Fields> {
		const made = await this.ok('POST /v1/containers?run=true', { image: 'zunbox/busybox', image_pull_policy: 'never', ...fields });
		return await this.settled('containers', made['uuid'], 'Running');
	}

	/** What a command in a container wrote; its exit status. */
	async execute(container: unknown, command: string): Promise<{ readonly output: string; readonly code: unknown }> {
		const { output, exit_code: code } = await this.ok(`POST /v1/containers/${container}/execute`, {
			command,
			run: true,
			interactive: false,
		});
		return { output: String(output), code };
	}

	/** Runs the stock `openstack` client; what it wrote to its standard output. Fails unless it exits with 0. */
	async openstack(...words: readonly string[]): Promise<string> {
		const { promise, resolve, reject } = Promise.withResolvers<string>();
		const child = execFile(
			'openstack',
			[...words],
			{ env: { ...commonEnvironment, ...this.environment }, timeout: 180_000, maxBuffer: 64 << 20 },
			(error, out, err) => {
				if (error === null) resolve(out);
				else reject(new Error(`openstack ${words.join(' ')} ended with ${error.code}: ${out}${err}`));
			},
		);
		child.stdin?.end();
		return await promise;
	}

	/** Runs `openstack ... -f json`. */
	async openstackShow(...words: readonly string[]): Promise<Fields> {
		return objectIn(await this.openstack(...words, '-f', 'json'));
	}

	async openstackList(...words: readonly string[]): Promise<readonly Fields[]> {
		return JSON.parse(await this.openstack(...words, '-f', 'json'));
	}

	/** What the stock clients take their credentials from. */
	get environment(): Readonly<Record<string, string>> {
		return {
			OS_AUTH_URL: urls.keystone,
			OS_IDENTITY_API_VERSION: '3',
			OS_REGION_NAME: region,
			OS_INTERFACE: 'public',
			OS_USER_DOMAIN_NAME: 'Default',
			OS_PROJECT_DOMAIN_NAME: 'Default',
			OS_USERNAME: this.account.user,
			OS_PROJECT_NAME: this.account.project,
			OS_PASSWORD: password,
			// Tables that break no line.
			COLUMNS: '1000',
			PYTHONWARNINGS: 'ignore',
		};
	}
}

function objectIn(text: string): Fields {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
	} catch {
		return {};
	}
}
