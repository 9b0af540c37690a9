/**
 * The lives that crash tests kill: what a client asks for, one step after another, each asked for again after a death
 * until it was answered, as a client with patience would.
 */
import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { type Answer, type CrashClient, type Fields, textOf } from './crash-client.ts';
import { engineOk } from './docker.ts';
import { query } from './leaks.ts';

export interface LifeWorld {
	readonly client: CrashClient;
	readonly image: string;
	/** A second network, by name. */
	readonly network: string;
	/** A security group, by name. */
	readonly group: string;
	readonly database: string;
}

type Status = string | null;

/** One request of a life, and what is true when it was carried out. */
export interface Step {
	readonly name: string;
	/** Steps of one group belong together: all of them or none. Those without one belong to every life. */
	readonly group: string | null;
	ask(life: Life): Promise<void>;
	/** Status of the sandbox, of the container in it, and of the container with a sandbox of its own; null = none. */
	readonly reached: readonly [sandbox: Status, container: Status, alone: Status];
	/** How often the container's program has been started in its present form. */
	readonly starts?: number;
}

/** A sandbox with a container in it, and a container alone. */
export class Life {
	readonly world: LifeWorld;
	readonly key = randomUUID();
	sandbox = '';
	container = '';
	alone = '';
	/** What must stay the same from its making to its end. */
	#addresses = '';

	constructor(world: LifeWorld) {
		this.world = world;
	}

	get name(): string {
		return `life-${this.key}`;
	}

	/** Fails when it is not as the step wants it. */
	async check(step: Step): Promise<void> {
		const [sandbox, container, alone] = step.reached;
		await this.#isShown('sandboxes', this.sandbox, sandbox);
		await this.#isShown('containers', this.container, container);
		await this.#isShown('containers', this.alone, alone);
		if (step.starts !== undefined) assert.equal(await this.#starts(), step.starts, 'starts of the program');
		for (const kind of ['sandbox', 'container']) {
			const rows = query(this.world.database, `select name from ${kind} where name like '%${this.key}'`);
			assert.equal(new Set(rows.map((row) => row['name'])).size, rows.length, `a ${kind} was made twice`);
		}
	}

	/** Asks, and takes as well what says that an earlier, unanswered try had its effect. */
	async ask(line: string, body: unknown, already: readonly number[] = [], key?: string): Promise<Fields> {
		const answer: Answer = await this.world.client.call(line, body, key);
		const good = (answer.status >= 200 && answer.status <= 299) || already.includes(answer.status);
		assert.ok(good, `${line} gave ${answer.status}: ${JSON.stringify(answer.body)}`);
		return answer.body;
	}

	async #isShown(kind: string, id: string, status: Status): Promise<void> {
		if (id === '') return;
		const { status: code, body } = await this.world.client.call(`GET /v1/${kind}/${id}`);
		if (status === null) {
			assert.equal(code, 404, `${kind} ${id} is still there`);
			return;
		}
		assert.equal(code, 200, `${kind} ${id} is lost`);
		assert.equal(body['status'], status, `${kind} ${id}: ${body['status_reason']}`);
		if (kind !== 'sandboxes') return;
		assert.equal(body['name'], this.name);
		const networks = Object.entries(body['addresses'] ?? {}).flatMap(([, list]) => list);
		// The network that comes and goes is the second one.
		const first = JSON.stringify(networks.filter((address: Fields) => String(address['addr']).startsWith('10.')));
		if (this.#addresses === '') this.#addresses = first;
		assert.equal(first, this.#addresses, 'its address has changed');
	}

	async #starts(): Promise<number> {
		const log = await engineOk('GET', `/containers/zunbox-${this.container}/logs?stdout=1`);
		return log.text.split('a start').length - 1;
	}
}

const inSandbox = (verb: string, status: string, starts?: number, body: object = {}): Omit<Step, 'name' | 'group'> => ({
	ask: async (life) => void (await life.ask(`POST /v1/containers/${life.container}/${verb}`, body, [409])),
	reached: ['Running', status, null],
	...(starts === undefined ? {} : { starts }),
});

const ofSandbox = (verb: string, status: string, container: string): Omit<Step, 'name' | 'group'> => ({
	ask: async (life) => void (await life.ask(`POST /v1/sandboxes/${life.sandbox}/${verb}`, {}, [409])),
	reached: [status, container, null],
});

const program = ['sh', '-c', 'echo a start; exec sleep 100000'];

/** All that a life may have, in order. */
export const steps: readonly Step[] = [
	{
		name: 'create the sandbox',
		group: null,
		reached: ['Running', null, null],
		ask: async (life) => {
			const { name, key, world } = life;
			const body = {
				name,
				published_ports: [{ host_port: port(key), sandbox_port: 80 }],
				security_groups: [world.group],
				nets: [{ network: 'default' }],
				volumes: [{ size: 1 }],
			};
			life.sandbox = textOf(await life.ask('POST /v1/sandboxes', body, [], key), 'uuid');
		},
	},
	{
		name: 'create the container',
		group: null,
		reached: ['Running', 'Running', null],
		starts: 1,
		ask: async (life) => {
			const { world, sandbox, key } = life;
			const file = { type: 'bind', source: Buffer.from(key).toString('base64'), destination: '/etc/injected' };
			const mounts = [file, { size: 1, destination: '/data' }];
			const body = { name: `in-${key}`, sandbox, image: world.image, command: program, memory: 64, mounts, ...pull };
			life.container = textOf(await life.ask('POST /v1/containers?run=true', body, [], `c-${key}`), 'uuid');
		},
	},
	{ name: 'stop the container', group: 'stop', ...inSandbox('stop', 'Stopped', 1, { timeout: 5 }) },
	{ name: 'start the container', group: 'stop', ...inSandbox('start', 'Running', 2) },
	{ name: 'pause the container', group: 'pause', ...inSandbox('pause', 'Paused') },
	{ name: 'unpause the container', group: 'pause', ...inSandbox('unpause', 'Running') },
	{ name: 'kill the container', group: 'kill', ...inSandbox('kill', 'Stopped') },
	{ name: 'reboot the container', group: 'kill', ...inSandbox('reboot', 'Running', undefined, { timeout: 5 }) },
	{ name: 'rebuild the container', group: 'rebuild', ...inSandbox('rebuild', 'Running', 1) },
	{
		name: 'change limits and published ports',
		group: 'update',
		reached: ['Running', 'Running', null],
		ask: async (life) => {
			const published = [{ host_port: port(life.key) + 1, sandbox_port: 80 }];
			await life.ask(`PATCH /v1/sandboxes/${life.sandbox}`, { memory: 256, published_ports: published }, [409]);
		},
	},
	{
		name: 'attach a network',
		group: 'network',
		reached: ['Running', 'Running', null],
		// To attach once more is a wish of its own: who got no answer looks first.
		ask: async (life) => {
			const { addresses } = await life.world.client.ok(`GET /v1/sandboxes/${life.sandbox}`);
			if (Object.keys(addresses ?? {}).length > 1) return;
			await life.ask(`POST /v1/containers/${life.container}/network_attach`, { network: life.world.network });
		},
	},
	{
		name: 'detach a network',
		group: 'network',
		reached: ['Running', 'Running', null],
		ask: async (life) => {
			await life.ask(`POST /v1/containers/${life.container}/network_detach`, { network: life.world.network }, [400, 404, 409]);
		},
	},
	{ name: 'pause the sandbox', group: 'pause the sandbox', ...ofSandbox('pause', 'Paused', 'Paused') },
	{ name: 'unpause the sandbox', group: 'pause the sandbox', ...ofSandbox('unpause', 'Running', 'Running') },
	{ name: 'stop the sandbox', group: 'stop the sandbox', ...ofSandbox('stop', 'Stopped', 'Stopped') },
	{ name: 'start the sandbox', group: 'stop the sandbox', ...ofSandbox('start', 'Running', 'Running') },
	{
		name: 'create a container alone',
		group: 'alone',
		reached: ['Running', 'Running', 'Running'],
		ask: async (life) => {
			const body = {
				name: `alone-${life.key}`,
				image: life.world.image,
				command: program,
				memory: 64,
				exposed_ports: { '80/tcp': {} },
				...pull,
			};
			life.alone = textOf(await life.ask('POST /v1/containers?run=true', body, [], `a-${life.key}`), 'uuid');
		},
	},
	{
		name: 'delete a container alone',
		group: 'alone',
		reached: ['Running', 'Running', null],
		ask: async (life) => void (await life.ask(`DELETE /v1/containers/${life.alone}?force=true`, undefined, [404])),
	},
	{
		name: 'delete the container',
		group: 'delete',
		reached: ['Running', null, null],
		ask: async (life) => void (await life.ask(`DELETE /v1/containers/${life.container}?stop=true`, undefined, [404])),
	},
	{
		name: 'delete the sandbox',
		group: null,
		reached: [null, null, null],
		ask: async (life) => void (await life.ask(`DELETE /v1/sandboxes/${life.sandbox}?force=true`, undefined, [404])),
	},
];

const pull = { image_pull_policy: 'ifnotpresent' };

/** A port of the host that follows from the key, so that a repeated request is the same one. */
function port(key: string): number {
	return 20_000 + (Number.parseInt(key.slice(0, 4), 16) % 20_000);
}

/** A network and a security group for lives to use. Each has an address range of its own. */
export async function furnish(client: CrashClient): Promise<{ readonly network: string; readonly group: string }> {
	const network = await inner(client, 'network', { name: 'second' });
	await inner(client, 'subnet', {
		network_id: textOf(network, 'id'),
		cidr: `172.${randomInt(16, 32)}.${randomInt(256)}.0/24`,
		ip_version: 4,
	});
	const group = await inner(client, 'security-group', { name: 'web' });
	const rule = { security_group_id: textOf(group, 'id'), direction: 'ingress', protocol: 'tcp', port_range_min: 80, port_range_max: 80 };
	await inner(client, 'security-group-rule', rule);
	return { network: 'second', group: 'web' };
}

async function inner(client: CrashClient, kind: string, body: Fields): Promise<Fields> {
	const name = kind.replaceAll('-', '_');
	const answer = await client.ok(`POST /network/v2.0/${kind}s`, { [name]: body });
	const made = answer[name];
	assert.ok(typeof made === 'object' && made !== null);
	return Object.fromEntries(Object.entries(made));
}
