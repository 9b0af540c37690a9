import { usageError } from '../exit-code.ts';

/** What was given to a command, by the names in its specification. */
export class Input {
	readonly #options: ReadonlyMap<string, readonly (string | boolean)[]>;
	readonly #arguments: ReadonlyMap<string, readonly string[]>;
	/** The words after the arguments, as they were typed. */
	readonly command: readonly string[];

	constructor(
		options: ReadonlyMap<string, readonly (string | boolean)[]>,
		givenArguments: ReadonlyMap<string, readonly string[]>,
		command: readonly string[],
	) {
		this.#options = options;
		this.#arguments = givenArguments;
		this.command = command;
	}

	/** An argument that must be there: the parser saw to it. */
	argument(name: string): string {
		return this.#arguments.get(name)?.[0] ?? '';
	}

	optionalArgument(name: string): string | undefined {
		return this.#arguments.get(name)?.[0];
	}

	arguments(name: string): readonly string[] {
		return this.#arguments.get(name) ?? [];
	}

	/** The value of an option; the last one when it was given more than once. */
	text(name: string): string | undefined {
		const value = this.#options.get(name)?.at(-1);
		return typeof value === 'string' ? value : undefined;
	}

	texts(name: string): readonly string[] {
		return (this.#options.get(name) ?? []).filter((value) => typeof value === 'string');
	}

	/** A switch: true, false by --no-<name>, undefined when it was not given. */
	flag(name: string): boolean | undefined {
		const value = this.#options.get(name)?.at(-1);
		return typeof value === 'boolean' ? value : undefined;
	}

	/** A whole number; undefined when it was not given. */
	integer(name: string): number | undefined {
		const text = this.text(name);
		if (text === undefined) return undefined;
		if (!/^-?\d{1,15}$/.test(text)) throw usageError(`--${name} takes a whole number, not "${text}"`);
		return Number(text);
	}

	number(name: string): number | undefined {
		const text = this.text(name);
		if (text === undefined) return undefined;
		if (!/^\d+(\.\d+)?$/.test(text)) throw usageError(`--${name} takes a number, not "${text}"`);
		return Number(text);
	}

	/** `key=value` words as a map; undefined when there are none. */
	pairs(name: string): Readonly<Record<string, string>> | undefined {
		const words = this.texts(name);
		return words.length === 0 ? undefined : Object.fromEntries(words.map((word) => pair(`--${name}`, word)));
	}
}

export function pair(where: string, word: string): readonly [string, string] {
	const mark = word.indexOf('=');
	if (mark < 1) throw usageError(`${where} takes key=value, not "${word}"`);
	return [word.slice(0, mark), word.slice(mark + 1)];
}
