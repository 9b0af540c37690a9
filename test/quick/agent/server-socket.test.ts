import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { describe, test } from 'node:test';
import { callRoutes } from '../../../src/agent/server-socket/routes.ts';
import { ServerSocket } from '../../../src/agent/server-socket/server-socket.ts';
import { ServerWorld, serverPort, spawnBody } from '../../support/agent/server-world.ts';

const log = { debug: () => {}, info: () => {}, warn: () => {} };
const refusing = {
	async call() {
		throw new Error('not meant to be called');
	},
	async servers() {
		return [];
	},
	async state() {
		return 'missing' as const;
	},
	async host(): Promise<never> {
		throw new Error('not meant to be called');
	},
};

describe('the socket', () => {
	test('is for its owner alone, and is gone with the agent', async (t) => {
		const world = await ServerWorld.make(t);
		await world.start();
		const found = await stat(world.socketPath);
		assert.deepEqual([found.isSocket(), found.mode & 0o777], [true, 0o600]);
		await world.stop();
		await assert.rejects(stat(world.socketPath), { code: 'ENOENT' });
	});

	test('replaces one that a killed process left, but none that is served, and nothing else of that name', async (t) => {
		const world = await ServerWorld.make(t);
		await world.start();
		await assert.rejects(ServerSocket.open({ path: world.socketPath, calls: refusing, log }), /Another process serves agent.sock/);
		await world.stop();
		// What is left of a process that had no time to clean up: a name that nobody listens at.
		const left = net.createServer();
		await new Promise<void>((resolve) => left.listen(`${world.socketPath}.old`, resolve));
		const { rename } = await import('node:fs/promises');
		await rename(`${world.socketPath}.old`, world.socketPath);
		await new Promise<void>((resolve) => left.close(() => resolve()));
		assert.ok((await stat(world.socketPath)).isSocket());
		await world.start();
		assert.equal((await world.ask('GET', '/servers')).status, 200);
		await world.stop();
		await writeFile(world.socketPath, 'precious');
		await assert.rejects(ServerSocket.open({ path: world.socketPath, calls: refusing, log }), /is not a socket/);
		assert.equal((await stat(world.socketPath)).size, 8);
	});

	test('whose path is too long for the kernel is refused with the reason', async () => {
		await assert.rejects(ServerSocket.open({ path: `/tmp/${'x'.repeat(120)}`, calls: refusing, log }), /too long for a socket/);
	});

	test('tells what the host offers', async (t) => {
		const world = await ServerWorld.make(t);
		await world.start({ hostname: 'compute-1' });
		const { status, body } = await world.ask('GET', '/host');
		assert.equal(status, 200);
		assert.ok(typeof body === 'object' && body !== null && 'hostname' in body && 'memoryMib' in body);
		assert.equal(body.hostname, 'compute-1');
	});
});

describe('a request that is not as it must be', () => {
	const good = spawnBody();
	const bad: readonly (readonly [string, string, string, unknown, number])[] = [
		['no such path', 'GET', '/nothing', undefined, 404],
		['no such call', 'PUT', '/servers/a/explode', {}, 404],
		['more path than there is', 'PUT', '/servers/a/pause/now', {}, 404],
		['a look with PUT', 'PUT', '/servers/a', {}, 405],
		['a call with GET', 'GET', '/servers/a/pause', undefined, 405],
		['an id that leaves its folder', 'PUT', '/servers/..%2f..%2fetc/pause', {}, 400],
		['no JSON', 'PUT', '/servers/a/pause', '{', 400],
		['a body where none belongs', 'PUT', '/servers/a/pause', { force: true }, 400],
		['a spawn of nothing', 'PUT', '/servers/a/spawn', {}, 400],
		['a link whose name is more than that', 'PUT', '/servers/a/attach-port', { port: { ...serverPort('p'), device: 'tap0 up' } }, 400],
		['a bridge that is an option', 'PUT', '/servers/a/plug', { ports: [{ ...serverPort('p'), bridge: '-all' }] }, 400],
		[
			'a volume that is no device',
			'PUT',
			'/servers/a/attach-volume',
			{ volume: { volumeId: 'v', device: '/etc/passwd', readOnly: false } },
			400,
		],
		['a wait of no time', 'PUT', '/servers/a/pause?timeout=0', {}, 400],
		['a wait of a word', 'PUT', '/servers/a/pause?timeout=long', {}, 400],
		['too long a body', 'PUT', '/servers/a/spawn', { ...good, server: { ...good.server, name: 'x'.repeat(2 << 20) } }, 413],
	];
	for (const [what, method, target, body, status] of bad) {
		test(`${what}: ${status}`, async (t) => {
			const world = await ServerWorld.make(t);
			await world.start();
			const answer = await world.ask(method, target, body);
			assert.equal(answer.status, status, JSON.stringify(answer.body));
			const { error } = Object.fromEntries(Object.entries(Object(answer.body)));
			assert.ok(typeof error === 'object' && error !== null && 'message' in error && `${error.message}`.length > 5);
			assert.equal(world.agents.control.has('a'), false);
		});
	}
});

test('every kind of call has its route, with a time', () => {
	for (const [kind, { timeout }] of Object.entries(callRoutes)) assert.ok(timeout >= 10, kind);
	assert.equal(Object.keys(callRoutes).length, 12);
});
