/**
 * A plain value (what JSON can say) that is used now and then: folded it is one text, which takes a fraction of the
 * memory that its objects take.
 */
export class Foldable<Value extends object> {
	#value: Value | null = null;
	#text: string | null = null;

	/** What was set last; null before that. Folded, each call makes it anew. */
	get(): Value | null {
		if (this.#text === null) return this.#value;
		const value: Value = JSON.parse(this.#text);
		return value;
	}

	set(value: Value): void {
		this.#value = value;
		this.#text = null;
	}

	/** Until the next `set`. */
	fold(): void {
		if (this.#value === null) return;
		this.#text = JSON.stringify(this.#value);
		this.#value = null;
	}
}
