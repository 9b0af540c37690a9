/** What the Docker driver promises beside what every driver does. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, globSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createDriver } from '../../../src/drivers/docker/index.ts';
import { type ContainerSettings, type Driver, DriverError, type ExecRequest, type SandboxSettings } from '../../../src/drivers/driver.ts';
import { engine, engineOk, ensureBusybox, pushImage, removeImage, sweepOwner, testOwner } from '../../support/docker.ts';
import { eventually } from '../../support/eventually.ts';
import { Registry } from '../../support/registry.ts';

const owner = testOwner();
const signal = (): AbortSignal => AbortSignal.timeout(60_000);
let driver: Driver;
let image: string;
let folder: string;

before(async () => {
	folder = await mkdtemp(path.join(tmpdir(), 'zunbox-docker-'));
	driver = await createDriver({ owner, stateDirectory: folder, settings: {} });
	image = await ensureBusybox();
});

after(async () => {
	const { containers, sandboxes } = await driver.list(signal());
	for (const { id } of containers) await driver.containers.remove(id, signal());
	const left = new Set([...sandboxes.map(({ id }) => id), ...containers.map(({ sandboxId }) => sandboxId)]);
	for (const id of left) await driver.sandboxes.remove(id, signal());
	await driver.close();
	await sweepOwner(owner);
	await rm(folder, { recursive: true });
});

function sandbox(fields: Partial<SandboxSettings> = {}): SandboxSettings {
	const none = { runtime: null, cpu: null, memory: null, hostsFile: null, resolvFile: null };
	return { id: randomUUID(), name: 'test', hostname: 'test', ipc: true, pid: true, ...none, ...fields };
}

async function startSandbox(fields: Partial<SandboxSettings> = {}): Promise<string> {
	const settings = sandbox(fields);
	await driver.sandboxes.create(settings, signal());
	await driver.sandboxes.start(settings.id, signal());
	return settings.id;
}

function container(sandboxId: string, fields: Partial<ContainerSettings> = {}): ContainerSettings {
	return {
		id: randomUUID(),
		sandboxId,
		name: 'test',
		revision: 1,
		image,
		command: ['sleep', '1000'],
		entrypoint: null,
		workdir: null,
		hostname: null,
		environment: {},
		labels: {},
		interactive: false,
		tty: false,
		privileged: false,
		runtime: null,
		ipc: true,
		pid: true,
		healthcheck: null,
		exposedPorts: [],
		mounts: [],
		cpu: null,
		memory: null,
		disk: null,
		pids: null,
		...fields,
	};
}

async function startContainer(sandboxId: string, fields: Partial<ContainerSettings> = {}): Promise<string> {
	const settings = container(sandboxId, fields);
	await driver.containers.create(settings, signal());
	await driver.containers.start(settings.id, signal());
	return settings.id;
}

async function ask(containerId: string, script: string, fields: Partial<ExecRequest> = {}): Promise<string> {
	const request = { command: ['sh', '-c', script], timeout: 30_000, maxOutput: 100_000, ...fields };
	const { output, exitCode } = await driver.containers.exec(containerId, request, signal());
	assert.equal(exitCode, 0, Buffer.from(output).toString());
	return Buffer.from(output).toString();
}

async function statusOf(sandboxId: string, containerId: string): Promise<string | undefined> {
	return (await driver.observe(sandboxId, signal())).containers.find(({ id }) => id === containerId)?.status;
}

const hasCode =
	(code: string) =>
	(error: unknown): boolean =>
		error instanceof DriverError && error.code === code;

/** What a file says in the control group above those of the sandbox's containers, in either version. */
function groupFile(sandboxId: string, version1: string, version2: string): string | null {
	const files = [`/sys/fs/cgroup/*/zunbox/${owner}/${sandboxId}/${version1}`, `/sys/fs/cgroup/zunbox/${owner}/${sandboxId}/${version2}`];
	const [found] = files.flatMap((pattern) => globSync(pattern));
	return found === undefined ? null : readFileSync(found, 'utf8').trim();
}

describe("a sandbox's limits", () => {
	const memory = (id: string): string | null => groupFile(id, 'memory.limit_in_bytes', 'memory.max');
	const cpu = (id: string): string | null => groupFile(id, 'cpu.cfs_quota_us', 'cpu.max')?.split(' ')[0] ?? null;

	test('hold for all its containers, change while it runs and outlive a stop', async () => {
		const id = await startSandbox({ cpu: 0.5, memory: 64 });
		const inside = await startContainer(id, { cpu: 2, memory: 32 });
		const pid = (await engineOk('GET', `/containers/zunbox-${inside}/json`)).text.match(/"Pid":(\d+)/)?.[1];
		assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`/zunbox/${owner}/${id}/`));
		assert.equal(memory(id), String(64 * 1024 * 1024));
		assert.equal(cpu(id), '50000');
		await driver.sandboxes.update(id, { cpu: 0.25, memory: 128 }, signal());
		assert.equal(memory(id), String(128 * 1024 * 1024));
		assert.equal(cpu(id), '25000');
		await driver.sandboxes.stop(id, signal());
		await driver.containers.remove(inside, signal());
		// As after a reboot: the group is gone, and another process starts the sandbox again.
		await eventually('the group is removed', () => {
			for (const group of globSync(`/sys/fs/cgroup/{*/,}zunbox/${owner}/${id}`)) {
				try {
					rmdirSync(group);
				} catch {
					return false;
				}
			}
			return true;
		});
		const other = await createDriver({ owner, stateDirectory: folder, settings: {} });
		await other.sandboxes.start(id, signal());
		assert.equal(memory(id), String(128 * 1024 * 1024));
		assert.equal(cpu(id), '25000');
		await driver.sandboxes.update(id, { cpu: null, memory: null }, signal());
		assert.ok(cpu(id) === '-1' || cpu(id) === 'max');
		await other.sandboxes.remove(id, signal());
		assert.equal(memory(id), null);
		await other.close();
	});

	test('end a program that takes more than the sandbox has, whatever its own limit', async () => {
		const id = await startSandbox({ memory: 32 });
		const greedy = await startContainer(id, { command: ['tail', '/dev/zero'], memory: 512 });
		await eventually('it is ended', async () => (await statusOf(id, greedy)) === 'stopped');
		assert.equal((await driver.observe(id, signal())).sandbox?.status, 'running');
	});

	test('leave no group behind when the process died before removing it', async () => {
		const left = `/sys/fs/cgroup/${existsSync('/sys/fs/cgroup/memory') ? 'memory/' : ''}zunbox/${owner}/left-behind`;
		await mkdir(left, { recursive: true });
		const kept = await startSandbox({ memory: 64 });
		const later = await createDriver({ owner, stateDirectory: folder, settings: {} });
		await later.list(signal());
		assert.equal(existsSync(left), false);
		assert.notEqual(memory(kept), null);
		await later.close();
	});
});

describe('the holder', () => {
	test('gives its files, hostname and IPv6 to all that join', async () => {
		const hostsFile = path.join(folder, 'hosts');
		const resolvFile = path.join(folder, 'resolv.conf');
		await writeFile(hostsFile, '10.9.8.7 neighbour\n');
		await writeFile(resolvFile, 'nameserver 10.9.8.1\n');
		const id = await startSandbox({ hostsFile, resolvFile, hostname: 'mine' });
		const inside = await startContainer(id);
		const seen = await ask(inside, 'cat /etc/hosts /etc/resolv.conf; hostname; cat /proc/sys/net/ipv6/conf/all/disable_ipv6');
		assert.equal(seen, '10.9.8.7 neighbour\nnameserver 10.9.8.1\nmine\n0\n');
		writeFileSync(hostsFile, '10.9.8.8 changed\n');
		assert.match(await ask(inside, 'cat /etc/hosts'), /changed/);
	});

	test('leaves what those that join it use to be read, and CPU is a rate', async () => {
		const hostsFile = path.join(folder, 'used-hosts');
		const resolvFile = path.join(folder, 'used-resolv.conf');
		await writeFile(hostsFile, '');
		await writeFile(resolvFile, '');
		const id = await startSandbox({ hostsFile, resolvFile });
		const idle = await startContainer(id, { memory: 64 });
		const busy = await startContainer(id, { command: ['sh', '-c', 'while :; do :; done'], cpu: 0.5 });
		const quiet = await driver.containers.stats(idle, signal());
		assert.ok(quiet.memoryUsed > 0 && quiet.memoryLimit === 64 * 1024 * 1024 && quiet.pids >= 1);
		assert.ok(quiet.cpuPercent < 5, `${quiet.cpuPercent}`);
		// Half a core at most; less where the machine is loaded.
		const { cpuPercent } = await driver.containers.stats(busy, signal());
		assert.ok(cpuPercent > 1 && cpuPercent < 75, `${cpuPercent}`);
		// What it used before does not show once it rests.
		await driver.containers.pause(busy, signal());
		assert.ok((await driver.containers.stats(busy, signal())).cpuPercent < 1);
		await driver.containers.unpause(busy, signal());
	});

	test('has no privilege that it could lose', async () => {
		const id = await startSandbox();
		const { text } = await engineOk('GET', `/containers/zunbox-sandbox-${id}/json`);
		const pid = /"Pid":(\d+)/.exec(text)?.[1];
		const status = readFileSync(`/proc/${pid}/status`, 'utf8');
		assert.match(status, /^CapBnd:\s*0+$/m);
		assert.match(status, /^NoNewPrivs:\s*1$/m);
		assert.match(status, /^Seccomp:\s*2$/m);
		assert.match(status, /^Uid:\s*65535/m);
	});

	test('that comes back ends what ran on in the namespaces of its last run', async () => {
		const id = await startSandbox({ pid: false, ipc: false });
		const inside = await startContainer(id, { pid: false, ipc: false });
		await engineOk('POST', `/containers/zunbox-sandbox-${id}/kill`);
		await eventually('the holder has ended', async () => (await driver.observe(id, signal())).sandbox?.status === 'stopped');
		assert.equal(await statusOf(id, inside), 'running');
		await driver.sandboxes.start(id, signal());
		assert.equal(await statusOf(id, inside), 'stopped');
		await driver.containers.start(inside, signal());
		assert.equal(await statusOf(id, inside), 'running');
	});

	test('that is gone is named by the start that needs it', async () => {
		const id = await startSandbox();
		const inside = container(id);
		await driver.containers.create(inside, signal());
		await engineOk('DELETE', `/containers/zunbox-sandbox-${id}?force=1`);
		await assert.rejects(driver.containers.start(inside.id, signal()), /sandbox .* does not run/);
		const { sandbox: seen, containers } = await driver.observe(id, signal());
		assert.equal(seen, null);
		assert.equal(containers[0]?.joinsCurrentSandbox, false);
	});

	test('removed behind our back and made again is found again', async () => {
		const settings = sandbox();
		await driver.sandboxes.create(settings, signal());
		await driver.sandboxes.start(settings.id, signal());
		await engineOk('DELETE', `/containers/zunbox-sandbox-${settings.id}?force=1`);
		await assert.rejects(driver.sandboxes.start(settings.id, signal()), hasCode('not-found'));
		await driver.sandboxes.create(settings, signal());
		await driver.sandboxes.start(settings.id, signal());
		assert.equal((await driver.observe(settings.id, signal())).sandbox?.status, 'running');
	});
});

describe('a health check of an image', () => {
	test('that would come all the time is slowed down, and otherwise as the image says', async (t) => {
		const base = await startContainer(await startSandbox());
		const name = `${owner}-health`;
		const changes = new URLSearchParams({
			container: `zunbox-${base}`,
			repo: name,
			tag: 'fast',
			changes: 'HEALTHCHECK --interval=5ms --retries=7 CMD true',
		});
		await engineOk('POST', `/commit?${changes}`, { body: {} });
		t.after(() => removeImage(`${name}:fast`));
		const id = await startContainer(await startSandbox(), { image: `${name}:fast` });
		const inspected = (await engineOk('GET', `/containers/zunbox-${id}/json`)).text;
		const check: unknown = JSON.parse(inspected).Config.Healthcheck;
		assert.deepEqual(check, { Test: ['CMD-SHELL', 'true'], Interval: 1_000_000_000, Retries: 7 });
	});
});

describe('what is not ours', () => {
	test('with a name that ours would have is a conflict and stays', async (t) => {
		const settings = sandbox();
		const name = `zunbox-sandbox-${settings.id}`;
		await engineOk('POST', `/containers/create?name=${name}`, { body: { Image: image, Cmd: ['sleep', '1000'] } });
		t.after(() => engineOk('DELETE', `/containers/${name}?force=1`));
		await assert.rejects(driver.sandboxes.create(settings, signal()), hasCode('conflict'));
		await assert.rejects(driver.sandboxes.start(settings.id, signal()), hasCode('not-found'));
		await driver.sandboxes.remove(settings.id, signal());
		assert.equal((await engine('GET', `/containers/${name}/json`)).status, 200);
	});

	test('is not made ours by an image: neither by a commit of ours nor by labels of its maker', async (t) => {
		const id = await startSandbox();
		const inside = await startContainer(id);
		const repository = `zunbox/test-${inside}`;
		t.after(() => removeImage(`${repository}:made`));
		await driver.containers.commit(inside, repository, 'made', signal());
		const made: { Config: { Labels: Record<string, string> } } = JSON.parse(
			(await engineOk('GET', `/images/${repository}:made/json`)).text,
		);
		assert.equal(made.Config.Labels['zunbox.owner'], '');
		const stranger = await engineOk('POST', '/containers/create', { body: { Image: `${repository}:made` } });
		const strangerId = /"Id":"(\w+)"/.exec(stranger.text)?.[1];
		t.after(() => engineOk('DELETE', `/containers/${strangerId}?force=1`));
		assert.equal((await driver.observe(id, signal())).containers.length, 1);
	});

	test('is not found by labels alone', async (t) => {
		const labels = { 'zunbox.owner': owner, 'zunbox.kind': 'container', 'zunbox.sandbox': 's', 'zunbox.container': 'c' };
		const made = await engineOk('POST', '/containers/create', { body: { Image: image, Labels: labels } });
		t.after(() => engineOk('DELETE', `/containers/${/"Id":"(\w+)"/.exec(made.text)?.[1]}?force=1`));
		assert.equal(
			(await driver.list(signal())).containers.some(({ id }) => id === 'c'),
			false,
		);
	});
});

test('an old revision must go before a new one is made', async () => {
	const id = await startSandbox();
	const settings = container(id);
	await driver.containers.create(settings, signal());
	await assert.rejects(driver.containers.create({ ...settings, revision: 2 }, signal()), /revision 1/);
	await driver.containers.remove(settings.id, signal());
	await driver.containers.create({ ...settings, revision: 2 }, signal());
	assert.equal((await driver.observe(id, signal())).containers[0]?.revision, 2);
});

test('an engine without disk quota refuses a size', async (t) => {
	if ((await driver.facts(signal())).diskQuotaSupported) return t.skip('the engine of this machine has disk quota');
	const settings = container(await startSandbox(), { disk: 1 });
	await assert.rejects(driver.containers.create(settings, signal()), hasCode('unsupported'));
});

test('a privileged container has what the host has', async () => {
	const id = await startSandbox();
	const privileged = await startContainer(id, { privileged: true });
	await ask(privileged, 'mount -t tmpfs none /mnt 2>&1 || mount -t tmpfs none /tmp 2>&1');
	const plain = await startContainer(id);
	await assert.rejects(ask(plain, 'mount -t tmpfs none /tmp'));
});

test('a terminal’s log comes as it was written', async () => {
	const id = await startSandbox();
	const inside = await startContainer(id, { tty: true, command: ['sh', '-c', 'echo one; echo two >&2'] });
	await eventually('it has ended', async () => (await statusOf(id, inside)) === 'stopped');
	const request = { stdout: true, stderr: true, timestamps: false, tail: null, since: null, follow: false };
	const chunks: Uint8Array[] = [];
	for await (const chunk of driver.containers.logs(inside, request, signal())) chunks.push(chunk.bytes);
	assert.equal(Buffer.concat(chunks).toString(), 'one\r\ntwo\r\n');
});

test('an exec that is given up is killed with all that it started', async () => {
	const id = await startSandbox();
	const inside = await startContainer(id);
	const request = { command: ['sh', '-c', '(sleep 7771; :) & sleep 7772'], timeout: 700, maxOutput: 10 };
	await assert.rejects(driver.containers.exec(inside, request, signal()), hasCode('timeout'));
	await eventually('they are gone', async () => !/sleep 777/.test(await ask(inside, 'ps -o args | grep -v grep')));
});

describe('processes that are frozen without the engine knowing', () => {
	/** What an engine that was killed while it paused leaves. */
	async function freeze(containerId: string): Promise<void> {
		const { text } = await engineOk('GET', `/containers/zunbox-${containerId}/json`);
		const group = /"CgroupParent":"([^"]+)"/.exec(text)?.[1];
		const engineId = /"Id":"(\w+)"/.exec(text)?.[1];
		const [file] = [`/sys/fs/cgroup/freezer${group}/${engineId}/freezer.state`, `/sys/fs/cgroup${group}/${engineId}/cgroup.freeze`].filter(
			(candidate) => existsSync(candidate),
		);
		assert.ok(file !== undefined);
		await writeFile(file, file.endsWith('state') ? 'FROZEN' : '1');
	}

	test('run again by an unpause', async () => {
		const id = await startSandbox();
		const inside = await startContainer(id);
		await freeze(inside);
		await driver.containers.unpause(inside, signal());
		assert.equal(await ask(inside, 'echo runs'), 'runs\n');
	});

	test('do not keep a container from being removed', async () => {
		const id = await startSandbox();
		const inside = await startContainer(id);
		await freeze(inside);
		await driver.containers.remove(inside, signal());
		assert.equal(await statusOf(id, inside), undefined);
	});
});

describe('a registry', () => {
	const login = { username: 'somebody', password: 'secret' };
	const registry = new Registry(login);
	before(() => registry.start());
	after(() => registry.remove());

	test('with a login is pulled from and pushed to with progress, and refused without', async (t) => {
		const reference = `${registry.address}/test/${randomUUID()}:one`;
		const auth = { domain: registry.address, ...login };
		t.after(() => removeImage(reference));
		await pushImage(image, reference, login);
		await assert.rejects(driver.images.pull({ reference, auth: null }, signal()), hasCode('unauthorized'));
		await assert.rejects(driver.images.pull({ reference, auth: { ...auth, password: 'wrong' } }, signal()), hasCode('unauthorized'));
		const steps: { layersDone: number; layersTotal: number }[] = [];
		const pulled = await driver.images.pull({ reference, auth, onProgress: (progress) => void steps.push(progress) }, signal());
		assert.ok(pulled.references.includes(reference));
		assert.deepEqual([steps.at(-1)?.layersDone, steps.at(-1)?.layersTotal], [1, 1]);
		await assert.rejects(driver.images.pull({ reference: `${reference}-not`, auth }, signal()), hasCode('image-not-found'));
		await driver.images.push({ reference, auth }, signal());
		await assert.rejects(driver.images.push({ reference, auth: null }, signal()), hasCode('unauthorized'));
	});

	test('that is away is worth another try', async () => {
		const away = new Registry();
		await away.start();
		const reference = `${away.address}/test/none:one`;
		await away.remove();
		await assert.rejects(driver.images.pull({ reference, auth: null }, signal()), hasCode('unavailable'));
	});
});

test('an engine that is not there is unavailable, also to its events', async () => {
	const lost = await createDriver({ owner, stateDirectory: folder, settings: { socket: path.join(folder, 'none.sock') } });
	await assert.rejects(lost.list(signal()), hasCode('unavailable'));
	await assert.rejects(lost.events(signal())[Symbol.asyncIterator]().next(), hasCode('unavailable'));
	await lost.close();
});
