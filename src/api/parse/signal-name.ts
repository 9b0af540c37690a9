import { constants } from 'node:os';
import { fail } from '../../model/errors.ts';
import { given } from './text.ts';

const numbers: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals));
const names: ReadonlyMap<number, string> = new Map([...numbers].reverse().map(([name, number]) => [number, name]));

/**
 * A signal in any form that Zun takes (`SIGHUP`, `HUP`, `sighup`, `hup`, `1`) as its full name; null = none was given.
 * Throws `schema-validation-error` for what is no signal.
 */
export function signalName(text: string | number | null | undefined): string | null {
	const word = given(typeof text === 'number' ? String(text) : text);
	if (word === null) return null;
	if (/^\d+$/.test(word)) {
		const name = names.get(Number(word));
		if (name !== undefined) return name;
	} else {
		const upper = word.toUpperCase();
		const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
		if (numbers.has(name)) return name;
		if (/^SIGRT(MIN|MAX)([+-]\d{1,2})?$/.test(name)) return name;
	}
	throw fail(
		'schema-validation-error',
		`Invalid input for field 'signal'. Value: ${JSON.stringify(word.slice(0, 40))}. It is not a signal.`,
	);
}
