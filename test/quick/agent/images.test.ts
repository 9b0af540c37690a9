import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { DriverError } from '../../../src/drivers/driver.ts';
import { makeBusyboxImage } from '../../../src/drivers/fake/index.ts';
import { AgentWorld, owner } from '../../support/agent/agent-world.ts';
import { containerSpec, operation, sandboxSpec } from '../../support/agent/specs.ts';
import { eventually } from '../../support/eventually.ts';

const box = 'sandbox-1';
const remote = 'registry.example:5000/app:1';

async function world(t: TestContext): Promise<AgentWorld> {
	const made = await AgentWorld.make(t);
	await made.start();
	return made;
}

function asked(id: string, fields: Parameters<typeof containerSpec>[0] = {}) {
	return containerSpec({ id, image: remote, operation: operation('create', { id: `create-${id}`, args: { run: true } }), ...fields });
}

describe('images', () => {
	test('are pulled when they are not there, with progress, and once for all who wait', async (t) => {
		const { control, engine } = await world(t);
		engine.registry.add(remote, makeBusyboxImage(), { layerSizes: [100, 200, 300], layerDelay: 30 });
		control.add(sandboxSpec({ containers: [asked('a'), asked('b')] }));
		await control.quiet(box);
		assert.equal(engine.faults.calls('images.pull'), 1);
		for (const id of ['a', 'b']) {
			assert.equal(control.seen(box, id)?.status, 'Running');
			assert.equal(control.seen(box, id)?.pull, null);
			const progress = control.reports.flatMap(({ containers }) => containers).filter((one) => one.id === id && one.pull !== null);
			assert.ok(progress.some(({ pull }) => pull?.bytesTotal === 600 && pull.layersTotal === 3));
			assert.ok(progress.every(({ status }) => status === 'Creating'));
		}
	});

	test('with always are pulled once for each time that a container is made, and with never not at all', async (t) => {
		const { control, engine } = await world(t);
		const image = 'zunbox/busybox:latest';
		control.add(
			sandboxSpec({ containers: [asked('a', { image, imagePullPolicy: 'always' }), asked('b', { image, imagePullPolicy: 'never' })] }),
		);
		await control.quiet(box);
		assert.equal(engine.faults.calls('images.pull'), 1);
		control.changeContainer(box, { id: 'a', revision: 2, operation: operation('rebuild', { args: { wasRunning: true } }) });
		await control.quiet(box);
		assert.equal(engine.faults.calls('images.pull'), 2);
		control.changeContainer(box, { id: 'c' }, asked('c', { imagePullPolicy: 'never' }));
		await control.quiet(box);
		assert.match(control.outcomes('create-c').at(-1)?.error ?? '', /registry\.example:5000\/app:1 is not on the host/);
	});

	test('that do not exist fail the operation at once, with the reason; the sandbox is none the worse', async (t) => {
		const { control } = await world(t);
		control.add(sandboxSpec({ containers: [asked('a'), asked('b', { image: 'zunbox/busybox:latest' })] }));
		await control.quiet(box);
		assert.equal(control.outcomes('create-a').at(-1)?.outcome, 'failed');
		const failing = control.reports.find(({ operations }) =>
			operations.some(({ id, outcome }) => id === 'create-a' && outcome === 'failed'),
		);
		const seen = failing?.containers.find(({ id }) => id === 'a');
		assert.equal(seen?.status, 'Error');
		assert.match(seen?.statusReason ?? '', /not in the registry/);
		assert.equal(seen?.runtimeId, null);
		assert.equal(control.seen(box, 'b')?.status, 'Running');
	});

	test('are waited for while their registry cannot be reached', async (t) => {
		const { control, engine } = await world(t);
		engine.registry.add(remote, makeBusyboxImage());
		engine.registry.down = true;
		control.add(sandboxSpec({ containers: [asked('a')] }));
		await eventually('it is tried again', () => control.outcomes('create-a').filter(({ outcome }) => outcome === 'retry').length > 1);
		assert.match(control.outcomes('create-a').at(-1)?.error ?? '', /registry cannot be reached/);
		engine.registry.down = false;
		await control.quiet(box);
		assert.equal(control.seen(box, 'a')?.status, 'Running');
	});

	test('need the credentials of who wants them, whoever else waits for them', async (t) => {
		const { control, engine } = await world(t);
		const credentials = { username: 'ann', password: 'secret' };
		engine.registry.add(remote, makeBusyboxImage(), { credentials, layerSizes: [1, 1], layerDelay: 30 });
		const registryAuth = { domain: 'registry.example:5000', ...credentials };
		control.add(
			sandboxSpec({ containers: [asked('a', { registryAuth, imagePullPolicy: 'always' }), asked('b', { imagePullPolicy: 'always' })] }),
		);
		await control.quiet(box);
		assert.equal(control.outcomes('create-a').at(-1)?.outcome, 'done');
		assert.equal(control.outcomes('create-b').at(-1)?.outcome, 'failed');
	});

	test('that were pulled with a login are told, also when nothing comes of the container', async (t) => {
		const { control, engine } = await world(t);
		const credentials = { username: 'ann', password: 'secret' };
		engine.registry.add(remote, makeBusyboxImage('private'), { credentials });
		const registryAuth = { domain: 'registry.example:5000', ...credentials };
		engine.faults.failCall('containers.create', 1, new DriverError('invalid', 'no such program'));
		control.add(sandboxSpec({ containers: [asked('a', { registryAuth })] }));
		await control.quiet(box);
		assert.equal(control.outcomes('create-a').at(-1)?.outcome, 'failed');
		assert.equal(control.seen(box, 'a')?.pulledWithLogin, remote);
		control.changeContainer(box, { id: 'b' }, asked('b', { registryAuth }));
		await control.quiet(box);
		assert.equal(control.seen(box, 'b')?.status, 'Running');
		assert.equal(control.seen(box, 'b')?.pulledWithLogin, null, 'it was there');
	});

	test('are those that were found, whatever their names stand for by the time of the creation', async (t) => {
		const { control, engine } = await world(t);
		const found = makeBusyboxImage('found');
		engine.registry.add(remote, found);
		const release = engine.faults.hold('containers.create');
		control.add(sandboxSpec({ containers: [asked('a')] }));
		await eventually('it is about to be made', () => engine.faults.calls('containers.create') > 0);
		engine.images.add(makeBusyboxImage('other'), [remote]);
		release();
		await control.quiet(box);
		assert.equal(engine.container(owner, 'a').settings.imageId, found.id);
	});

	test('are not pulled any more when the container is deleted meanwhile', async (t) => {
		const { control, engine } = await world(t);
		engine.registry.add(remote, makeBusyboxImage(), { layerSizes: [1], layerDelay: 600_000 });
		control.add(sandboxSpec({ containers: [asked('a')] }));
		await eventually('it is pulled', () => engine.faults.calls('images.pull') > 0);
		control.changeContainer(box, { id: 'a', goal: 'Deleted', operation: operation('delete') });
		await eventually('it is gone', () => control.spec(box).containers.length === 0);
	});
});
