import { type Archive, type ArchiveStat, DriverError } from '../driver.ts';
import type { EngineClient } from './engine/engine-client.ts';
import { number, parseJson, text } from './engine/json.ts';

export async function getArchive(engine: EngineClient, engineId: string, path: string, signal: AbortSignal): Promise<Archive> {
	const answer = await engine.stream({ method: 'GET', path: `/containers/${engineId}/archive`, query: { path }, signal });
	const header = answer.headers['x-docker-container-path-stat'];
	const stat = parseJson(Buffer.from(typeof header === 'string' ? header : '', 'base64').toString());
	return { stat: archiveStat(stat), tar: answer.body };
}

/** ms; the engine answers when all is unpacked. How long that may take is the caller's to say, with its signal. */
const unpackTime = 3_600_000;

export async function putArchive(
	engine: EngineClient,
	engineId: string,
	path: string,
	tar: AsyncIterable<Uint8Array>,
	signal: AbortSignal,
): Promise<void> {
	try {
		const answer = await engine.stream({
			method: 'PUT',
			path: `/containers/${engineId}/archive`,
			query: { path },
			tar,
			signal,
			timeout: unpackTime,
		});
		for await (const _ of answer.body);
	} catch (error) {
		// The engine says 403 for a container whose file system is read-only.
		if (error instanceof DriverError && error.code === 'unauthorized') throw new DriverError('invalid', error.message, { cause: error });
		throw error;
	}
}

/** From the engine's description, whose mode is Go's. */
export function archiveStat(stat: unknown): ArchiveStat {
	return {
		name: text(stat, 'name'),
		size: number(stat, 'size'),
		mode: unixMode(number(stat, 'mode')),
		mtime: text(stat, 'mtime'),
		linkTarget: text(stat, 'linkTarget'),
	};
}

/** Bit of Go's file mode → Unix type bits; a file without any of them is a regular one. */
const types: readonly (readonly [number, number])[] = [
	[31, 0o040_000],
	[27, 0o120_000],
	[25, 0o010_000],
	[24, 0o140_000],
];

/** Unix mode bits, type and permissions, for a Go file mode. */
export function unixMode(goMode: number): number {
	const has = (bit: number): boolean => Math.floor(goMode / 2 ** bit) % 2 === 1;
	const device = has(26) ? (has(21) ? 0o020_000 : 0o060_000) : 0;
	const type = types.find(([bit]) => has(bit))?.[1] ?? (device || 0o100_000);
	const special = (has(23) ? 0o4000 : 0) + (has(22) ? 0o2000 : 0) + (has(20) ? 0o1000 : 0);
	return type + special + (goMode % 0o1000);
}
