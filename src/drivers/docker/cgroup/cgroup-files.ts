import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DriverError } from '../../driver.ts';
import { type CgroupLayout, type CgroupWrite, type GroupLimits, limitWrites } from './layout.ts';

const mount = '/sys/fs/cgroup';
const quotaFile = 'cpu.cfs_quota_us';

/** The parent's files of a layout without systemd. `parent` is a path such as `/zunbox/<owner>/<sandbox>`. */
export async function writeLimits(layout: CgroupLayout, parent: string, limits: GroupLimits): Promise<void> {
	const writes = limitWrites(layout.version, limits);
	try {
		if (layout.version === 2) await enableControllers(parent);
		for (const controller of new Set(writes.map((write) => write.controller))) {
			await mkdir(path.join(mount, controller, parent), { recursive: true });
		}
		for (const write of writes) await writeLimit(parent, write);
	} catch (cause) {
		if (codeOf(cause) === 'EBUSY') {
			throw new DriverError('conflict', 'the containers of the sandbox use more memory than the new limit', { cause });
		}
		const words = cause instanceof Error ? cause.message : String(cause);
		throw new DriverError('failed', `the limits of the sandbox could not be set: ${words}`, { cause });
	}
}

/**
 * Removes the group's folders. One that still holds a group stays: the kernel refuses, and a later call removes it.
 * The folders above are not touched: the engine may be making another group below them at this moment.
 */
export async function removeFolders(parent: string): Promise<void> {
	for (const root of await roots()) await rmdir(path.join(root, parent)).catch(() => undefined);
}

/** Removes the group with all below it, and ends what still runs there: as stopping a slice does. Answers whether it is gone. */
export async function endGroup(parent: string): Promise<boolean> {
	let gone = true;
	for (const root of await roots()) {
		// Deepest first: a group with another in it cannot be removed.
		for (const folder of (await groupsBelow(path.join(root, parent))).reverse()) {
			await put(path.join(folder, 'freezer.state'), 'THAWED').catch(() => undefined);
			const processes = await readFile(path.join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
			for (const pid of processes.split('\n').map(Number)) if (pid > 0) end(pid);
			await rmdir(folder).catch((error: unknown) => {
				gone &&= codeOf(error) === 'ENOENT';
			});
		}
	}
	return gone;
}

/** The folder and all groups below it, each before those in it; empty when it is not there. */
async function groupsBelow(folder: string): Promise<string[]> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => null);
	if (entries === null) return [];
	return [folder, ...entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(entry.parentPath, entry.name))];
}

function end(pid: number): void {
	try {
		process.kill(pid, 'SIGKILL');
	} catch (error) {
		if (codeOf(error) !== 'ESRCH') throw error;
	}
}

/** Names of the groups below `folder`, in any controller. */
export async function groupsIn(folder: string): Promise<readonly string[]> {
	const names = new Set<string>();
	for (const root of await roots()) {
		const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch(() => []);
		for (const entry of entries) if (entry.isDirectory()) names.add(entry.name);
	}
	return [...names];
}

/** µs of a period that the parent allows; null = no limit, or a kernel where a child may be given more than its parent. */
export async function parentQuota(layout: CgroupLayout, parent: string): Promise<number | null> {
	if (layout.version === 2) return null;
	const content = await readFile(path.join(mount, 'cpu', parent, quotaFile), 'utf8').catch(() => '-1');
	const quota = Number(content);
	return quota > 0 ? quota : null;
}

async function writeLimit(parent: string, write: CgroupWrite): Promise<void> {
	const folder = path.join(mount, write.controller, parent);
	try {
		await put(path.join(folder, write.file), write.value);
	} catch (cause) {
		if (write.optional) return;
		// Version 1 refuses a quota below that of a child, so the children come down first.
		if (codeOf(cause) !== 'EINVAL' || write.file !== quotaFile) throw cause;
		await lowerChildren(folder, Number(write.value));
		await put(path.join(folder, write.file), write.value);
	}
}

async function lowerChildren(folder: string, quota: number): Promise<void> {
	for (const entry of await readdir(folder, { withFileTypes: true })) {
		if (!entry.isDirectory()) continue;
		const file = path.join(folder, entry.name, quotaFile);
		const current = Number(await readFile(file, 'utf8').catch(() => '-1'));
		if (current > quota) await put(file, `${quota}`);
	}
}

/** Version 2 gives a group only the controllers that each group above it passes down. */
async function enableControllers(parent: string): Promise<void> {
	let folder = mount;
	for (const level of parent.split('/').filter((part) => part !== '')) {
		for (const controller of ['+cpu', '+memory', '+pids']) {
			await put(path.join(folder, 'cgroup.subtree_control'), controller).catch(() => undefined);
		}
		folder = path.join(folder, level);
		await mkdir(folder, { recursive: true });
	}
}

/** Every hierarchy that is mounted: one a controller for version 1, and the mount itself. */
async function roots(): Promise<readonly string[]> {
	const entries = await readdir(mount, { withFileTypes: true }).catch(() => []);
	return [mount, ...entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(mount, entry.name))];
}

/** The file must be there: a control group's files are the kernel's to make. */
async function put(file: string, value: string): Promise<void> {
	await writeFile(file, value, { flag: 'r+' });
}

function codeOf(cause: unknown): string {
	return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
}
