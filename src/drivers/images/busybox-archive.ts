import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type TarEntry, tarEntry } from '../tar.ts';
import { hostArchitecture, type ImageArchive, makeImageArchive } from './image-archive.ts';

const run = promisify(execFile);

/** What `makeBusyboxArchive` names the image unless it is told otherwise. */
export const busyboxReference = 'zunbox/busybox:latest';

/**
 * A small image with a shell and the usual commands, made from the machine's own static busybox, so that a first
 * container and the tests need no registry. Throws an Error that says what to install where there is no static busybox.
 */
export async function makeBusyboxArchive(reference: string = busyboxReference, program = '/bin/busybox'): Promise<ImageArchive> {
	const content = await readFile(program).catch((cause: unknown) => {
		throw new Error(`${program} cannot be read; install Debian's package busybox-static`, { cause });
	});
	if (!isStaticProgram(content)) {
		throw new Error(`${program} is not a static program; install Debian's package busybox-static`);
	}
	const { stdout } = await run(program, ['--list-full'], { signal: AbortSignal.timeout(10_000) });
	return makeImageArchive(
		{
			architecture: hostArchitecture(),
			files: busyboxFiles(content, stdout.split('\n')),
			entrypoint: null,
			command: ['sh'],
			environment: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
			labels: {},
		},
		reference,
	);
}

/** The tree of the image. `applets` are the relative paths that busybox wants to be found at, such as `usr/bin/wc`. */
export function busyboxFiles(program: Uint8Array, applets: readonly string[]): readonly TarEntry[] {
	const directories = ['bin', 'dev', 'etc', 'home', 'lib', 'proc', 'run', 'sbin', 'sys', 'usr', 'usr/bin', 'usr/sbin', 'var'];
	const links = applets.filter((applet) => /^(usr\/)?s?bin\/[^/]+$/.test(applet) && applet !== 'bin/busybox');
	return [
		...directories.map((path) => tarEntry(path, { type: 'directory' })),
		tarEntry('root', { type: 'directory', mode: 0o700 }),
		tarEntry('tmp', { type: 'directory', mode: 0o1777 }),
		tarEntry('bin/busybox', { mode: 0o755, bytes: program }),
		...[...new Set(links)].sort().map((path) => tarEntry(path, { type: 'symlink', linkTarget: '/bin/busybox' })),
		textFile('etc/passwd', ['root:x:0:0:root:/root:/bin/sh', 'nobody:x:65534:65534:nobody:/:/bin/false']),
		textFile('etc/group', ['root:x:0:', 'tty:x:5:', 'nogroup:x:65534:']),
	];
}

function textFile(path: string, lines: readonly string[]): TarEntry {
	return tarEntry(path, { bytes: Buffer.from(`${lines.join('\n')}\n`) });
}

/** Whether it is a 64-bit little-endian ELF program that asks for no dynamic loader. */
export function isStaticProgram(bytes: Uint8Array): boolean {
	const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (view.length < 64 || view.readUInt32BE(0) !== 0x7f454c46 || view[4] !== 2 || view[5] !== 1) return false;
	const offset = Number(view.readBigUInt64LE(32));
	const size = view.readUInt16LE(54);
	const count = view.readUInt16LE(56);
	const interpreter = 3;
	if (offset + size * count > view.length) return false;
	return Array.from({ length: count }, (_, index) => view.readUInt32LE(offset + index * size)).every((type) => type !== interpreter);
}
