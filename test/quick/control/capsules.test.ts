import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { CapsuleContainer, CapsuleView, CreateCapsule } from '../../../src/control/capsules/capsule-control.ts';
import { Capsules } from '../../../src/control/capsules/capsules.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

const me = principal('p1');

async function start(t: TestContext, options: Parameters<typeof startControl>[0] = {}) {
	const control = await startControl(options);
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	return { ...control, host, containers: control.service.containers, capsules: control.service.capsules };
}

function container(change: Partial<CapsuleContainer> = {}): CapsuleContainer {
	return { image: 'busybox', interactive: false, tty: false, exposedPorts: [], mounts: [], ...change };
}

function template(change: Partial<CreateCapsule> = {}): CreateCapsule {
	return {
		name: 'web',
		labels: {},
		annotations: {},
		restartPolicy: 'Always',
		volumes: [],
		initContainers: [],
		containers: [container({ name: 'app' })],
		publish: [],
		...change,
	};
}

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

function statuses(view: CapsuleView): Record<string, string> {
	return Object.fromEntries([...view.initContainers, ...view.containers].map(({ name, status }) => [name, status]));
}

test('a capsule is a sandbox with all containers of its template, and goes with them', async (t) => {
	const { capsules, containers, host, store, service } = await start(t);
	const made = await capsules.create(me, template({ containers: [container({ name: 'app' }), container(), container({ name: 'app' })] }));
	assert.equal(made.status, 'Creating');
	assert.equal(made.containers.length, 3);
	assert.equal(made.containers[0]?.name, 'capsule-web-app');
	assert.equal(new Set(made.containers.map(({ name }) => name)).size, 3);
	for (const { name } of made.containers) assert.match(name, /^capsule-web-./);
	await host.settle();
	const running = await capsules.show(me, 'web');
	assert.deepEqual([running.status, running.statusReason], ['Running', null]);
	assert.equal((await service.sandboxes.show(me, made.id)).createdBy, 'capsule');
	assert.ok(Object.keys(running.addresses).length > 0);

	assert.deepEqual(await containers.list(me, { limit: 10, filters: {} }), []);
	assert.equal((await containers.list(me, { limit: 10, filters: { sandbox_id: made.id } })).length, 3);
	assert.equal((await containers.show(me, 'capsule-web-app')).sandboxId, made.id);

	await capsules.delete(me, 'web');
	assert.equal((await capsules.show(me, 'web')).status, 'Deleting');
	await host.settle();
	await assert.rejects(capsules.show(me, made.id), code('capsule-not-found'));
	for (const table of ['capsule', 'sandbox', 'container', 'claim', 'port', 'security_group_rule'] as const) {
		const rows = await store.db.selectFrom(table).selectAll().execute();
		const left = table === 'security_group_rule' ? rows.filter((row) => 'port_range_min' in row && row.port_range_min !== null) : rows;
		assert.deepEqual(left, [], table);
	}
});

test('init containers run one after another, then the containers', async (t) => {
	const { capsules, host } = await start(t);
	const initContainers = [container({ name: 'one' }), container({ name: 'two' })];
	const { id } = await capsules.create(me, template({ initContainers, containers: [container({ name: 'a' }), container({ name: 'b' })] }));
	const shown = async () => {
		await host.settle();
		await host.settle();
		return await capsules.show(me, id);
	};
	const idOf = (view: CapsuleView, index: number) => view.initContainers[index]?.id ?? '';
	const first = await shown();
	assert.deepEqual([first.status, first.statusReason], ['Creating', 'Init container capsule-web-one (1 of 2) is running.']);
	assert.deepEqual(statuses(first), {
		'capsule-web-one': 'Running',
		'capsule-web-two': 'Created',
		'capsule-web-a': 'Created',
		'capsule-web-b': 'Created',
	});
	host.end(idOf(first, 0), 0);
	const second = await shown();
	assert.equal(second.status, 'Creating');
	assert.deepEqual(statuses(second), {
		'capsule-web-one': 'Stopped',
		'capsule-web-two': 'Running',
		'capsule-web-a': 'Created',
		'capsule-web-b': 'Created',
	});
	host.end(idOf(first, 1), 0);
	const last = await shown();
	assert.deepEqual([last.status, last.statusReason], ['Running', null]);
	assert.deepEqual(statuses(last), {
		'capsule-web-one': 'Stopped',
		'capsule-web-two': 'Stopped',
		'capsule-web-a': 'Running',
		'capsule-web-b': 'Running',
	});
});

test('an init container that fails holds the others back, and says why; a start tries it again', async (t) => {
	const { capsules, host, containers } = await start(t);
	const made = await capsules.create(me, template({ restartPolicy: 'Never', initContainers: [container({ name: 'setup' })] }));
	const init = made.initContainers[0]?.id ?? '';
	await host.settle();
	host.end(init, 3);
	await host.settle();
	await host.settle();
	const failed = await capsules.show(me, 'web');
	assert.deepEqual([failed.status, failed.statusReason], ['Error', 'Init container capsule-web-setup ended with exit code 3.']);
	assert.equal(failed.containers[0]?.status, 'Created');
	const history = await containers.operations(me, failed.containers[0]?.id ?? '');
	assert.deepEqual(
		history.map(({ kind }) => kind),
		['create'],
	);

	await capsules.start(me, 'web');
	await host.settle();
	assert.equal((await capsules.show(me, 'web')).initContainers[0]?.status, 'Running');
	host.end(init, 0);
	await host.settle();
	await host.settle();
	assert.equal((await capsules.show(me, 'web')).status, 'Running');
});

test('members are told to run once, however often the host tells that an init container has ended', async (t) => {
	const { capsules, containers, host } = await start(t);
	const { id } = await capsules.create(me, template({ initContainers: [container({ name: 'one' }), container({ name: 'two' })] }));
	for (const index of [0, 1]) {
		await host.settle();
		host.end((await capsules.show(me, id)).initContainers[index]?.id ?? '', 0);
		for (let repeat = 0; repeat < 3; repeat += 1) await host.settle();
	}
	const view = await capsules.show(me, id);
	assert.equal(view.status, 'Running');
	for (const member of [...view.initContainers.slice(1), ...view.containers]) {
		const kinds = (await containers.operations(me, member.id)).map((operation) => operation.kind);
		assert.deepEqual(kinds, ['start', 'create'], member.name);
	}
});

test('restart policies of the template are those of its members', async (t) => {
	const { capsules } = await start(t);
	for (const [policy, init, regular] of [
		['Always', { name: 'on-failure', maximumRetryCount: 10 }, 'always'],
		['OnFailure', { name: 'on-failure', maximumRetryCount: 0 }, 'on-failure'],
		['Never', { name: 'no', maximumRetryCount: 0 }, 'no'],
	] as const) {
		const made = await capsules.create(me, template({ name: `with-${policy}`, restartPolicy: policy, initContainers: [container()] }));
		assert.equal(made.restartPolicy, policy);
		assert.deepEqual(made.initContainers[0]?.restartPolicy, init);
		assert.deepEqual(made.containers[0]?.restartPolicy, { name: regular, maximumRetryCount: 0 });
	}
});

test('a capsule claims the sum of its containers, or its largest init container', async (t) => {
	const { capsules, quotas, store, containers, host } = await start(t);
	const made = await capsules.create(
		me,
		template({
			initContainers: [container({ cpu: 4, memory: 100 }), container({ cpu: 1, memory: 200 })],
			containers: [container({ cpu: 0.5, memory: 300 }), container({ cpu: 0.5, memory: 300 })],
		}),
	);
	assert.deepEqual([made.cpu, made.memory], [4, 600]);
	const usage = await quotas.usage(store.db, 'p1');
	assert.deepEqual([usage.cpu, usage.memory, usage.sandboxes, usage.containers], [4, 600, 1, 4]);
	await host.settle();
	await containers.update(me, made.containers[0]?.id ?? '', { memory: 400 });
	assert.equal((await quotas.usage(store.db, 'p1')).memory, 700);
});

test('a capsule over the quota is refused whole, and leaves nothing', async (t) => {
	const { capsules, store, deps } = await start(t, { quotas: { containers: 3, volume_gigabytes: 10 } });
	const four = [container(), container(), container(), container()];
	await assert.rejects(capsules.create(me, template({ containers: four })), code('over-quota'));
	const large = {
		volumes: [{ name: 'data', volume: { size: 11 }, autoRemove: false }],
		containers: [container({ mounts: [{ volume: 'data', destination: '/data', readOnly: false }] })],
	};
	await assert.rejects(capsules.create(me, template(large)), code('over-quota'));
	for (const table of ['capsule', 'sandbox', 'container', 'volume', 'claim', 'port', 'operation'] as const) {
		assert.deepEqual(await store.db.selectFrom(table).selectAll().execute(), [], table);
	}
	// What is too much is not even begun.
	const writes: string[] = [];
	const check: typeof deps.quotas.check = async (tx, projectId, resources, adding) => {
		writes.push(`${resources} ${JSON.stringify(adding)}`);
		await deps.quotas.check(tx, projectId, resources, adding);
	};
	const asked = new Capsules({ ...deps, quotas: { check } });
	await assert.rejects(asked.create(me, template({ containers: four })), code('over-quota'));
	assert.deepEqual(writes, ['sandboxes,containers {"sandboxes":1,"containers":4}']);
	await capsules.create(me, template({ containers: four.slice(1) }));
});

test('volumes are attached once, mounted by several, and stay or go as the template says', async (t) => {
	const { capsules, host, store, link } = await start(t);
	const volumes = [
		{ name: 'kept', volume: { size: 1 }, autoRemove: false },
		{ name: 'gone', volume: { size: 2 }, autoRemove: true },
	];
	const made = await capsules.create(
		me,
		template({
			volumes,
			initContainers: [container({ mounts: [{ volume: 'kept', destination: '/out', readOnly: false }] })],
			containers: [
				container({
					mounts: [
						{ volume: 'kept', destination: '/in', readOnly: true },
						{ volume: 'gone', destination: '/scratch', readOnly: true },
					],
				}),
			],
		}),
	);
	const rows = await store.db.selectFrom('volume').selectAll().orderBy('size').execute();
	const [kept, gone] = rows;
	assert.deepEqual(
		rows.map(({ name, auto_remove }) => [name, auto_remove]),
		[
			['web-kept', 0],
			['', 1],
		],
	);
	const spec = await link.sandbox('h1', made.id);
	assert.deepEqual(
		new Map(spec?.volumes.map(({ id, readOnly }) => [id, readOnly])),
		new Map([
			[kept?.id, false],
			[gone?.id, true],
		]),
	);
	assert.deepEqual(
		spec?.containers.map(({ mounts }) => mounts),
		[
			[{ volumeId: kept?.id, destination: '/out', readOnly: false }],
			[
				{ volumeId: kept?.id, destination: '/in', readOnly: true },
				{ volumeId: gone?.id, destination: '/scratch', readOnly: true },
			],
		],
	);
	await host.settle();
	await capsules.delete(me, made.id);
	await host.settle();
	const left = await store.db.selectFrom('volume').selectAll().execute();
	assert.deepEqual(
		left.map(({ id, status }) => [id, status]),
		[[kept?.id, 'available']],
	);
	const again = await capsules.create(
		me,
		template({
			volumes: [{ name: 'old', volume: { id: kept?.id ?? '' }, autoRemove: true }],
			containers: [container({ mounts: [{ volume: 'old', destination: '/old', readOnly: false }] })],
		}),
	);
	await host.settle();
	await capsules.delete(me, again.id);
	await host.settle();
	assert.equal((await store.db.selectFrom('volume').selectAll().execute()).length, 1);
	const missing = { volumes: [{ name: 'none', volume: { id: '9'.repeat(36) }, autoRemove: false }] };
	await assert.rejects(capsules.create(me, template(missing)), code('volume-not-found'));
});

test('ports open in a group of their own', async (t) => {
	const { capsules, store, host } = await start(t);
	const made = await capsules.create(
		me,
		template({ containers: [container({ exposedPorts: ['80/tcp'] }), container({ exposedPorts: ['53/udp'] })] }),
	);
	const groups = await store.db
		.selectFrom('port_security_group')
		.innerJoin('port', 'port.id', 'port_security_group.port_id')
		.innerJoin('security_group', 'security_group.id', 'port_security_group.security_group_id')
		.select('security_group.name')
		.where('port.sandbox_id', '=', made.id)
		.execute();
	assert.deepEqual(groups.map(({ name }) => name).sort(), made.containers.map(({ id }) => `zunbox-${id}`).sort());
	await host.settle();
	await capsules.delete(me, made.id);
	await host.settle();
	assert.deepEqual(await store.db.selectFrom('security_group').select('name').where('name', 'like', 'zunbox-%').execute(), []);
});

test('a capsule stops and starts; what has ended by itself runs again', async (t) => {
	const { capsules, host } = await start(t);
	await capsules.create(me, template({ restartPolicy: 'Never', initContainers: [container({ name: 'init' })] }));
	await host.settle();
	await assert.rejects(capsules.start(me, 'web'), code('invalid-state-exception'));
	// Stopped in the middle of its initialisation, it takes that up again.
	await capsules.stop(me, 'web', { timeout: 1 });
	await host.settle();
	const stopped = await capsules.show(me, 'web');
	assert.equal(stopped.status, 'Stopped');
	await assert.rejects(capsules.stop(me, 'web', { timeout: 1 }), /Cannot stop capsule .* in Stopped state/);
	await capsules.start(me, 'web');
	await host.settle();
	const again = await capsules.show(me, 'web');
	assert.deepEqual([again.status, again.initContainers[0]?.status], ['Creating', 'Running']);
	host.end(again.initContainers[0]?.id ?? '', 0);
	await host.settle();
	await host.settle();
	const running = await capsules.show(me, 'web');
	assert.equal(running.status, 'Running');
	host.end(running.containers[0]?.id ?? '', 7);
	await host.settle();
	const ended = await capsules.show(me, 'web');
	assert.deepEqual([ended.status, ended.statusReason], ['Stopped', 'Container capsule-web-app ended with exit code 7.']);
	await capsules.start(me, 'web');
	await host.settle();
	const restarted = await capsules.show(me, 'web');
	assert.deepEqual(statuses(restarted), { 'capsule-web-init': 'Stopped', 'capsule-web-app': 'Running' });
	assert.equal(restarted.status, 'Running');
});

test('a member whose turn comes while its capsule is stopped has it when that runs again', async (t) => {
	const { capsules, containers, host } = await start(t);
	const made = await capsules.create(me, template({ initContainers: [container({ name: 'init' })] }));
	const app = made.containers[0]?.id ?? '';
	await host.settle();
	host.end(made.initContainers[0]?.id ?? '', 0);
	await host.round();
	assert.equal((await containers.show(me, app)).taskState, 'container_starting');
	await capsules.stop(me, made.id, { timeout: 1 });
	host.failures.set('container.start', 'Its sandbox is not running but Stopped.');
	await host.settle();
	host.failures.clear();
	assert.equal((await capsules.show(me, made.id)).status, 'Stopped');
	assert.deepEqual([(await containers.show(me, app)).status, (await containers.show(me, app)).statusReason], ['Stopped', null]);
	await capsules.start(me, made.id);
	await host.settle();
	await host.settle();
	assert.equal((await capsules.show(me, made.id)).status, 'Running');
});

test('a member that cannot be made shows on its capsule', async (t) => {
	const { capsules, host } = await start(t);
	host.failures.set('container.create', 'image nope could not be found');
	const { id } = await capsules.create(me, template());
	await host.settle();
	const view = await capsules.show(me, id);
	assert.deepEqual([view.status, view.statusReason], ['Error', 'Container capsule-web-app: image nope could not be found']);
	host.failures.clear();
	await capsules.start(me, id);
	await host.settle();
	assert.equal((await capsules.show(me, id)).status, 'Running');
});

test('without a host a capsule is in Error, holds nothing, and can be deleted', async (t) => {
	const { capsules, link, quotas, store } = await start(t);
	await link.register(hostFacts('h1', { driver: 'other' }));
	const volumes = [{ name: 'data', volume: { size: 1 }, autoRemove: false }];
	const mounts = [{ volume: 'data', destination: '/data', readOnly: false }];
	const made = await capsules.create(me, template({ volumes, containers: [container({ mounts })] }));
	assert.equal(made.status, 'Error');
	assert.match(made.statusReason ?? '', /There are not enough hosts available/);
	const usage = await quotas.usage(store.db, 'p1');
	assert.deepEqual([usage.cpu, usage.ports, usage.volumes], [0, 0, 0]);
	await assert.rejects(capsules.start(me, made.id), code('conflict'));
	await capsules.delete(me, made.id);
	await assert.rejects(capsules.show(me, made.id), code('capsule-not-found'));
});

test('what would break the order of members is refused', async (t) => {
	const { capsules, containers, host } = await start(t);
	const made = await capsules.create(me, template({ initContainers: [container({ name: 'one' }), container({ name: 'two' })] }));
	await host.settle();
	const [app] = made.containers;
	const [one, two] = made.initContainers;
	assert.ok(app !== undefined && one !== undefined && two !== undefined);
	for (const options of [
		{ force: true, stop: false, allProjects: false },
		{ force: false, stop: true, allProjects: false },
	]) {
		await assert.rejects(containers.delete(me, one.id, options), code('conflict'));
	}
	await assert.rejects(containers.start(me, app.id), code('conflict'));
	await assert.rejects(containers.start(me, two.id), code('conflict'));
	await assert.rejects(containers.reboot(me, one.id, { timeout: null }), code('conflict'));
	await assert.rejects(containers.create(me, { image: 'busybox', sandbox: made.id, run: true }), code('conflict'));
	for (const index of [0, 1]) {
		host.end(made.initContainers[index]?.id ?? '', 0);
		await host.settle();
		await host.settle();
	}
	await containers.stop(me, app.id, { timeout: 1 });
	await host.settle();
	await containers.rebuild(me, app.id, { image: 'other', imageDriver: null });
	await host.settle();
	await host.settle();
	assert.equal((await containers.show(me, app.id)).status, 'Created', 'it stays as it was left');
	await containers.start(me, app.id);
	await host.settle();
	assert.equal((await capsules.show(me, made.id)).status, 'Running');
});

test('names, labels and annotations change; other projects see nothing', async (t) => {
	const { capsules, service } = await start(t);
	const made = await capsules.create(me, template({ labels: { a: '1' }, annotations: { note: 'old' } }));
	const changed = await capsules.update(me, 'web', { name: 'other', labels: { b: '2' }, annotations: { note: 'new' } });
	assert.deepEqual([changed.name, changed.labels, changed.annotations], ['other', { b: '2' }, { note: 'new' }]);
	await assert.rejects(capsules.show(me, 'web'), code('capsule-not-found'));
	await assert.rejects(capsules.show(principal('p2'), made.id), code('capsule-not-found'));
	assert.equal((await capsules.show(principal('p2', ['admin']), 'other')).id, made.id);
	const sandbox = await service.sandboxes.create(me, { name: 'plain' });
	await assert.rejects(capsules.show(me, sandbox.id), code('capsule-not-found'));
	await assert.rejects(capsules.delete(me, sandbox.id), code('capsule-not-found'));
});

test('lists are pages of capsules only, and a repeated create makes nothing', async (t) => {
	const { capsules, service } = await start(t);
	await service.sandboxes.create(me, { name: 'plain' });
	for (const name of ['c', 'a', 'b']) await capsules.create(me, template({ name }));
	const first = await capsules.list(me, { limit: 2, sortKey: 'name', filters: {} });
	const marker = first.at(-1)?.id ?? '';
	const second = await capsules.list(me, { limit: 2, sortKey: 'name', marker, filters: {} });
	assert.deepEqual(
		[...first, ...second].map(({ name }) => name),
		['a', 'b', 'c'],
	);
	assert.equal((await capsules.list(principal('p2'), { limit: 9, filters: {}, allProjects: true })).length, 0);
	assert.equal((await capsules.list(principal('p2', ['admin']), { limit: 9, filters: {}, allProjects: true })).length, 3);
	const key = { key: 'k', fingerprint: 'f' };
	const made = await capsules.create(me, template({ name: 'once' }), key);
	assert.equal((await capsules.create(me, template({ name: 'once' }), key)).id, made.id);
});

test('a wait ends when the status is there or cannot come', async (t) => {
	const { capsules, host } = await start(t);
	const { id, containers } = await capsules.create(me, template({ restartPolicy: 'Never' }));
	const waiting = capsules.wait(me, id, 'Running', 30_000, new AbortController().signal);
	await host.settle();
	assert.equal((await waiting).status, 'Running');
	const stopped = capsules.wait(me, id, 'Stopped', 30_000, new AbortController().signal);
	host.end(containers[0]?.id ?? '', 0);
	await host.settle();
	assert.equal((await stopped).status, 'Stopped');
	const never = await capsules.wait(me, id, 'Running', 30_000, new AbortController().signal);
	assert.equal(never.status, 'Stopped');
});

test('only so many unfinished operations of a capsule wait; a delete is always taken', async (t) => {
	const { capsules, host } = await start(t);
	const { id } = await capsules.create(me, template());
	await host.settle();
	for (let n = 0; n < 32; n += 1) await capsules.stop(me, id, { timeout: null });
	await assert.rejects(capsules.stop(me, id, { timeout: null }), code('too-many-requests'));
	await capsules.delete(me, id);
	await host.settle();
	await assert.rejects(capsules.show(me, id), code('capsule-not-found'));
});
