import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { parseOpenrc } from '../../src/config/client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type RunningService, startService } from '../../src/start-service.ts';
import { ensureBusybox, sweepOwner, testOwner } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { Terminal } from '../support/terminal.ts';
import { TlsProxy } from '../support/tls-proxy.ts';

/** Stock `zun`, `openstack appcontainer` and our own command in real terminals, through a proxy that ends TLS: `wss`. */
describe('clients in a terminal, through TLS', { timeout: 300_000 }, () => {
	const owner = testOwner();
	let folder: string;
	let proxy: TlsProxy;
	let service: RunningService;
	let env: NodeJS.ProcessEnv;
	let trusted: string;
	before(async () => {
		if (!existsSync('/usr/bin/zun')) throw new Error('install python3-zunclient to run this test');
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-tls-'));
		proxy = await TlsProxy.start();
		const image = await ensureBusybox();
		const flags = { owner, 'listen.port': '0', 'network.enabled': 'false', hostname: 'host-1', publicUrl: proxy.url };
		const config = await loadConfig({ file: '/dev/null', flags: { ...flags, dataDirectory: path.join(folder, 'data') } });
		service = await startService(config, { log: pino({ level: 'silent' }) });
		proxy.target = `http://127.0.0.1:${service.port}`;
		trusted = path.join(folder, 'ca.pem');
		await writeFile(trusted, proxy.certificate.cert);
		const openrc = parseOpenrc(await readFile(path.join(folder, 'data/credentials/openrc'), 'utf8'));
		assert.ok(openrc['OS_AUTH_URL']?.startsWith(proxy.url), openrc['OS_AUTH_URL']);
		env = {
			...{ PATH: process.env['PATH'], HOME: folder, TERM: 'xterm', ...openrc },
			...{ OS_CACERT: trusted, NODE_EXTRA_CA_CERTS: trusted },
		};
		const run = terminal(null, 'zun', 'run', '--name', 'idle', '--image-pull-policy', 'ifnotpresent', image, 'sleep', '1000');
		assert.equal(await run.exited, 0, run.text);
		const running = async () => {
			const shown = terminal(null, 'zun', 'show', 'idle');
			await shown.exited;
			return /\| status +\| Running/.test(shown.text);
		};
		await eventually('the container runs', running, { timeout: 90_000, interval: 200 });
	});
	after(async () => {
		await service?.stop();
		await proxy?.close();
		await sweepOwner(owner);
		await rm(folder, { recursive: true, force: true });
	});

	/** For their streams the stock clients trust this one file and no other; they see ours there, and nobody else does. */
	const trusting = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"'];
	const terminal = (t: TestContext | null, ...command: string[]): Terminal => {
		const made = new Terminal([...trusting, trusted, ...command], { env, width: 100, height: 40 });
		t?.after(() => made.close());
		return made;
	};
	const streams = () => proxy.seen.filter((line) => line === 'GET /v1/streams').length;

	for (const command of [
		['zun', 'exec', '--interactive', 'idle', 'sh'],
		['openstack', 'appcontainer', 'exec', '--interactive', 'idle', 'sh'],
		[path.join(import.meta.dirname, '../../bin/zunbox'), 'exec', '-it', 'idle', 'sh'],
	]) {
		test(`${path.basename(command[0] ?? '')} ${command.slice(1).join(' ')}`, async (t) => {
			const before = streams();
			const shell = terminal(t, ...command);
			await shell.ask('stty size', /40 100\r+\n/);
			shell.type('echo "$((40 + 2)) é €"\r');
			await shell.until(/42 é €\r+\n/);
			shell.type('exit\r');
			assert.equal(await shell.exited, 0, shell.text);
			assert.equal(streams(), before + 1);
		});
	}
});
