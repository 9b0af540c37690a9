import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { CliError, exitCodes, usageError } from '../exit-code.ts';
import { textIn } from '../resource.ts';
import { ApiError } from '../session/api-error.ts';
import type { Client } from '../session/client.ts';
import type { Action } from '../tree/spec.ts';

/** A path in a container. */
interface Inside {
	readonly container: string;
	readonly path: string;
}

/** Copies files between this machine and a container, as tar archives. */
export const copy: Action = async (context) => {
	const [from, to] = [context.input.argument('from'), context.input.argument('to')];
	const [source, target] = [inside(from), inside(to)];
	if ((source === null) === (target === null)) throw usageError('one of the two is <container>:<path>, the other a path here');
	const client = await context.client();
	if (source !== null) await copyOut(client, source, to);
	else if (target !== null) await copyIn(client, from, target);
	context.output.done(`${from} is copied to ${to}`);
	return exitCodes.ok;
};

function inside(text: string): Inside | null {
	const match = /^([a-zA-Z0-9][\w.-]*):(.+)$/s.exec(text);
	return match === null ? null : { container: match[1] ?? '', path: match[2] ?? '' };
}

const archivePath = (container: string, way: 'get_archive' | 'put_archive'): string =>
	`/containers/${encodeURIComponent(container)}/${way}`;

async function copyOut(client: Client, source: Inside, target: string): Promise<void> {
	const answer = await client.resource('GET', archivePath(source.container, 'get_archive'), { query: { path: source.path } });
	const isFolder = await stat(target).then(
		(found) => found.isDirectory(),
		() => false,
	);
	const parent = isFolder ? target : path.dirname(target);
	// First beside its place, so that what comes is one thing of a known name, and nothing half there when it fails.
	const unpacked = await mkdtemp(path.join(parent, '.zunbox-cp-'));
	try {
		await tar(['-x', '--no-same-owner', '-C', unpacked, '-f', '-'], Buffer.from(textIn(answer, 'data'), 'base64'));
		const [name] = await readdir(unpacked);
		if (name === undefined) throw new CliError(`there is nothing at ${source.container}:${source.path}`);
		await rename(path.join(unpacked, name), isFolder ? path.join(target, name) : target);
	} finally {
		await rm(unpacked, { recursive: true, force: true });
	}
}

async function copyIn(client: Client, source: string, target: Inside): Promise<void> {
	await stat(source).catch(() => {
		throw new CliError(`${source} is not there`, exitCodes.notFound);
	});
	const absolute = path.resolve(source);
	const isInto = target.path.endsWith('/') || (await isFolderInside(client, target));
	const name = path.basename(absolute);
	const wanted = isInto ? name : path.posix.basename(target.path);
	const folder = isInto ? target.path : path.posix.dirname(target.path);
	const renaming = wanted === name ? [] : ['--transform', `s\u0001^${pattern(name)}\u0001${replacement(wanted)}\u0001S`];
	const archive = await tar(['-c', '--owner=0', '--group=0', ...renaming, '-C', path.dirname(absolute), '-f', '-', '--', name]);
	const body = { path: folder, data: archive.toString('base64') };
	await client.call('POST', archivePath(target.container, 'put_archive'), { body, timeout: 600_000 });
}

/** Whether a path in the container is a folder: the first header of its archive says so, and no more of it is read. */
async function isFolderInside(client: Client, target: Inside): Promise<boolean> {
	try {
		const answer = await client.stream('GET', archivePath(target.container, 'get_archive'), { query: { path: target.path } });
		let text = '';
		for await (const chunk of answer) {
			text += String(chunk);
			if (text.length > 1024) break;
		}
		answer.destroy();
		const data = /^\s*\{"data":"([^"]*)/.exec(text)?.[1] ?? '';
		// The type of what is archived stands at byte 156 of a tar header; 5 is a folder.
		return Buffer.from(data.slice(0, 1024), 'base64').subarray(156, 157).toString() === '5';
	} catch (error) {
		// A path that is not there yet is the name of what is made.
		if (error instanceof ApiError && error.status === 400) return false;
		throw error;
	}
}

function pattern(name: string): string {
	return name.replaceAll(/[\\^$.*[\]]/g, '\\$&');
}

function replacement(name: string): string {
	return name.replaceAll(/[\\&]/g, '\\$&');
}

async function tar(words: readonly string[], input?: Uint8Array): Promise<Buffer> {
	const child = spawn('tar', [...words], { stdio: ['pipe', 'pipe', 'pipe'] });
	const failed = Promise.withResolvers<never>();
	child.once('error', () => failed.reject(new CliError('the program tar is not here: install it to copy files')));
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	const done = new Promise<number | null>((resolve) => child.once('close', resolve));
	const [output, complaint, code] = await Promise.race([Promise.all([buffer(child.stdout), buffer(child.stderr), done]), failed.promise]);
	if (code !== 0) throw new CliError(`the files cannot be copied: ${complaint.toString().trim().split('\n')[0] ?? ''}`);
	return output;
}
