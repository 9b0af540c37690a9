import { constants } from 'node:os';

/** Canonical name of a signal given as Zun takes it (`SIGHUP`, `hup`, `1`); null when there is no such signal. */
export function signalName(text: string): string | null {
	const upper = text.trim().toUpperCase();
	const byNumber = Object.entries(constants.signals).find(([, number]) => String(number) === upper);
	if (byNumber !== undefined) return byNumber[0];
	const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
	return Object.hasOwn(constants.signals, name) ? name : null;
}
