import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeBusyboxImage } from '../../../src/drivers/fake/index.ts';
import { CliWorld, image } from '../../support/cli-world.ts';
import { eventually } from '../../support/eventually.ts';

/** Commands as a user types them, on a real service over a fake engine. */
describe('zunbox', { timeout: 50_000 }, () => {
	let world: CliWorld;
	const ends: (() => Promise<void>)[] = [];
	before(async () => {
		world = await CliWorld.make({ after: (end) => ends.push(end) });
		world.engine.registry.add('shop/big:1', makeBusyboxImage('big'), { layerSizes: [1e6, 3e6, 6e6], layerDelay: 400 });
		await world.start();
	});
	after(async () => {
		for (const end of ends) await end();
	});

	/** Standard output of a command that must do. */
	async function zunbox(...words: string[]): Promise<string> {
		const { code, out, err } = await world.zunbox(words);
		assert.equal(code, 0, `zunbox ${words.join(' ')}: ${err}`);
		return out;
	}
	const json = async (...words: string[]): Promise<unknown> => JSON.parse(await zunbox(...words, '-o', 'json'));

	test('makes a sandbox, shows it, changes it and deletes it', async () => {
		assert.match(await zunbox('sandbox', 'create', 'shop', '-l', 'team=a', '-m', '512m', '-p', '18080:80'), /^shop is Running at 10\./);
		assert.match(await zunbox('sandbox', 'list'), /^NAME +STATUS +CONTAINERS +ADDRESS +MEMORY +AGE\nshop +Running +0 +10\.\S+ +512 MiB/m);
		const shown = await zunbox('sandbox', 'show', 'shop');
		assert.match(shown, /^labels +team=a$/m);
		assert.match(shown, /^published ports +18080 → 80\/tcp$/m);
		await zunbox('sandbox', 'update', 'shop', '--memory', 'none', '--publish', 'none', '--expires-in', '2h');
		const now = await json('sandbox', 'show', 'shop');
		assert.partialDeepStrictEqual(now, { name: 'shop', memory: null, published_ports: [] });
		for (const [action, status] of [
			['stop', 'Stopped'],
			['start', 'Running'],
			['pause', 'Paused'],
			['unpause', 'Running'],
		] as const) {
			await zunbox('sandbox', action, 'shop');
			assert.partialDeepStrictEqual(await json('sandbox', 'show', 'shop'), { status }, action);
		}
		assert.equal(await zunbox('sandbox', 'delete', 'shop'), 'shop is deleted\n');
		assert.equal((await world.zunbox(['sandbox', 'show', 'shop'])).code, 3);
	});

	test('runs containers in a sandbox, and refuses to delete it without --force', async () => {
		await zunbox('sandbox', 'create', 'pair');
		assert.match(
			await zunbox('run', '--sandbox', 'pair', '--name', 'pair-web', image, 'sleep', '1000'),
			/^pair-web is Running at 10\.\S+ in sandbox pair\n$/,
		);
		await zunbox('run', '-s', 'pair', '-n', 'pair-client', '-e', 'A=b c', image, 'sleep', '1000');
		assert.match(await zunbox('sandbox', 'containers', 'pair'), /pair-web[\s\S]*pair-client/);
		const refused = await world.zunbox(['sandbox', 'delete', 'pair']);
		assert.equal(refused.code, 1);
		assert.match(refused.err, /^zunbox: .*pair-web.*--force deletes them with it\n$/);
		await zunbox('sandbox', 'delete', '--force', 'pair');
		assert.doesNotMatch(await zunbox('ps'), /pair-/);
	});

	test('takes a container through its life', async () => {
		assert.match(
			await zunbox('container', 'create', '--name', 'life', '--restart', 'on-failure:3', '-l', 'x=y', image, 'sleep', '1000'),
			/^status +Created$/m,
		);
		for (const [action, status] of [
			['start', 'Running'],
			['pause', 'Paused'],
			['unpause', 'Running'],
			['restart', 'Running'],
			['stop', 'Stopped'],
		] as const) {
			await zunbox('container', action, 'life');
			assert.partialDeepStrictEqual(await json('container', 'show', 'life'), { status }, action);
		}
		assert.match(await zunbox('container', 'show', 'life'), /^restart +on-failure:3$/m);
		assert.match(await zunbox('container', 'update', 'life', '--memory', '64m', '--cpu', '0.5'), /^limits +0\.5 cores, 64 MiB/m);
		assert.equal(await zunbox('container', 'rename', 'life', 'lives'), 'life is now lives\n');
		assert.match(await zunbox('container', 'actions', 'lives'), /^ACTION +STATE[\s\S]*\ncreate +done/);
		await zunbox('container', 'start', 'lives');
		const refused = await world.zunbox(['rm', 'lives']);
		assert.match(refused.err, /--stop stops it first/);
		assert.equal(await zunbox('rm', '--stop', 'lives'), 'lives is deleted\n');
	});

	test('-q shows ids only, -o json what the API answers, also of many pages', async () => {
		const id = (await zunbox('run', '-q', '--name', 'ids', image, 'sleep', '1000')).trim();
		assert.match(id, /^[0-9a-f-]{36}$/);
		assert.equal((await zunbox('ps', '--name', 'ids', '-q')).trim(), id);
		assert.partialDeepStrictEqual(await json('ps', '--name', 'ids'), {
			containers: [{ uuid: id, name: 'ids', status: 'Running' }],
			next: null,
		});
		assert.match(await zunbox('ps', '--limit', '1', '-q'), /^[0-9a-f-]{36}\n$/);
		await zunbox('rm', '--stop', '-q', id);
	});

	test('exec ends with the exit code of the command, and gives it every word as it was typed', async () => {
		await zunbox('run', '--name', 'exe', image, 'sleep', '1000');
		const words = [`it's`, 'a "b" $c', '', '\\'];
		assert.deepEqual(await world.zunbox(['exec', 'exe', 'echo', ...words]), { code: 0, out: `${words.join(' ')}\n`, err: '' });
		assert.deepEqual(await world.zunbox(['exec', 'exe', 'sh', '-c', 'echo out; exit 7']), { code: 7, out: 'out\n', err: '' });
		assert.deepEqual(JSON.parse(await zunbox('exec', '-o', 'json', 'exe', 'echo', 'x')), {
			output: 'x\n',
			exit_code: 0,
			exec_id: null,
			proxy_url: null,
		});
	});

	test('logs shows the end or all of it, and follows', async () => {
		await zunbox('run', '--name', 'log', image, 'sh', '-c', 'seq 1 3; sleep 1000');
		await eventually('the output is there', async () => (await zunbox('logs', 'log')) === '1\n2\n3\n');
		assert.equal(await zunbox('logs', '-n', '1', 'log'), '3\n');
		assert.equal(await zunbox('logs', '--stderr', 'log'), '');
		const stop = new AbortController();
		const following = world.zunbox(['logs', '-f', 'log'], { signal: stop.signal, onOutput: (out) => out.endsWith('3\n') && stop.abort() });
		assert.equal((await following).out, '1\n2\n3\n');
	});

	test('run --follow shows the output and ends with the exit code; --rm leaves nothing', async () => {
		const ended = await world.zunbox(['run', '-f', '--rm', '--name', 'followed', image, 'sh', '-c', 'echo out; exit 3']);
		assert.deepEqual(ended, { code: 3, out: 'out\n', err: '' });
		await eventually('it is gone', async () => !(await zunbox('ps')).includes('followed'));
		const quick = await world.zunbox(['run', '--rm', '--name', 'quick', image, 'sh', '-c', 'exit 4']);
		assert.equal(quick.code, 1);
		assert.match(quick.err, /quick ended with exit code 4; run it with --follow/);
	});

	test('a container that cannot be says why, in one line', async () => {
		const { code, out, err } = await world.zunbox(['run', '-q', '--name', 'none', 'there/is-none']);
		assert.deepEqual({ code, out }, { code: 1, out: '' });
		assert.equal(err, 'zunbox: none is Error, not Running: Image there/is-none is not in the registry\n');
		assert.match(await zunbox('ps', '--status', 'Error'), /none +Error .*Image there\/is-none is not in the registry/);
	});

	test('shows how far a pull is: a bar for people, lines elsewhere, nothing with -q', async () => {
		const seen = await world.zunbox(['run', '--name', 'pulled', '--pull', 'always', 'shop/big:1', 'sleep', '1000'], {
			terminal: 120,
			environment: { LANG: 'C.UTF-8' },
		});
		assert.match(seen.err, /pulling shop\/big:1.*[━┄]{24} .* of 9\.5 MiB, \d of 3 layers/);
		assert.match(seen.out, /^pulled is Running/);
		const lines = await world.zunbox(['run', '--name', 'pulled-2', '--pull', 'always', 'shop/big:1', 'sleep', '1000']);
		assert.match(lines.err, /^pulled-2: pulling shop\/big:1 .*layers$/m);
		assert.doesNotMatch(lines.err, /\u001b/);
		assert.equal((await world.zunbox(['run', '-q', '--pull', 'always', 'shop/big:1', 'sleep', '1000'])).err, '');
	});

	test('wait ends when the status is there, cannot be reached any more, or the time is over', async () => {
		await zunbox('run', '--name', 'short', image, 'sh', '-c', 'sleep 0.2; exit 5');
		assert.equal(await zunbox('wait', 'short'), 'short is Stopped (exit code 5)\n');
		const never = await world.zunbox(['wait', '--for', 'running', 'short']);
		assert.deepEqual({ code: never.code, err: never.err.split('\n').at(-2) }, { code: 1, err: 'zunbox: short is Stopped, not Running' });
		await zunbox('run', '--name', 'long', image, 'sleep', '1000');
		assert.equal((await world.zunbox(['wait', 'long', '--timeout', '1s'])).code, 1);
	});

	test('several are worked on together, and one that fails does not keep the others', async () => {
		for (const name of ['many-1', 'many-2']) await zunbox('run', '--name', name, image, 'sleep', '1000');
		const { code, out, err } = await world.zunbox(['rm', '--stop', 'many-1', 'many-none', 'many-2']);
		assert.equal(code, 3);
		assert.deepEqual(out.trim().split('\n').sort(), ['many-1 is deleted', 'many-2 is deleted']);
		assert.match(err, /^zunbox: Container many-none could not be found; zunbox ps lists what there is$/m);
	});

	test('events come from the beginning or from now, and find their place when the service was away', async () => {
		const [first] = (await zunbox('events', '--after', '0', '--count', '1', '-o', 'json')).split('\n');
		assert.partialDeepStrictEqual(JSON.parse(first ?? ''), { id: 1, kind: 'sandbox.created' });
		const stop = new AbortController();
		const port = Number(new URL(world.url).port);
		const texts = { out: '', err: '' };
		const watching = world.zunbox(['events', '--after', '0', '--kind', 'sandbox'], {
			signal: stop.signal,
			onOutput: (out, err) => Object.assign(texts, { out, err }),
		});
		await eventually('the first events are there', () => texts.out.includes('shop'));
		await world.stop();
		await eventually('the loss is told', () => texts.err.includes('the connection is lost'));
		await world.start(port);
		await zunbox('sandbox', 'create', 'afterwards', '--no-wait');
		await eventually('events go on', () => texts.out.includes('afterwards'));
		stop.abort();
		await watching;
		assert.equal(texts.out.split('\n').filter((line) => line.includes('sandbox.created') && line.includes('shop')).length, 1);
	});

	test('shows processes, use and networks', async () => {
		await zunbox('run', '--name', 'look', image, 'sleep', '1000');
		assert.match(await zunbox('container', 'top', 'look'), /^PID .*\n1 .*sleep 1000/);
		assert.match(await zunbox('container', 'stats', 'look'), /^NAME +CPU +MEMORY[\s\S]*\nlook +\d/);
		assert.match(await zunbox('container', 'network', 'list', 'look'), /^NETWORK +PORT +ADDRESSES\n\S+ +\S+ +10\./);
		await zunbox('sandbox', 'create', 'bare');
		assert.match(await zunbox('sandbox', 'network', 'detach', 'bare', 'default'), /^bare is detached from default/m);
		assert.doesNotMatch(await zunbox('sandbox', 'network', 'list', 'bare'), /10\./);
		assert.match(await zunbox('sandbox', 'network', 'attach', 'bare'), /^bare is attached to the default network/m);
		assert.match(await zunbox('sandbox', 'network', 'list', 'bare'), /^NETWORK +PORT +ADDRESSES\n\S+ +\S+ +10\./);
		assert.match(await zunbox('container', 'kill', 'look'), /signal is sent/);
		assert.match(await zunbox('wait', 'look'), /exit code 137/);
	});

	test('copies files both ways, by name and into folders', async () => {
		await zunbox('run', '--name', 'cp', image, 'sleep', '1000');
		const here = path.join(world.folder, 'files');
		await mkdir(path.join(here, 'site'), { recursive: true });
		await writeFile(path.join(here, 'site', 'index.html'), '<p>\u00e9');
		await zunbox('container', 'cp', path.join(here, 'site', 'index.html'), 'cp:/etc/page');
		assert.equal(await zunbox('exec', 'cp', 'cat', '/etc/page'), '<p>\u00e9');
		await zunbox('container', 'cp', path.join(here, 'site'), 'cp:/var');
		assert.equal(await zunbox('exec', 'cp', 'cat', '/var/site/index.html'), '<p>\u00e9');
		await zunbox('container', 'cp', 'cp:/var/site', path.join(here, 'copy'));
		assert.equal(await readFile(path.join(here, 'copy', 'index.html'), 'utf8'), '<p>\u00e9');
		await zunbox('container', 'cp', 'cp:/etc/page', here);
		assert.equal(await readFile(path.join(here, 'page'), 'utf8'), '<p>\u00e9');
		assert.equal((await world.zunbox(['container', 'cp', path.join(here, 'none'), 'cp:/etc'])).code, 3);
		assert.equal((await world.zunbox(['container', 'cp', 'a', 'b'])).code, 2);
	});

	test('makes volumes, attaches them to sandboxes, and shows hosts and limits', async () => {
		await zunbox('sandbox', 'create', 'keeper');
		assert.match(await zunbox('volume', 'create', 'data', '--size', '2'), /^size +2 GiB$/m);
		await zunbox('sandbox', 'volume', 'attach', 'keeper', 'data', '--read-only');
		assert.match(await zunbox('sandbox', 'volume', 'list', 'keeper'), /^\S{36} +data +yes$/m);
		assert.equal((await world.zunbox(['volume', 'delete', 'data'])).code, 1);
		await zunbox('sandbox', 'volume', 'detach', 'keeper', 'data');
		await eventually('it is detached', async () => (await zunbox('volume', 'show', 'data')).includes('available'));
		assert.equal(await zunbox('volume', 'delete', 'data'), 'data is deleted\n');
		assert.match(await zunbox('host', 'list'), /^HOST +STATE +CPU[\s\S]*\n\S+ +up +\S+ \/ 8 /);
		assert.match(
			await zunbox('quota', 'set', 'admin', '--containers', '77', '--volume-gigabytes', '-1'),
			/^volume_gigabytes +\d+ +no limit$/m,
		);
		assert.match(await zunbox('quota', 'show'), /^containers +\d+ +77$/m);
	});

	test('makes networks, projects and users, who then have rights of their own', async () => {
		assert.match(await zunbox('network', 'create', 'back', '--cidr', '10.9.0.0/24'), /^addresses +10\.9\.0\.0\/24$/m);
		assert.match(await zunbox('network', 'list'), /^back +ACTIVE +10\.9\.0\.0\/24 +no/m);
		await zunbox('project', 'create', 'team');
		const made = await zunbox('user', 'create', 'ann', '--project', 'team', '--role', 'reader');
		const password = /^password +(\S+)$/m.exec(made)?.[1] ?? '';
		assert.match(await zunbox('project', 'members', 'team'), /^ann +reader/m);
		const environment = {
			OS_AUTH_URL: `${world.url}/identity/v3`,
			OS_USERNAME: 'ann',
			OS_PASSWORD: password,
			OS_PROJECT_NAME: 'team',
		};
		const asAnn = (...words: string[]) => world.zunbox(words, { environment });
		assert.match((await asAnn('status')).out, /^you are +ann in project team$/m);
		assert.deepEqual(await asAnn('ps', '-q'), { code: 0, out: '', err: '' });
		const refused = await asAnn('sandbox', 'create', 'mine');
		assert.equal(refused.code, 1);
		assert.match(refused.err, /Policy doesn't allow sandbox:create.*; ask an administrator/);
		await zunbox('project', 'add', 'team', 'ann');
		const token = (await zunbox('token', 'issue', '-q')).trim();
		assert.ok(token.length > 20);
		await zunbox('user', 'delete', 'ann');
		assert.match((await asAnn('ps')).err, /refused the credentials in the OS_\* variables/);
		await zunbox('network', 'delete', 'back');
		assert.doesNotMatch(await zunbox('network', 'list'), /back/);
	});

	test('backs the database up while it is used, and looks whether it is whole', async () => {
		const target = path.join(world.folder, 'backup.db');
		assert.match(await zunbox('db', 'backup', target), /is written \(\d+ bytes\) and checked/);
		assert.match((await world.zunbox(['db', 'backup', target])).err, /is there already.*--force/);
		await zunbox('db', 'backup', '--force', target);
		assert.equal(await zunbox('db', 'check'), 'the database is whole\n');
		const broken = path.join(world.folder, 'broken');
		await mkdir(broken);
		const bytes = await readFile(target);
		await writeFile(
			path.join(broken, 'zunbox.db'),
			Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(16_384, 0xa5), bytes.subarray(24_576)]),
		);
		const { code, err } = await world.zunbox(['db', 'check', '--data-directory', broken]);
		assert.equal(code, 1);
		assert.match(err, /^zunbox: the database is not whole: .*\n$/);
	});
});
