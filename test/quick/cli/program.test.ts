import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { CliWorld, image } from '../../support/cli-world.ts';
import { eventually } from '../../support/eventually.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const hint = 'start it with npm start or zunbox serve';

async function running(t: TestContext): Promise<CliWorld> {
	const world = await CliWorld.make(t);
	await world.start();
	return world;
}

describe('the program', () => {
	test('uses the first credentials of the service by itself, and keeps its token for itself', async (t) => {
		const world = await running(t);
		const { code, out } = await world.spawn(['status']);
		assert.equal(code, 0);
		assert.match(out, /^you are +admin in project admin$/m);
		const folder = path.join(world.cacheDirectory, 'zunbox');
		const [file = '', ...more] = await readdir(folder);
		assert.deepEqual(more, []);
		assert.equal((await stat(path.join(folder, file))).mode & 0o777, 0o600);
		assert.equal((await stat(folder)).mode & 0o777, 0o700);
		const before = await readFile(path.join(folder, file), 'utf8');
		await world.spawn(['ps']);
		assert.equal(await readFile(path.join(folder, file), 'utf8'), before);
	});

	test('logs in anew when its token is not taken any more', async (t) => {
		const world = await running(t);
		const token = (await world.zunbox(['token', 'issue', '-q'])).out.trim();
		assert.equal((await world.zunbox(['token', 'revoke', token])).code, 0);
		assert.deepEqual(await world.zunbox(['ps', '-q']), { code: 0, out: '', err: '' });
		assert.notEqual((await world.zunbox(['token', 'issue', '-q'])).out.trim(), token);
	});

	test('a service that is killed has kept what it compiled for its next start', async (t) => {
		const world = await CliWorld.make(t);
		const cache = path.join(world.folder, 'compiled');
		const settings = { ZUNBOX_LISTEN_PORT: '0', ZUNBOX_NETWORK_ENABLED: 'false', ZUNBOX_DRIVER_NAME: 'fake', NODE_COMPILE_CACHE: cache };
		const child = spawn(path.join(root, 'bin/zunbox'), ['serve'], { env: { ...world.environment, ...settings }, stdio: 'ignore' });
		const ended = once(child, 'exit');
		t.after(() => child.kill('SIGKILL'));
		const compiled = async () => (await readdir(cache, { recursive: true })).length;
		await eventually('it is kept', async () => (await compiled()) > 500, { timeout: 60_000 });
		child.kill('SIGKILL');
		const [code, signal] = await ended;
		assert.deepEqual([code, signal], [null, 'SIGKILL'], 'it had not ended before');
	});

	test('says that the service is down, and where it was looked for', async (t) => {
		const world = await running(t);
		const { url } = world;
		await world.zunbox(['ps']);
		await world.stop();
		for (const words of [['ps'], ['run', image], ['rm', 'a', 'b'], ['events'], ['status']]) {
			const { code, out, err } = await world.zunbox(words);
			assert.deepEqual(
				{ code, out, err },
				{ code: 4, out: '', err: `zunbox: the service at ${url} does not answer; ${hint}\n` },
				words.join(' '),
			);
		}
		const spawned = await world.spawn(['ps']);
		assert.deepEqual(spawned, { code: 4, out: '', err: `zunbox: the service at ${url} does not answer; ${hint}\n` });
	});

	test('says that no service was started, where there is none', async (t) => {
		const world = await CliWorld.make(t);
		const { code, err } = await world.zunbox(['ps']);
		assert.equal(code, 4);
		assert.match(err, /^zunbox: no service has been started here \(\S+openrc is not there\); start it with npm start/);
	});

	test('works as whom a clouds.yaml says', async (t) => {
		const world = await running(t);
		assert.match((await world.zunbox(['status', '--os-cloud', 'zunbox'])).out, /^as said by +\S+clouds\.yaml$/m);
		assert.match((await world.zunbox(['ps', '--os-cloud', 'other'])).err, /^zunbox: there is no cloud "other"; there are zunbox\n$/);
		const file = path.join(world.folder, 'mine.yaml');
		const token = (await world.zunbox(['token', 'issue', '-q'])).out.trim();
		await writeFile(file, `clouds:\n  mine:\n    auth:\n      auth_url: ${world.url}/identity\n      token: ${token}\n`);
		const environment = { OS_CLIENT_CONFIG_FILE: file, OS_CLOUD: 'mine' };
		assert.match((await world.zunbox(['status'], { environment })).out, /^you are +admin/m);
	});

	test('has two-way streams, or says that the service has none', async (t) => {
		const world = await running(t);
		await world.zunbox(['run', '--name', 'io', image, 'sleep', '1000']);
		const ended = await world.spawn(['exec', '-i', 'io', 'sh', '-c', 'echo hello; exit 3'], {}, 'unread\n');
		assert.equal(ended.code, 3, ended.err);
		assert.match(ended.out, /hello/);
		const echoed = await world.spawn(['exec', '-i', 'io', 'cat'], {}, 'two\nlines');
		assert.equal(echoed.code, 0, echoed.err);
		assert.match(echoed.out, /two[\s\S]*lines/);
		assert.match((await world.zunbox(['attach', 'io'])).err, /^zunbox: io was not made with -i/);
		const old = await withoutStreams(t, world);
		const { code, err } = await world.zunbox(['exec', '-it', 'io', 'sh'], { environment: { OS_AUTH_URL: old, OS_TOKEN: 'x' } });
		assert.equal(code, 1);
		assert.match(err, /^zunbox: exec -it is not available: this service has no two-way streams; .*\n$/);
	});

	test('tells its version, and the agent of other hosts that it is not there', async (t) => {
		const world = await CliWorld.make(t);
		assert.match((await world.spawn(['--version'])).out, /^zunbox \d+\.\d+\.\d+/);
		const { code, err } = await world.spawn(['agent']);
		assert.equal(code, 1);
		assert.match(err, /not there yet/);
		const wrong = await world.spawn(['serve', '--listen-prt', '1']);
		assert.equal(wrong.code, 1);
		assert.match(wrong.err, /--listen-prt is not a setting/);
	});
});

/** A service that answers as one without streams does. */
async function withoutStreams(t: TestContext, world: CliWorld): Promise<string> {
	const server = http.createServer((request, response) => {
		const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		const endpoints = [{ interface: 'public', region: 'R', url: `${address}/v1` }];
		const token = {
			project: { id: 'p' },
			user: { id: 'u' },
			expires_at: '2999-01-01T00:00:00Z',
			catalog: [{ type: 'container', endpoints }],
		};
		const isLogin = request.url?.startsWith('/v3/auth/tokens') === true;
		response.writeHead(isLogin ? 200 : 501, { 'content-type': 'application/json' });
		response.end(JSON.stringify(isLogin ? { token } : { errors: [{ code: 'container.not-implemented', detail: 'not served' }] }));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => server.close());
	assert.ok(world.url);
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('completion', () => {
	/** What a real bash offers for a line whose last word is being typed. */
	async function complete(world: CliWorld, ...words: string[]): Promise<readonly string[]> {
		const bin = path.join(world.folder, 'bin');
		await mkdir(bin, { recursive: true });
		await symlink(path.join(root, 'bin/zunbox'), path.join(bin, 'zunbox')).catch(() => {});
		await chmod(bin, 0o755);
		const script = `source <(zunbox completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _zunbox; printf '%s\\n' "\${COMPREPLY[@]}"`;
		const env = { ...world.environment, PATH: `${bin}:${world.environment['PATH']}` };
		const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script, 'bash', 'zunbox', ...words], { env, timeout: 30_000 });
		assert.equal(stderr, '');
		return stdout.split('\n').filter((word) => word !== '');
	}

	test('offers commands, options, values and the names of what there is', async (t) => {
		const world = await running(t);
		await world.zunbox(['sandbox', 'create', 'shop']);
		await world.zunbox(['run', '--name', 'web', '--sandbox', 'shop', image, 'sleep', '1000']);
		await world.zunbox(['run', '--name', 'worker', '--sandbox', 'shop', image, 'sleep', '1000']);
		assert.deepEqual(await complete(world, 'sand'), ['sandbox']);
		assert.deepEqual(await complete(world, 'sandbox', 'un'), ['unpause']);
		assert.deepEqual(await complete(world, 'sandbox', 'volume', 'a'), ['attach']);
		assert.deepEqual(await complete(world, 'ps', '--al'), ['--all-projects']);
		assert.deepEqual(await complete(world, 'ps', '--output', ''), ['table', 'json']);
		assert.deepEqual(await complete(world, 'ps', '-q', '--sandbox', 's'), ['shop']);
		assert.deepEqual(await complete(world, 'rm', '--stop', 'web', 'wo'), ['worker']);
		assert.deepEqual(await complete(world, 'completion', ''), ['bash', 'zsh']);
		assert.deepEqual(await complete(world, 'serve', '--listen-p'), ['--listen-port']);
		assert.deepEqual(await complete(world, 'exec', '-'), [
			'--interactive',
			'-i',
			'--tty',
			'-t',
			'--output',
			'-o',
			'--os-cloud',
			'--data-directory',
			'--help',
		]);
		assert.deepEqual(await complete(world, 'exec', 'web', 'ls', '--he'), []);
	});

	test('is quiet when there is no service', async (t) => {
		assert.deepEqual(await complete(await CliWorld.make(t), 'logs', ''), []);
	});

	test('works in zsh as well', async (t) => {
		const world = await CliWorld.make(t);
		const { out } = await world.zunbox(['completion', 'zsh']);
		assert.match(out, /^#compdef zunbox\n/);
		const file = path.join(world.folder, '_zunbox');
		await writeFile(file, out);
		// What zsh itself would complete with is replaced by something that prints what it is given.
		const script = `compdef() { }; _describe() { print -rl -- "\${(@P)2}" }; compadd() { print -rl -- "$@" }; _files() { print files }
			source $1; shift; words=("$@"); CURRENT=$#; _zunbox`;
		const zsh = (...words: string[]) => promisify(execFile)('zsh', ['-fc', script, 'zsh', file, 'zunbox', ...words], { timeout: 20_000 });
		try {
			assert.match((await zsh('')).stdout, /^sandbox:commands on sandbox$/m);
			assert.match((await zsh('sandbox', '')).stdout, /^create:Make a sandbox$/m);
			assert.match((await zsh('sandbox', 'volume', '')).stdout, /^attach:Attach a volume/m);
			assert.match((await zsh('ps', '-')).stdout, /^--all-projects:/m);
			assert.match((await zsh('ps', '--output', '')).stdout, /^table\njson$/m);
			assert.equal((await zsh('run', '')).stdout, 'files\n');
			assert.equal((await zsh('exec', 'web', 'ls', '-')).stdout, 'files\n');
		} catch (error) {
			if (error instanceof Error && 'code' in error && error.code === 'ENOENT') t.skip('zsh is not installed');
			else throw error;
		}
	});
});
