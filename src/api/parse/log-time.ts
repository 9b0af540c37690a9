import { fail } from '../../model/errors.ts';
import { given } from './text.ts';

/** `since` of logs as seconds since the epoch: a number, or a time in UTC such as `2026-01-31 12:00:00,000`. null = not given. */
export function logTime(text: string | number | null | undefined): number | null {
	const word = given(typeof text === 'number' ? String(text) : text);
	if (word === null) return null;
	if (/^\d{1,12}(\.\d{1,9})?$/.test(word)) return Number(word);
	const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?Z?$/.exec(word);
	if (match !== null) {
		const second = `${match[1]}T${match[2]}`;
		const time = Date.parse(`${second}.${(match[3] ?? '0').slice(0, 3).padEnd(3, '0')}Z`);
		// JavaScript takes the 31st of February for a day in March.
		if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(second)) return time / 1000;
	}
	throw fail(
		'invalid-value',
		`Invalid value for 'since': ${JSON.stringify(word.slice(0, 40))}. Give seconds since 1970 or YYYY-MM-DD HH:MM:SS,mmm.`,
	);
}

/** `tail` of logs as a number of lines; null = all. */
export function logTail(text: string | number | null | undefined): number | null {
	const word = given(typeof text === 'number' ? String(text) : text);
	if (word === null || word === 'all') return null;
	if (/^\d{1,9}$/.test(word)) return Number(word);
	throw fail('invalid-value', `Invalid value for 'tail': ${JSON.stringify(word.slice(0, 40))}. Give a number of lines or 'all'.`);
}
