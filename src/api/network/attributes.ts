import { failNetwork } from '../../model/network-errors.ts';

/**
 * The attributes of one thing in a request's body, each read by name and form. What nobody read at the end is an
 * attribute that the thing does not have.
 */
export class Attributes {
	readonly #values: Readonly<Record<string, unknown>>;
	readonly #read = new Set<string>();

	constructor(value: unknown, what: string) {
		if (!isRecord(value)) throw failNetwork('BadRequest', `Unable to find '${what}' in request body`);
		this.#values = value;
	}

	text(name: string, longest = 255): string | undefined {
		const value = this.#take(name);
		if (value === undefined) return undefined;
		if (typeof value !== 'string') throw invalid(name, value, 'is not a valid string');
		if (value.length > longest) throw invalid(name, value, `exceeds maximum length of ${longest}`);
		return value;
	}

	/** null where the request says null. */
	nullableText(name: string): string | null | undefined {
		return this.#take(name) === null ? null : this.text(name);
	}

	requiredText(name: string): string {
		const value = this.text(name);
		if (value === undefined) throw failNetwork('BadRequest', `Failed to parse request. Required attribute '${name}' not specified`);
		return value;
	}

	boolean(name: string): boolean | undefined {
		const value = this.#take(name);
		if (value === undefined || typeof value === 'boolean') return value;
		const known = asBoolean(value);
		if (known === undefined) throw invalid(name, value, 'cannot be converted to boolean');
		return known;
	}

	integer(name: string): number | undefined {
		return this.nullableInteger(name) ?? undefined;
	}

	nullableInteger(name: string): number | null | undefined {
		const value = this.#take(name);
		if (value === undefined || value === null || value === '') return value === undefined ? undefined : null;
		const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
		if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw invalid(name, value, 'is not an integer');
		return number;
	}

	/** `most` = the longest list that is taken. */
	texts(name: string, most: number): readonly string[] | undefined {
		return this.#list(name, most)?.map((value) => {
			if (typeof value !== 'string') throw invalid(name, value, 'is not a valid string');
			return value;
		});
	}

	/** A list of `most` things with attributes of their own. null counts as the empty list. */
	things<Thing>(name: string, most: number, read: (attributes: Attributes) => Thing): readonly Thing[] | undefined {
		return this.#list(name, most)?.map((value) => {
			const attributes = new Attributes(value, name);
			const thing = read(attributes);
			attributes.end();
			return thing;
		});
	}

	/** An attribute that can be given, but only as what it is anyway. */
	fixed(name: string, ...values: readonly unknown[]): void {
		const value = this.#take(name);
		if (value === undefined || value === null || values.includes(value) || (Array.isArray(value) && value.length === 0)) return;
		if (isRecord(value) && Object.keys(value).length === 0) return;
		throw invalid(name, value, 'is not supported here');
	}

	/** The project, by its old or its new name. */
	projectId(): string | undefined {
		const old = this.text('tenant_id');
		const value = this.text('project_id') ?? old;
		return value === '' ? undefined : value;
	}

	/** Throws for attributes that nobody asked for. */
	end(): void {
		const unknown = Object.keys(this.#values).filter((name) => !this.#read.has(name));
		if (unknown.length > 0) throw failNetwork('BadRequest', `Unrecognized attribute(s) '${unknown.join(', ')}'`);
	}

	#take(name: string): unknown {
		this.#read.add(name);
		return this.#values[name];
	}

	#list(name: string, most: number): readonly unknown[] | undefined {
		const value = this.#take(name);
		if (value === undefined) return undefined;
		if (value === null) return [];
		if (!Array.isArray(value)) throw invalid(name, value, 'is not a list');
		if (value.length > most) throw invalid(name, `${value.length} items`, `exceeds the limit of ${most}`);
		return value;
	}
}

/** True and false as the OpenStack services read them. */
export function asBoolean(value: unknown): boolean | undefined {
	// Objects and lists may bring a toString of their own, which is none.
	if (typeof value === 'object') return undefined;
	const text = String(value).toLowerCase();
	if (['true', '1', 'yes', 'on', 't', 'y'].includes(text)) return true;
	return ['false', '0', 'no', 'off', 'f', 'n'].includes(text) ? false : undefined;
}

function invalid(name: string, value: unknown, reason: string): Error {
	const shown = JSON.stringify(value).slice(0, 300);
	return failNetwork('InvalidInput', `Invalid input for ${name}. Reason: '${shown}' ${reason}.`);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
