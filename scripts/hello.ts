/**
 * What `npm start` shows: waits until the service answers and, on an empty database, does the main job once: a sandbox
 * `hello` with a web server and a client that reaches it at localhost.
 *
 *   node scripts/hello.ts <pid of the service>
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { busyboxReference, makeBusyboxArchive } from '../src/drivers/images/busybox-archive.ts';
import { loadImage } from './hello/engine.ts';
import { Service, text, waitUntil } from './hello/service.ts';

const data = process.env['ZUNBOX_DATA_DIRECTORY'] ?? '/var/lib/zunbox';
const servicePid = Number(process.argv[2]);

const page = 'Hello from the web container of sandbox hello';
const webCommand = `mkdir -p /www && echo '${page}' > /www/index.html && exec httpd -f -p 80 -h /www`;
/* Without -T: the wget of Debian's static busybox crashes with it. */
const clientCommand = 'while :; do wget -q -O - http://localhost/ || echo "no answer yet"; sleep 2; done';

/** Whether the process lives; a zombie that its parent has not looked at does not. */
function lives(pid: number): boolean {
	return existsSync(`/proc/${pid}/exe`);
}

function say(line: string): void {
	console.log(`zunbox: ${line}`);
}

async function main(): Promise<number> {
	const started = performance.now();
	const openrc = path.join(data, 'credentials', 'openrc');
	const service = await waitUntil('the service answers', 60_000, async () => {
		if (!lives(servicePid)) return 'gone' as const;
		return existsSync(openrc) ? Service.open(openrc) : undefined;
	});
	if (service === 'gone') return 0;
	say(
		`serving on ${service.url} (ready in ${((performance.now() - started) / 1000).toFixed(1)} s); Ctrl-C stops it, containers go on running`,
	);

	const marker = path.join(data, 'hello-shown');
	if (!existsSync(marker) && (await service.list('sandboxes')).length === 0) {
		await showMainJob(service);
		await writeFile(marker, '');
	}
	say('type in another terminal: bin/zunbox ps · bin/zunbox logs client · bin/zunbox exec web ps · bin/zunbox --help');
	return 0;
}

async function showMainJob(service: Service): Promise<void> {
	say('first start: making an image, and a sandbox with two containers that share one address');
	await loadImage((await makeBusyboxArchive()).tar);
	await service.create('sandboxes', { name: 'hello' });
	for (const [name, command] of [
		['web', webCommand],
		['client', clientCommand],
	] as const) {
		await service.create('containers?run=true', {
			name,
			sandbox: 'hello',
			image: busyboxReference,
			image_pull_policy: 'ifnotpresent',
			command: ['sh', '-c', command],
			restart_policy: { Name: 'always' },
		});
	}
	const containers = await Promise.all(['web', 'client'].map((name) => service.untilRunning(name)));
	const output = await waitUntil('the client has reached the web server', 60_000, async () => {
		const lines = (await service.logs('client')).trimEnd().split('\n');
		return lines.includes(page) ? lines : undefined;
	});

	console.log();
	for (const container of containers) {
		console.log(
			`  container ${text(container, 'name').padEnd(8)} ${text(container, 'status').padEnd(9)} ${service.addressesOf(container).join(', ')}`,
		);
	}
	console.log(`  the client, asking http://localhost/, got: ${output.at(-1) ?? ''}`);
	console.log();
}

process.exitCode = await main().catch((error: unknown) => {
	if (!lives(servicePid)) return 0;
	say(error instanceof Error ? error.message : String(error));
	return 1;
});
