import { fail } from '../../model/errors.ts';

/** A time in Keystone's form, such as `2026-01-31T08:00:00.000000Z`. */
export function keystoneTime(time: number): string {
	return new Date(time).toISOString().replace('Z', '000Z');
}

/** Reads a time as clients write it: with or without fractions of a second and zone, which is UTC when missing. */
export function parseKeystoneTime(text: string): number {
	const match = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
	const time = match === null ? Number.NaN : Date.parse(`${match[1]}${(match[2] ?? '').slice(0, 4)}${match[3] ?? 'Z'}`);
	if (Number.isNaN(time)) throw fail('schema-validation-error', `Invalid input: ${text} is not a time such as 2030-12-31T23:59:59Z.`);
	return time;
}
