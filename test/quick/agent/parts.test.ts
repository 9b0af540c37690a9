import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { DriverAgentLink } from '../../../src/agent/agent-link.ts';
import {
	nameContents,
	nameFilePaths,
	readNameFiles,
	renderHosts,
	renderResolv,
	writeNameFiles,
} from '../../../src/agent/hooks/name-files.ts';
import { runAll } from '../../../src/agent/hooks/run-all.ts';
import type { HostNetworking } from '../../../src/agent/network/host-networking.ts';
import { NoNetworking } from '../../../src/agent/network/no-networking.ts';
import { NetworkSync } from '../../../src/agent/network-sync.ts';
import { Limiter } from '../../../src/agent/run/limiter.ts';
import { DriverError } from '../../../src/drivers/driver.ts';
import { createDriver } from '../../../src/drivers/fake/index.ts';
import type { HostNetworkSpec } from '../../../src/model/spec.ts';

const never = new AbortController().signal;

describe('Limiter', () => {
	test('lets so many run at once, the others in order', async () => {
		const limiter = new Limiter(2);
		const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
		const begun: number[] = [];
		const all = gates.map(({ promise }, n) =>
			limiter.run(async () => {
				begun.push(n);
				await promise;
			}, never),
		);
		await new Promise(setImmediate);
		assert.deepEqual(begun, [0, 1]);
		gates[1]?.resolve();
		await new Promise(setImmediate);
		assert.deepEqual(begun, [0, 1, 2]);
		for (const gate of gates) gate.resolve();
		await Promise.all(all);
		assert.deepEqual(begun, [0, 1, 2, 3]);
	});

	test('one group leaves room for the others', async () => {
		const limiter = new Limiter(3, 2);
		const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
		const begun: string[] = [];
		const all = ['a', 'a', 'a', 'b'].map((group, n) =>
			limiter.run(
				async () => {
					begun.push(`${group}${n}`);
					await gates[n]?.promise;
				},
				never,
				group,
			),
		);
		await new Promise(setImmediate);
		assert.deepEqual(begun, ['a0', 'a1', 'b3']);
		gates[3]?.resolve();
		await new Promise(setImmediate);
		assert.equal(begun.length, 3);
		for (const gate of gates) gate.resolve();
		await Promise.all(all);
		assert.deepEqual(begun, ['a0', 'a1', 'b3', 'a2']);
	});

	test('one that gives up waiting neither runs nor keeps a place', async () => {
		const limiter = new Limiter(1);
		const gate = Promise.withResolvers<void>();
		const first = limiter.run(() => gate.promise, never);
		const abort = new AbortController();
		const second = limiter.run(() => assert.fail('it ran'), abort.signal);
		abort.abort(new Error('enough'));
		await assert.rejects(second, /enough/);
		gate.resolve();
		await first;
		assert.equal(await limiter.run(async () => 'third', never), 'third');
	});

	test('a failure frees the place', async () => {
		const limiter = new Limiter(1);
		await assert.rejects(
			limiter.run(() => Promise.reject(new Error('no')), never),
			/no/,
		);
		assert.equal(await limiter.run(async () => 1, never), 1);
	});
});

describe('runAll', () => {
	test('runs all of it, and tells of every failure', async () => {
		const done: number[] = [];
		const work = [
			() => Promise.reject(new DriverError('unavailable', 'first')),
			async () => void done.push(2),
			() => Promise.reject(new Error('third')),
		];
		await assert.rejects(runAll(work), (error) => error instanceof DriverError && error.message === 'first; third' && !error.transient);
		assert.deepEqual(done, [2]);
	});

	test('what may pass as a whole may pass', async () => {
		const passing = () => Promise.reject(new DriverError('timeout', 'slow'));
		await assert.rejects(runAll([passing, passing]), (error) => error instanceof DriverError && error.transient);
	});
});

describe('name files', () => {
	test('hold localhost, the names and the resolvers', () => {
		const hosts = [{ address: 'fd00::2', names: ['a', 'a.example'] }];
		assert.equal(renderHosts({ hosts }), '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfd00::2\ta a.example\n');
		assert.equal(
			renderResolv({ dns: { nameservers: ['10.0.0.1', '10.0.0.2'], search: ['b.example'] } }),
			'search b.example\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n',
		);
		assert.equal(renderResolv({ dns: { nameservers: [], search: [] } }), '');
	});

	test('are not read when a container has made them too long to be ours, and are put right', async (t) => {
		const directory = await mkdtemp(path.join(tmpdir(), 'zunbox-names-'));
		t.after(() => rm(directory, { recursive: true }));
		const paths = nameFilePaths(directory, 'box');
		const names = { hosts: [], dns: { nameservers: ['192.0.2.1'], search: [] } };
		await writeNameFiles(paths, names);
		assert.equal(await readNameFiles(paths), nameContents(names));
		// Sparse: longer than any memory.
		await truncate(paths.hosts, 2 ** 40);
		assert.equal(await readNameFiles(paths), null);
		await writeNameFiles(paths, names);
		assert.equal(await readNameFiles(paths), nameContents(names));
	});
});

describe('NetworkSync', () => {
	const spec = (version: number): HostNetworkSpec => ({ version, networks: [], securityGroups: [], publishedPorts: [] });

	test('applies once for all who ask while it is busy, and what they ask for is in it', async () => {
		let version = 1;
		const gate = Promise.withResolvers<void>();
		const applied: number[] = [];
		const networking: HostNetworking = new NoNetworking();
		networking.apply = async ({ version: one }: HostNetworkSpec) => {
			if (applied.push(one) === 1) await gate.promise;
		};
		const link = { network: async (_: string, known: number | null) => (known === version ? null : spec(version)) };
		const sync = new NetworkSync(link, networking, () => 'host', never);
		const first = sync.refresh();
		await new Promise(setImmediate);
		version = 2;
		const others = [sync.refresh(), sync.refresh(), sync.refresh()];
		gate.resolve();
		await Promise.all([first, ...others]);
		assert.deepEqual(applied, [1, 2]);
		await sync.refresh();
		assert.deepEqual(applied, [1, 2]);
	});

	test('what could not be applied is asked for again', async () => {
		const known: (number | null)[] = [];
		const networking: HostNetworking = new NoNetworking();
		let fails = true;
		networking.apply = async () => {
			if (fails) throw new Error('the kernel says no');
		};
		const link = {
			network: async (_: string, version: number | null) => {
				known.push(version);
				return spec(7);
			},
		};
		const sync = new NetworkSync(link, networking, () => 'host', never);
		await assert.rejects(sync.refresh(), /the kernel says no/);
		fails = false;
		await sync.refresh();
		await sync.refresh();
		assert.deepEqual(known, [null, null, 7]);
	});

	test('control that is away is worth another try', async () => {
		const link = { network: () => Promise.reject(new Error('away')) };
		const sync = new NetworkSync(link, new NoNetworking(), () => 'host', never);
		await assert.rejects(sync.refresh(), (error) => error instanceof DriverError && error.transient);
	});
});

describe('DriverAgentLink', () => {
	test('refuses what the driver cannot do', async () => {
		const driver = await createDriver({ owner: 'test', stateDirectory: '/', settings: {} });
		Object.defineProperty(driver, 'capabilities', { value: { ...driver.capabilities, exec: false, commit: false } });
		const link = new DriverAgentLink(driver);
		const refused = (error: unknown) => error instanceof DriverError && error.code === 'unsupported';
		await assert.rejects(link.exec('x', { command: ['true'], timeout: 1000, maxOutput: 10 }, never), refused);
		await assert.rejects(link.commit('x', 'repository', 'tag', never), refused);
		await assert.rejects(link.top('x', null, never), (error) => error instanceof DriverError && error.code === 'not-found');
		assert.equal(link.images, driver.images);
	});
});
