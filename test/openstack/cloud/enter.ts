/**
 * Runs a command beside an OpenStack of its own: `node test/openstack/cloud/enter.ts <command> ...`, as root. The cloud and the
 * command have a network, mounts and process numbers of their own, so that nothing of the machine is in their way or is
 * changed by them; they reach nothing outside. When the command ends, or this process does in any way, all of it ends.
 * Ends with the command's status; 3 = the cloud did not start.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Place, placeVariable } from './place.ts';
import { writeMark } from './processes.ts';
import { folderPrefix, ownerFile, removeWorld, sweepWorlds, worldFile } from './worlds.ts';

async function main(command: readonly string[]): Promise<number> {
	if (process.getuid?.() !== 0) throw new Error('only root may start a cloud');
	if (command.length === 0) throw new Error('name the command that is to run beside the cloud');
	await sweepWorlds();
	const place = new Place(path.join(tmpdir(), `${folderPrefix}${randomBytes(6).toString('hex')}`));
	mkdirSync(place.folder);
	writeMark(path.join(place.folder, ownerFile), process.pid);
	const namespaces = ['--net', '--mount', '--pid', '--ipc', '--fork', '--kill-child'];
	const inside = [path.join(import.meta.dirname, 'init.sh'), place.folder, process.execPath, path.join(import.meta.dirname, 'main.ts')];
	const world = spawn('unshare', [...namespaces, ...inside, ...command], {
		// The end of its standard input is how it notices that this process is gone.
		stdio: ['pipe', 'inherit', 'inherit'],
		env: { ...process.env, [placeVariable]: place.folder },
	});
	const ended = once(world, 'exit');
	if (world.pid !== undefined) writeMark(path.join(place.folder, worldFile), world.pid);
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => world.stdin?.end());
	try {
		const [code] = await ended;
		return code ?? 1;
	} finally {
		await removeWorld(place.folder);
	}
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
	console.error(`cloud: ${error instanceof Error ? error.message : error}`);
	return 3;
});
