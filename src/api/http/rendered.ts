/** From this length on an answer is kept as bytes, so that sending it again converts nothing. */
const bytesFrom = 16 * 1024;

/**
 * JSON of values that are shown again and again unchanged, kept for as long as the value itself and for the last way in
 * which it was shown.
 */
export class RenderedJson<Value extends object> {
	readonly #kept = new WeakMap<Value, { readonly way: string; readonly json: string | Buffer }>();

	/** `way` names all that the JSON depends on beside the value, which must never change. */
	of(value: Value, way: string, render: () => unknown): string | Buffer {
		const known = this.#kept.get(value);
		if (known?.way === way) return known.json;
		const text = JSON.stringify(render());
		const json = text.length < bytesFrom ? text : Buffer.from(text);
		this.#kept.set(value, { way, json });
		return json;
	}
}
