import { inspect } from 'node:util';

/** A text that must not be written anywhere by accident: logs, JSON and messages show `[secret]` in its place. */
export class Secret {
	readonly #text: string;

	constructor(text: string) {
		this.#text = text;
	}

	/** The text itself, for the one place that needs it. */
	reveal(): string {
		return this.#text;
	}

	toString(): string {
		return '[secret]';
	}

	toJSON(): string {
		return '[secret]';
	}

	[inspect.custom](): string {
		return '[secret]';
	}
}
