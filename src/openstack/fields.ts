import { OpenStackError, type ServiceType, serviceNames } from './errors.ts';

/**
 * Reads an answer field by field. What must be there and is not, or is of another kind, is told with its place, so that
 * nothing unexpected gets further than the client.
 */
export class Fields {
	readonly #service: ServiceType;
	readonly #where: string;
	readonly #values: Readonly<Record<string, unknown>>;

	constructor(service: ServiceType, where: string, value: unknown) {
		this.#service = service;
		this.#where = where;
		if (!isRecord(value)) throw this.#unexpected('is no object');
		this.#values = value;
	}

	has(name: string): boolean {
		return this.#values[name] !== undefined && this.#values[name] !== null;
	}

	text(name: string): string {
		const value = this.#values[name];
		if (typeof value === 'string') return value;
		throw this.#unexpected('is no text', name);
	}

	/** A text; `byDefault` when it is missing or null. */
	textOr<T>(name: string, byDefault: T): string | T {
		const value = this.#values[name];
		return typeof value === 'string' ? value : byDefault;
	}

	/** A text that is not empty; null for all else. Some services write an empty text where others write null. */
	textOrNull(name: string): string | null {
		return this.textOr(name, null) || null;
	}

	number(name: string): number {
		const value = this.#values[name];
		if (typeof value === 'number') return value;
		throw this.#unexpected('is no number', name);
	}

	numberOr<T>(name: string, byDefault: T): number | T {
		const value = this.#values[name];
		return typeof value === 'number' ? value : byDefault;
	}

	flag(name: string): boolean {
		const value = this.#values[name];
		// Cinder writes some of them as texts.
		return value === true || value === 'true' || value === 'True';
	}

	/** ms since the epoch. */
	time(name: string): number {
		const time = timeOf(this.text(name));
		if (Number.isNaN(time)) throw this.#unexpected('is no time', name);
		return time;
	}

	timeOrNull(name: string): number | null {
		const time = timeOf(this.textOr(name, ''));
		return Number.isNaN(time) ? null : time;
	}

	fields(name: string): Fields {
		return new Fields(this.#service, `${this.#where}.${name}`, this.#values[name]);
	}

	fieldsOrNull(name: string): Fields | null {
		return this.has(name) ? this.fields(name) : null;
	}

	/** A list of objects; empty when it is missing. */
	list(name: string): readonly Fields[] {
		const value = this.#values[name] ?? [];
		if (!Array.isArray(value)) throw this.#unexpected('is no list', name);
		return value.map((item, index) => new Fields(this.#service, `${this.#where}.${name}[${index}]`, item));
	}

	/** A list of texts; empty when it is missing. What is no text is left out. */
	texts(name: string): readonly string[] {
		const value = this.#values[name];
		return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
	}

	/** A map of texts; empty when it is missing. */
	map(name: string): Readonly<Record<string, string>> {
		const value = this.#values[name];
		if (!isRecord(value)) return {};
		return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
	}

	/** The members of an object whose names are data, such as the networks of a server's addresses. */
	members(): readonly string[] {
		return Object.keys(this.#values);
	}

	#unexpected(what: string, name?: string): OpenStackError {
		const place = name === undefined ? this.#where : `${this.#where}.${name}`;
		return new OpenStackError(`the ${serviceNames[this.#service]} gave an answer that is not understood: ${place} ${what}`, {
			service: this.#service,
			status: 200,
		});
	}
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Services write times in UTC, some without saying so. */
function timeOf(text: string): number {
	return Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`);
}
