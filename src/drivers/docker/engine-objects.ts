import { DriverError } from '../driver.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { field, flag, text } from './engine/json.ts';
import { containerEngineName, labels, sandboxEngineName } from './names.ts';

export type ObjectKind = 'sandbox' | 'container';

/** What never changes of an engine container that is ours. */
export interface EngineObject {
	readonly engineId: string;
	readonly tty: boolean;
}

/**
 * Finds the engine's container for an id of ours, and refuses a stranger's of the same name. What was found once is
 * kept: an engine id is never given twice, so an entry can only be right or gone, and gone shows at its first use.
 */
export class EngineObjects {
	readonly #engine: EngineClient;
	readonly #owner: string;
	readonly #known = new Map<string, EngineObject>();

	constructor(engine: EngineClient, owner: string) {
		this.#engine = engine;
		this.#owner = owner;
	}

	/** Keeps what its creation or a look at it has shown. */
	learn(kind: ObjectKind, id: string, object: EngineObject): void {
		this.#known.set(`${kind} ${id}`, object);
	}

	forget(kind: ObjectKind, id: string): void {
		this.#known.delete(`${kind} ${id}`);
	}

	/** Throws `not-found` for what is not there or not ours. */
	async find(kind: ObjectKind, id: string, signal: AbortSignal): Promise<EngineObject> {
		const known = this.#known.get(`${kind} ${id}`);
		if (known !== undefined) return known;
		const inspected = await this.inspect(kind, id, signal);
		if (inspected === null) throw new DriverError('not-found', `${kind} ${id} is not on this host`);
		return this.#known.get(`${kind} ${id}`) ?? toObject(inspected);
	}

	/** The engine's own description of it; null for what is not there or not ours. */
	async inspect(kind: ObjectKind, id: string, signal: AbortSignal): Promise<unknown> {
		const inspected = await this.inspectName(kind, id, signal);
		return inspected !== null && this.isOurs(kind, id, inspected) ? inspected : null;
	}

	/** What has the name that ours would have, whoever made it. */
	async inspectName(kind: ObjectKind, id: string, signal: AbortSignal): Promise<unknown> {
		const name = kind === 'sandbox' ? sandboxEngineName(id) : containerEngineName(id);
		const answer = await this.#engine.json({
			method: 'GET',
			path: `/containers/${encodeURIComponent(name)}/json`,
			signal,
			accept: [404],
		});
		if (answer.status === 404) {
			this.forget(kind, id);
			return null;
		}
		if (this.isOurs(kind, id, answer.body)) this.learn(kind, id, toObject(answer.body));
		return answer.body;
	}

	/**
	 * Calls `use` with the object. Where the engine does not know it any more, it is looked for once again: it may have
	 * been removed and made anew behind our back.
	 */
	async with<T>(kind: ObjectKind, id: string, signal: AbortSignal, use: (object: EngineObject) => Promise<T>): Promise<T> {
		const object = await this.find(kind, id, signal);
		try {
			return await use(object);
		} catch (error) {
			if (!(error instanceof DriverError) || error.code !== 'not-found') throw error;
			this.forget(kind, id);
			const again = await this.find(kind, id, signal);
			if (again.engineId === object.engineId) throw error;
			return use(again);
		}
	}

	isOurs(kind: ObjectKind, id: string, inspected: unknown): boolean {
		const marks = field(inspected, 'Config', 'Labels');
		return text(marks, labels.owner) === this.#owner && text(marks, labels.kind) === kind && text(marks, labels[kind]) === id;
	}
}

/** What a description tells of the object. */
export function toObject(inspected: unknown): EngineObject {
	return { engineId: text(inspected, 'Id'), tty: flag(inspected, 'Config', 'Tty') };
}
