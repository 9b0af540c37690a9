import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ControlLink } from '../../../src/bus/bus.ts';
import type { Driver } from '../../../src/drivers/driver.ts';
import { AgentWorld } from '../../support/agent/agent-world.ts';
import { containerSpec, operation, sandboxSpec } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';

const box = 'sandbox-1';
const web = 'container-1';

/** What the agent was given: a copy each time, of which nobody else holds anything. */
class Given {
	#objects: WeakRef<object>[] = [];

	#copy<T extends object | null>(value: T): T {
		const copy = structuredClone(value);
		if (copy !== null) this.#objects.push(new WeakRef(copy));
		return copy;
	}

	link(link: ControlLink): ControlLink {
		return {
			register: (...args) => link.register(...args),
			heartbeat: (...args) => link.heartbeat(...args),
			assignments: (...args) => link.assignments(...args),
			sandbox: async (...args) => this.#copy(await link.sandbox(...args)),
			report: async (...args) => this.#copy(await link.report(...args)),
			network: (...args) => link.network(...args),
			volumes: (...args) => link.volumes(...args),
			server: (...args) => link.server(...args),
			servers: (...args) => link.servers(...args),
			image: (...args) => link.image(...args),
			onWake: (...args) => link.onWake(...args),
		};
	}

	driver(driver: Driver): Driver {
		const observe = driver.observe.bind(driver);
		driver.observe = async (...args) => this.#copy(await observe(...args));
		return driver;
	}

	get count(): number {
		return this.#objects.length;
	}

	get kept(): number {
		return this.#objects.filter((object) => object.deref() !== undefined).length;
	}
}

function collector(): () => void {
	setFlagsFromString('--expose-gc');
	const collect: unknown = runInNewContext('gc');
	if (typeof collect !== 'function') throw new Error('there is no gc');
	return () => collect();
}

describe('a sandbox at rest', () => {
	test('takes little memory: nothing is kept of what control and the engine said, and its containers are looked after', async (t) => {
		const world = await AgentWorld.make(t);
		const given = new Given();
		world.wrapLink = (link) => given.link(link);
		world.wrap = (driver) => given.driver(driver);
		await world.start();
		world.control.add(
			sandboxSpec({
				operation: operation('create', { id: 'create-box' }),
				containers: [
					containerSpec({
						image: 'zunbox/busybox:latest',
						operation: operation('create', { id: 'create-web', args: { run: true } }),
						restartPolicy: { name: 'always', maximumRetryCount: 0 },
					}),
				],
			}),
		);
		await world.control.quiet(box);
		const collect = collector();
		const atRest = async (): Promise<void> => {
			await eventually('nothing is kept', () => {
				collect();
				return given.kept === 0;
			});
		};
		await atRest();
		const before = given.count;
		assert.ok(before >= 3, `${before} were given`);
		const startedAt = world.state(box, web)?.startedAt;
		world.engine.container('test', web).destroy();
		await eventually('it was started again', () => {
			const state = world.state(box, web);
			return state?.status === 'running' && state.startedAt !== startedAt;
		});
		await atRest();
		assert.ok(given.count > before);
	});
});
