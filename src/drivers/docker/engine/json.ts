/**
 * Readers for the engine's answers. A field may be missing or null in any of them, depending on the engine's version:
 * nothing here throws, and each reader says what stands for "not there".
 */

/** The value at the path; undefined where anything on the way is missing. */
export function field(value: unknown, ...path: readonly string[]): unknown {
	let current: unknown = value;
	for (const key of path) {
		if (typeof current !== 'object' || current === null) return undefined;
		current = Reflect.get(current, key);
	}
	return current;
}

/** The text at the path; '' when there is none. */
export function text(value: unknown, ...path: readonly string[]): string {
	const found = field(value, ...path);
	return typeof found === 'string' ? found : '';
}

/** The number at the path; 0 when there is none. */
export function number(value: unknown, ...path: readonly string[]): number {
	const found = field(value, ...path);
	return typeof found === 'number' && Number.isFinite(found) ? found : 0;
}

/** Whether the value at the path is true. */
export function flag(value: unknown, ...path: readonly string[]): boolean {
	return field(value, ...path) === true;
}

/** The list at the path; empty when there is none. */
export function items(value: unknown, ...path: readonly string[]): readonly unknown[] {
	const found = field(value, ...path);
	return Array.isArray(found) ? found : [];
}

/** The texts in the list at the path. */
export function texts(value: unknown, ...path: readonly string[]): readonly string[] {
	return items(value, ...path).filter((item) => typeof item === 'string');
}

/** Names of the fields of the object at the path. */
export function keys(value: unknown, ...path: readonly string[]): readonly string[] {
	const found = field(value, ...path);
	return typeof found === 'object' && found !== null ? Object.keys(found) : [];
}

/** A time such as 2026-01-31T10:00:00.123456789Z in ms since the epoch; null for none, which Go writes as the year 1. */
export function time(value: unknown, ...path: readonly string[]): number | null {
	const ms = Date.parse(text(value, ...path));
	return Number.isFinite(ms) && ms > 0 ? ms : null;
}

/** Parses one JSON text; undefined when it is none. */
export function parseJson(source: string): unknown {
	try {
		return JSON.parse(source);
	} catch {
		return undefined;
	}
}
