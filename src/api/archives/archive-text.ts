import { fail, type ZunboxError } from '../../model/errors.ts';

/** Turns the content of `data` into the bytes of an archive, piece by piece. */
export interface ArchiveText {
	push(utf8: Uint8Array): Buffer;
	/** No more comes; answers what was held back. */
	end(): Buffer;
}

/** From version 1.25: base64, with or without its padding and with line ends anywhere. Nothing else may be in it. */
export class Base64Text implements ArchiveText {
	/** Fewer than four characters: what they stand for is known when there are four, or no more. */
	#rest = '';
	#padded = false;

	push(utf8: Uint8Array): Buffer {
		const text = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.byteLength).toString('latin1');
		const compact = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, '') : text;
		const padding = this.#padded ? 0 : compact.indexOf('=');
		const all = padding < 0 ? this.#rest + compact : this.#rest + compact.slice(0, padding);
		if (padding >= 0 && compact !== '') {
			if (/[^=]/.test(compact.slice(padding))) throw notBase64();
			this.#padded = true;
		}
		const whole = all.length - (all.length % 4);
		this.#rest = all.slice(whole);
		return decoded(all.slice(0, whole));
	}

	end(): Buffer {
		const rest = this.#rest;
		this.#rest = '';
		return decoded(rest);
	}
}

/** Strictly: the bytes must give the same text again. */
function decoded(text: string): Buffer {
	const bytes = Buffer.from(text, 'base64');
	const again = bytes.toString('base64');
	if (again !== text && again.replaceAll('=', '') !== text) throw notBase64();
	return bytes;
}

function notBase64(): ZunboxError {
	return fail('base-64-exception', 'Invalid Base 64 file data.');
}

/**
 * Before version 1.25: one character for each byte; or, when any character is none of those, text that is meant as
 * UTF-8. Which one it is shows only at the end, so this hands on UTF-8, and `bytes` makes what was meant of it.
 */
export class PlainText implements ArchiveText {
	readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
	#isText = false;
	#characters = 0;
	#bytes = 0;

	push(utf8: Uint8Array): Buffer {
		return this.#checked(this.#decoder.decode(utf8, { stream: true }));
	}

	end(): Buffer {
		return this.#checked(this.#decoder.decode());
	}

	/** Size of the archive so far. */
	get size(): number {
		return this.#isText ? this.#bytes : this.#characters;
	}

	/** The archive, of all that was handed on. */
	async *bytes(handedOn: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
		if (this.#isText) {
			yield* handedOn;
			return;
		}
		const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
		for await (const utf8 of handedOn) yield Buffer.from(decoder.decode(utf8, { stream: true }), 'latin1');
	}

	#checked(text: string): Buffer {
		this.#isText ||= /[^\0-\u00ff]/.test(text);
		const bytes = Buffer.from(text, 'utf8');
		this.#characters += text.length;
		this.#bytes += bytes.length;
		return bytes;
	}
}
