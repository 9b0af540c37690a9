import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { containersOf, engine, engineOk, ensureBusybox, pushImage, removeImage, sweepOwner, testOwner } from '../../support/docker.ts';
import { Registry } from '../../support/registry.ts';

function pull(reference: string, login?: { username: string; password: string }) {
	const auth = Buffer.from(JSON.stringify(login ?? {})).toString('base64url');
	return engine('POST', `/images/create?fromImage=${encodeURIComponent(reference)}`, { headers: { 'x-registry-auth': auth } });
}

describe('the registry that tests use', () => {
	test('gives back what was pushed, also after a restart at the same address', async (t) => {
		const registry = new Registry();
		t.after(() => registry.remove());
		await registry.start();
		const reference = `${registry.address}/some/busybox:1`;
		t.after(() => removeImage(reference));
		await pushImage(await ensureBusybox(), reference);
		const { address } = registry;
		await registry.stop();
		assert.notEqual((await pull(reference)).status, 200);
		await registry.start();
		assert.equal(registry.address, address);
		assert.match((await pull(reference)).text, /Downloaded newer image|Image is up to date/);
		await engineOk('GET', `/images/${reference}/json`);
	});

	test('with a login lets nobody else in', async (t) => {
		const login = { username: 'somebody', password: "it's a: secret" };
		const registry = new Registry(login);
		t.after(() => registry.remove());
		await registry.start();
		const reference = `${registry.address}/private/busybox:1`;
		t.after(() => removeImage(reference));
		const image = await ensureBusybox();
		await assert.rejects(pushImage(image, reference), /no basic auth|unauthorized|authentication required/i);
		await pushImage(image, reference, login);
		assert.notEqual((await pull(reference)).status, 200);
		assert.notEqual((await pull(reference, { ...login, password: 'wrong' })).status, 200);
		assert.equal((await pull(reference, login)).status, 200);
	});
});

test('a sweep removes what bears the owner, and nothing else', async (t) => {
	const image = await ensureBusybox();
	const [mine, others] = [testOwner(), testOwner()];
	t.after(() => Promise.all([mine, others].map((owner) => sweepOwner(owner))));
	for (const owner of [mine, others]) {
		const created = await engineOk('POST', `/containers/create?name=${owner}`, {
			body: { Image: image, Cmd: ['sleep', '600'], Labels: { 'zunbox.owner': owner }, HostConfig: { NetworkMode: 'none' } },
		});
		await engineOk('POST', `/containers/${/"Id":"(\w+)"/.exec(created.text)?.[1] ?? ''}/start`);
	}
	assert.equal((await containersOf(mine)).length, 1);
	await sweepOwner(mine);
	assert.deepEqual(await containersOf(mine), []);
	assert.equal((await containersOf(others)).length, 1);
});
