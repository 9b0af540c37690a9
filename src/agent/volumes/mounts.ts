import { readFile } from 'node:fs/promises';

export interface Mount {
	/** Number of the device, such as `7:0`. */
	readonly device: string;
	/** Where it is mounted. */
	readonly point: string;
	/** Whether nothing can be written through it. */
	readonly readOnly: boolean;
}

/** What is mounted in the namespace of this process, in the order of mounting. */
export async function readMounts(): Promise<readonly Mount[]> {
	return parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Reads the kernel's form of the table, in which blanks and the like are octal. */
export function parseMounts(text: string): readonly Mount[] {
	return text.split('\n').flatMap((line) => {
		const [, , device, , point, options = ''] = line.split(' ');
		if (device === undefined || point === undefined) return [];
		const name = point.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
		return [{ device, point: name, readOnly: options.split(',').includes('ro') }];
	});
}
