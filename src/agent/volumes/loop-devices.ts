import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export interface LoopDevice {
	/** Such as `/dev/loop0`. */
	readonly path: string;
	/** Number of the device, such as `7:0`. */
	readonly device: string;
	/** The file behind it, as the kernel knows it: ` (deleted)` at the end of one that was removed. */
	readonly file: string;
	/** Whether it goes by itself with its last user. */
	readonly autoclear: boolean;
}

const folder = '/sys/block';

/** Loop devices that have a file. */
export async function readLoopDevices(): Promise<readonly LoopDevice[]> {
	const names = (await readdir(folder)).filter((name) => name.startsWith('loop'));
	const found = await Promise.all(names.map(readLoopDevice));
	return found.filter((device) => device !== null);
}

/** null = it has no file, or lost it while it was looked at. */
async function readLoopDevice(name: string): Promise<LoopDevice | null> {
	const read = async (...parts: string[]) => (await readFile(path.join(folder, name, ...parts), 'utf8')).replace(/\n$/, '');
	try {
		const file = await read('loop', 'backing_file');
		if (file === '') return null;
		return { path: `/dev/${name}`, device: await read('dev'), file, autoclear: (await read('loop', 'autoclear')) === '1' };
	} catch {
		return null;
	}
}
