/** The process ends at each call of the image service and of the host that a commit to Glance makes. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { glanceWorld } from '../../support/openstack/glance-world.ts';

const never = new AbortController().signal;

/** Ends the process, as far as its callers can tell, at the n-th call: nothing that is called from then on answers. */
class Death {
	readonly calls: string[] = [];
	readonly #at: number;
	readonly #moment: 'before' | 'after';
	#dead = false;

	constructor(at: number, moment: 'before' | 'after') {
		this.#at = at;
		this.#moment = moment;
	}

	get happened(): boolean {
		return this.#dead;
	}

	/** Another process has begun. */
	revive(): void {
		this.#dead = false;
	}

	wrap<Target extends object>(target: Target, names: readonly string[], label: string): Target {
		return new Proxy(target, {
			get: (_, name) => {
				const value: unknown = Reflect.get(target, name, target);
				if (name === 'images' && typeof value === 'object' && value !== null) return this.wrap(value, names, `${label}.images`);
				if (typeof value !== 'function') return value;
				const call = (...args: unknown[]): unknown => value.apply(target, args);
				return names.includes(String(name)) ? (...args: unknown[]) => this.#pass(`${label}.${String(name)}`, args, call) : call;
			},
		});
	}

	async #pass(name: string, args: readonly unknown[], call: (...args: unknown[]) => unknown): Promise<unknown> {
		if (this.#dead) return await silence(args);
		this.calls.push(name);
		const strikes = this.calls.length === this.#at;
		if (strikes && this.#moment === 'before') this.#dead = true;
		if (this.#dead) return await silence(args);
		const answer = await call(...args);
		if (strikes) this.#dead = true;
		return this.#dead ? await silence(args) : answer;
	}
}

/** Ends with the process whose call it is, which its signal tells of those that are its own work. */
function silence(args: readonly unknown[]): Promise<never> {
	return new Promise((_, reject) => {
		for (const arg of args) if (arg instanceof AbortSignal && arg !== never) arg.addEventListener('abort', () => reject(arg.reason));
	});
}

const providerCalls = ['create', 'state', 'upload', 'remove'];
const hostCalls = ['commit', 'remove'];

async function commitThatDies(t: TestContext, at: number, moment: 'before' | 'after'): Promise<readonly string[]> {
	const death = new Death(at, moment);
	const world = await glanceWorld(t, {
		provider: (provider) => death.wrap(provider, providerCalls, 'glance'),
		agent: (agent) => death.wrap(agent, hostCalls, 'host'),
	});
	const { control, glance, engine, ann, run, store, begin, containers } = world;
	store('web');
	const { id } = await run(ann, 'web');
	const images = engine.images.list().length;
	let told: string | null = null;
	const asking = containers.commit(ann, id, 'app', '1', never).then((image) => {
		told = image;
	});
	asking.catch(() => {});
	const left = async () => (await control.store.db.selectFrom('image_upload').select('image_id').execute()).length;
	await eventually('it has ended, one way or the other', async () => death.happened || (told !== null && (await left()) === 0));
	if (death.happened) {
		// A request dies with its process; what was told was told.
		const answered = told;
		await control.service.stop();
		death.revive();
		await begin();
		await eventually('nothing is noted', async () => (await left()) === 0);
		told = answered;
	}
	const made = [...glance.images.values()].filter(({ name }) => name === 'app:1');
	if (told === null) assert.deepEqual(made, []);
	else
		assert.deepEqual(
			made.map(({ id: image, status }) => [image, status]),
			[[told, 'active']],
		);
	assert.equal(engine.images.list().length, images);
	const commits = (await containers.operations(ann, id)).filter(({ kind }) => kind === 'commit');
	assert.deepEqual(
		commits.map(({ state }) => state),
		told === null ? [] : ['done'],
	);
	return death.calls;
}

test('a commit to Glance that its process does not outlive goes on where its user was told of it, else leaves nothing', async (t) => {
	const calls = await commitThatDies(t, 0, 'before');
	assert.deepEqual(calls, ['host.commit', 'glance.create', 'glance.state', 'glance.upload', 'host.images.remove']);
	for (const [index, call] of calls.entries()) {
		for (const moment of ['before', 'after'] as const) {
			await t.test(`${moment} ${call}`, (inner) => commitThatDies(inner, index + 1, moment).then(() => {}));
		}
	}
});
