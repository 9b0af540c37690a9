import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SandboxSpec } from '../../model/spec.ts';

/** The files that make names known in a sandbox, and where they are on the host. */
export interface NameFilePaths {
	readonly directory: string;
	readonly hosts: string;
	readonly resolv: string;
}

export function nameFilePaths(stateDirectory: string, sandboxId: string): NameFilePaths {
	const directory = path.join(stateDirectory, 'sandboxes', sandboxId);
	return { directory, hosts: path.join(directory, 'hosts'), resolv: path.join(directory, 'resolv.conf') };
}

/** /etc/hosts of the sandbox. */
export function renderHosts(spec: Pick<SandboxSpec, 'hosts'>): string {
	const lines = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'];
	for (const { address, names } of spec.hosts) lines.push(`${address}\t${names.join(' ')}`);
	return `${lines.join('\n')}\n`;
}

/** /etc/resolv.conf of the sandbox. */
export function renderResolv(spec: Pick<SandboxSpec, 'dns'>): string {
	const lines = spec.dns.nameservers.map((address) => `nameserver ${address}`);
	if (spec.dns.search.length > 0) lines.unshift(`search ${spec.dns.search.join(' ')}`);
	return lines.map((line) => `${line}\n`).join('');
}

/** A digest of what both files hold together, to compare: the text can be long, and there are many sandboxes. */
export function nameContents(spec: Pick<SandboxSpec, 'hosts' | 'dns'>): string {
	return digest(renderHosts(spec), renderResolv(spec));
}

function digest(hosts: string, resolv: string): string {
	return hash('sha256', `${hosts}\0${resolv}`, 'base64');
}

/** No file of names that was written here is as long, in bytes. */
const longestFile = 1 << 20;

/**
 * The digest of what both files hold now; null = they are not there, or are none of ours. Containers may write to them: what they
 * made too long to be ours is not read, whatever its length.
 */
export async function readNameFiles(paths: NameFilePaths): Promise<string | null> {
	try {
		return digest(await readShort(paths.hosts), await readShort(paths.resolv));
	} catch {
		return null;
	}
}

async function readShort(file: string): Promise<string> {
	await using handle = await open(file, constants.O_RDONLY);
	const buffer = Buffer.alloc(Math.min((await handle.stat()).size, longestFile) + 1);
	const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
	if (bytesRead > longestFile) throw new Error(`${file} is too long`);
	return buffer.toString('utf8', 0, bytesRead);
}

/**
 * Writes both. A new file appears whole. One that is there is written over in place, in one write: containers have that
 * very file mounted, and would never see another of the same name. Nothing is forced to the disk: an agent that starts
 * compares what is there.
 */
export async function writeNameFiles(paths: NameFilePaths, spec: Pick<SandboxSpec, 'hosts' | 'dns'>): Promise<void> {
	await mkdir(paths.directory, { recursive: true, mode: 0o755 });
	await Promise.all([writeFileLive(paths.hosts, renderHosts(spec)), writeFileLive(paths.resolv, renderResolv(spec))]);
}

export async function removeNameFiles(paths: NameFilePaths): Promise<void> {
	await rm(paths.directory, { recursive: true, force: true });
}

async function writeFileLive(file: string, contents: string): Promise<void> {
	const bytes = Buffer.from(contents);
	try {
		await using handle = await open(file, constants.O_WRONLY);
		await handle.write(bytes, 0, bytes.length, 0);
		await handle.truncate(bytes.length);
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
		const temporary = `${file}.new`;
		await writeFile(temporary, bytes);
		// Whatever the service's umask: every user of a container reads it.
		await chmod(temporary, 0o644);
		await rename(temporary, file);
	}
}
