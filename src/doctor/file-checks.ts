import path from 'node:path';
import { type Check, failed, ok, warning } from './check.ts';
import type { Machine } from './machine.ts';

const gibibyte = 1024 ** 3;

/** The service's own files. */

export function dataDirectoryCheck(machine: Machine, directory: string): Check {
	return {
		name: 'data directory',
		advice: `make ${directory} readable and writable for the service's user`,
		async look() {
			const found = await machine.stat(directory);
			if (found === null) return warning(`${directory} is not there yet`, 'the first start of the service makes it');
			if (found.kind !== 'folder') return failed(`${directory} is no folder`, 'move it away, or set dataDirectory to another place');
			if (!(await machine.writable(directory))) return failed(`${directory} cannot be written`, `chown it to the service's user`);
			if ((found.mode & 0o077) !== 0)
				return warning(`${directory} can be entered by others`, `chmod 700 ${directory}: it holds keys and the database`);
			return ok(`${directory}, for its owner alone`);
		},
	};
}

/** Files that hold a secret. */
export function secretFileCheck(machine: Machine, setting: string, file: string): Check {
	return {
		name: `file: ${setting}`,
		advice: `make ${file} readable for the service's user`,
		async look() {
			const found = await machine.stat(file);
			if (found === null) return failed(`${file} is not there`, `write the secret into it, and chmod 600 ${file}`);
			if (((await machine.read(file)) ?? '').trim() === '') return failed(`${file} is empty`, 'write the secret into it');
			if ((found.mode & 0o077) !== 0) return failed(`${file} can be read by others`, `chmod 600 ${file}`);
			return ok(`${file}, for its owner alone`);
		},
	};
}

export function spaceCheck(machine: Machine, what: string, directory: string): Check {
	return {
		name: `disk space: ${what}`,
		advice: 'look whether the disk is mounted',
		async look() {
			const { free, total } = await machine.space(await nearest(machine, directory));
			const text = `${(free / gibibyte).toFixed(1)} of ${(total / gibibyte).toFixed(1)} GiB free at ${directory}`;
			if (free < gibibyte) return failed(text, 'make room: the database and sandboxes cannot be written soon');
			if (free < 5 * gibibyte || free < total / 20) return warning(text, 'make room soon');
			return ok(text);
		},
	};
}

/** The folder, or the nearest one above it that is there. */
async function nearest(machine: Machine, directory: string): Promise<string> {
	const found = await machine.stat(directory);
	const above = path.dirname(directory);
	return found !== null || above === directory ? directory : await nearest(machine, above);
}
