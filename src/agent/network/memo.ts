/**
 * Remembers what was computed for a thing as long as the thing looks the same. It only saves time: with an empty memo
 * the answers are equal.
 */
export class Memo<Value> {
	#entries = new Map<string, { readonly key: string; readonly value: Value }>();
	#used = new Map<string, { readonly key: string; readonly value: Value }>();

	/** The value for the thing `id` whose content is `key`; `make` is called when that is new. */
	get(id: string, key: string, make: () => Value): Value {
		const known = this.#used.get(id) ?? this.#entries.get(id);
		const entry = known !== undefined && known.key === key ? known : { key, value: make() };
		this.#used.set(id, entry);
		return entry.value;
	}

	/** Ends a round: what was not asked for in it is forgotten. */
	sweep(): void {
		this.#entries = this.#used;
		this.#used = new Map();
	}
}
