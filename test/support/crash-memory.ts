/** The service over an engine, networks and volumes in memory and a real database file; its processes end at any call. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent } from '../../src/agent/agent.ts';
import { createDriver, FakeEngine } from '../../src/drivers/fake/index.ts';
import { quickPlan } from './agent/agent-world.ts';
import { RecordedNetworking, RecordedVolumes } from './agent/recorded-host.ts';
import { startControl, type TestControl } from './control.ts';
import type { MortalProcess } from './crash-mortal.ts';
import { inconsistencies, query } from './leaks.ts';

const owner = 'test';
const host = 'host-1';

export class MemoryInstallation {
	/** In memory where that can be: commits wait for the disk, and there are many. */
	readonly folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'zunbox-memory-'));
	readonly engine = new FakeEngine();
	readonly #networking = new RecordedNetworking();
	readonly #volumes = new RecordedVolumes();
	#agent: Agent | null = null;
	#control: TestControl | null = null;

	get database(): string {
		return path.join(this.folder, 'zunbox.db');
	}

	/** What clients call. Only while a process runs. */
	get control(): TestControl {
		if (this.#control === null) throw new Error('no process runs');
		return this.#control;
	}

	/** Starts a process. The state of what was before it is found on the disk, in the engine and in the kernel. */
	async start(life: MortalProcess): Promise<void> {
		const control = await startControl({ path: this.database });
		this.#control = control;
		const driver = await createDriver({ owner, stateDirectory: this.folder, settings: { engine: this.engine } });
		driver.sandboxes.networkNamespacePath = async (id) => {
			const { sandbox } = this.engine.observe(owner, id);
			return sandbox?.status === 'running' || sandbox?.status === 'paused' ? `/run/${id}/${sandbox.startedAt}` : null;
		};
		Object.defineProperty(driver, 'capabilities', { value: { ...driver.capabilities, networkNamespace: true } });
		const parts = ['create', 'start', 'stop', 'pause', 'unpause', 'update', 'remove'];
		life.bind(driver.sandboxes, parts, ['networkNamespacePath']);
		life.bind(driver.containers, [...parts, 'kill']);
		life.bind(driver, [], ['list', 'observe']);
		const link = control.bus.controlLink(control.link);
		life.bind(link, ['report'], ['register', 'heartbeat', 'assignments', 'sandbox', 'network', 'volumes']);
		const networking = sharing(this.#networking);
		life.bind(networking, ['plug', 'unplug', 'apply'], ['plugged', 'check']);
		const volumes = sharing(this.#volumes);
		life.bind(volumes, ['attach', 'detach', 'destroy'], ['list', 'stored']);
		const quick = { lookInterval: 200, networkCheckInterval: 200, longestPause: 50, plan: quickPlan };
		this.#agent = new Agent({ link, driver, networking, volumes, stateDirectory: this.folder, options: { hostname: host, ...quick } });
		control.bus.connect(host, this.#agent.link);
		void this.#agent.start();
	}

	/** What is left of the process goes. Its engine, kernel and disk stay. */
	async end(): Promise<void> {
		await this.#agent?.stop();
		await this.#control?.close();
		this.#agent = null;
		this.#control = null;
	}

	remove(): void {
		rmSync(this.folder, { recursive: true, force: true });
	}

	/** What is there and should not be, or is not and should; empty = at rest, and nothing leaked. */
	differences(): readonly string[] {
		const all = (sql: string): readonly string[] => query(this.database, sql).map((row) => String(row['id']));
		const sandboxes = all('select id from sandbox where host is not null');
		const containers = all(
			"select id from container where not (status = 'Error' and runtime_id is null and desired_status in ('Created', 'Stopped'))",
		);
		const ports = all("select port.id from port join sandbox on sandbox.id = sandbox_id where sandbox.status in ('Running', 'Paused')");
		const attached = all('select volume_id as id from volume_attachment');
		const state = this.engine.list(owner);
		return [
			...unlike(
				'sandboxes',
				state.sandboxes.map(({ id }) => id),
				sandboxes,
			),
			...unlike(
				'containers',
				state.containers.map(({ id }) => id),
				containers,
			),
			...unlike('ports', [...this.#networking.ports.keys()], ports),
			...unlike('volumes', [...this.#volumes.mounted.keys()], attached),
			...unlike('data', [...this.#volumes.data], all("select id from volume where provider = 'local' and host is not null")),
			...unlike('folders', readdirSync(path.join(this.folder, 'sandboxes')), sandboxes),
			...inconsistencies(this.database),
		];
	}

	/** Status of each container in the engine, by id. */
	statuses(): ReadonlyMap<string, string> {
		return new Map(this.engine.list(owner).containers.map(({ id, status }) => [id, status]));
	}
}

/** An object of its own with the state of the other: its methods can be replaced. */
function sharing<T extends object>(shared: T): T {
	return Object.create(shared);
}

function unlike(what: string, real: readonly string[], right: readonly string[]): readonly string[] {
	const [left, other] = [[...real].sort().join(' '), [...new Set(right)].sort().join(' ')];
	return left === other ? [] : [`${what}: there are [${left}] and there should be [${other}]`];
}
