import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { RegistryControl } from '../../../src/control/registry-control.ts';
import { SqlRegistries } from '../../../src/control/sql-registries.ts';
import { ZunboxError } from '../../../src/model/errors.ts';
import { Secrets } from '../../../src/store/secrets.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

function code(expected: string) {
	return (error: unknown) => error instanceof ZunboxError && error.code === expected;
}

const me = principal('p1');
const login = { username: 'somebody', password: 'a-secret' };

async function world(t: TestContext) {
	const control = await startControl();
	t.after(() => control.close());
	await control.link.register(hostFacts('h1'));
	const folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-registries-'));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const secrets = await Secrets.open(folder);
	// The control under test reads what these sealed.
	const deps = { ...control.deps, registries: new SqlRegistries(secrets) };
	return { control, secrets, deps, registries: new RegistryControl(deps, secrets) };
}

describe('registries', () => {
	test('keep their password sealed, and open it for the pull only', async (t) => {
		const { control, deps, registries } = await world(t);
		const view = await registries.create(me, { domain: 'r.example:5000', ...login });
		assert.ok(!JSON.stringify(view).includes(login.password));
		const row = await control.store.db.selectFrom('registry').selectAll().executeTakeFirstOrThrow();
		assert.match(row.password, /^zbs1\./);
		assert.ok(!JSON.stringify(row).includes(login.password));
		assert.deepEqual(await deps.registries.auth(control.store.db, view.id), { domain: 'r.example:5000', ...login });
		await registries.update(me, view.id, { password: 'another' });
		assert.equal((await deps.registries.auth(control.store.db, view.id))?.password, 'another');
	});

	test('are so many in a project, and no more', async (t) => {
		const { registries } = await world(t);
		for (let n = 0; n < 100; n += 1) await registries.create(me, { domain: `r${n}.example` });
		await assert.rejects(registries.create(me, { domain: 'one.example' }), code('over-quota'));
		await registries.create(principal('p2'), { domain: 'one.example' });
	});

	test('without a login give none', async (t) => {
		const { control, deps, registries } = await world(t);
		const view = await registries.create(me, { domain: 'r.example' });
		assert.equal(view.username, null);
		assert.equal(await deps.registries.auth(control.store.db, view.id), null);
		assert.equal(await deps.registries.auth(control.store.db, 'gone'), null);
	});

	test('need the password again when their domain changes', async (t) => {
		const { registries } = await world(t);
		const { id } = await registries.create(me, { name: 'mine', domain: 'r.example', ...login });
		await assert.rejects(registries.update(me, 'mine', { domain: 'evil.example' }), code('invalid-value'));
		assert.equal((await registries.show(me, id)).domain, 'r.example');
		await registries.update(me, id, { domain: 'https://R.example/' });
		const moved = await registries.update(me, id, { domain: 'other.example', password: 'new' });
		assert.equal(moved.domain, 'other.example');
	});

	test('are their project’s own; an administrator finds all', async (t) => {
		const { registries } = await world(t);
		const { id } = await registries.create(me, { name: 'mine', domain: 'r.example', ...login });
		const stranger = principal('p2');
		for (const ref of [id, 'mine']) {
			await assert.rejects(registries.show(stranger, ref), code('registry-not-found'));
			await assert.rejects(registries.update(stranger, ref, { name: 'yours' }), code('registry-not-found'));
			await assert.rejects(registries.delete(stranger, ref), code('registry-not-found'));
			assert.equal((await registries.show(principal('p2', ['admin']), ref)).id, id);
		}
		await registries.create(me, { name: 'mine', domain: 'other.example', ...login });
		await assert.rejects(registries.show(me, 'mine'), code('conflict'));
	});

	test('in use cannot be deleted', async (t) => {
		const { control, registries } = await world(t);
		const host = new ModelHost(control.link, 'h1');
		const { containers } = control.service;
		const { id } = await registries.create(me, { name: 'mine', domain: 'r.example', ...login });
		const used = await containers.create(me, { image: 'r.example/app', registry: 'mine', run: false });
		assert.equal(used.registryId, id);
		await assert.rejects(registries.delete(me, id), code('conflict'));
		await host.settle();
		await containers.delete(me, used.id, { force: true, stop: false, allProjects: false });
		await host.settle();
		await registries.delete(me, id);
		await assert.rejects(registries.show(me, id), code('registry-not-found'));
	});

	test('give their login to images of their own only', async (t) => {
		const control = await startControl();
		t.after(() => control.close());
		await control.link.register(hostFacts('h1'));
		const { containers } = control.service;
		const registries = new RegistryControl(control.deps, { seal: (secret) => `sealed:${secret}`, unseal: (sealed) => sealed.slice(7) });
		await registries.create(me, { name: 'mine', domain: 'r.example', ...login });
		const auth = async (sandboxId: string) => (await control.link.sandbox('h1', sandboxId))?.containers[0]?.registryAuth;

		await assert.rejects(containers.create(me, { image: 'evil.example/app', registry: 'mine', run: true }), code('invalid-value'));
		await assert.rejects(containers.create(me, { image: 'app', registry: 'none', run: true }), code('registry-not-found'));
		const bare = await containers.create(me, { image: 'app:1', registry: 'mine', run: true });
		assert.equal(bare.image, 'r.example/app:1');
		assert.deepEqual(await auth(bare.sandboxId), { domain: 'r.example', ...login });

		await new ModelHost(control.link, 'h1').settle();
		await containers.rebuild(me, bare.id, { image: 'evil.example/app', imageDriver: null });
		assert.equal(await auth(bare.sandboxId), null);
	});
});
