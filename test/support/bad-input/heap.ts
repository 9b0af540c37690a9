import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes in use once everything that is unreachable is gone. */
export async function heapInUse(): Promise<number> {
	setFlagsFromString('--expose-gc');
	const collect: unknown = runInNewContext('gc');
	if (typeof collect !== 'function') throw new Error('garbage cannot be collected on demand');
	for (let round = 0; round < 3; round += 1) {
		await new Promise((resolve) => setImmediate(resolve));
		collect();
	}
	return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}
