/** A sandbox that is lost behind our back, with its engine or with the whole machine, comes back as it was. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { KernelNetworking } from '../../src/agent/network/kernel-networking.ts';
import { CrashClient, type Fields, textOf } from '../support/crash-client.ts';
import { CrashService } from '../support/crash-service.ts';
import { containersOf, engine, engineOk, ensureBusybox } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { differences, releaseFolder, ruleDifferences } from '../support/leaks.ts';
import { PrivateEngine } from '../support/private-engine.ts';

/** Writes what it finds on its volume, and that it was here. */
const program = ['sh', '-c', 'cat /data/* 2>/dev/null; date > /data/$(cat /proc/sys/kernel/random/uuid); exec sleep 100000'];

interface Made {
	readonly sandbox: string;
	readonly containers: readonly string[];
	/** What must be the same afterwards. */
	readonly identity: Fields;
}

class Installation {
	readonly service: CrashService;
	readonly client: CrashClient;

	constructor(socket?: string) {
		this.service = new CrashService(socket === undefined ? {} : { socket });
		this.client = new CrashClient(this.service);
	}

	/** A sandbox with two running containers, a volume and a published port. */
	async make(hostPort: number): Promise<Made> {
		const image = await ensureBusybox(this.service.socket);
		await this.service.start();
		await this.client.login();
		const body = { name: 'box', published_ports: [{ host_port: hostPort, sandbox_port: 80 }] };
		const sandbox = textOf(await this.client.ok('POST /v1/sandboxes', body), 'uuid');
		const containers: string[] = [];
		for (const name of ['one', 'two']) {
			const mounts = [{ size: 1, destination: '/data' }];
			const request = { name, sandbox, image, command: program, memory: 64, image_pull_policy: 'ifnotpresent', mounts };
			containers.push(textOf(await this.client.ok('POST /v1/containers?run=true', request), 'uuid'));
		}
		for (const id of containers) await this.client.ok(`GET /v1/containers/${id}?wait=Running&timeout=30`);
		await this.atRest();
		return { sandbox, containers, identity: await this.identity(sandbox) };
	}

	async identity(sandbox: string): Promise<Fields> {
		const { uuid, name, addresses, ports, published_ports, containers, volumes } = await this.client.ok(`GET /v1/sandboxes/${sandbox}`);
		return { uuid, name, addresses, ports, published_ports, containers, volumes };
	}

	/** Until it is again as it was made. */
	async isBack(made: Made): Promise<void> {
		await eventually(
			'the sandbox is back',
			async () => {
				const all = await containersOf(this.service.owner, this.service.socket);
				const running = all.filter(({ State }) => State === 'running').length;
				assert.equal(running, 1 + made.containers.length);
				for (const id of made.containers) assert.equal((await this.client.ok(`GET /v1/containers/${id}`))['status'], 'Running');
				return true;
			},
			{ timeout: 90_000 },
		);
		await this.atRest();
		assert.deepEqual(await this.identity(made.sandbox), made.identity);
	}

	async atRest(): Promise<void> {
		await eventually('all is at rest', async () => {
			const found = [...(await differences(this.service)), ...ruleDifferences(this.service)];
			if (found.length > 0) throw new Error(found.join('\n'));
			return true;
		});
	}

	/** The addresses that the sandbox's first interface really has, as a process in it sees them. */
	async addressInside(container: string): Promise<string> {
		const answer = await this.client.ok(`POST /v1/containers/${container}/execute`, {
			command: 'ip -o addr show dev eth0',
			interactive: false,
			run: true,
		});
		return textOf(answer, 'output')
			.split('\n')
			.flatMap((line) => /inet6? (\S+) .*scope global/.exec(line)?.[1] ?? [])
			.sort()
			.join();
	}
}

describe('on the engine of the machine', () => {
	const own = new Installation();
	let made: Made;
	let inside: string;
	after(() => own.service.remove());

	test('a sandbox is made', async () => {
		made = await own.make(31_871);
		inside = await own.addressInside(made.containers[0] ?? '');
		assert.match(inside, /10\./);
	});

	test('its holder is removed behind our back: it comes back by itself, with the same names and addresses', async (t) => {
		const began = performance.now();
		await engineOk('DELETE', `/containers/zunbox-sandbox-${made.sandbox}?force=1`);
		await own.isBack(made);
		t.diagnostic(`back after ${Math.round(performance.now() - began)} ms`);
		assert.equal(await own.addressInside(made.containers[0] ?? ''), inside);
	});

	test('everything of it is removed from the engine', async () => {
		for (const { Id } of await containersOf(own.service.owner)) await engine('DELETE', `/containers/${Id}?force=1`);
		await own.isBack(made);
		assert.equal(await own.addressInside(made.containers[0] ?? ''), inside);
	});

	test('the machine goes down and comes up: the same sandbox, address and data, and running containers', async () => {
		const { service } = own;
		await service.end();
		// Processes die; the kernel forgets namespaces, links, rules, mounts and control groups. The disk stays.
		for (const { Id } of await containersOf(service.owner)) await engine('POST', `/containers/${Id}/kill`);
		await eventually('all of it has ended', async () => (await containersOf(service.owner)).every(({ State }) => State === 'exited'));
		await new KernelNetworking({ owner: service.owner }).clear(AbortSignal.timeout(30_000));
		await releaseFolder(service.folder, service.owner);
		await service.start();
		await own.isBack(made);
		assert.equal(await own.addressInside(made.containers[0] ?? ''), inside);
		const log = await own.client.ok(`GET /v1/containers/${made.containers[0]}/logs?tail=50`);
		assert.match(JSON.stringify(log), /UTC/, 'what earlier runs wrote to the volume is there');
	});

	test('it is deleted, and nothing is left', async () => {
		await own.client.ok(`DELETE /v1/sandboxes/${made.sandbox}?force=true`);
		await own.atRest();
		assert.deepEqual(await containersOf(own.service.owner), []);
	});
});

test('an engine that is killed comes back: the same sandbox, address and running containers', { timeout: 180_000 }, async (t) => {
	const docker = new PrivateEngine();
	const own = new Installation(docker.socket);
	const answers = async (): Promise<boolean> => (await engine('GET', '/_ping', { socket: docker.socket, timeout: 5000 })).status === 200;
	const start = async (): Promise<void> => {
		await docker.start();
		await eventually('the engine answers', answers, { timeout: 90_000 });
	};
	t.after(async () => {
		try {
			if (!docker.running) await start();
			await own.service.remove();
		} finally {
			// An engine that is left would keep this process from ending.
			await docker.remove();
		}
	});
	await start();
	const made = await own.make(31_872);
	const inside = await own.addressInside(made.containers[0] ?? '');
	for (const both of [false, true]) {
		await docker.stop('SIGKILL');
		// With the machine the service goes down as well.
		if (both) await own.service.end();
		await start();
		if (both) await own.service.start();
		await eventually(
			'the containers have their new runs',
			async () => {
				const all = await containersOf(own.service.owner, docker.socket);
				return all.length === 3 && all.every(({ State }) => State === 'running');
			},
			{ timeout: 90_000 },
		);
		await own.isBack(made);
		assert.equal(await own.addressInside(made.containers[0] ?? ''), inside);
	}
});
