import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Hosts } from '../../../src/control/hosts.ts';
import { LostHosts } from '../../../src/control/lost-hosts.ts';
import { eventsAfter } from '../../../src/store/events.ts';
import { hostFacts, principal, startControl } from '../../support/control.ts';
import { ModelHost } from '../../support/model-host.ts';

const me = principal('p1');

/** Two hosts with a running container each; the clock of silence moves only when the test says so. */
async function world(t: TestContext) {
	const control = await startControl();
	t.after(() => control.close());
	let elapsed = 0;
	const lost = new LostHosts(control.deps, () => elapsed);
	const hosts = { h1: new ModelHost(control.link, 'h1'), h2: new ModelHost(control.link, 'h2') };
	for (const name of ['h1', 'h2'] as const) await control.link.register(hostFacts(name));
	const run = async (host: 'h1' | 'h2', fields: object = {}) => {
		const made = await control.service.containers.create(me, { image: 'busybox', host, run: true, ...fields });
		await hosts[host].settle();
		return made;
	};
	const status = async ({ id }: { readonly id: string }) => (await control.service.containers.show(me, id)).status;
	const pass = (ms: number) => {
		elapsed += ms;
		control.advance(ms);
	};
	await lost.look();
	return { ...control, lost, hosts, run, status, pass, elapsed: () => elapsed };
}

describe('of a host that is silent', () => {
	test('what ran is Unknown with the name of the host; what was stopped stays so', async (t) => {
		const { lost, run, status, pass, link, service, store, hosts } = await world(t);
		const web = await run('h1');
		const held = await run('h1');
		const idle = await run('h1', { run: false });
		const elsewhere = await run('h2');
		await service.containers.pause(me, held.id);
		await new ModelHost(link, 'h1').settle();
		pass(59_000);
		await link.heartbeat('h2');
		await lost.look();
		assert.equal(await status(web), 'Running');
		pass(2_000);
		await lost.look();
		assert.deepEqual(await Promise.all([web, held, idle, elsewhere].map(status)), ['Unknown', 'Unknown', 'Created', 'Running']);
		const { statusReason, sandboxId } = await service.containers.show(me, web.id);
		assert.match(statusReason ?? '', /^Host h1 is silent \(last heard of at 20\d\d-.*\): nothing is known/);
		const sandbox = await service.sandboxes.show(me, sandboxId);
		assert.deepEqual([sandbox.status, sandbox.statusReason], ['Unknown', statusReason]);
		const told = (await eventsAfter(store.db, 0, 'p1', 1000)).filter((event) => event.status === 'Unknown' && event.containerId === web.id);
		assert.deepEqual(
			told.map(({ kind, reason }) => [kind, reason]),
			[['container.status', statusReason]],
		);
		const { seq } = (await eventsAfter(store.db, 0, null, 1000)).at(-1) ?? { seq: 0 };
		await lost.look();
		assert.deepEqual(await eventsAfter(store.db, seq, null, 1000), [], 'it is told once');
		// A report that was on its way when the host was given up.
		await hosts.h1.round();
		assert.equal(await status(web), 'Running');
		pass(6_000);
		await lost.look();
		assert.equal(await status(web), 'Unknown');
	});

	test('what can wait is taken on meanwhile, and all is as it was when the host is back', async (t) => {
		const { lost, run, status, pass, link, service, hosts } = await world(t);
		const web = await run('h1');
		const job = await run('h1');
		pass(61_000);
		await lost.look();
		await service.containers.stop(me, job.id, { timeout: null });
		const before = new Map((await link.assignments('h1')).map(({ sandboxId, version }) => [sandboxId, version]));
		await link.heartbeat('h1');
		await lost.look();
		const asked = (await link.assignments('h1')).filter(({ sandboxId, version }) => version > (before.get(sandboxId) ?? 0));
		assert.equal(asked.length, 2, 'the agent is to look at both again');
		assert.equal((await link.sandbox('h1', web.sandboxId))?.tellAgain, true);
		await hosts.h1.round();
		assert.deepEqual([await status(web), await status(job)], ['Running', 'Stopped']);
		assert.equal((await service.containers.show(me, web.id)).statusReason, null);
		assert.equal((await service.sandboxes.show(me, web.sandboxId)).status, 'Running');
		assert.equal((await link.sandbox('h1', web.sandboxId))?.tellAgain, false);
	});

	test('where the agent cannot be asked when it is back, the next look does', async (t) => {
		const { deps, pass, run, link, elapsed } = await world(t);
		let failures = 0;
		let asked = 0;
		const store = new Proxy(deps.store, {
			get(target, name) {
				const value: unknown = Reflect.get(target, name, target);
				if (typeof value !== 'function') return value;
				if (name !== 'transaction') return value.bind(target);
				return (...work: unknown[]) => {
					if (failures === 0) {
						asked += 1;
						return Reflect.apply(value, target, work);
					}
					failures -= 1;
					return Promise.reject(new Error('the disk is full'));
				};
			},
		});
		const lost = new LostHosts({ ...deps, store }, elapsed);
		await lost.look();
		await run('h1');
		pass(61_000);
		await link.heartbeat('h2');
		await lost.look();
		await link.heartbeat('h1');
		failures = 1;
		await assert.rejects(lost.look(), /the disk is full/);
		asked = 0;
		await lost.look();
		assert.equal(asked, 1);
		await lost.look();
		assert.equal(asked, 1, 'it is asked once');
	});

	test('a clock that was set, or a service that was away, is no silence', async (t) => {
		const { deps, lost, run, status, advance } = await world(t);
		const web = await run('h1');
		advance(3_600_000);
		await lost.look();
		assert.equal(await status(web), 'Running');
		let elapsed = 0;
		const next = new LostHosts(deps, () => elapsed);
		await next.look();
		assert.equal(await status(web), 'Running');
		elapsed = 61_000;
		await next.look();
		assert.equal(await status(web), 'Unknown');
	});
});

test('what runs on a host that is declared dead is Unknown at once, more of it than fits one transaction too', async (t) => {
	const { deps, lost, status, service, hosts, link } = await world(t);
	const made = [];
	for (let n = 0; n < 60; n += 1) made.push(await service.containers.create(me, { image: 'busybox', host: 'h1', run: true }));
	await hosts.h1.settle();
	const administrators = new Hosts(deps, 60_000);
	await administrators.forceDown('h1', true);
	await lost.look();
	assert.deepEqual([...new Set(await Promise.all(made.map(status)))], ['Unknown']);
	assert.match((await service.containers.show(me, made[0]?.id ?? '')).statusReason ?? '', /^Host h1 was declared dead/);
	await administrators.forceDown('h1', false);
	await lost.look();
	await link.heartbeat('h1');
	await hosts.h1.round();
	assert.deepEqual([...new Set(await Promise.all(made.map(status)))], ['Running']);
});
