/** A port of the host that a process of the host listens on is not given to a sandbox. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { CrashClient, textOf } from '../../support/crash-client.ts';
import { CrashService } from '../../support/crash-service.ts';
import { eventually } from '../../support/eventually.ts';

/** Listens on TCP and UDP at the address and port that it is told, and says so. */
const program = `
	const [address, port] = process.argv.slice(1);
	require('node:net').createServer().listen({ host: address, port: Number(port) }, () => {
		require('node:dgram').createSocket('udp4').bind(Number(port), address, () => console.log('listening'));
	});
`;

/** A process that listens on a port which nobody had. */
async function listen(address: string): Promise<{ readonly port: number; readonly process: ChildProcess }> {
	return await eventually('a process that listens', async () => {
		// Below the ports that the kernel gives by itself.
		const port = randomInt(20_000, 30_000);
		const child = spawn(process.execPath, ['-e', program, address, String(port)], { stdio: ['ignore', 'pipe', 'ignore'] });
		const said = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => null)]);
		if (said === null) throw new Error(`port ${port} is taken`);
		return { port, process: child };
	});
}

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const ended = once(child, 'exit');
	child.kill('SIGKILL');
	await ended;
}

describe('a port of the host that is taken', { timeout: 240_000 }, () => {
	const service = new CrashService();
	const client = new CrashClient(service);
	const listeners: ChildProcess[] = [];
	before(async () => {
		await service.start();
		await client.login();
	});
	after(async () => {
		for (const child of listeners) await end(child);
		await service.remove();
	});

	const taken = async (address: string): Promise<number> => {
		const { port, process: child } = await listen(address);
		listeners.push(child);
		return port;
	};
	const refused = async (line: string, body: object, port: string): Promise<void> => {
		const answer = await client.call(line, body);
		assert.equal(answer.status, 409, JSON.stringify(answer.body));
		assert.match(JSON.stringify(answer.body), new RegExp(`Port ${port} of host .* listens there\\. Publish another port`));
	};
	const ended = async (): Promise<void> => {
		for (const child of listeners.splice(0)) await end(child);
	};
	const published = (port: number, protocol = 'tcp', address = '0.0.0.0') => ({
		protocol,
		host_ip: address,
		host_port: port,
		sandbox_port: 80,
	});

	test('is refused to a new sandbox, of which nothing is made; when the process has ended, it is given', async () => {
		// The host is asked, so it must be there.
		await eventually('the host is up', async () => {
			const { hosts } = await client.ok('GET /v1/hosts');
			return Array.isArray(hosts) && hosts.length === 1;
		});
		const port = await taken('0.0.0.0');
		const wish = { name: 'made', published_ports: [published(port)] };
		await refused('POST /v1/sandboxes', wish, `${port}/tcp`);
		assert.deepEqual((await client.ok('GET /v1/sandboxes'))['sandboxes'], []);
		await ended();
		const id = textOf(await client.ok('POST /v1/sandboxes', wish), 'uuid');
		assert.equal((await client.ok(`GET /v1/sandboxes/${id}?wait=Running&timeout=30`))['status'], 'Running');
	});

	test('is refused to one that runs, which keeps what it has; when the process has ended, it is given', async () => {
		const before = (await client.ok('GET /v1/sandboxes/made'))['published_ports'];
		assert.ok(Array.isArray(before) && before.length === 1);
		const port = await taken('127.0.0.1');
		for (const protocol of ['tcp', 'udp']) {
			const wish = { published_ports: [...before, published(port, protocol)] };
			await refused('PATCH /v1/sandboxes/made', wish, `${port}/${protocol}`);
			await refused('PATCH /v1/sandboxes/made', { published_ports: [published(port, protocol, '127.0.0.1')] }, `${port}/${protocol}`);
		}
		assert.deepEqual((await client.ok('GET /v1/sandboxes/made'))['published_ports'], before);
		// At another address it listens to nobody.
		await client.ok('PATCH /v1/sandboxes/made', { published_ports: [...before, published(port, 'tcp', '127.0.0.2')] });
		await ended();
		await client.ok('PATCH /v1/sandboxes/made', { published_ports: [...before, published(port), published(port, 'udp')] });
		const now = (await client.ok('GET /v1/sandboxes/made'))['published_ports'];
		assert.ok(Array.isArray(now));
		for (const wish of [...before, published(port), published(port, 'udp')]) {
			assert.ok(
				now.some((shown) => isDeepStrictEqual(shown, wish)),
				JSON.stringify(now),
			);
		}
		assert.equal(now.length, 3);
	});
});
