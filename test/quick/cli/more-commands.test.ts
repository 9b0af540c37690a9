import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeBusyboxImage } from '../../../src/drivers/fake/index.ts';
import { CliWorld, image } from '../../support/cli-world.ts';
import { eventually } from '../../support/eventually.ts';

const at = (value: unknown, ...names: (string | number)[]): unknown =>
	names.reduce<unknown>((inner, name) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined), value);

/** Capsules, images, registries, security groups, ports and hosts, on a real service over a fake engine. */
describe('zunbox', { timeout: 120_000 }, () => {
	let world: CliWorld;
	const ends: (() => Promise<void>)[] = [];
	before(async () => {
		world = await CliWorld.make({ after: (end) => ends.push(end) });
		world.engine.registry.add('shop/tool:1', makeBusyboxImage('tool'), { layerSizes: [1e6, 3e6], layerDelay: 200 });
		await world.start();
		await eventually('there is a host', async () => (await world.zunbox(['host', 'list', '-q'])).out !== '');
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
	const refused = async (...words: string[]): Promise<string> => {
		const { code, err } = await world.zunbox(words);
		assert.notEqual(code, 0);
		return err;
	};

	test('takes a capsule from a template through its life', async () => {
		const file = path.join(world.folder, 'pod.yaml');
		const template = `kind: capsule
metadata: { name: pod, labels: { app: shop } }
spec:
  initContainers: [{ image: ${image}, command: ["true"] }]
  containers:
    - { name: one, image: ${image}, command: [sleep, "1000"] }
    - { image: ${image}, command: [sleep, "1000"] }
`;
		await writeFile(file, template);
		assert.match(await zunbox('capsule', 'create', file), /^pod is Running at 10\.\S+\n$/);
		assert.match(await zunbox('capsule', 'list'), /^NAME +STATUS +CONTAINERS +ADDRESS +AGE\npod +Running +3 +10\./);
		assert.match(
			await zunbox('capsule', 'show', 'pod'),
			/^init containers +\S+ +Stopped \(0\)[\s\S]*^containers +\S+-one +Running[\s\S]*^labels +app=shop$/m,
		);
		await zunbox('capsule', 'stop', 'pod');
		assert.equal(at(await json('capsule', 'show', 'pod'), 'status'), 'Stopped');
		assert.equal(await zunbox('capsule', 'start', 'pod'), 'pod is started\n');
		const changed = await json('capsule', 'update', 'pod', '--name', 'pot', '-l', 'app=other', '--annotation', 'a=b');
		assert.partialDeepStrictEqual(changed, { name: 'pot', labels: { app: 'other' }, annotations: { a: 'b' } });
		assert.equal(await zunbox('capsule', 'delete', 'pot'), 'pot is deleted\n');
		assert.equal((await world.zunbox(['capsule', 'show', 'pot'])).code, 3);
	});

	test('takes a template in the form of requests, and says what is wrong with one', async () => {
		const file = path.join(world.folder, 'whole.json');
		await writeFile(
			file,
			JSON.stringify({ template: { kind: 'capsule', metadata: { name: 'job' }, spec: { containers: [{ image, command: ['true'] }] } } }),
		);
		assert.match(await zunbox('capsule', 'create', file), /^job is (Running|Stopped)/);
		await zunbox('capsule', 'delete', 'job');
		await writeFile(file, 'a: [');
		assert.match(await refused('capsule', 'create', file), /is no YAML/);
		await writeFile(file, 'text');
		assert.match(await refused('capsule', 'create', file), /holds no template/);
		await writeFile(file, 'kind: capsule');
		assert.match(await refused('capsule', 'create', file), /template/);
		assert.match(await refused('capsule', 'create', `${file}.not`), /cannot be read/);
	});

	test('brings images to a host and shows how far they are, lists, finds and deletes them', async () => {
		const { code, out, err } = await world.zunbox(['image', 'pull', 'shop/tool:1']);
		assert.equal(code, 0, err);
		assert.match(out, /^shop\/tool:1 is Active on \S+\n$/);
		assert.match(err, /^shop\/tool:1: Pulling/);
		const listed = await zunbox('image', 'list');
		assert.match(listed, /^IMAGE +HOST +STATUS +SIZE +AGE +ID\nshop\/tool:1 +\S+ +Active/);
		assert.match(listed, /^zunbox\/busybox:latest/m, 'what is there anyhow is listed too');
		const [id = ''] = (await zunbox('image', 'list', '--limit', '1', '-q')).split('\n');
		assert.match(await zunbox('image', 'show', id), /^image +shop\/tool:1$/m);
		assert.match(await zunbox('image', 'search', 'tool'), /^NAME +TAGS +WHERE +SIZE\n\S*shop\/tool +1 /);
		await zunbox('image', 'delete', id);
		await eventually('it is gone', async () => (await world.zunbox(['image', 'show', id])).code !== 0);
		assert.match(await refused('image', 'pull', 'shop/none:1'), /shop\/none:1 cannot be had: /);
		assert.match(await refused('image', 'pull', 'shop/tool:1', '--host', 'nowhere'), /nowhere could not be found/);
	});

	test('lists and deletes what the project made of its containers', async () => {
		await zunbox('run', '-n', 'maker', image, 'sleep', '1000');
		await zunbox('container', 'commit', 'maker', 'shop/made:2');
		assert.match(await zunbox('commit', 'list'), /^IMAGE +AGE +ID\n\S*shop\/made:2 /);
		const [id = ''] = (await zunbox('commit', 'list', '-q')).split('\n');
		assert.equal(await zunbox('commit', 'delete', id), `${id} is deleted\n`);
		assert.deepEqual(await json('commit', 'list'), { commits: [] });
		await zunbox('rm', '--stop', 'maker');
	});

	test('keeps logins of registries, and never shows their password', async () => {
		const made = await world.spawn(
			['registry', 'create', 'r.example:5000', '-n', 'ours', '-u', 'team', '--password-stdin'],
			{},
			'se cret\n',
		);
		assert.equal(made.code, 0, made.err);
		assert.match(made.out, /^name +ours\nid +\S+\ndomain +r\.example:5000\nuser +team\n/);
		assert.match(await zunbox('registry', 'list'), /^NAME +DOMAIN +USER +AGE +ID\nours +r\.example:5000 +team /);
		assert.equal(at(await json('registry', 'update', 'ours', '--username', 'other'), 'registry', 'username'), 'other');
		assert.doesNotMatch(await zunbox('registry', 'show', 'ours', '-o', 'json'), /se cret/);
		assert.match(await refused('registry', 'update', 'ours'), /say what to change/);
		assert.match(await refused('registry', 'create', 'x.example', '--password-stdin'), /no password on standard input/);
		assert.equal(await zunbox('registry', 'delete', 'ours'), 'ours is deleted\n');
	});

	test('makes security groups and their rules, and gives them to sandboxes', async () => {
		await zunbox('security-group', 'create', 'www', '--description', 'the web');
		await zunbox('security-group', 'create', 'db');
		assert.match(await zunbox('security-group', 'rule', 'add', 'www', '--port', '80:81'), /^rule +ingress IPv4 tcp 80:81 from anywhere$/m);
		assert.match(
			await zunbox('security-group', 'rule', 'add', 'db', '--protocol', 'icmp', '--remote', '10.0.0.0/8'),
			/icmp from 10\.0\.0\.0\/8/,
		);
		assert.match(
			await zunbox('security-group', 'rule', 'add', 'db', '-p', '53', '--protocol', 'udp', '--remote', 'fd00::/8'),
			/IPv6 udp 53 from fd00::\/8/,
		);
		const rule = (await zunbox('security-group', 'rule', 'add', 'db', '--port', '5432', '--remote', 'www', '-q')).trim();
		assert.match(await zunbox('security-group', 'show', 'db'), new RegExp(`ingress IPv4 tcp 5432 from group \\S+ +${rule}`));
		await zunbox('security-group', 'rule', 'delete', rule);
		assert.doesNotMatch(await zunbox('security-group', 'show', 'db'), /5432/);
		assert.match(await refused('security-group', 'rule', 'add', 'db', '--port', 'x'), /--port takes a port/);
		assert.match(await zunbox('security-group', 'list'), /^NAME +RULES +DESCRIPTION +ID\n[\s\S]*^www +3 +the web /m);
		await zunbox('sandbox', 'create', 'guarded');
		const id = String(at(await json('security-group', 'show', 'www'), 'security_group', 'id'));
		const groups = async () => at(await json('port', 'list', '--sandbox', 'guarded'), 'ports', 0, 'security_groups');
		await zunbox('sandbox', 'security-group', 'add', 'guarded', 'www');
		assert.ok(String(await groups()).includes(id));
		assert.match(await refused('security-group', 'delete', 'www'), /in use/);
		await zunbox('sandbox', 'security-group', 'remove', 'guarded', 'www');
		assert.ok(!String(await groups()).includes(id));
		await zunbox('sandbox', 'delete', 'guarded');
		// Both are asked for at once.
		const deleted = (await zunbox('security-group', 'delete', 'www', 'db')).trim().split('\n').sort();
		assert.deepEqual(deleted, ['db is deleted', 'www is deleted']);
	});

	test('makes ports that outlive sandboxes, and shows networks', async () => {
		await zunbox('network', 'create', 'backend', '--cidr', '10.71.0.0/24');
		assert.match(await zunbox('network', 'show', 'backend'), /^subnets +10\.71\.0\.0\/24 +gateway 10\.71\.0\.1 /m);
		assert.match(await zunbox('port', 'create', 'backend', '--ip', '10.71.0.9', '-n', 'fixed'), /^addresses +10\.71\.0\.9$/m);
		const id = String(at(await json('port', 'show', 'fixed'), 'port', 'id'));
		await zunbox('sandbox', 'create', 'holder', '--net', `port=${id}`);
		assert.match(
			await zunbox('port', 'list', '--sandbox', 'holder'),
			/^NAME +STATUS +ADDRESSES +MAC +SANDBOX +ID\nfixed +\S+ +10\.71\.0\.9 /,
		);
		await zunbox('sandbox', 'delete', 'holder');
		assert.equal((await zunbox('port', 'list', '--network', 'backend', '-q')).trim(), id);
		await zunbox('port', 'delete', 'fixed');
		await zunbox('network', 'delete', 'backend');
	});

	test('disables hosts, declares them dead, and takes that back', async () => {
		const [host = ''] = (await json('host', 'list').then((all) => [at(all, 'hosts', 0, 'hostname')])).map(String);
		assert.match(await zunbox('host', 'show', host), /^state +up$[\s\S]*^runtimes +\S/m);
		await zunbox('host', 'disable', host, '--reason', 'new memory');
		assert.match(await zunbox('host', 'show', host), /^state +up \(disabled\)\nreason +new memory$/m);
		assert.match(await refused('sandbox', 'create', 'nowhere'), /disabled/);
		await zunbox('sandbox', 'delete', 'nowhere');
		await zunbox('host', 'enable', host);
		assert.equal(await zunbox('host', 'down', host), `${host} is declared dead\n`);
		assert.match(await zunbox('host', 'show', host), /^state +down/m);
		await zunbox('host', 'up', host);
		assert.match(await zunbox('host', 'show', host), /^state +up$/m);
		assert.match(await refused('host', 'forget', 'nowhere'), /could not be found/);
		assert.equal((await world.zunbox(['host', 'show', 'nowhere'])).code, 3);
	});

	test('changes labels, restart policy and environment of a container, finds it by a part of its name, resets limits', async () => {
		await zunbox('run', '-n', 'long-web-name', image, 'sleep', '1000');
		const changed = await json('container', 'update', 'long-web-name', '-l', 'a=b', '--restart', 'on-failure:3', '-e', 'X=1');
		assert.partialDeepStrictEqual(changed, { labels: { a: 'b' }, environment: { X: '1' }, restart_policy: { Name: 'on-failure' } });
		assert.match(await zunbox('ps', '--match', 'WEB'), /^long-web-name /m);
		assert.equal((await zunbox('ps', '--match', 'nothing', '-q')).trim(), '');
		await zunbox('rm', '--stop', 'long-web-name');
		await zunbox('project', 'create', 'small');
		await zunbox('quota', 'set', 'small', '--containers', '3');
		assert.match(await zunbox('quota', 'show', 'small'), /^containers +0 +3$/m);
		await zunbox('quota', 'reset', 'small');
		assert.match(await zunbox('quota', 'show', 'small'), /^containers +0 +200$/m);
	});

	test('names of all kinds of things are there for completion', async () => {
		await zunbox('registry', 'create', 'r.example', '-n', 'mine');
		const hosts = await json('host', 'list');
		const names = async (kind: string) => (await zunbox('names', kind)).split('\n');
		assert.ok((await names('registry')).includes('mine'));
		assert.ok((await names('security-group')).includes('default'));
		assert.ok((await names('host')).includes(String(at(hosts, 'hosts', 0, 'hostname'))));
		assert.deepEqual(await names('capsule'), ['']);
	});

	test('the reference names all of them', async () => {
		const page = await readFile(path.resolve(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
		for (const command of ['capsule create', 'image pull', 'registry create', 'security-group rule add', 'port create', 'host down']) {
			assert.match(page, new RegExp(command));
		}
	});
});
