import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { parseOpenrc } from '../../src/config/client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type RunningService, startService } from '../../src/start-service.ts';
import { containersOf, engineOk, ensureBusybox, sweepOwner, testOwner } from '../support/docker.ts';
import { eventually } from '../support/eventually.ts';
import { Terminal } from '../support/terminal.ts';

/** Stock `zun` and `openstack appcontainer` (Debian's python3-zunclient) in real terminals, against the whole service. */
describe('stock clients in a terminal', { timeout: 300_000 }, () => {
	const owner = testOwner();
	let folder: string;
	let service: RunningService;
	let env: NodeJS.ProcessEnv;
	let image: string;
	before(async () => {
		if (!existsSync('/usr/bin/zun')) throw new Error('install python3-zunclient to run this test');
		folder = await mkdtemp(path.join(os.tmpdir(), 'zunbox-clients-'));
		image = await ensureBusybox();
		const flags = { dataDirectory: folder, owner, 'listen.port': '0', 'network.enabled': 'false', hostname: 'host-1' };
		service = await startService(await loadConfig({ file: '/dev/null', flags }), { log: pino({ level: 'silent' }) });
		const openrc = parseOpenrc(await readFile(path.join(folder, 'credentials', 'openrc'), 'utf8'));
		env = { PATH: '/usr/bin:/bin', HOME: folder, TERM: 'xterm', ...openrc };
	});
	after(async () => {
		await service?.stop();
		await sweepOwner(owner);
		await rm(folder, { recursive: true, force: true });
	});

	const terminal = (t: TestContext, ...command: string[]): Terminal => {
		const made = new Terminal(command, { env, width: 100, height: 40 });
		t.after(() => made.close());
		return made;
	};
	const inEngine = async (name: string) =>
		(await containersOf(owner)).find(({ Labels }) => Labels['zunbox.kind'] === 'container' && Labels['zunbox.name'] === name);
	const processes = async (engineId: string) => (await engineOk('GET', `/containers/${engineId}/top`)).text;

	/** What every one of the clients must do with a shell. */
	async function useShell(shell: Terminal): Promise<void> {
		await shell.until(/press Enter to continue/);
		await shell.ask('stty size', /40 100\r\n/);
		shell.resize(132, 43);
		await shell.ask('stty size', /43 132\r\n/);
		shell.type('echo "$((40 + 2)) é €"\r');
		await shell.until(/42 é €\r\n/);
	}

	test('zun run -i, zun attach, and the end of the shell', async (t) => {
		const first = terminal(t, 'zun', 'run', '--interactive', '--name', 'shell', '--image-pull-policy', 'ifnotpresent', image, 'sh');
		await useShell(first);
		first.close();
		const again = terminal(t, 'zun', 'attach', 'shell');
		await useShell(again);
		again.type('exit\r');
		assert.equal(await again.exited, 0);
	});

	test('zun exec -i', async (t) => {
		const run = terminal(t, 'zun', 'run', '--name', 'idle', '--image-pull-policy', 'ifnotpresent', image, 'sleep', '1000');
		assert.equal(await run.exited, 0, run.text);
		const shell = terminal(t, 'zun', 'exec', '--interactive', 'idle', 'sh');
		await eventually('the container runs', () => /press Enter|Cannot execute/.test(shell.text), { timeout: 60_000 });
		await useShell(shell);
		shell.type('exit 3\r');
		assert.equal(await shell.exited, 0);
	});

	test('a closed window takes the command with it', async (t) => {
		const shell = terminal(t, 'zun', 'exec', '--interactive', 'idle', 'sleep', '4321');
		await shell.until(/press Enter to continue/);
		const container = await eventually('the container', () => inEngine('idle'));
		await eventually('it runs', async () => (await processes(container.Id)).includes('4321'));
		shell.close();
		await eventually('it is gone', async () => !(await processes(container.Id)).includes('4321'));
	});

	test('openstack appcontainer exec --interactive and attach', async (t) => {
		const shell = terminal(t, 'openstack', 'appcontainer', 'exec', '--interactive', 'idle', 'sh');
		await useShell(shell);
		shell.type('exit\r');
		assert.equal(await shell.exited, 0);
		const create = terminal(t, 'zun', 'run', '--interactive', '--name', 'second', '--image-pull-policy', 'ifnotpresent', image, 'sh');
		await create.until(/press Enter to continue/);
		create.close();
		const attached = terminal(t, 'openstack', 'appcontainer', 'attach', 'second');
		await useShell(attached);
		attached.type('exit\r');
		assert.equal(await attached.exited, 0);
	});
});
