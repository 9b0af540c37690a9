import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { tarEntry } from '../tar.ts';
import { hostArchitecture, type ImageArchitecture, type ImageArchive, makeImageArchive } from './image-archive.ts';

/** Where the binaries are, seen from this file: at the same place in a checkout (src/) and in a package (dist/). */
const binaries = path.resolve(import.meta.dirname, '../../../images/pause');

/** Path of the `pause` program for an architecture. */
export function pauseBinaryPath(architecture: ImageArchitecture = hostArchitecture()): string {
	return path.join(binaries, `pause-${architecture}`);
}

/**
 * The image of a sandbox's first process: a few kilobytes, so it is made anew wherever it is needed instead of being
 * pulled. Its tag names its content, `zunbox/pause:<12 digits of its id>`: an engine that has the reference has exactly
 * this program.
 */
export async function makePauseArchive(architecture: ImageArchitecture = hostArchitecture()): Promise<ImageArchive> {
	const program = await readFile(pauseBinaryPath(architecture));
	return makeImageArchive(
		{
			architecture,
			files: [tarEntry('pause', { mode: 0o755, bytes: program })],
			entrypoint: ['/pause'],
			command: null,
			environment: [],
			labels: {},
		},
		(id) => `zunbox/pause:${id.slice('sha256:'.length, 'sha256:'.length + 12)}`,
	);
}
