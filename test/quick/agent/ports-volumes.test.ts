import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { ControlLink } from '../../../src/bus/bus.ts';
import { type ContainerSettings, type Driver, DriverError } from '../../../src/drivers/driver.ts';
import { AgentWorld, owner } from '../../support/agent/agent-world.ts';
import { RecordedNetworking, RecordedVolumes } from '../../support/agent/recorded-host.ts';
import { containerSpec, operation, portSpec, sandboxSpec, volumeSpec } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';

const box = 'sandbox-1';
const web = 'container-1';

interface World extends AgentWorld {
	readonly networking: RecordedNetworking;
	readonly volumes: RecordedVolumes;
}

/** A world whose engine has a network namespace for each run of a sandbox, and tells the networking's log of starts. */
async function prepare(t: TestContext): Promise<{ world: World; made: ContainerSettings[] }> {
	const made: ContainerSettings[] = [];
	const networking = new RecordedNetworking();
	const world = Object.assign(await AgentWorld.make(t), { networking, volumes: new RecordedVolumes() });
	world.wrap = (driver): Driver => {
		const { sandboxes, containers } = driver;
		const start = containers.start.bind(containers);
		const create = containers.create.bind(containers);
		containers.start = async (id, signal) => {
			networking.log.push(`start ${id}`);
			await start(id, signal);
		};
		containers.create = async (settings, signal) => {
			made.push(settings);
			await create(settings, signal);
		};
		sandboxes.networkNamespacePath = async (id) => {
			const { sandbox } = world.engine.observe(owner, id);
			return sandbox?.status === 'running' || sandbox?.status === 'paused' ? `/run/${id}/${sandbox.startedAt}` : null;
		};
		Object.defineProperty(driver, 'capabilities', { value: { ...driver.capabilities, networkNamespace: true } });
		return driver;
	};
	return { world, made };
}

/** The link's own calls, to change one of them. */
function linkOf(link: ControlLink): ControlLink {
	return {
		register: (...args) => link.register(...args),
		heartbeat: (...args) => link.heartbeat(...args),
		assignments: (...args) => link.assignments(...args),
		sandbox: (...args) => link.sandbox(...args),
		report: (...args) => link.report(...args),
		network: (...args) => link.network(...args),
		volumes: (...args) => link.volumes(...args),
		server: (...args) => link.server(...args),
		servers: (...args) => link.servers(...args),
		image: (...args) => link.image(...args),
		onWake: (...args) => link.onWake(...args),
	};
}

function wanted(fields: Parameters<typeof sandboxSpec>[0] = {}) {
	const create = operation('create', { id: 'create-web', args: { run: true } });
	const containers = [containerSpec({ operation: create, mounts: [{ volumeId: 'data', destination: '/data', readOnly: false }] })];
	const volumes = [volumeSpec('data'), volumeSpec('file', { provider: 'file', contents: 'aGVsbG8=' })];
	return sandboxSpec({ operation: operation('create', { id: 'create-box' }), ports: [portSpec('port-1')], volumes, containers, ...fields });
}

async function running(t: TestContext) {
	const { world, made } = await prepare(t);
	await world.start();
	world.control.add(wanted());
	await world.control.quiet(box);
	return { world, made };
}

describe('ports', () => {
	test('are plugged after their rules are there and before any container starts', async (t) => {
		const { world } = await running(t);
		const { log } = world.networking;
		assert.deepEqual(log, ['apply 1', 'plug port-1', `start ${web}`]);
		assert.deepEqual(world.control.last(box)?.activePorts, ['port-1']);
	});

	test('come and go while the sandbox runs', async (t) => {
		const { world } = await running(t);
		world.control.networks = { ...world.control.networks, version: 2 };
		world.control.change(box, { ports: [portSpec('port-1'), portSpec('port-2')] });
		await eventually('the second is active', () => world.control.last(box)?.activePorts.includes('port-2'));
		assert.ok(world.networking.applied.includes(2));
		world.control.change(box, { ports: [portSpec('port-2')] });
		await eventually('the first is gone', () => !world.networking.ports.has('port-1'));
		await eventually('control knows', () => world.control.last(box)?.activePorts.join() === 'port-2');
	});

	test('that change are plugged anew', async (t) => {
		const { world } = await running(t);
		const plugs = () => world.networking.log.filter((line) => line === 'plug port-1').length;
		world.control.change(box, { ports: [{ ...portSpec('port-1'), mtu: 1400 }] });
		await eventually('it is plugged again', () => plugs() === 2);
	});

	test('are unplugged with a stop and plugged with a start, before containers', async (t) => {
		const { world } = await running(t);
		world.control.change(box, { goal: 'Stopped', operation: operation('stop') });
		await world.control.quiet(box);
		assert.equal(world.networking.ports.size, 0);
		assert.deepEqual(world.control.last(box)?.activePorts, []);
		world.networking.log.splice(0);
		world.control.change(box, { goal: 'Running', operation: operation('start') });
		await world.control.quiet(box);
		assert.deepEqual(world.networking.log, ['plug port-1', `start ${web}`]);
	});

	test('that somebody removed are put back when the check of the networks says so, and when the host starts anew', async (t) => {
		const { world } = await running(t);
		world.networking.ports.clear();
		world.networking.repairs = ['port-1: its link was gone'];
		await eventually('it is back', () => world.networking.ports.has('port-1'));
		const before = world.networking.ports.get('port-1');
		world.engine.reboot();
		await eventually('it is in the new namespace', () => ![undefined, before].includes(world.networking.ports.get('port-1')));
		await eventually('the container runs', () => world.status(box, web) === 'running');
	});

	test('that are whole are left alone by an agent that starts', async (t) => {
		const { world } = await running(t);
		await world.stop();
		world.networking.log.splice(0);
		await world.start();
		world.control.change(box, { labels: { a: 'b' } });
		await eventually('it looked', () => world.control.reports.length > 0 && world.networking.applied.length > 1);
		world.control.change(box, { operation: operation('update', { id: 'update-box' }) });
		await world.control.quiet(box);
		assert.ok(!world.networking.log.some((line) => /plug|start/.test(line)), `${world.networking.log}`);
	});

	test('that cannot be plugged for good fail the sandbox, and leave nothing', async (t) => {
		const { world } = await prepare(t);
		await world.start();
		world.networking.failure = new DriverError('failed', 'no such bridge');
		world.control.add(wanted());
		await eventually('it fails', () => world.control.outcomes('create-box').at(-1)?.outcome === 'failed');
		const failing = world.control.reports.find(({ operations }) => operations.some(({ outcome }) => outcome === 'failed'));
		assert.deepEqual([failing?.status, failing?.statusReason], ['Error', 'no such bridge']);
	});
});

describe('volumes', () => {
	test('are attached before containers are made, which are told their paths', async (t) => {
		const { world, made } = await running(t);
		assert.deepEqual([...world.volumes.mounted.keys()], ['data', 'file']);
		assert.deepEqual(made[0]?.mounts, [{ source: '/volumes/data', destination: '/data', readOnly: false }]);
	});

	test('that are wanted no more are detached, and data stays', async (t) => {
		const { world } = await running(t);
		world.control.change(box, { volumes: [volumeSpec('data'), volumeSpec('file', { provider: 'file', detached: true })] });
		await eventually('control knows that the file is gone', () => world.control.last(box)?.detachedVolumes.join() === 'file');
		assert.deepEqual([...world.volumes.mounted.keys()], ['data']);
		world.control.change(box, { goal: 'Deleted', operation: operation('delete') });
		await eventually('control forgets it', () => !world.control.has(box));
		assert.equal(world.volumes.mounted.size, 0);
		assert.equal(world.networking.ports.size, 0);
		assert.deepEqual(world.volumes.destroyed, []);
	});

	test('are detached from a sandbox that is stopped or paused, too', async (t) => {
		for (const [goal, kind] of [
			['Stopped', 'stop'],
			['Paused', 'pause'],
		] as const) {
			const { world } = await running(t);
			world.control.change(box, { goal, operation: operation(kind) });
			await world.control.quiet(box);
			assert.equal(world.volumes.mounted.size, 2, 'they stay with it');
			world.control.change(box, { volumes: [volumeSpec('data', { detached: true }), volumeSpec('file', { provider: 'file' })] });
			await eventually('control knows', () => world.control.last(box)?.detachedVolumes.join() === 'data');
			assert.deepEqual([...world.volumes.mounted.keys()], ['file']);
			await world.stop();
		}
	});

	test('are told to be detached only after they are, also by an agent that starts', async (t) => {
		const { world } = await running(t);
		await world.stop();
		world.control.change(box, { volumes: [volumeSpec('data', { detached: true }), volumeSpec('file', { provider: 'file' })] });
		world.control.reports.splice(0);
		const held: boolean[] = [];
		world.wrapLink = (link) => ({
			...linkOf(link),
			report: async (hostname, report, signal) => {
				if (report.detachedVolumes.includes('data')) held.push(world.volumes.mounted.has('data'));
				return await link.report(hostname, report, signal);
			},
		});
		await world.start();
		await eventually('control knows', () => held.length > 0);
		assert.deepEqual([...new Set(held)], [false]);
	});

	test('that control does not know lose their data; those that it knows, or that are attached, do not', async (t) => {
		const { world } = await prepare(t);
		world.volumes.data.add('deleted').add('kept');
		world.control.kept.push('kept');
		await world.start({ volumeConfirmation: 50 });
		world.control.add(wanted());
		await eventually('its data is gone', () => world.volumes.destroyed.includes('deleted'));
		world.control.kept.splice(0);
		world.control.wakeHost();
		await eventually('the other is, when the host is woken', () => world.volumes.destroyed.includes('kept'));
		assert.deepEqual(world.volumes.destroyed, ['deleted', 'kept']);
		assert.deepEqual([...world.volumes.data], ['data']);
	});

	test('keep their data while control cannot be asked, and when two looks do not agree', async (t) => {
		const { world } = await prepare(t);
		world.volumes.data.add('data-1');
		let looks = 0;
		world.wrapLink = (link) => ({
			...linkOf(link),
			volumes: async () => {
				looks += 1;
				if (looks % 3 === 0) throw new Error('control is away');
				return looks % 3 === 1 ? [] : ['data-1'];
			},
		});
		await world.start({ volumeConfirmation: 1 });
		await eventually('it was looked at often', () => looks > 9);
		assert.deepEqual(world.volumes.destroyed, []);
	});

	test('of a sandbox that nobody knows are detached', async (t) => {
		const { world } = await prepare(t);
		world.volumes.mounted.set('old', 'long-gone');
		await world.start();
		await eventually('it is detached', () => world.volumes.mounted.size === 0);
		assert.deepEqual(world.volumes.destroyed, []);
	});

	test('that somebody unmounted are attached again', async (t) => {
		const { world } = await running(t);
		world.volumes.mounted.delete('data');
		await eventually('it is back', () => world.volumes.mounted.has('data'));
	});
});
