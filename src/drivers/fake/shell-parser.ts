/** A small shell's grammar: enough for the scripts that tests and health checks use, a clear error for all else. */

/** What a word is made of: literal text, or the name of a variable. */
export type WordPart = { readonly text: string } | { readonly variable: string; readonly quoted: boolean };
export interface Word {
	readonly parts: readonly WordPart[];
	/** Whether any of it was quoted, so that it stays a word when it is empty. */
	readonly quoted: boolean;
}

export interface Redirect {
	readonly from: 0 | 1 | 2;
	/** A file, or another stream. */
	readonly to: { readonly file: Word; readonly append: boolean } | { readonly stream: 1 | 2 };
}

export type Command =
	| { readonly kind: 'simple'; readonly words: readonly Word[]; readonly redirects: readonly Redirect[] }
	| { readonly kind: 'pipe'; readonly left: Command; readonly right: Command }
	| { readonly kind: 'and' | 'or'; readonly left: Command; readonly right: Command }
	| { readonly kind: 'list'; readonly commands: readonly Command[] }
	| { readonly kind: 'background'; readonly command: Command }
	| { readonly kind: 'while'; readonly condition: Command; readonly body: Command; readonly until: boolean }
	| { readonly kind: 'for'; readonly variable: string; readonly words: readonly Word[]; readonly body: Command }
	| { readonly kind: 'if'; readonly condition: Command; readonly then: Command; readonly otherwise: Command | null };

export class ShellSyntaxError extends Error {}

type Token = { readonly operator: string; readonly descriptor?: 1 | 2 | 0 } | { readonly word: Word };

const operators = ['&&', '||', '>>', '>&', ';', '&', '|', '>', '<', '\n', '(', ')'];

export function parseShell(script: string): Command {
	const parser = new Parser(tokenize(script));
	const command = parser.list([]);
	parser.expectEnd();
	return command;
}

function tokenize(script: string): Token[] {
	const tokens: Token[] = [];
	let at = 0;
	while (at < script.length) {
		const character = script[at] ?? '';
		if (character === ' ' || character === '\t') {
			at += 1;
			continue;
		}
		if (character === '#') {
			while (at < script.length && script[at] !== '\n') at += 1;
			continue;
		}
		const descriptor = /^([012])[<>]/.exec(script.slice(at, at + 2))?.[1];
		const start = descriptor === undefined ? at : at + 1;
		const operator = operators.find((candidate) => script.startsWith(candidate, start));
		if (operator !== undefined) {
			at = start + operator.length;
			const number = descriptor === '0' ? 0 : descriptor === '1' ? 1 : descriptor === '2' ? 2 : undefined;
			tokens.push(number === undefined ? { operator } : { operator, descriptor: number });
			continue;
		}
		const [word, end] = readWord(script, at);
		tokens.push({ word });
		at = end;
	}
	return tokens;
}

function readWord(script: string, start: number): [Word, number] {
	const parts: WordPart[] = [];
	let quoted = false;
	let inDouble = false;
	let text = '';
	let at = start;
	const flush = (): void => {
		if (text !== '') parts.push({ text });
		text = '';
	};
	for (; at < script.length; at += 1) {
		const character = script[at] ?? '';
		if (character === '"') {
			inDouble = !inDouble;
			quoted = true;
		} else if (character === "'" && !inDouble) {
			const end = script.indexOf("'", at + 1);
			if (end < 0) throw new ShellSyntaxError('unterminated quote');
			text += script.slice(at + 1, end);
			quoted = true;
			at = end;
		} else if (character === '\\') {
			const next = script[at + 1] ?? '';
			if (inDouble && !'"\\$`'.includes(next)) text += '\\';
			text += next;
			at += 1;
		} else if (character === '$') {
			const name = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*|[?$]))/.exec(script.slice(at));
			if (name === null) {
				if (script[at + 1] === '(') throw new ShellSyntaxError('command substitution is not simulated');
				text += '$';
				continue;
			}
			flush();
			parts.push({ variable: name[1] ?? name[2] ?? '', quoted: inDouble });
			at += name[0].length - 1;
		} else if (character === '`') throw new ShellSyntaxError('command substitution is not simulated');
		else if (!inDouble && (' \t'.includes(character) || operators.includes(character))) break;
		else text += character;
	}
	if (inDouble) throw new ShellSyntaxError('unterminated quote');
	flush();
	return [{ parts, quoted }, at];
}

class Parser {
	readonly #tokens: readonly Token[];
	#at = 0;
	constructor(tokens: readonly Token[]) {
		this.#tokens = tokens;
	}

	expectEnd(): void {
		if (this.#at < this.#tokens.length) throw new ShellSyntaxError(`unexpected ${this.#keyword() ?? this.#operator() ?? 'word'}`);
	}

	/** Commands up to the end or one of the closing words, which is left where it is. */
	list(closing: readonly string[]): Command {
		const commands: Command[] = [];
		for (;;) {
			while (this.#operator() === ';' || this.#operator() === '\n') this.#at += 1;
			const keyword = this.#keyword();
			if (this.#at >= this.#tokens.length || (keyword !== null && closing.includes(keyword))) break;
			const command = this.#andOr();
			if (this.#operator() === '&') {
				this.#at += 1;
				commands.push({ kind: 'background', command });
				continue;
			}
			commands.push(command);
			if (this.#operator() !== ';' && this.#operator() !== '\n') break;
		}
		return { kind: 'list', commands };
	}

	#andOr(): Command {
		let left = this.#pipeline();
		for (let operator = this.#operator(); operator === '&&' || operator === '||'; operator = this.#operator()) {
			this.#at += 1;
			left = { kind: operator === '&&' ? 'and' : 'or', left, right: this.#pipeline() };
		}
		return left;
	}

	#pipeline(): Command {
		let left = this.#command();
		while (this.#operator() === '|') {
			this.#at += 1;
			left = { kind: 'pipe', left, right: this.#command() };
		}
		return left;
	}

	#command(): Command {
		const keyword = this.#keyword();
		if (keyword === 'while' || keyword === 'until') {
			this.#at += 1;
			const condition = this.list(['do']);
			return { kind: 'while', condition, body: this.#block('do', 'done'), until: keyword === 'until' };
		}
		if (keyword === 'for') return this.#for();
		if (keyword === 'if') return this.#if();
		if (keyword === '{') return this.#block('{', '}');
		return this.#simple();
	}

	#block(open: string, close: string): Command {
		this.#expect(open);
		const body = this.list([close]);
		this.#expect(close);
		return body;
	}

	#for(): Command {
		this.#expect('for');
		const variable = this.#keyword() ?? '';
		this.#at += 1;
		this.#expect('in');
		const words: Word[] = [];
		for (let word = this.#word(); word !== null; word = this.#word()) {
			words.push(word);
			this.#at += 1;
		}
		while (this.#operator() === ';' || this.#operator() === '\n') this.#at += 1;
		return { kind: 'for', variable, words, body: this.#block('do', 'done') };
	}

	#if(): Command {
		this.#expect('if');
		const condition = this.list(['then']);
		this.#expect('then');
		const then = this.list(['else', 'fi']);
		let otherwise: Command | null = null;
		if (this.#keyword() === 'else') {
			this.#at += 1;
			otherwise = this.list(['fi']);
		}
		this.#expect('fi');
		return { kind: 'if', condition, then, otherwise };
	}

	#simple(): Command {
		const words: Word[] = [];
		const redirects: Redirect[] = [];
		for (;;) {
			const token = this.#tokens[this.#at];
			if (token === undefined) break;
			if ('word' in token) {
				words.push(token.word);
				this.#at += 1;
			} else if (token.operator === '>' || token.operator === '>>' || token.operator === '<' || token.operator === '>&') {
				this.#at += 1;
				redirects.push(this.#redirect(token));
			} else break;
		}
		if (words.length === 0 && redirects.length === 0) throw new ShellSyntaxError(`unexpected ${this.#operator() ?? 'end'}`);
		return { kind: 'simple', words, redirects };
	}

	#redirect(token: { operator: string; descriptor?: 0 | 1 | 2 }): Redirect {
		const file = this.#word();
		if (file === null) throw new ShellSyntaxError('redirection to nothing');
		this.#at += 1;
		const from = token.descriptor ?? (token.operator === '<' ? 0 : 1);
		if (token.operator !== '>&') return { from, to: { file, append: token.operator === '>>' } };
		const [part] = file.parts;
		const stream = part !== undefined && 'text' in part ? part.text : '';
		if (stream !== '1' && stream !== '2') throw new ShellSyntaxError('redirection to an unknown stream');
		return { from, to: { stream: stream === '1' ? 1 : 2 } };
	}

	#expect(keyword: string): void {
		if (this.#keyword() !== keyword) throw new ShellSyntaxError(`${keyword} expected`);
		this.#at += 1;
	}

	#operator(): string | null {
		const token = this.#tokens[this.#at];
		return token !== undefined && 'operator' in token ? token.operator : null;
	}

	#word(): Word | null {
		const token = this.#tokens[this.#at];
		return token !== undefined && 'word' in token ? token.word : null;
	}

	/** The text of the next word when it is plain. */
	#keyword(): string | null {
		const word = this.#word();
		const [part] = word?.parts ?? [];
		return word !== null && !word.quoted && word.parts.length === 1 && part !== undefined && 'text' in part ? part.text : null;
	}
}
