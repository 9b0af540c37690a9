import { fail } from '../../model/errors.ts';
import { signalName } from '../../model/signals.ts';
import { given } from './text.ts';

/**
 * The signal of a request, in any form that Zun takes (`SIGHUP`, `HUP`, `hup`, `1`), as its full name; null = none was
 * given. Throws `schema-validation-error` for what is no signal.
 */
export function requestedSignal(value: string | number | null | undefined): string | null {
	const word = given(typeof value === 'number' ? String(value) : value);
	if (word === null) return null;
	const name = signalName(word);
	if (name !== null) return name;
	throw fail(
		'schema-validation-error',
		`Invalid input for field 'signal'. Value: ${JSON.stringify(word.slice(0, 40))}. It is not a signal.`,
	);
}
