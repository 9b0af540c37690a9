import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { isHealthy, ok, runChecks, warning } from '../../../src/doctor/check.ts';
import { dataDirectoryCheck, secretFileCheck, spaceCheck } from '../../../src/doctor/file-checks.ts';
import {
	bridgeFilterCheck,
	cgroupCheck,
	fileSystemCheck,
	linkCheck,
	loopCheck,
	nftablesCheck,
	overlayCheck,
	rootCheck,
} from '../../../src/doctor/kernel-checks.ts';
import { thisMachine } from '../../../src/doctor/machine.ts';
import { agentSocketCheck, driverCheck, engineStorageCheck, serviceCheck } from '../../../src/doctor/service-checks.ts';
import { expectOutcome, file, folder, machine, socket } from '../../support/doctor.ts';

const signal = new AbortController().signal;
const broken = machine({
	run: async (command) => {
		throw new Error(`${command}: no such thing`);
	},
	read: async () => null,
});
const gibibyte = 1024 ** 3;

describe('checks', () => {
	test('what needs something that failed is skipped, and so is what needs that', async () => {
		const looked: string[] = [];
		const check = (name: string, needs: readonly string[], look = async () => ok('fine')) => ({
			name,
			needs,
			advice: 'do',
			look: async () => {
				looked.push(name);
				return await look();
			},
		});
		const results = await runChecks(
			[
				check('a', [], async () => {
					throw new Error('one\n  two');
				}),
				check('b', ['a']),
				check('c', ['b']),
				check('d', []),
			],
			5000,
			signal,
		);
		assert.deepEqual(
			results.map(({ name, outcome, found, advice }) => [name, outcome, found, advice]),
			[
				['a', 'failed', 'one two', 'do'],
				['b', 'skipped', 'needs a', null],
				['c', 'skipped', 'needs b', null],
				['d', 'ok', 'fine', null],
			],
		);
		assert.deepEqual(looked.sort(), ['a', 'd']);
		assert.equal(isHealthy(results), false);
		assert.equal(isHealthy([{ name: 'x', ...warning('hm', 'look') }]), true);
	});

	test('one that has no end is cut', async () => {
		const hanging = {
			name: 'a',
			advice: 'wait',
			look: (stop: AbortSignal) => new Promise<never>((_, reject) => stop.addEventListener('abort', () => reject(stop.reason))),
		};
		const [result] = await runChecks([hanging], 50, signal);
		assert.equal(result?.found, 'no answer within 0.05 s');
	});
});

describe('checks of the kernel', () => {
	for (const [name, make, advice] of [
		['veth', (on: typeof broken) => linkCheck(on, 'veth'), /modprobe veth/],
		['bridge', (on: typeof broken) => linkCheck(on, 'bridge'), /modprobe bridge/],
		['nftables', nftablesCheck, /nf_tables/],
		['loop devices', loopCheck, /modprobe loop/],
		['ext4', fileSystemCheck, /e2fsprogs/],
	] as const) {
		test(name, async () => {
			await expectOutcome(make(machine()), 'ok', /./);
			await expectOutcome(make(broken), 'failed', /no such thing/, advice);
		});
	}

	test('root', async () => {
		await expectOutcome(rootCheck(machine()), 'ok', /root/);
		await expectOutcome(rootCheck(machine({ uid: 1000 })), 'failed', /not run as root/, /as root/);
	});

	test('what is not loaded is a warning', async () => {
		const bare = machine({ read: async () => 'nodev\tproc\n' });
		await expectOutcome(overlayCheck(machine()), 'ok', /known/);
		await expectOutcome(overlayCheck(bare), 'warning', /not loaded/, /modprobe overlay/);
		await expectOutcome(fileSystemCheck(bare), 'warning', /not loaded/, /modprobe ext4/);
	});

	test('control groups, of both versions', async () => {
		await expectOutcome(cgroupCheck(machine()), 'ok', /version 2/);
		const old = (enabled: string) =>
			machine({
				read: async (name) =>
					name === '/proc/cgroups' ? `#name\thierarchy\tgroups\tenabled\ncpu\t1\t9\t1\nmemory\t2\t9\t${enabled}\npids\t3\t9\t1\n` : null,
			});
		await expectOutcome(cgroupCheck(old('1')), 'ok', /version 1/);
		await expectOutcome(cgroupCheck(old('0')), 'failed', /without memory/, /enable memory/);
		await expectOutcome(cgroupCheck(machine({ read: async () => 'cpuset io\n' })), 'failed', /without cpu, memory, pids/, /enable/);
	});

	test('bridge filtering', async () => {
		await expectOutcome(bridgeFilterCheck(machine()), 'ok', /iptables sees/);
		await expectOutcome(bridgeFilterCheck(machine({ read: async () => '0\n' })), 'warning', /does not see/, /sysctl/);
		await expectOutcome(bridgeFilterCheck(machine({ read: async () => null })), 'warning', /not loaded/, /br_netfilter/);
	});
});

describe('checks of files', () => {
	test('the data directory', async () => {
		await expectOutcome(dataDirectoryCheck(machine(), '/d'), 'ok', /owner alone/);
		await expectOutcome(dataDirectoryCheck(machine({ stat: async () => null }), '/d'), 'warning', /not there/, /first start/);
		await expectOutcome(dataDirectoryCheck(machine({ stat: async () => file }), '/d'), 'failed', /no folder/, /move it/);
		await expectOutcome(dataDirectoryCheck(machine({ writable: async () => false }), '/d'), 'failed', /cannot be written/, /chown/);
		const open = machine({ stat: async () => ({ ...folder, mode: 0o755 }) });
		await expectOutcome(dataDirectoryCheck(open, '/d'), 'warning', /by others/, /chmod 700/);
	});

	test('files with secrets', async () => {
		const at = (facts: typeof file | null, content = 'pw') =>
			secretFileCheck(machine({ stat: async () => facts, read: async () => content }), 's', '/f');
		await expectOutcome(at(file), 'ok', /owner alone/);
		await expectOutcome(at(null), 'failed', /not there/, /chmod 600/);
		await expectOutcome(at(file, ' \n'), 'failed', /empty/, /write/);
		await expectOutcome(at({ ...file, mode: 0o640 }), 'failed', /by others/, /chmod 600/);
	});

	test('disk space', async () => {
		const of = (free: number, total: number) =>
			spaceCheck(machine({ space: async () => ({ free: free * gibibyte, total: total * gibibyte }) }), 'x', '/d');
		await expectOutcome(of(100, 200), 'ok', /100.0 of 200.0 GiB/);
		await expectOutcome(of(4, 10), 'warning', /4.0 of/, /make room/);
		await expectOutcome(of(20, 1000), 'warning', /20.0 of/, /make room/);
		await expectOutcome(of(0.5, 10), 'failed', /0.5 of/, /make room/);
		const asked: string[] = [];
		const partly = machine({
			stat: async (name) => (name === '/a' ? folder : null),
			space: async (name) => {
				asked.push(name);
				return { free: 100 * gibibyte, total: 100 * gibibyte };
			},
		});
		await expectOutcome(spaceCheck(partly, 'x', '/a/b/c'), 'ok', /./);
		assert.deepEqual(asked, ['/a']);
	});
});

describe('checks of the service and its engine', () => {
	const facts = {
		...{ hostname: 'h', cpus: 4, memoryMib: 8000, diskGib: 1, diskQuotaSupported: false, architecture: 'x', osType: 'linux', os: 'd' },
		...{ kernelVersion: '6', driver: 'docker', driverVersion: '27', runtimes: [], defaultRuntime: 'runc', labels: {} },
	};

	test('the engine', async () => {
		await expectOutcome(
			driverCheck('docker', async () => facts),
			'ok',
			/docker 27 with 4 cores/,
		);
		const away = driverCheck('docker', () => Promise.reject(new Error('the engine does not answer')));
		await expectOutcome(away, 'failed', /does not answer/, /systemctl start docker/);
	});

	test('its storage and control groups', async () => {
		const engine = { storage: 'overlay2', cgroupDriver: 'systemd', root: '/r' };
		await expectOutcome(
			engineStorageCheck(async () => engine),
			'ok',
			/overlay2 at \/r/,
		);
		await expectOutcome(
			engineStorageCheck(async () => ({ ...engine, storage: 'vfs' })),
			'warning',
			/vfs/,
			/overlay2/,
		);
		await expectOutcome(
			engineStorageCheck(async () => ({ ...engine, cgroupDriver: 'none' })),
			'failed',
			/no control groups/,
			/root/,
		);
	});

	test('the service', async () => {
		await expectOutcome(
			serviceCheck('http://s', async () => 200),
			'ok',
			/answers at http:\/\/s/,
		);
		await expectOutcome(
			serviceCheck('http://s', async () => 503),
			'failed',
			/answers 503/,
			/journalctl/,
		);
		await expectOutcome(
			serviceCheck('http://s', () => Promise.reject(new Error('no'))),
			'warning',
			/nobody answers/,
			/systemctl start/,
		);
	});

	test("the agent's socket", async () => {
		const at = (facts_: typeof socket | null, connect = async () => {}) =>
			agentSocketCheck(machine({ stat: async () => facts_, connect }), '/s');
		await expectOutcome(at(socket), 'ok', /answers/);
		await expectOutcome(at(null), 'warning', /not there/, /start the service/);
		await expectOutcome(at(file), 'failed', /no socket/, /remove/);
		await expectOutcome(at({ ...socket, mode: 0o666 }), 'failed', /by others/, /chmod 600/);
		await expectOutcome(
			at(socket, () => Promise.reject(new Error('connect ECONNREFUSED /s'))),
			'failed',
			/ECONNREFUSED/,
			/restart/,
		);
	});
});

test('this machine is looked at as it is', async (t) => {
	const directory = await mkdtemp(path.join(os.tmpdir(), 'zunbox-doctor-'));
	t.after(() => rm(directory, { recursive: true }));
	const here = thisMachine();
	const name = path.join(directory, 'file');
	await writeFile(name, 'content');
	await chmod(name, 0o640);
	assert.deepEqual(await here.stat(name), { kind: 'file', mode: 0o640, uid: process.getuid?.() });
	assert.equal((await here.stat(directory))?.kind, 'folder');
	assert.equal(await here.stat(path.join(name, 'below')), null);
	assert.equal(await here.read(path.join(directory, 'none')), null);
	assert.equal(await here.writable(path.join(directory, 'none')), false);
	const { free, total } = await here.space(directory);
	assert.ok(free > 0 && total >= free);
	assert.equal((await here.run('echo', ['hello'], '', signal)).trim(), 'hello');
	await assert.rejects(here.run('zunbox-no-such-program', [], '', signal));
	const at = path.join(directory, 's');
	await assert.rejects(here.connect(at, signal));
	const server = net.createServer((connection) => connection.destroy());
	await new Promise<void>((resolve) => server.listen(at, resolve));
	t.after(() => server.close());
	await here.connect(at, signal);
	assert.equal((await here.stat(at))?.kind, 'socket');
});
