/** Stock clients write Python's None as a word: it means that nothing was given. Empty text too. */
export function given(value: string | null | undefined): string | null {
	return value === undefined || value === null || value === '' || value === 'None' ? null : value;
}
