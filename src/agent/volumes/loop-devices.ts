import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
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

/**
 * Loop devices whose file is one of those meant. Read without waiting: the kernel answers from memory, and a turn of
 * the event loop for each of a thousand devices would cost ten times as much.
 */
export async function readLoopDevices(isMeant: (file: string) => boolean = () => true): Promise<readonly LoopDevice[]> {
	const names = (await readdir(folder)).filter((name) => name.startsWith('loop'));
	return names.map((name) => readLoopDevice(name, isMeant)).filter((device) => device !== null);
}

/** null = it has no file that is meant, or lost it while it was looked at. */
function readLoopDevice(name: string, isMeant: (file: string) => boolean): LoopDevice | null {
	const read = (...parts: string[]) => readFileSync(path.join(folder, name, ...parts), 'utf8').replace(/\n$/, '');
	// One without a file has no such folder: asking is cheaper than an error.
	if (!existsSync(path.join(folder, name, 'loop'))) return null;
	try {
		const file = read('loop', 'backing_file');
		if (file === '' || !isMeant(file)) return null;
		return { path: `/dev/${name}`, device: read('dev'), file, autoclear: read('loop', 'autoclear') === '1' };
	} catch {
		return null;
	}
}
