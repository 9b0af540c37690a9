/** A random load of wishes, with crashes of the agent and troubles of the engine under it: at the end all is as was asked. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DriverError } from '../../../src/drivers/driver.ts';
import type { ContainerSpec, SandboxSpec } from '../../../src/model/spec.ts';
import { AgentWorld, owner } from '../../support/agent/agent-world.ts';
import { containerSpec, operation, sandboxSpec } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';

const boxes = ['a', 'b', 'c', 'd'];
const steps = 150;

/** Numbers from 0 to below `limit` that depend on the seed alone. */
function randomOf(seed: number): (limit: number) => number {
	let state = seed;
	return (limit) => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return Math.floor((state / 2 ** 32) * limit);
	};
}

function isQuiet(spec: SandboxSpec): boolean {
	return [spec, ...spec.containers].every((one) => one.operation === null && one.goal !== 'Deleted');
}

const wishes: Record<string, ContainerSpec['goal']> = {
	start: 'Running',
	stop: 'Stopped',
	reboot: 'Running',
	pause: 'Paused',
	kill: 'Stopped',
	rebuild: 'Running',
	update: 'Running',
	delete: 'Deleted',
};

class Load {
	readonly #world: AgentWorld;
	readonly #random: (limit: number) => number;
	#count = 0;

	constructor(world: AgentWorld, random: (limit: number) => number) {
		this.#world = world;
		this.#random = random;
	}

	/** One wish for a sandbox or a container that has none unfulfilled. */
	ask(): void {
		const { control } = this.#world;
		const id = this.#pick(boxes);
		this.#count += 1;
		if (!control.has(id)) {
			control.add(sandboxSpec({ id, operation: operation('create', { id: `op-${this.#count}` }), containers: [this.#container()] }));
			return;
		}
		const spec = control.spec(id);
		if (!isQuiet(spec)) return;
		const [container] = spec.containers;
		const choice = this.#random(10);
		if (choice === 0) control.change(id, { goal: 'Deleted', operation: this.#operation('delete') });
		else if (choice === 1) control.change(id, { goal: 'Stopped', operation: this.#operation('stop') });
		else if (spec.goal !== 'Running') control.change(id, { goal: 'Running', operation: this.#operation('start') });
		else if (container === undefined || spec.containers.length < 2) {
			const added = this.#container();
			control.changeContainer(id, { id: added.id }, added);
		} else {
			const [kind, goal] = this.#pick(Object.entries(wishes));
			const revision = container.revision + (kind === 'rebuild' ? 1 : 0);
			control.changeContainer(id, { id: container.id, revision, goal, operation: this.#operation(kind) });
		}
	}

	/** Something goes wrong. */
	async trouble(): Promise<void> {
		const { engine } = this.#world;
		const methods = [
			'sandboxes.create',
			'sandboxes.start',
			'sandboxes.remove',
			'containers.create',
			'containers.start',
			'containers.remove',
			'observe',
		];
		switch (this.#random(6)) {
			case 0:
				await this.#world.stop();
				await this.#world.start();
				break;
			case 1:
				engine.reboot();
				break;
			case 2:
				engine.loseSandbox(owner, this.#pick(boxes));
				break;
			case 3:
				engine.faults.goAway();
				await delay(20);
				engine.faults.comeBack();
				break;
			default: {
				const when = this.#pick(['before', 'after'] as const);
				engine.faults.failCall(this.#pick(methods), 1, new DriverError('unavailable', 'the engine hung up'), when);
			}
		}
	}

	#container(): ContainerSpec {
		const create = this.#operation('create', { run: true });
		const restartPolicy = this.#random(2) === 0 ? null : ({ name: 'always', maximumRetryCount: 0 } as const);
		return containerSpec({ id: `container-${this.#count}`, operation: create, restartPolicy });
	}

	#operation(kind: string, args: object = {}) {
		return operation(kind, { id: `op-${this.#count}`, args: { timeout: 0, wasRunning: true, signal: 'SIGKILL', ...args } });
	}

	#pick<T>(list: readonly T[]): T {
		const picked = list[this.#random(list.length)];
		if (picked === undefined) throw new Error('nothing to pick from');
		return picked;
	}
}

function assertAsAsked(world: AgentWorld, id: string): void {
	const { sandbox, containers } = world.engine.observe(owner, id);
	if (!world.control.has(id)) {
		assert.deepEqual({ sandbox, containers }, { sandbox: null, containers: [] });
		return;
	}
	const spec = world.control.spec(id);
	if (spec.goal === 'Running') assert.equal(sandbox?.status, 'running');
	else assert.notEqual(sandbox?.status, 'running');
	const known = new Set(spec.containers.map((container) => container.id));
	assert.ok(containers.every((state) => known.has(state.id)));
	for (const container of spec.containers) {
		const status = containers.find((state) => state.id === container.id)?.status ?? null;
		if (spec.goal === 'Running' && container.goal === 'Running') assert.equal(status, 'running');
		if (spec.goal === 'Running' && container.goal === 'Paused') assert.equal(status, 'paused');
		if (spec.goal === 'Stopped' || container.goal === 'Stopped') assert.notEqual(status, 'running');
	}
}

describe('a random load', () => {
	for (const seed of [1, 2, 3, 4]) {
		test(`with crashes and troubles ends as was asked (seed ${seed})`, { timeout: 120_000 }, async (t) => {
			const world = await AgentWorld.make(t);
			const random = randomOf(seed);
			const load = new Load(world, random);
			await world.start();
			for (let n = 0; n < steps; n += 1) {
				load.ask();
				if (random(4) === 0) await load.trouble();
				await delay(random(8));
			}
			world.engine.faults.clear();
			await eventually('every wish is fulfilled', () => boxes.every((id) => !world.control.has(id) || isQuiet(world.control.spec(id))));
			for (const id of boxes) {
				await eventually(`${id} is as asked`, () => {
					assertAsAsked(world, id);
					return true;
				});
			}
			const alive = boxes.filter((id) => world.control.has(id));
			await eventually('no folder is left over', async () => {
				assert.deepEqual((await readdir(path.join(world.stateDirectory, 'sandboxes'))).sort(), alive);
				return true;
			});
			const ended = world.control.reports.flatMap(({ operations }) => operations).filter(({ outcome }) => outcome === 'failed');
			const known = /unavailable|hung up|away|not running|not paused|deleted meanwhile/i;
			assert.ok(
				ended.every(({ error }) => known.test(error ?? '')),
				JSON.stringify(ended),
			);
		});
	}
});
