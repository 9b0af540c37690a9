/** Reads a column of JSON that this program wrote itself. */
export function fromJson<T>(text: string): T {
	return JSON.parse(text);
}

export function fromNullableJson<T>(text: string | null): T | null {
	return text === null ? null : JSON.parse(text);
}
