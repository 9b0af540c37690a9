import { fail, type ZunboxError } from '../../model/errors.ts';

/** Bytes that are put together, up to a size that is known before. */
export class ByteBuffer {
	readonly #bytes: Buffer;
	#length = 0;

	constructor(size: number) {
		this.#bytes = Buffer.allocUnsafe(size);
	}

	add(bytes: Uint8Array): void {
		this.#bytes.set(bytes, this.#length);
		this.#length += bytes.length;
	}

	taken(): Buffer {
		return this.#bytes.subarray(0, this.#length);
	}
}

const quote = 0x22;
const backslash = 0x5c;
const replacement = Buffer.from('\ufffd');
const simpleEscapes: Readonly<Record<string, string>> = {
	'"': '"',
	'\\': '\\',
	'/': '/',
	b: '\b',
	f: '\f',
	n: '\n',
	r: '\r',
	t: '\t',
};

/** Most bytes that one read can give beyond those that it was given: what was held back of an escape before. */
export const heldBack = 8;

/** The content of one JSON text whose bytes come in pieces: its escapes resolved, as UTF-8. It begins behind the first quote. */
export class JsonText {
	/** Whether the closing quote has come. */
	ended = false;
	/** What has come of an escape, with its backslash. */
	#escape = '';
	/** First half of a character that is written as two escapes; 0 = none. */
	#high = 0;

	/** Reads the piece from `from` on; answers where it stopped: behind the closing quote, or at the end of the piece. */
	read(piece: Uint8Array, from: number, out: ByteBuffer): number {
		let at = from;
		while (at < piece.length && !this.ended) {
			if (this.#escape !== '') {
				this.#readEscape(String.fromCharCode(piece[at] ?? 0), out);
				at += 1;
				continue;
			}
			const start = at;
			while (at < piece.length && isPlain(piece[at] ?? 0)) at += 1;
			if (at > start) {
				this.#endPair(out);
				out.add(piece.subarray(start, at));
			}
			if (at === piece.length) break;
			const byte = piece[at];
			at += 1;
			if (byte === backslash) this.#escape = '\\';
			else if (byte === quote) {
				this.#endPair(out);
				this.ended = true;
			} else throw notJson('a text has a control character');
		}
		return at;
	}

	#readEscape(char: string, out: ByteBuffer): void {
		if (this.#escape === '\\' && char !== 'u') {
			const meant = simpleEscapes[char];
			if (meant === undefined) throw notJson('a text has an unknown escape');
			this.#endPair(out);
			out.add(Buffer.from(meant));
			this.#escape = '';
			return;
		}
		this.#escape += char;
		if (this.#escape.length < 6) return;
		if (!/^\\u[0-9a-f]{4}$/i.test(this.#escape)) throw notJson('a text has an unknown escape');
		this.#addUnit(Number.parseInt(this.#escape.slice(2), 16), out);
		this.#escape = '';
	}

	/** One of the units that UTF-16 has: a character, or half of one. */
	#addUnit(unit: number, out: ByteBuffer): void {
		if (this.#high !== 0 && unit >= 0xdc00 && unit < 0xe000) {
			out.add(Buffer.from(String.fromCharCode(this.#high, unit)));
			this.#high = 0;
			return;
		}
		this.#endPair(out);
		if (unit >= 0xd800 && unit < 0xdc00) this.#high = unit;
		else out.add(Buffer.from(String.fromCharCode(unit)));
	}

	/** A first half whose second did not follow is no character. */
	#endPair(out: ByteBuffer): void {
		if (this.#high === 0) return;
		out.add(replacement);
		this.#high = 0;
	}
}

export function notJson(reason: string): ZunboxError {
	return fail('schema-validation-error', `The body is not valid JSON: ${reason}.`);
}

function isPlain(byte: number): boolean {
	return byte >= 0x20 && byte !== quote && byte !== backslash;
}
