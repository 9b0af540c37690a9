/**
 * A client that asks for things at random, while what it asks dies again and again, and writes down every request with
 * its answer. What one client makes only it touches; names of containers are what all of them fight for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, CrashClient, Fields } from './crash-client.ts';
import type { SeededRandom } from './crash-random.ts';

export type ThingKind = 'sandbox' | 'container' | 'volume' | 'group';

/** One request. Without a status no answer came, and whether it had its effect is not known. */
export interface Entry {
	readonly client: number;
	readonly action: string;
	readonly kind: ThingKind;
	/** Id of the thing; empty for a creation that was not answered or refused. */
	id: string;
	/** Idempotency-Key of a creation. */
	readonly key: string | null;
	/** Name that was asked for. */
	readonly name: string | null;
	/** Sandbox that a created container was to join. */
	readonly sandbox: string | null;
	status: number | null;
	requestId: string;
	/** The answer's reason, when it was refused. */
	detail: string;
}

interface Thing {
	readonly kind: ThingKind;
	readonly id: string;
	readonly sandbox: string | null;
}

export interface LoadOptions {
	readonly client: CrashClient;
	readonly random: SeededRandom;
	readonly number: number;
	readonly image: string;
	readonly history: Entry[];
	/** Ends the load. */
	readonly signal: AbortSignal;
	/** Longest pause between two requests, in ms. */
	readonly pause: number;
}

const collections: Readonly<Record<ThingKind, string>> = {
	sandbox: '/v1/sandboxes',
	container: '/v1/containers',
	volume: '/v1/volumes',
	group: '/network/v2.0/security-groups',
};

/** The most of each kind that one client has at a time. */
const most: Readonly<Record<ThingKind, number>> = { sandbox: 3, container: 5, volume: 2, group: 2 };
const contestedNames = ['one', 'two', 'three', 'four'];
const program = ['sh', '-c', 'echo a start; exec sleep 100000'];

export class RandomLoad {
	readonly #options: LoadOptions;
	#things: Thing[] = [];
	/** Rules that were added to groups, by the group's id. */
	readonly #rules = new Map<string, string[]>();
	#count = 0;

	constructor(options: LoadOptions) {
		this.#options = options;
	}

	async run(): Promise<void> {
		const { random, signal, pause } = this.#options;
		while (!signal.aborted) {
			await this.#one();
			await delay(random.below(pause));
		}
	}

	async #one(): Promise<void> {
		const { random } = this.#options;
		const action = random.weighted({ create: 30, container: 35, sandbox: 15, volume: 8, rule: 8, delete: 12 });
		if (action === 'create') return await this.#create(random.weighted({ sandbox: 3, container: 5, volume: 1, group: 1 }));
		if (action === 'delete') return await this.#delete();
		if (action === 'volume') return await this.#attachOrDetach();
		if (action === 'rule') return await this.#changeRules();
		await this.#act(action);
	}

	async #create(kind: ThingKind): Promise<void> {
		const { random, number } = this.#options;
		if (this.#of(kind).length >= most[kind]) return await this.#delete();
		this.#count += 1;
		const own = `${kind}-${number}-${this.#count}`;
		const name = kind === 'container' && random.chance(0.3) ? (random.pick(contestedNames) ?? own) : own;
		const sandbox = kind === 'container' && random.chance(0.8) ? (random.pick(this.#of('sandbox'))?.id ?? null) : null;
		const body = this.#body(kind, name, sandbox);
		const line = `POST ${collections[kind]}${kind === 'container' ? `?run=${random.chance(0.85)}` : ''}`;
		const keyed = kind === 'sandbox' || kind === 'container';
		const entry = this.#entry({ action: 'create', kind, key: keyed ? own : null, name, sandbox });
		// Without a key another try may make another thing: such a request is sent once.
		let answer = await this.#ask(entry, line, body);
		while (keyed && answer === null) {
			answer = await this.#ask(entry, line, body);
		}
		if (answer === null || answer.status > 299) return;
		entry.id = idOf(answer.body);
		this.#things.push({ kind, id: entry.id, sandbox });
		if (!keyed || !random.chance(0.15)) return;
		const again = this.#entry({ action: 'create', kind, key: own, name, sandbox });
		const repeated = await this.#ask(again, line, body);
		if (repeated !== null && repeated.status <= 299) again.id = idOf(repeated.body);
	}

	#body(kind: ThingKind, name: string, sandbox: string | null): Fields {
		const { random, image, number } = this.#options;
		const group = random.pick(this.#of('group'))?.id;
		const groups = group === undefined || random.chance(0.5) ? {} : { security_groups: [group] };
		switch (kind) {
			case 'sandbox':
				return { name, ...groups, ...(random.chance(0.3) ? { published_ports: this.#published() } : {}), ...this.#volumes() };
			case 'container': {
				const mounts = [];
				if (random.chance(0.15)) mounts.push({ size: 1, destination: '/sized' });
				if (random.chance(0.2)) {
					mounts.push({ type: 'bind', source: Buffer.from(`of ${name}`).toString('base64'), destination: '/etc/injected' });
				}
				const place = sandbox === null ? groups : { sandbox };
				return { name, image, command: program, memory: 32, cpu: 0.1, image_pull_policy: 'ifnotpresent', mounts, ...place };
			}
			case 'volume':
				return { name, size: 1 };
			case 'group':
				return { security_group: { name, description: `of client ${number}` } };
		}
	}

	/** A few ports for all, so that they are taken now and then. */
	#published(): readonly Fields[] {
		return [{ host_port: 27_000 + this.#options.random.below(12), sandbox_port: 80 }];
	}

	#volumes(): Fields {
		return this.#options.random.chance(0.15) ? { volumes: [{ size: 1 }] } : {};
	}

	async #act(kind: 'sandbox' | 'container'): Promise<void> {
		const { random } = this.#options;
		const thing = random.pick(this.#of(kind));
		if (thing === undefined) return;
		const action =
			kind === 'container'
				? random.weighted({ stop: 3, start: 4, reboot: 2, pause: 1, unpause: 2, kill: 1, rebuild: 2, rename: 2 })
				: random.weighted({ stop: 2, start: 4, pause: 1, unpause: 3, rename: 2, publish: 2 });
		const entry = this.#entry({ action, kind, id: thing.id });
		const target = `${collections[kind]}/${thing.id}`;
		if (action === 'rename') {
			this.#count += 1;
			const name = random.chance(0.4) ? (random.pick(contestedNames) ?? 'one') : `renamed-${this.#options.number}-${this.#count}`;
			await this.#ask(entry, `PATCH ${target}`, { name });
		} else if (action === 'publish') {
			await this.#ask(entry, `PATCH ${target}`, { published_ports: random.chance(0.6) ? this.#published() : [] });
		} else {
			const grace = action === 'stop' || action === 'reboot' ? { timeout: random.below(3) } : {};
			await this.#ask(entry, `POST ${target}/${action}`, grace);
		}
	}

	async #attachOrDetach(): Promise<void> {
		const { random } = this.#options;
		const sandbox = random.pick(this.#of('sandbox'));
		const volume = random.pick(this.#of('volume'));
		if (sandbox === undefined || volume === undefined) return;
		const attach = random.chance(0.6);
		const entry = this.#entry({ action: attach ? 'attach' : 'detach', kind: 'volume', id: volume.id });
		const volumes = `/v1/sandboxes/${sandbox.id}/volumes`;
		if (attach) await this.#ask(entry, `POST ${volumes}`, { volume: volume.id, read_only: random.chance(0.3) });
		else await this.#ask(entry, `DELETE ${volumes}/${volume.id}`);
	}

	/** Adds a rule to a group, which sandboxes may be in, or takes one away. */
	async #changeRules(): Promise<void> {
		const { random } = this.#options;
		const group = random.pick(this.#of('group'));
		if (group === undefined) return;
		const rules = this.#rules.get(group.id) ?? [];
		const old = random.chance(0.4) ? random.pick(rules) : undefined;
		const entry = this.#entry({ action: old === undefined ? 'add-rule' : 'remove-rule', kind: 'group', id: group.id });
		if (old !== undefined) {
			await this.#ask(entry, `DELETE /network/v2.0/security-group-rules/${old}`);
			this.#rules.set(
				group.id,
				rules.filter((id) => id !== old),
			);
			return;
		}
		const port = 1 + random.below(1000);
		const answer = await this.#ask(entry, 'POST /network/v2.0/security-group-rules', {
			security_group_rule: {
				security_group_id: group.id,
				direction: 'ingress',
				protocol: 'tcp',
				...{ port_range_min: port, port_range_max: port },
				...(random.chance(0.5) ? { remote_group_id: group.id } : {}),
			},
		});
		const rule = answer?.body['security_group_rule'];
		if (typeof rule === 'object' && rule !== null) this.#rules.set(group.id, [...rules, String(Reflect.get(rule, 'id'))]);
	}

	async #delete(): Promise<void> {
		const { random } = this.#options;
		const thing = random.pick(this.#things);
		if (thing === undefined) return;
		const entry = this.#entry({ action: 'delete', kind: thing.kind, id: thing.id });
		const how =
			thing.kind === 'container' ? (random.chance(0.5) ? '?force=true' : '?stop=true') : thing.kind === 'sandbox' ? '?force=true' : '';
		const answer = await this.#ask(entry, `DELETE ${collections[thing.kind]}/${thing.id}${how}`);
		// What is refused, or was not answered, may still be there: it is asked for again some day.
		if (answer === null || (answer.status > 299 && answer.status !== 404)) return;
		this.#things = this.#things.filter(({ id, sandbox }) => id !== thing.id && sandbox !== thing.id);
	}

	/** null = no answer. */
	async #ask(entry: Entry, line: string, body?: unknown): Promise<Answer | null> {
		try {
			const answer = await this.#options.client.call(line, body, entry.key ?? undefined);
			entry.status = answer.status;
			entry.requestId = answer.requestId;
			if (answer.status > 299) entry.detail = JSON.stringify(answer.body);
			return answer;
		} catch {
			// It is dead, and comes back in a moment.
			await delay(150);
			return null;
		}
	}

	#entry(given: Pick<Entry, 'action' | 'kind'> & Partial<Entry>): Entry {
		const entry: Entry = {
			...{ id: '', key: null, name: null, sandbox: null, status: null, requestId: '', detail: '' },
			...given,
			client: this.#options.number,
		};
		this.#options.history.push(entry);
		return entry;
	}

	#of(kind: ThingKind): readonly Thing[] {
		return this.#things.filter((thing) => thing.kind === kind);
	}
}

function idOf(body: Fields): string {
	const group = body['security_group'];
	const value = body['uuid'] ?? body['id'] ?? (typeof group === 'object' && group !== null ? Reflect.get(group, 'id') : undefined);
	if (typeof value !== 'string') throw new Error(`no id in ${JSON.stringify(body)}`);
	return value;
}
