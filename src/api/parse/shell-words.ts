import { fail } from '../../model/errors.ts';

/**
 * Splits a command line into words as a POSIX shell does: quotes and backslashes are taken away, nothing is expanded.
 * Throws `invalid-value` for a quote that is not closed and a backslash at the end.
 */
export function shellWords(line: string): string[] {
	const words: string[] = [];
	let word: string | null = null;
	let quote: '"' | "'" | null = null;
	for (let index = 0; index < line.length; index += 1) {
		const character = line.charAt(index);
		if (quote === "'") {
			if (character === "'") quote = null;
			else word = (word ?? '') + character;
		} else if (character === '\\' && escapes(quote, line.charAt(index + 1))) {
			index += 1;
			if (index >= line.length) throw fail('invalid-value', 'Invalid command: nothing follows the last backslash.');
			word = (word ?? '') + line.charAt(index);
		} else if (quote === '"') {
			if (character === '"') quote = null;
			else word = (word ?? '') + character;
		} else if (character === '"' || character === "'") {
			quote = character;
			word ??= '';
		} else if (/[ \t\r\n]/.test(character)) {
			if (word !== null) words.push(word);
			word = null;
		} else {
			word = (word ?? '') + character;
		}
	}
	if (quote !== null) throw fail('invalid-value', `Invalid command: the quote ${quote} is not closed.`);
	if (word !== null) words.push(word);
	return words;
}

/** Within double quotes a backslash is itself, except before a quote or another backslash. */
function escapes(quote: '"' | "'" | null, next: string): boolean {
	return quote === null || next === '"' || next === '\\' || next === '';
}
