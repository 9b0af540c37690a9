import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { committedReference, fullReference } from '../../../src/control/project-images.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import type { ContainerSpec } from '../../../src/model/spec.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

async function start(t: TestContext) {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const host = new ModelHost(control.link, 'h1');
	const told = async (project: string, image: string, extra: object = {}): Promise<ContainerSpec> => {
		const view = await control.service.containers.create(principal(project), { image, run: true, ...extra });
		const spec = await control.link.sandbox('h1', view.sandboxId);
		const container = spec?.containers.find((candidate) => candidate.id === view.id);
		assert.ok(container);
		return container;
	};
	return { ...control, host, told };
}

const forms: readonly [given: string, full: string][] = [
	['nginx', 'docker.io/library/nginx:latest'],
	['nginx:1', 'docker.io/library/nginx:1'],
	['team/app', 'docker.io/team/app:latest'],
	['docker.io/nginx', 'docker.io/library/nginx:latest'],
	['index.docker.io/library/nginx:latest', 'docker.io/library/nginx:latest'],
	['127.0.0.1:5000/app', '127.0.0.1:5000/app:latest'],
	['registry.example/a/b@sha256:00', 'registry.example/a/b@sha256:00'],
];

for (const [given, full] of forms) {
	test(`${given} is ${full}`, () => assert.equal(fullReference(given), full));
}

test('a committed image is named so that it takes no other image’s place', () => {
	assert.equal(committedReference('p1', 'zunbox/pause', 'x'), 'zunbox.local/p1/zunbox/pause:x');
	assert.equal(committedReference('p1', '127.0.0.1:5000/app', '1'), 'zunbox.local/p1/127.0.0.1_5000/app:1');
	for (const name of ['', 'Upper', 'a//b', '/a', 'a/', '../a', 'a b', 'a:b/c@d', '-a', `${'a/'.repeat(3)}`]) {
		assert.throws(() => committedReference('p1', name, 'latest'), code('invalid-value'), name);
	}
	for (const tag of ['', '-x', 'a/b', 'a'.repeat(129)]) assert.throws(() => committedReference('p1', 'a', tag), code('invalid-value'), tag);
});

test('only its project makes containers of what it committed; nobody names it by its name in the engine', async (t) => {
	const { told, store } = await start(t);
	await store.transaction(async (tx) => {
		const row = {
			project_id: 'p1',
			reference: fullReference('app:1'),
			host: 'h1',
			engine_reference: 'zunbox.local/p1/app:1',
			created_at: 0,
		};
		await tx.insertInto('committed_image').values(row).execute();
	});
	const own = await told('p1', 'app:1', { imagePullPolicy: 'always' });
	assert.deepEqual([own.image, own.imagePullPolicy], ['zunbox.local/p1/app:1', 'never']);
	const foreign = await told('p2', 'app:1');
	assert.deepEqual([foreign.image, foreign.imagePullPolicy], ['app:1', 'ifnotpresent']);
	await assert.rejects(told('p1', 'zunbox.local/p1/app:1'), code('image-not-found'));
	await assert.rejects(told('p2', 'ZUNBOX.local/p1/app:1'), code('image-not-found'));
});

test('who was not shown to may have a private image must pull it', async (t) => {
	const { told, store, host } = await start(t);
	await store.transaction(async (tx) => {
		const common = { user_id: 'u', domain: 'reg.example', username: 'x', password: 'sealed:y', created_at: 0, updated_at: 0 };
		await tx
			.insertInto('registry')
			.values([
				{ id: 'r1', name: 'mine', project_id: 'p1', ...common },
				{ id: 'r2', name: 'theirs', project_id: 'p2', ...common },
			])
			.execute();
	});
	const image = 'reg.example/app:1';
	assert.equal((await told('p1', image, { registry: 'r1' })).imagePullPolicy, 'ifnotpresent');
	await host.settle();
	assert.equal((await told('p1', image)).imagePullPolicy, 'ifnotpresent');
	assert.equal((await told('p2', image)).imagePullPolicy, 'always');
	assert.equal((await told('p2', image, { imagePullPolicy: 'never' })).imagePullPolicy, 'always');
	for (const other of ['reg.example/app@sha256:00', 'reg.example/app:1@sha256:00', 'reg.example/app']) {
		assert.equal((await told('p2', other)).imagePullPolicy, 'always', other);
	}
	// Naming a registry is not yet to have been let in.
	assert.equal((await told('p2', image, { registry: 'r2' })).imagePullPolicy, 'always');
	assert.equal((await told('p2', 'busybox')).imagePullPolicy, 'ifnotpresent');
});

test('what was pulled with a login is private whatever came of the container', async (t) => {
	const { told, host } = await start(t);
	const image = 'reg.example/app:1';
	host.loginPulls.add(image);
	host.failures.set('container.create', 'no such program');
	await told('p1', image);
	assert.equal((await told('p2', image)).imagePullPolicy, 'ifnotpresent');
	await host.settle();
	assert.equal((await told('p3', image)).imagePullPolicy, 'always');
});

test('what an engine could take for an image’s id is asked for as a name: by its id nobody gets another project’s image', async (t) => {
	const { told } = await start(t);
	for (const [given, asked] of [
		['cafe', 'docker.io/library/cafe:latest'],
		['sha256:0e69', 'docker.io/library/sha256:0e69'],
		['0e69864fc2e0e75ada38259b351575f1944574b501480f95024e572d78930fc7', undefined],
		['cafe:1', 'cafe:1'],
		['team/cafe', 'team/cafe'],
	] as const) {
		const container = await told('p1', given, { imagePullPolicy: 'never' });
		assert.deepEqual([container.image, container.imagePullPolicy], [asked ?? `docker.io/library/${given}:latest`, 'never']);
	}
});
