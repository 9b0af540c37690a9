import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { Agent } from '../../src/agent/agent.ts';
import { NoNetworking } from '../../src/agent/network/no-networking.ts';
import { NoVolumes } from '../../src/agent/volumes/no-volumes.ts';
import type { ApiOptions } from '../../src/api/options.ts';
import { createApi } from '../../src/api/server.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { quickPlan } from './agent/agent-world.ts';
import { memoryIdentity } from './api-client.ts';
import { startControl } from './control.ts';

export interface WireAnswer {
	readonly status: number;
	readonly text: string;
	/** The body as JSON. */
	readonly body: unknown;
}

/** The service from its port to a host's driver: API, control, bus and agent, with identities that say who they are. */
export interface StreamWorld {
	readonly url: string;
	/** All that was logged, at every level. */
	readonly logged: () => string;
	/** A request as a member of project-a, unless another token is given. */
	readonly send: (line: string, options?: { readonly body?: object; readonly token?: string }) => Promise<WireAnswer>;
	/** Makes a container of busybox, waits until it runs, and answers its id. */
	readonly run: (fields: object) => Promise<string>;
	readonly close: () => Promise<void>;
}

export async function startStreamWorld(driver: Driver, image: string, options: Partial<ApiOptions> = {}): Promise<StreamWorld> {
	const control = await startControl({ control: { driver: driver.name } });
	const stateDirectory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-streams-'));
	const agent = new Agent({
		link: control.bus.controlLink(control.link),
		driver,
		networking: new NoNetworking(),
		volumes: new NoVolumes(),
		stateDirectory,
		options: { hostname: 'host-1', lookInterval: 1000, longestPause: 100, plan: quickPlan },
	});
	control.bus.connect('host-1', agent.link);
	await agent.start();
	const lines: string[] = [];
	const sink = new Writable({
		write(chunk, _encoding, done) {
			lines.push(String(chunk));
			done();
		},
	});
	const api = await createApi({
		control: control.service,
		identity: memoryIdentity,
		logger: pino({ level: 'trace' }, sink),
		options,
	});
	const url = await api.listen({ host: '127.0.0.1', port: 0 });

	const send: StreamWorld['send'] = async (line, { body, token = 'member:project-a' } = {}) => {
		const [method = 'GET', target = '/'] = line.split(' ');
		const answer = await fetch(url + target, {
			method,
			headers: {
				'x-auth-token': token,
				'openstack-api-version': 'container latest',
				...(body === undefined ? {} : { 'content-type': 'application/json' }),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await answer.text();
		const json = answer.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
		return { status: answer.status, text, body: json ? JSON.parse(text) : undefined };
	};
	return {
		url,
		logged: () => lines.join(''),
		send,
		run: async (fields) => {
			const made = await send('POST /v1/containers?run=true', { body: { image, image_pull_policy: 'ifnotpresent', ...fields } });
			const id = textOf(made, 'uuid');
			const running = await send(`GET /v1/containers/${id}?wait=Running&timeout=60`);
			assert.equal(textOf(running, 'status'), 'Running', running.text);
			return id;
		},
		close: async () => {
			await api.close();
			await agent.stop();
			await control.close();
			await rm(stateDirectory, { recursive: true, force: true });
		},
	};
}

/** A text in an answer's body; fails when it is not there. */
export function textOf(answer: WireAnswer, field: string): string {
	const { body } = answer;
	const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, field) : undefined;
	assert.equal(typeof value, 'string', `${field} in ${answer.status} ${answer.text}`);
	return String(value);
}

/** The link to the first process of a container. */
export async function attachLink(world: StreamWorld, id: string): Promise<string> {
	const answer = await world.send(`GET /v1/containers/${id}/attach`);
	assert.equal(answer.status, 200, answer.text);
	assert.equal(typeof answer.body, 'string');
	return String(answer.body);
}

export interface ExecLink {
	readonly link: string;
	readonly execId: string;
}

/** The link to a command in a container; in a terminal unless said otherwise. */
export async function execLink(world: StreamWorld, id: string, command: string, tty = true): Promise<ExecLink> {
	const query = new URLSearchParams({ command, interactive: String(tty), run: 'False' });
	const answer = await world.send(`POST /v1/containers/${id}/execute?${query}`);
	assert.equal(answer.status, 200, answer.text);
	return { link: textOf(answer, 'proxy_url'), execId: textOf(answer, 'exec_id') };
}

export interface StreamClientOptions {
	readonly origin?: string;
	/** False = messages are not kept. */
	readonly keep?: boolean;
	/** What is trusted of certificates. */
	readonly ca?: string;
}

/** A client of a stream, as the stock one is: subprotocols, Origin, binary messages. Every message must be valid UTF-8. */
export class StreamClient {
	readonly socket: WebSocket;
	/** Messages in the order of their coming. */
	readonly messages: Buffer[] = [];
	readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
	readonly #closed: Promise<{ readonly code: number; readonly reason: string }>;
	#pings = 0;

	constructor(link: string, options: StreamClientOptions = {}) {
		this.socket = new WebSocket(link, ['binary', 'base64'], {
			...(options.origin === undefined ? { origin: new URL(link.replace(/^ws/, 'http')).origin } : { origin: options.origin }),
			perMessageDeflate: false,
			...(options.ca === undefined ? {} : { ca: options.ca }),
		});
		this.socket.on('error', () => undefined);
		this.socket.on('ping', () => {
			this.#pings += 1;
		});
		this.socket.on('message', (data, isBinary) => {
			assert.ok(isBinary && Buffer.isBuffer(data));
			this.#decoder.decode(data);
			if (options.keep !== false) this.messages.push(data);
		});
		this.#closed = new Promise((resolve) => {
			this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
		});
	}

	/** Opens the link; throws with the status when it is refused. */
	static async open(link: string, options: StreamClientOptions = {}): Promise<StreamClient> {
		const client = new StreamClient(link, options);
		await new Promise<void>((resolve, reject) => {
			client.socket.once('open', resolve);
			client.socket.once('error', reject);
		});
		return client;
	}

	get text(): string {
		return Buffer.concat(this.messages).toString();
	}

	get pings(): number {
		return this.#pings;
	}

	type(text: string): void {
		this.socket.send(Buffer.from(text), { binary: true });
	}

	/** How the service ended the stream. */
	closed(): Promise<{ readonly code: number; readonly reason: string }> {
		return this.#closed;
	}
}
