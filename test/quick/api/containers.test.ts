import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Api } from '../../../src/api/http/route.ts';
import { tarEntry, writeTar } from '../../../src/drivers/tar.ts';
import { type Ask, ask, at, startApi } from '../../support/api-client.ts';
import { sampleContainer, sampleIds, sampleOperation } from '../../support/api-samples.ts';
import { MemoryControl } from '../../support/memory-control.ts';

describe('containers', () => {
	const control = new MemoryControl();
	let api: Api;
	before(async () => {
		api = await startApi(control, { maxLimit: 50, logLimit: 16, archiveLimit: 4000 });
	});
	after(() => api.close());

	const latest = (line: string, options: Ask = {}) => ask(api, line, { version: 'latest', ...options });

	describe('create', () => {
		const create = async (body: object, options: Ask = {}) => {
			const answer = await latest('POST /v1/containers', { body: { image: 'nginx', ...body }, ...options });
			assert.equal(answer.status, 202, answer.text);
			return control.last('containers.create').args[0];
		};

		test('what zun run sends becomes a plain create', async () => {
			const body = { environment: {}, auto_remove: false, labels: {}, hints: {}, nets: [], mounts: [], command: [] };
			const answer = await latest('POST /v1/containers?run=true', { body: { image: 'nginx', ...body } });
			assert.equal(answer.status, 202);
			assert.deepEqual(control.last('containers.create').args, [
				{
					image: 'nginx',
					environment: {},
					labels: {},
					interactive: false,
					tty: false,
					privileged: false,
					autoRemove: false,
					autoHeal: false,
					run: true,
				},
				undefined,
			]);
			assert.equal(answer.headers['location'], `http://localhost:80/v1/containers/${at(answer.body, 'uuid')}`);
			assert.equal(at(answer.body, 'command'), null);
			assert.equal(at(answer.body, 'restart_policy'), null);
		});

		test('every field is read', async () => {
			const input = await create(
				{
					name: 'web',
					command: ['nginx', '-g', 'daemon off;'],
					entrypoint: ['/entry'],
					cpu: '0.5',
					cpu_policy: 'shared',
					memory: '256',
					disk: '2',
					workdir: '/srv',
					environment: { A: 'b' },
					labels: { tier: 'web', n: 1, on: true },
					restart_policy: { Name: 'on-failure', MaximumRetryCount: '5' },
					auto_remove: 'False',
					auto_heal: true,
					interactive: true,
					tty: true,
					image_driver: 'None',
					image_pull_policy: 'IfNotPresent',
					registry: 'mine',
					hostname: 'web-1',
					security_groups: ['g'],
					nets: [{ network: 'n', port: '', 'v4-fixed-ip': '10.0.0.9', 'v6-fixed-ip': '' }, { port: 'p' }],
					mounts: [
						{ source: 'data', destination: '/data' },
						{ size: '3', destination: '/scratch', read_only: true },
						{ type: 'bind', source: 'aGk=', destination: '/etc/motd' },
					],
					healthcheck: { cmd: 'true', interval: 5, timeout: '2', retries: 4 },
					hints: { same_host: ['x'] },
					availability_zone: 'nova',
					host: 'host-1',
					runtime: 'runc',
					pids: '64',
					run: 'True',
				},
				{ token: 'admin:project-a' },
			);
			assert.deepEqual(input, {
				image: 'nginx',
				name: 'web',
				command: ['nginx', '-g', 'daemon off;'],
				entrypoint: ['/entry'],
				cpu: 0.5,
				cpuPolicy: 'shared',
				memory: 256,
				disk: 2,
				workdir: '/srv',
				environment: { A: 'b' },
				labels: { tier: 'web', n: '1', on: 'True' },
				restartPolicy: { name: 'on-failure', maximumRetryCount: 5 },
				autoRemove: false,
				autoHeal: true,
				interactive: true,
				tty: true,
				imagePullPolicy: 'ifnotpresent',
				registry: 'mine',
				hostname: 'web-1',
				securityGroups: ['g'],
				nets: [{ network: 'n', v4FixedIp: '10.0.0.9' }, { port: 'p' }],
				mounts: [
					{ type: 'volume', source: 'data', destination: '/data' },
					{ type: 'volume', size: 3, destination: '/scratch', readOnly: true },
					{ type: 'bind', source: 'aGk=', destination: '/etc/motd' },
				],
				healthcheck: { test: 'true', interval: 5, timeout: 2, retries: 4 },
				hints: { same_host: ['x'] },
				availabilityZone: 'nova',
				host: 'host-1',
				runtime: 'runc',
				pids: 64,
				privileged: false,
				run: true,
			});
		});

		test('a health check without times, or with 0, has those of engines', async () => {
			for (const times of [{}, { interval: 0, timeout: '0', retries: 0 }, { interval: null, timeout: null }]) {
				const check = at(await create({ healthcheck: { cmd: 'true', ...times } }), 'healthcheck');
				assert.deepEqual(check, { test: 'true', interval: 30, timeout: 30, retries: 3 });
			}
		});

		test('exposed ports get their protocol', async () => {
			const input = await create({ exposed_ports: { '80': {}, '53/UDP': {} } });
			assert.deepEqual(at(input, 'exposedPorts'), { '80/tcp': {}, '53/udp': {} });
		});

		test('a container that joins a sandbox says so', async () => {
			assert.equal(at(await create({ sandbox: 'shelf' }), 'sandbox'), 'shelf');
			// Stock clients send these empty.
			assert.equal(at(await create({ sandbox: 'shelf', nets: [], hints: {}, security_groups: [] }), 'sandbox'), 'shelf');
		});

		test('before 1.20 the command is a line, and the terminal as sent; until 1.35 it comes with interactive', async () => {
			assert.deepEqual(at(await create({ command: 'sh -c "a b"' }, { version: '1.1' }), 'command'), ['sh', '-c', 'a b']);
			for (const [version, tty] of [
				['1.19', false],
				['1.20', true],
				['1.35', true],
				['1.36', false],
			] as const) {
				assert.equal(at(await create({ interactive: true }, { version }), 'tty'), tty, version);
			}
		});

		for (const [why, body, pattern] of [
			['no image', { image: undefined }, /'image' is a required property/],
			['a short image', { image: 'a' }, /'image'.*characters/],
			['an unknown field', { colour: 'red' }, /'colour' was unexpected/],
			['cpu over the limit', { cpu: 17 }, /'cpu'.*0\.1 to 16/],
			['memory of half a MiB', { memory: '4.5' }, /'memory'/],
			['memory under the limit', { memory: 3 }, /'memory'.*4 to 8192/],
			['a name that begins with a dot', { name: '.web' }, /'name'/],
			['a number in the environment', { environment: { A: 1 } }, /'environment\.A'.*string/],
			['an environment key of two lines', { environment: { 'A\nB': 'x' } }, /unexpected/],
			['a list as a label', { labels: { a: [1] } }, /'labels\.a'/],
			['an unknown restart policy', { restart_policy: { Name: 'often' } }, /"no", "always", "on-failure", "unless-stopped"/],
			['retries with always', { restart_policy: { Name: 'always', MaximumRetryCount: 1 } }, /maximum retry count/],
			['a health check every tenth of a second', { healthcheck: { cmd: 'true', interval: 0.1 } }, /'interval'.*from 1 to 86400/],
			['a health check that may take none', { healthcheck: { cmd: 'true', timeout: '0.5' } }, /'timeout'.*from 1 to 86400/],
			['a hostname with a space', { hostname: 'a b' }, /'hostname'/],
			['a network and a port', { nets: [{ network: 'n', port: 'p' }] }, /'nets'/],
			['neither network nor port', { nets: [{}] }, /'nets'/],
			['a mount of nothing', { mounts: [{ destination: '/x' }] }, /'mounts'/],
			['a relative mount', { mounts: [{ source: 'v', destination: 'x' }] }, /'mounts\.0\.destination'/],
			['a port that is none', { exposed_ports: { '70000/tcp': {} } }, /70000/],
			['too many ports', { exposed_ports: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`${n + 1}`, {}])) }, /256 is the most/],
			['groups and ports', { security_groups: ['g'], exposed_ports: { '80': {} } }, /cannot be given together/],
			['nets with a sandbox', { sandbox: 'shelf', nets: [{ network: 'n' }] }, /nets cannot be given with an existing sandbox/],
			['a zone with a sandbox', { sandbox: 'shelf', availability_zone: 'nova' }, /availability_zone cannot be given/],
			['groups with a sandbox', { sandbox: 'shelf', security_groups: ['g'] }, /security_groups cannot be given/],
		] as const) {
			test(`${why} is 400`, async () => {
				const calls = control.calls.length;
				const answer = await latest('POST /v1/containers', { body: { image: 'nginx', ...body } });
				assert.equal(answer.status, 400);
				assert.match(String(at(answer.body, 'errors', 0, 'title')), pattern);
				assert.equal(control.calls.length, calls);
			});
		}

		test('a key makes repeats known: the same for the same request in any order, another for another', async () => {
			const digest = async (text: string) => {
				const headers = { 'content-type': 'application/json', 'idempotency-key': 'k-1' };
				assert.equal((await latest('POST /v1/containers', { headers, text })).status, 202);
				const [, idempotency] = control.last('containers.create').args;
				assert.equal(at(idempotency, 'key'), 'k-1');
				return at(idempotency, 'fingerprint');
			};
			const first = await digest('{"image":"nginx","labels":{"a":"1","b":"2"}}');
			assert.equal(await digest('{"labels":{"b":"2","a":"1"},"image":"nginx"}'), first);
			assert.notEqual(await digest('{"labels":{"b":"2","a":"1"},"image":"nginx2"}'), first);
			const bad = await latest('POST /v1/containers', { body: { image: 'nginx' }, headers: { 'idempotency-key': 'a b' } });
			assert.equal(bad.status, 400);
		});
	});

	describe('show', () => {
		test('an administrator sees all, in the form of Zun', async () => {
			const { body } = await latest('GET /v1/containers/web', { token: 'admin:project-a' });
			assert.deepEqual(body, {
				links: [
					{ rel: 'self', href: `http://localhost:80/v1/containers/${sampleIds.container}` },
					{ rel: 'bookmark', href: `http://localhost:80/containers/${sampleIds.container}` },
				],
				uuid: sampleIds.container,
				name: 'web',
				project_id: 'project-a',
				user_id: 'user-a',
				image: 'nginx',
				image_driver: 'docker',
				command: ['nginx', '-g', 'daemon off;'],
				entrypoint: [],
				cpu: 1,
				memory: '512',
				disk: null,
				cpu_policy: 'shared',
				status: 'Running',
				status_reason: null,
				task_state: null,
				status_detail: 'Up 5 minutes',
				environment: { LANG: 'C' },
				labels: {},
				workdir: null,
				hostname: null,
				ports: [80],
				addresses: sampleContainer().addresses,
				security_groups: [sampleIds.group],
				interactive: false,
				tty: false,
				auto_remove: false,
				auto_heal: false,
				restart_policy: { Name: 'on-failure', MaximumRetryCount: '3' },
				healthcheck: {},
				registry_id: null,
				created_at: '2026-01-02 03:04:05.678000',
				updated_at: '2026-01-02 03:04:05.678000',
				sandbox_id: sampleIds.sandbox,
				sandbox: 'shelf',
				exit_code: null,
				oom_killed: false,
				health: null,
				restart_count: 0,
				started_at: '2026-01-02T03:04:05.678Z',
				finished_at: null,
				mounts: [],
				exposed_ports: {},
				pids: null,
				pull: null,
				host: 'host-1',
				image_pull_policy: 'always',
				privileged: false,
				runtime: 'runc',
			});
		});

		test('others do not see host, pull policy, privileges and runtime', async () => {
			const { body } = await latest('GET /v1/containers/web');
			for (const field of ['host', 'image_pull_policy', 'privileged', 'runtime']) assert.equal(at(body, field), undefined, field);
		});

		test('what is set is shown', async (t) => {
			control.containerRows.set(
				sampleIds.container,
				sampleContainer({
					healthcheck: { test: 'true', interval: 5, timeout: 2, retries: 4 },
					health: 'healthy',
					exitCode: 137,
					oomKilled: true,
					pull: { layersDone: 1, layersTotal: 2, bytesDone: 3, bytesTotal: 4 },
					mounts: [{ type: 'volume', volumeId: 'v', destination: '/data', readOnly: true }],
					exposedPorts: { '80/tcp': {} },
				}),
			);
			t.after(() => control.containerRows.set(sampleIds.container, sampleContainer()));
			const { body } = await latest('GET /v1/containers/web');
			assert.deepEqual(at(body, 'healthcheck'), { test: 'true', interval: 5, timeout: 2, retries: 4 });
			assert.deepEqual([at(body, 'health'), at(body, 'exit_code'), at(body, 'oom_killed')], ['healthy', 137, true]);
			assert.deepEqual(at(body, 'pull'), { layers_done: 1, layers_total: 2, bytes_done: 3, bytes_total: 4 });
			assert.deepEqual(at(body, 'mounts'), [{ type: 'volume', volume_id: 'v', destination: '/data', read_only: true }]);
			assert.deepEqual(at(body, 'exposed_ports'), { '80/tcp': {} });
		});

		test('wait asks for a status and a time', async () => {
			assert.equal((await latest('GET /v1/containers/web?wait=Running&timeout=5')).status, 200);
			assert.deepEqual(control.last('containers.wait').args, ['web', 'Running', 5000]);
			assert.equal((await latest('GET /v1/containers/web?wait=Running')).status, 200);
			assert.deepEqual(control.last('containers.wait').args, ['web', 'Running', 30_000]);
			assert.equal((await latest('GET /v1/containers/web?wait=Flying')).status, 400);
			assert.equal((await latest('GET /v1/containers/web?wait=Running&timeout=99999')).status, 400);
		});
	});

	describe('list', () => {
		test('items have no links, and a full page has a next one that keeps the filters', async () => {
			const line = 'GET /v1/containers?limit=1&name=web&status=Running&label=a=b&label=c=d&sort_key=name&sort_dir=desc&all_projects=True';
			const { body, status, text } = await latest(line, { token: 'admin:project-a' });
			assert.equal(status, 200, text);
			assert.equal(at(body, 'containers', 0, 'links'), undefined);
			const next = new URL(String(at(body, 'next')));
			assert.equal(next.searchParams.get('marker'), at(body, 'containers', 0, 'uuid'));
			assert.equal(next.searchParams.get('name'), 'web');
			assert.deepEqual(next.searchParams.getAll('label'), ['a=b', 'c=d']);
			assert.equal(next.searchParams.get('all_projects'), 'True');
			assert.deepEqual(control.last('containers.list').args, [
				{
					limit: 1,
					sortKey: 'name',
					sortDir: 'desc',
					allProjects: true,
					filters: { name: 'web', status: 'Running', 'label:a': 'b', 'label:c': 'd' },
				},
			]);
			await latest(`GET ${next.pathname}${next.search}`, { token: 'admin:project-a' });
			assert.equal(at(control.last('containers.list').args[0], 'marker'), at(body, 'containers', 0, 'uuid'));
			assert.equal(at(control.last('containers.list').args[0], 'allProjects'), true);
		});

		test('without a limit, or with a larger one, the page has the largest size', async () => {
			const { body } = await latest('GET /v1/containers');
			assert.equal(at(control.last('containers.list').args[0], 'limit'), 50);
			assert.equal(at(body, 'next'), null);
			await latest('GET /v1/containers?limit=100000');
			assert.equal(at(control.last('containers.list').args[0], 'limit'), 50);
		});

		test('a sandbox filter takes a name, and flags any of their words', async () => {
			await latest('GET /v1/containers?sandbox=shelf&auto_remove=True');
			assert.deepEqual(at(control.last('containers.list').args[0], 'filters'), { sandbox_id: sampleIds.sandbox, auto_remove: '1' });
			assert.equal((await latest('GET /v1/containers?sandbox=nothing')).status, 404);
		});

		for (const query of [
			'limit=0',
			'limit=-1',
			'limit=ten',
			'sort_dir=up',
			'colour=red',
			'all_projects=perhaps',
			'limit=1&limit=2',
			'label=x',
		]) {
			test(`?${query} is 400 invalid-value`, async () => {
				const answer = await latest(`GET /v1/containers?${query}`);
				assert.equal(answer.status, 400);
				assert.equal(at(answer.body, 'errors', 0, 'code'), 'container.invalid-value');
			});
		}
	});

	describe('actions', () => {
		test('kill takes any form of a signal, in query or body', async () => {
			for (const [line, signal] of [
				['POST /v1/containers/web/kill?signal=hup', 'SIGHUP'],
				['POST /v1/containers/web/kill?signal=9', 'SIGKILL'],
				['POST /v1/containers/web/kill?signal=None', null],
				['POST /v1/containers/web/kill', null],
			] as const) {
				assert.equal((await latest(line)).status, 202);
				assert.deepEqual(control.last('containers.kill').args, ['web', { signal }]);
			}
			assert.equal((await latest('POST /v1/containers/web/kill?signal=loudly')).status, 400);
		});

		test('stop and reboot take a time', async () => {
			for (const action of ['stop', 'reboot']) {
				await latest(`POST /v1/containers/web/${action}?timeout=7`);
				assert.deepEqual(control.last(`containers.${action}`).args, ['web', { timeout: 7 }]);
				await latest(`POST /v1/containers/web/${action}`);
				assert.deepEqual(control.last(`containers.${action}`).args, ['web', { timeout: null }]);
				assert.equal((await latest(`POST /v1/containers/web/${action}?timeout=-1`)).status, 400);
			}
		});

		test('rebuild takes an image, and refuses an unknown driver', async () => {
			await latest('POST /v1/containers/web/rebuild', { body: { image: 'caddy', image_driver: 'docker', anything: 1 } });
			assert.deepEqual(control.last('containers.rebuild').args, ['web', { image: 'caddy', imageDriver: 'docker' }]);
			const answer = await latest('POST /v1/containers/web/rebuild?image_driver=tape');
			assert.deepEqual([answer.status, at(answer.body, 'errors', 0, 'code')], [400, 'container.validation-error']);
		});

		test('delete passes on what is asked', async () => {
			await latest('DELETE /v1/containers/web?stop=True');
			assert.deepEqual(control.last('containers.delete').args, ['web', { force: false, stop: true, allProjects: false }]);
		});

		test('PATCH and resize_container change limits', async () => {
			assert.equal(
				(await latest('PATCH /v1/containers/web', { body: { cpu: '2', memory: 128, name: 'web2', auto_heal: 'True' } })).status,
				200,
			);
			assert.deepEqual(control.last('containers.update').args, ['web', { cpu: 2, memory: 128, name: 'web2', autoHeal: true }]);
			assert.equal((await latest('POST /v1/containers/web/resize_container?cpu=1.5')).status, 202);
			assert.deepEqual(control.last('containers.update').args, ['web', { cpu: 1.5 }]);
			await latest('PATCH /v1/containers/web', {
				body: { labels: { tier: 1 }, restart_policy: { Name: 'on-failure', MaximumRetryCount: '3' } },
			});
			assert.deepEqual(control.last('containers.update').args, [
				'web',
				{ labels: { tier: '1' }, restartPolicy: { name: 'on-failure', maximumRetryCount: 3 } },
			]);
			assert.equal((await latest('PATCH /v1/containers/web', { body: { image: 'x' } })).status, 400);
		});

		test('rename to the same name is a conflict', async () => {
			const rename = (name: string) => ask(api, `POST /v1/containers/web/rename?name=${name}`, { version: '1.13' });
			assert.equal((await rename('web')).status, 409);
			assert.equal((await rename('web2')).status, 200);
		});
	});

	describe('calls that the host answers', () => {
		test('logs are one JSON string of the newest bytes', async (t) => {
			const line = 'GET /v1/containers/web/logs?stdout=True&stderr=False&timestamps=yes&tail=10&since=None';
			const { text } = await latest(line);
			assert.equal(text, '"hello\\n"');
			const request = { stdout: true, stderr: false, timestamps: true, tail: 10, since: null, follow: false };
			assert.deepEqual(control.last('containers.logs').args, ['web', request]);
			control.output = `${'x'.repeat(30)}the last 16 bytes`;
			t.after(() => {
				control.output = 'hello\n';
			});
			assert.equal((await latest('GET /v1/containers/web/logs')).body, 'he last 16 bytes');
		});

		test('followed logs are a text stream', async () => {
			const { text, headers } = await latest('GET /v1/containers/web/logs?follow=true');
			assert.equal(text, 'hello\n');
			assert.match(headers['content-type'] ?? '', /^text\/plain/);
			assert.equal(at(control.last('containers.logs').args[1], 'follow'), true);
		});

		test('execute splits the command and answers output and exit code', async () => {
			for (const options of [{ body: { command: '"sh" "-c" "ls -l"' } }, {}]) {
				const line = `POST /v1/containers/web/execute${'body' in options ? '' : '?command=%22sh%22%20%22-c%22%20%22ls%20-l%22&run=True&interactive=False'}`;
				const { body, status } = await latest(line, options);
				assert.equal(status, 200);
				assert.deepEqual(body, { output: 'hello\n', exit_code: 7, exec_id: null, proxy_url: null });
				assert.deepEqual(control.last('containers.execute').args, ['web', ['sh', '-c', 'ls -l']]);
			}
			assert.equal((await latest('POST /v1/containers/web/execute')).status, 400);
			assert.equal((await latest('POST /v1/containers/web/execute', { body: { command: '  ' } })).status, 400);
			assert.equal((await latest('POST /v1/containers/web/execute', { body: { command: '"x' } })).status, 400);
		});

		test('top and stats are in the form of Zun', async () => {
			assert.deepEqual((await latest('GET /v1/containers/web/top?ps_args=None')).body, {
				Titles: ['PID', 'CMD'],
				Processes: [['1', 'nginx']],
			});
			assert.equal(control.last('containers.top').args[1], null);
			assert.equal((await latest('GET /v1/containers/web/top?ps_args=%3Brm')).status, 400);
			assert.deepEqual((await latest('GET /v1/containers/web/stats')).body, {
				CONTAINER: 'web',
				'CPU %': 12.5,
				'MEM USAGE(MiB)': 64,
				'MEM LIMIT(MiB)': 512,
				'MEM %': 12.5,
				'BLOCK I/O(B)': '1/2',
				'NET I/O(B)': '3/4',
				PIDS: 5,
			});
		});

		test('archives are base64 from 1.25 and plain before', async (t) => {
			control.output = 'caf\u00e9 "\\ bytes';
			t.after(() => {
				control.output = 'hello\n';
			});
			const tar = Buffer.from(control.output);
			const { body } = await latest('GET /v1/containers/web/get_archive?path=/etc/motd');
			assert.equal(at(body, 'data'), tar.toString('base64'));
			assert.equal(at(body, 'stat', 'name'), 'a');
			const old = await ask(api, 'GET /v1/containers/web/get_archive?path=/etc/motd', { version: '1.24' });
			assert.equal(at(old.body, 'data'), tar.toString('latin1'));
			assert.equal((await latest('GET /v1/containers/web/get_archive')).status, 400);

			const sent = writeTar([tarEntry('note', { bytes: tar })]);
			await latest('POST /v1/containers/web/put_archive?path=/tmp', { body: { data: sent.toString('base64') } });
			assert.deepEqual(control.last('containers.putArchive').args, ['web', '/tmp', sent.toString('latin1')]);
			await ask(api, 'POST /v1/containers/web/put_archive?path=/opt', { version: '1.24', body: { data: sent.toString('latin1') } });
			assert.deepEqual(control.last('containers.putArchive').args, ['web', '/opt', sent.toString('latin1')]);
			const bad = await latest('POST /v1/containers/web/put_archive?path=/tmp', { body: { data: '***' } });
			assert.deepEqual([bad.status, at(bad.body, 'errors', 0, 'code')], [400, 'container.base-64-exception']);
		});

		test('archives over the limit are 413', async (t) => {
			control.output = 'x'.repeat(4001);
			t.after(() => {
				control.output = 'hello\n';
			});
			const put = await latest('POST /v1/containers/web/put_archive?path=/tmp', {
				body: { data: Buffer.alloc(4001).toString('base64') },
			});
			assert.equal(put.status, 413);
			assert.match(put.text, /4000 bytes/);
		});

		test('attach asks for an interactive container', async () => {
			const plain = await latest('GET /v1/containers/web/attach');
			assert.deepEqual([plain.status, at(plain.body, 'errors', 0, 'code')], [400, 'container.no-interactive-flag']);
		});

		test('the terminal has a size', async () => {
			assert.equal((await latest('POST /v1/containers/web/resize?w=120&h=40')).status, 200);
			assert.deepEqual(control.last('containers.resize').args, ['web', { width: 120, height: 40 }]);
			assert.equal((await latest('POST /v1/containers/web/resize?w=0&h=40')).status, 400);
		});

		test('commit names a repository and a tag', async () => {
			const { body } = await latest('POST /v1/containers/web/commit?repository=mine&tag=v1');
			assert.deepEqual(body, { uuid: 'sha256:1234' });
			assert.deepEqual(control.last('containers.commit').args, ['web', 'mine', 'v1']);
			await latest('POST /v1/containers/web/commit?repository=mine&tag=None');
			assert.deepEqual(control.last('containers.commit').args, ['web', 'mine', 'latest']);
		});
	});

	describe('network', () => {
		test('attach takes a network or a port and an address', async () => {
			await latest('POST /v1/containers/web/network_attach?network=n&fixed_ip=10.0.0.7');
			assert.deepEqual(control.last('containers.networkAttach').args, ['web', { network: 'n', v4FixedIp: '10.0.0.7' }]);
			await latest('POST /v1/containers/web/network_attach?port=p&fixed_ip=fd00::7');
			assert.deepEqual(control.last('containers.networkAttach').args, ['web', { port: 'p', v6FixedIp: 'fd00::7' }]);
			assert.equal((await latest('POST /v1/containers/web/network_attach?port=p&network=n')).status, 400);
		});

		test('detach takes exactly one', async () => {
			await latest('POST /v1/containers/web/network_detach?port=p');
			assert.deepEqual(control.last('containers.networkDetach').args, ['web', { port: 'p' }]);
			assert.equal((await latest('POST /v1/containers/web/network_detach')).status, 400);
		});

		test('the list has a row a port from 1.18 and a row an address before', async () => {
			const { body } = await latest('GET /v1/containers/web/network_list');
			const fixed = [
				{ ip_address: '10.88.0.5', version: 4, subnet_id: sampleIds.subnet },
				{ ip_address: 'fd00::5', version: 6, subnet_id: sampleIds.subnet },
			];
			assert.deepEqual(body, { networks: [{ net_id: sampleIds.network, port_id: sampleIds.port, fixed_ips: fixed }] });
			const old = await ask(api, 'GET /v1/containers/web/network_list', { version: '1.17' });
			const row = { net_id: sampleIds.network, subnet_id: sampleIds.subnet, port_id: sampleIds.port };
			assert.deepEqual(old.body, {
				networks: [
					{ ...row, version: 4, ip_address: '10.88.0.5' },
					{ ...row, version: 6, ip_address: 'fd00::5' },
				],
			});
		});
	});

	describe('container actions', () => {
		const action = {
			action: 'start',
			container_uuid: sampleIds.container,
			sandbox_uuid: sampleIds.sandbox,
			request_id: 'req-88888888-8888-4888-8888-888888888888',
			user_id: 'user-a',
			project_id: 'project-a',
			start_time: '2026-01-02T03:04:05.678000',
			finish_time: '2026-01-02T03:04:06.678000',
			message: null,
			state: 'done',
		};
		const line = `GET /v1/containers/web/container_actions/${action.request_id}`;

		test('are listed, and shown with their events', async () => {
			assert.deepEqual((await latest('GET /v1/containers/web/container_actions')).body, { containerActions: [action] });
			const event = { start_time: action.start_time, finish_time: action.finish_time, result: 'Success', traceback: null };
			assert.deepEqual((await latest(line)).body, { ...action, events: [{ event: 'compute__do_container_start', ...event }] });
			assert.equal((await latest('GET /v1/containers/web/container_actions/req-none')).status, 404);
		});

		test('a failed one says why, and one in progress has no end', async (t) => {
			t.after(() => {
				control.operations = [sampleOperation()];
			});
			control.operations = [sampleOperation({ state: 'failed', error: 'engine says no' })];
			const failed = await latest(line);
			assert.equal(at(failed.body, 'message'), 'engine says no');
			assert.equal(at(failed.body, 'events', 0, 'result'), 'Error');
			assert.equal(at(failed.body, 'events', 0, 'traceback'), null);
			assert.equal(at((await latest(line, { token: 'admin:project-a' })).body, 'events', 0, 'traceback'), 'engine says no');
			control.operations = [sampleOperation({ state: 'queued', startedAt: null, finishedAt: null })];
			const queued = await latest(line);
			assert.equal(at(queued.body, 'finish_time'), null);
			assert.deepEqual(at(queued.body, 'events'), []);
		});
	});
});
