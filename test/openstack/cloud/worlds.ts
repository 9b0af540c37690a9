/** What a cloud's world leaves on the machine when it ends, by itself or killed: its folder, loop devices and control groups. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, readdirSync, rmSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually.ts';
import { Place } from './place.ts';
import { endMarked, readMark } from './processes.ts';

const run = promisify(execFile);

export const folderPrefix = 'zunbox-openstack-';
/** Marks, in the folder, the process that keeps the world. */
export const ownerFile = 'owner.pid';
/** Marks the process that holds the world's processes: they end with it. */
export const worldFile = 'world.pid';

/** Removes the worlds of those who were killed before they could. */
export async function sweepWorlds(): Promise<void> {
	for (const name of readdirSync(tmpdir())) {
		const folder = path.join(tmpdir(), name);
		if (!name.startsWith(folderPrefix) || !existsSync(path.join(folder, ownerFile))) continue;
		if (readMark(path.join(folder, ownerFile)) === null) await removeWorld(folder);
	}
}

/** Ends the world if it has not ended yet, and removes what it leaves. */
export async function removeWorld(folder: string): Promise<void> {
	await endMarked(path.join(folder, worldFile), 'SIGKILL');
	await detachLoopDevices(folder);
	const { owner } = new Place(folder);
	for (const group of [owner, `zunbox/${owner}`]) await removeControlGroups(group);
	// A file system that was mounted in the world is let go of a moment after the last process has gone.
	await eventually(`${folder} can be removed`, () => {
		rmSync(folder, { recursive: true, force: true });
		return true;
	});
}

async function detachLoopDevices(folder: string): Promise<void> {
	const { stdout } = await run('losetup', ['--noheadings', '--list', '--output', 'NAME,BACK-FILE']);
	for (const line of stdout.split('\n')) {
		const [device, file] = line.trim().split(/\s+/, 2);
		if (device !== undefined && file?.startsWith(`${folder}/`)) await run('losetup', ['--detach', device]).catch(() => undefined);
	}
}

/** Removes the groups of that name in every hierarchy, with those below. What still holds a process stays. */
async function removeControlGroups(name: string): Promise<void> {
	const groups = ['/sys/fs/cgroup', '/sys/fs/cgroup/*'].flatMap((root) => globSync([`${root}/${name}`, `${root}/${name}/**/`]));
	for (const group of [...new Set(groups)].sort((one, other) => other.length - one.length)) await rmdir(group).catch(() => undefined);
}
