import { fail } from '../model/errors.ts';

/** What the scheduler reads in `hints`. Sandboxes are given by id or name. */
export interface Hints {
	readonly sameHost: readonly string[];
	readonly differentHost: readonly string[];
	readonly preferSameHost: readonly string[];
	readonly preferDifferentHost: readonly string[];
	readonly labels: readonly (readonly [key: string, value: string])[];
}

const keys = {
	same_host: 'sameHost',
	different_host: 'differentHost',
	prefer_same_host: 'preferSameHost',
	prefer_different_host: 'preferDifferentHost',
} as const;

/**
 * Reads hints: `same_host` and `different_host` must hold, `prefer_same_host` and `prefer_different_host` are wishes;
 * each takes one sandbox or a list. `label:<key>` must equal the host's label. Throws invalid-value for another form;
 * unknown hints are left alone, as other schedulers' hints may stand beside ours.
 */
export function readHints(hints: Readonly<Record<string, unknown>>): Hints {
	const found: Record<(typeof keys)[keyof typeof keys], readonly string[]> = {
		sameHost: [],
		differentHost: [],
		preferSameHost: [],
		preferDifferentHost: [],
	};
	const labels: [string, string][] = [];
	for (const [key, value] of Object.entries(hints)) {
		if (key.startsWith('label:')) labels.push([key.slice('label:'.length), label(key, value)]);
		else if (isKey(key)) found[keys[key]] = texts(key, value);
	}
	return { ...found, labels };
}

/** Most sandboxes that one hint may name. */
const mostSandboxes = 100;

function isKey(key: string): key is keyof typeof keys {
	return Object.hasOwn(keys, key);
}

function label(key: string, value: unknown): string {
	if (typeof value !== 'object' || value === null) return String(value);
	throw fail('invalid-value', `hint ${key} must be the text of a label`);
}

function texts(key: string, value: unknown): readonly string[] {
	if (typeof value === 'string') return [value];
	if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
		if (value.length > mostSandboxes)
			throw fail('invalid-value', `hint ${key} names ${value.length} sandboxes: ${mostSandboxes} is the most`);
		return value;
	}
	throw fail('invalid-value', `hint ${key} must be the id or name of a sandbox, or a list of them`);
}
