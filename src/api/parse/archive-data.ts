import { fail } from '../../model/errors.ts';

/** Bytes of an archive as they stand in JSON: base64 from version 1.25, before that one character for each byte. */
export function decodeArchive(data: string, base64: boolean): Buffer {
	if (!base64) return [...data].every((character) => character <= '\u00ff') ? Buffer.from(data, 'latin1') : Buffer.from(data, 'utf8');
	const compact = data.replaceAll(/[\r\n]/g, '');
	const bytes = Buffer.from(compact, 'base64');
	if (bytes.toString('base64').replaceAll('=', '') !== compact.replaceAll('=', '')) {
		throw fail('base-64-exception', 'Invalid Base 64 file data.');
	}
	return bytes;
}

export function encodeArchive(bytes: Buffer, base64: boolean): string {
	return bytes.toString(base64 ? 'base64' : 'latin1');
}
