import assert from 'node:assert/strict';
import os from 'node:os';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { archiveStat, unixMode } from '../../../src/drivers/docker/archive.ts';
import { BoundedOutput } from '../../../src/drivers/docker/bounded-output.ts';
import { limitWrites, parentName, sliceProperties } from '../../../src/drivers/docker/cgroup/layout.ts';
import { groupsOf, usageOf } from '../../../src/drivers/docker/cgroup/usage.ts';
import { containerConfig } from '../../../src/drivers/docker/container-config.ts';
import { field, text, time } from '../../../src/drivers/docker/engine/json.ts';
import { createdLimits, unlimitedMemory, updatedLimits } from '../../../src/drivers/docker/engine-limits.ts';
import { driverEvent } from '../../../src/drivers/docker/events.ts';
import { supportsDiskQuota } from '../../../src/drivers/docker/facts.ts';
import { splitReference } from '../../../src/drivers/docker/image-reference.ts';
import { labels } from '../../../src/drivers/docker/names.ts';
import { settingsFor } from '../../../src/drivers/docker/privileges.ts';
import { PullProgressCounter } from '../../../src/drivers/docker/pull-progress.ts';
import { holderLimits, recordedLimits, sandboxConfig } from '../../../src/drivers/docker/sandbox-config.ts';
import { readSettings } from '../../../src/drivers/docker/settings.ts';
import { containerState, sandboxState } from '../../../src/drivers/docker/state.ts';
import { networkBytes, rateOf, statsOf } from '../../../src/drivers/docker/stats.ts';
import { freezers } from '../../../src/drivers/docker/thaw.ts';
import type { ContainerSettings } from '../../../src/drivers/driver.ts';

const settings: ContainerSettings = {
	id: 'c1',
	sandboxId: 's1',
	name: 'web',
	revision: 3,
	image: 'busybox',
	command: ['sleep', '1'],
	entrypoint: null,
	workdir: null,
	hostname: 'own',
	environment: { A: 'x=y z' },
	labels: { 'zunbox.owner': 'evil', plain: 'v' },
	interactive: true,
	tty: false,
	privileged: false,
	runtime: null,
	ipc: true,
	pid: false,
	healthcheck: { test: 'true', interval: 30, timeout: 1.5, retries: 3 },
	exposedPorts: ['80/tcp', '53/udp'],
	mounts: [{ source: '/data', destination: '/mnt', readOnly: true }],
	cpu: 1.5,
	memory: 64,
	disk: null,
	pids: null,
};
const place = {
	owner: 'me',
	holder: 'abc',
	cgroupParent: '/zunbox/me/s1',
	privileged: { Privileged: true },
	imageHealthCheck: undefined,
	log: { logMaxSize: '10m', logMaxFiles: 3 },
};

describe('a container for the engine', () => {
	test("carries our marks, which its user's labels cannot change", () => {
		const marks = field(containerConfig(settings, place), 'Labels');
		assert.equal(text(marks, labels.owner), 'me');
		assert.equal(text(marks, 'zunbox.label.zunbox.owner'), 'evil');
		assert.equal(text(marks, 'zunbox.label.plain'), 'v');
		for (const label of Object.values(labels)) assert.notEqual(field(marks, label), undefined, label);
	});

	test('is made of the image that was found under the name, whatever the name stands for by now', () => {
		assert.equal(text(containerConfig(settings, place), 'Image'), settings.image);
		const config = containerConfig({ ...settings, imageId: 'sha256:0123' }, place);
		assert.equal(text(config, 'Image'), 'sha256:0123');
		assert.equal(text(config, 'Labels', labels.image), settings.image);
	});

	test('joins the holder, is limited and cannot gain privileges', () => {
		const host = field(containerConfig(settings, place), 'HostConfig');
		assert.equal(text(host, 'NetworkMode'), 'container:abc');
		assert.equal(text(host, 'IpcMode'), 'container:abc');
		assert.equal(text(host, 'PidMode'), '');
		assert.deepEqual(field(host, 'SecurityOpt'), ['no-new-privileges']);
		assert.equal(field(host, 'CpuQuota'), 150_000);
		assert.equal(field(host, 'Memory'), 64 * 1024 * 1024);
		assert.equal(field(host, 'MemorySwap'), 64 * 1024 * 1024);
		assert.equal(field(host, 'PidsLimit'), undefined);
		assert.equal(field(host, 'StorageOpt'), undefined);
		assert.equal(text(host, 'RestartPolicy', 'Name'), 'no');
		assert.deepEqual(field(host, 'LogConfig', 'Config'), { 'max-size': '10m', 'max-file': '3', compress: 'true' });
	});

	test('is asked nothing that the engine refuses for one that joins a network', () => {
		const config = containerConfig(settings, place);
		for (const name of ['Hostname', 'ExposedPorts']) assert.equal(field(config, name), undefined);
		assert.deepEqual(field(config, 'Env'), ['A=x=y z']);
		assert.equal(field(config, 'Healthcheck', 'Timeout'), 1_500_000_000);
	});

	test('is not checked more often than each second, whatever it or its image says', () => {
		const second = 1_000_000_000;
		const fast = { Test: ['CMD', 'true'], Interval: 1_000_000, Timeout: 1_000_000, StartInterval: 5, Retries: 3 };
		const slow = { Test: ['CMD', 'true'], Interval: 5 * second, Timeout: 0 };
		const health = (own: typeof settings.healthcheck | null, imageHealthCheck: unknown) =>
			field(containerConfig({ ...settings, healthcheck: own }, { ...place, imageHealthCheck }), 'Healthcheck');
		const raised = { Interval: second, Timeout: second, StartInterval: second };
		assert.deepEqual(health(null, fast), raised);
		for (const ofImage of [slow, undefined, null, {}]) assert.equal(health(null, ofImage), undefined);
		const own = { Test: ['CMD-SHELL', 'true'], Interval: second, Timeout: 30 * second, Retries: 2 };
		assert.deepEqual(health({ test: 'true', interval: 0.1, timeout: 30, retries: 2 }, slow), own);
		assert.deepEqual(health({ test: 'true', interval: 0.1, timeout: 30, retries: 2 }, fast), { ...own, StartInterval: second });
	});

	test('without limits is made without and lifts those that it may have', () => {
		const none = { cpu: null, memory: null, pids: null };
		assert.deepEqual(createdLimits(none), {});
		assert.deepEqual(updatedLimits(none), {
			CpuPeriod: 100_000,
			CpuQuota: -1,
			Memory: unlimitedMemory,
			MemorySwap: unlimitedMemory,
			PidsLimit: -1,
		});
	});
});

test("a sandbox's limits are read back from its holder", () => {
	for (const limits of [
		{ cpu: 0.5, memory: 64 },
		{ cpu: null, memory: null },
		{ cpu: 2, memory: null },
	]) {
		assert.deepEqual(recordedLimits({ HostConfig: createdLimits(holderLimits(limits)) }), limits);
		assert.deepEqual(recordedLimits({ HostConfig: updatedLimits(holderLimits(limits)) }), limits);
	}
});

test('a holder has no capability, no way to write and no network', () => {
	const config = sandboxConfig(
		{
			id: 's1',
			name: 'n',
			hostname: 'h',
			ipc: true,
			pid: true,
			runtime: null,
			cpu: null,
			memory: null,
			hostsFile: '/a/hosts',
			resolvFile: '/a/resolv',
		},
		'me',
		'sha256:1',
		'/p',
	);
	const host = field(config, 'HostConfig');
	assert.deepEqual(field(host, 'CapDrop'), ['ALL']);
	assert.equal(field(host, 'ReadonlyRootfs'), true);
	assert.equal(text(host, 'NetworkMode'), 'none');
	assert.equal(text(host, 'IpcMode'), 'shareable');
});

test('privileged is all that the host has', () => {
	assert.deepEqual(settingsFor('000001ffffffffff', 40), { Privileged: true });
	assert.deepEqual(settingsFor(null, 40), { Privileged: true });
	const without = settingsFor('000001fffeffffff', 40);
	assert.deepEqual(field(without, 'CapDrop'), ['SYS_RESOURCE']);
	assert.equal(field(without, 'Privileged'), undefined);
});

describe('states', () => {
	const marks = {
		[labels.container]: 'c1',
		[labels.sandbox]: 's1',
		[labels.revision]: '3',
		[labels.ports]: '80/tcp',
		[labels.hostname]: '',
	};
	const config = { Labels: marks, Cmd: ['a'], Entrypoint: null, WorkingDir: '', Hostname: 'h', ExposedPorts: { '443/tcp': {} } };
	const never = '0001-01-01T00:00:00Z';

	test('of one that runs, has ended and could not start', () => {
		const host = { NetworkMode: 'container:abc' };
		const began = '2026-01-02T03:04:05.123456789Z';
		const running = { Status: 'running', ExitCode: 0, StartedAt: began, FinishedAt: began, Health: { Status: 'healthy' } };
		const seen = containerState({ Id: 'e1', State: running, Config: config, HostConfig: host }, 'abc');
		assert.equal(seen.status, 'running');
		assert.equal(seen.exitCode, null);
		assert.equal(seen.finishedAt, null);
		assert.equal(seen.startedAt, Date.UTC(2026, 0, 2, 3, 4, 5, 123));
		assert.equal(seen.health, 'healthy');
		assert.deepEqual(seen.ports, [80, 443]);
		assert.equal(seen.revision, 3);
		assert.equal(seen.joinsCurrentSandbox, true);

		const ended = { Status: 'exited', ExitCode: 137, OOMKilled: true, StartedAt: began, FinishedAt: began };
		const stopped = containerState({ State: ended, Config: config, HostConfig: host }, 'another');
		assert.equal(stopped.status, 'stopped');
		assert.equal(stopped.exitCode, 137);
		assert.equal(stopped.oomKilled, true);
		assert.equal(stopped.joinsCurrentSandbox, false);

		const broken = { Status: 'created', ExitCode: 127, Error: 'exec not found', StartedAt: never, FinishedAt: never };
		const created = containerState({ State: broken, Config: config, HostConfig: host }, null);
		assert.equal(created.status, 'created');
		assert.equal(created.error, 'exec not found');
		assert.equal(created.exitCode, 127);
		assert.equal(created.startedAt, null);
	});

	test('of a holder', () => {
		const state = (Status: string): unknown => ({ State: { Status, StartedAt: never, FinishedAt: never }, Config: config });
		const pairs = [
			['created', 'created'],
			['running', 'running'],
			['paused', 'paused'],
			['exited', 'stopped'],
			['dead', 'stopped'],
		] as const;
		for (const [engine, ours] of pairs) assert.equal(sandboxState(state(engine)).status, ours);
	});
});

test('times that are none are null', () => {
	for (const value of ['', 'x', '0001-01-01T00:00:00Z', null, 7]) assert.equal(time({ value }, 'value'), null);
});

test('references are split at the tag, not at the port of the registry', () => {
	assert.deepEqual(splitReference('busybox'), { repository: 'busybox', tag: 'latest' });
	assert.deepEqual(splitReference('127.0.0.1:5000/a/b'), { repository: '127.0.0.1:5000/a/b', tag: 'latest' });
	assert.deepEqual(splitReference('127.0.0.1:5000/a/b:c'), { repository: '127.0.0.1:5000/a/b', tag: 'c' });
	assert.deepEqual(splitReference('a/b@sha256:12'), { repository: 'a/b', tag: 'sha256:12' });
});

describe('progress of a pull', () => {
	test('counts layers by their ids and bytes by their downloads', () => {
		const counter = new PullProgressCounter();
		const line = (id: string, status: string, current = 0, total = 0): boolean =>
			counter.add({ id, status, progressDetail: { current, total } });
		assert.equal(line('latest', 'Pulling from library/x'), false);
		line('a', 'Pulling fs layer');
		line('b', 'Already exists');
		line('a', 'Downloading', 50, 200);
		assert.deepEqual(counter.totals(), { layersDone: 1, layersTotal: 2, bytesDone: 50, bytesTotal: 200 });
		line('a', 'Download complete');
		line('a', 'Extracting', 10, 200);
		assert.deepEqual(counter.totals(), { layersDone: 1, layersTotal: 2, bytesDone: 200, bytesTotal: 200 });
		line('a', 'Pull complete');
		assert.deepEqual(counter.totals(), { layersDone: 2, layersTotal: 2, bytesDone: 200, bytesTotal: 200 });
		assert.equal(counter.add({ status: 'Digest: sha256:1' }), false);
	});

	test('never goes back, and is never more than all', () => {
		const status = fc.constantFrom('Pulling fs layer', 'Downloading', 'Download complete', 'Extracting', 'Pull complete', 'Already exists');
		const line = fc.record({ id: fc.constantFrom('a', 'b', 'c'), status, current: fc.nat(100), total: fc.nat(100) });
		fc.assert(
			fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
				const counter = new PullProgressCounter();
				let before = counter.totals();
				for (const { id, status, current, total } of lines) {
					counter.add({ id, status, progressDetail: { current, total } });
					const now = counter.totals();
					assert.ok(now.layersDone >= before.layersDone && now.bytesDone >= before.bytesDone);
					assert.ok(now.layersDone <= now.layersTotal && now.bytesDone <= now.bytesTotal);
					before = now;
				}
			}),
		);
	});
});

describe('statistics', () => {
	const sample = (cpu: number, system: number): unknown => ({ cpu_usage: { total_usage: cpu }, system_cpu_usage: system, online_cpus: 2 });

	test('show CPU as a rate over both samples', () => {
		assert.equal(statsOf({ cpu_stats: sample(300, 2_000), precpu_stats: sample(100, 1_000) }).cpuPercent, 40);
	});

	test('are numbers whatever the engine leaves out', () => {
		for (const odd of [{}, null, { cpu_stats: sample(1, 1) }, { cpu_stats: sample(1, 5), precpu_stats: sample(9, 5) }]) {
			for (const value of Object.values(statsOf(odd))) assert.ok(Number.isFinite(value) && value >= 0);
		}
	});

	test('are read from the files of control groups of either version', () => {
		const read = (table: Readonly<Record<string, string>>) => usageOf((controller, file) => table[`${controller}/${file}`] ?? '');
		const used = { cpuTime: 5000, memoryUsed: 60, memoryLimit: 4096, blockRead: 30, blockWritten: 3, pids: 2 };
		const one = {
			'cpuacct/cpuacct.usage': '5000\n',
			'memory/memory.usage_in_bytes': '100\n',
			'memory/memory.limit_in_bytes': '4096\n',
			'memory/memory.stat': 'inactive_file 7\ntotal_inactive_file 40\n',
			'blkio/blkio.throttle.io_service_bytes': '8:0 Read 10\n8:0 Write 3\n8:0 Total 13\n8:16 Read 20\nTotal 33\n',
			'pids/pids.current': '2\n',
		};
		assert.deepEqual(read(one), used);
		assert.equal(read({ ...one, 'memory/memory.limit_in_bytes': '9223372036854771712\n' })?.memoryLimit, Number.POSITIVE_INFINITY);
		const two = {
			'/cpu.stat': 'usage_usec 5\nuser_usec 3\n',
			'/memory.current': '100\n',
			'/memory.max': '4096\n',
			'/memory.stat': 'inactive_file 40\n',
			'/io.stat': '8:0 rbytes=10 wbytes=3 rios=1\n8:16 rbytes=20 wbytes=0 rios=1\n',
			'/pids.current': '2\n',
		};
		assert.deepEqual(read(two), used);
		assert.equal(read({ ...two, '/memory.max': 'max\n' })?.memoryLimit, Number.POSITIVE_INFINITY);
		assert.equal(read({}), null);
		assert.deepEqual([...groupsOf('4:cpu,cpuacct:/a/b\n0::/c\n')], Object.entries({ cpu: '/a/b', cpuacct: '/a/b', '': '/c' }));
	});

	test('show CPU as what was used between two looks', () => {
		const look = { cpuTime: 1e9, memoryUsed: 1, memoryLimit: Number.POSITIVE_INFINITY, blockRead: 0, blockWritten: 0, pids: 1 };
		const rate = rateOf(look, { ...look, cpuTime: 2e9 }, 2000);
		assert.equal(rate.cpuPercent, 50);
		assert.equal(rate.memoryLimit, os.totalmem());
		assert.equal(rateOf({ ...look, cpuTime: 9e9 }, look, 1000).cpuPercent, 0);
	});

	test('add up the interfaces of the sandbox but not its loopback', () => {
		const table = [
			'Inter-|   Receive                |  Transmit',
			' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
			'    lo:    1000      10    0    0    0     0          0         0     1000      10    0    0    0     0       0          0',
			'  eth0:     300       3    0    0    0     0          0         0      70       1    0    0    0     0       0          0',
			'  eth1:5        1    0    0    0     0          0         0      6       1    0    0    0     0       0          0',
		].join('\n');
		assert.deepEqual(networkBytes(table), { networkReceived: 305, networkSent: 76 });
	});
});

test("Go's file modes become Unix's", () => {
	assert.equal(unixMode(0o644), 0o100_644);
	assert.equal(unixMode(2 ** 31 + 0o755), 0o040_755);
	assert.equal(unixMode(2 ** 31 + 2 ** 20 + 0o777), 0o041_777);
	assert.equal(unixMode(2 ** 27 + 0o777), 0o120_777);
	assert.equal(unixMode(2 ** 23 + 0o755), 0o104_755);
	assert.equal(unixMode(2 ** 26 + 2 ** 21 + 0o666), 0o020_666);
	assert.equal(archiveStat({ name: 'a', size: 3, mode: 0o600, mtime: 'm', linkTarget: '' }).mode, 0o100_600);
});

describe('control groups', () => {
	const id = '0d9f3f0e-0000-4000-8000-000000000001';

	test('have a parent for each sandbox in either form', () => {
		assert.equal(parentName({ manager: 'cgroupfs', version: 1 }, 'me/../x', id), `/zunbox/me_.._x/${id}`);
		assert.equal(parentName({ manager: 'systemd', version: 2 }, 'a-b', id), 'zunbox-ab-0d9f3f0e000040008000000000000001.slice');
		assert.equal(parentName({ manager: 'none', version: 2 }, 'a', id), '');
	});

	test('are written in either version', () => {
		const values = (version: 1 | 2, cpu: number | null, memory: number | null): readonly string[] =>
			limitWrites(version, { cpu, memory }).map(({ file, value }) => `${file}=${value}`);
		assert.deepEqual(values(2, 0.5, 64), ['cpu.max=50000 100000', 'memory.max=67108864', 'memory.swap.max=0']);
		assert.deepEqual(values(2, null, null), ['cpu.max=max 100000', 'memory.max=max', 'memory.swap.max=max']);
		assert.ok(values(1, 2, 64).includes('cpu.cfs_quota_us=200000'));
		assert.ok(values(1, null, null).includes('memory.limit_in_bytes=-1'));
		assert.deepEqual(sliceProperties(2, { cpu: 1.5, memory: null }), ['CPUQuota=150%', 'MemoryMax=infinity', 'MemorySwapMax=infinity']);
	});

	test('are found frozen through the files of either version', () => {
		assert.equal(freezers('6:freezer:/zunbox/a/b\n0::/x')[0]?.file, '/sys/fs/cgroup/freezer/zunbox/a/b/freezer.state');
		assert.equal(freezers('0::/zunbox/a')[0]?.file, '/sys/fs/cgroup/zunbox/a/cgroup.freeze');
	});
});

test('events name the sandbox and container', () => {
	const Attributes = { [labels.kind]: 'container', [labels.sandbox]: 's1', [labels.container]: 'c1' };
	const message = { Type: 'container', Action: 'health_status: healthy', Actor: { ID: 'e', Attributes } };
	assert.deepEqual(driverEvent(message), { kind: 'container', sandboxId: 's1', containerId: 'c1', action: 'health' });
	assert.equal(driverEvent({ Action: 'start', Actor: { Attributes: {} } }), null);
});

test('output is kept up to its limit and says that there was more', () => {
	const output = new BoundedOutput(5);
	output.add({ stream: 'stdout', bytes: Buffer.from('abc') });
	output.add({ stream: 'stderr', bytes: Buffer.from('defg') });
	output.add({ stream: 'stdout', bytes: Buffer.from('h') });
	const result = output.result();
	assert.equal(Buffer.from(result.output).toString(), 'abcde');
	assert.equal(Buffer.from(result.stderr).toString(), 'de');
	assert.equal(result.truncated, true);
});

test('disk quota is known by the storage driver and the mount', () => {
	const info = { Driver: 'overlay2', DriverStatus: [['Backing Filesystem', 'xfs']] };
	assert.equal(supportsDiskQuota(info, '/var/lib/docker', '/dev/a / ext4 rw 0 0\n/dev/b /var/lib/docker xfs rw,prjquota 0 0'), true);
	assert.equal(supportsDiskQuota(info, '/var/lib/docker', '/dev/a / xfs rw,noquota 0 0'), false);
	assert.equal(supportsDiskQuota({ Driver: 'btrfs' }, '/x', ''), true);
});

test('settings that are none are refused by name', () => {
	assert.equal(readSettings({}).socket, '/var/run/docker.sock');
	assert.equal(readSettings({ socket: 'unix:///run/d.sock' }).socket, '/run/d.sock');
	assert.throws(() => readSettings({ sokcet: '/x' }), /sokcet/);
	assert.throws(() => readSettings({ logMaxSize: 'big' }), /logMaxSize/);
	assert.throws(() => readSettings({ logMaxFiles: 0 }), /logMaxFiles/);
});
