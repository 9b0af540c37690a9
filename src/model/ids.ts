import { randomBytes, randomInt, randomUUID } from 'node:crypto';

export function newId(): string {
	return randomUUID();
}

export function newRequestId(): string {
	return `req-${randomUUID()}`;
}

/** Whether the text has the form of an id. Names can have it too, so ids are looked up first. */
export function isId(text: string): boolean {
	return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}

const letters = [
	'alpha',
	'beta',
	'gamma',
	'delta',
	'epsilon',
	'zeta',
	'eta',
	'theta',
	'iota',
	'kappa',
	'lambda',
	'mu',
	'nu',
	'xi',
	'omicron',
	'pi',
	'rho',
	'sigma',
	'tau',
	'upsilon',
	'phi',
	'chi',
	'psi',
	'omega',
] as const;

/** A name in Zun's manner for what was created without one, such as `sigma-24-container`. */
export function inventName(kind: 'container' | 'sandbox' | 'capsule'): string {
	return `${letters[randomInt(letters.length)]}-${randomInt(1, 25)}-${kind}`;
}

/** Random bytes as text for tokens, passwords and secrets. It never begins with `-`: commands would take it for an option. */
export function randomSecret(bytes: number): string {
	for (;;) {
		const text = randomBytes(bytes).toString('base64url');
		if (!text.startsWith('-')) return text;
	}
}
