import { isUtf8 } from 'node:buffer';

const nothing: Uint8Array = new Uint8Array(0);

/**
 * Cuts a stream of bytes so that each piece is valid UTF-8 by itself, which clients rely on that decode message by
 * message: a character that is not complete yet is held back, and bytes that can never become one are replaced by
 * U+FFFD. The pieces together are the same whichever way the bytes came.
 */
export class Utf8Cutter {
	#held: Uint8Array = nothing;

	/** All whole characters so far; may be empty. */
	push(bytes: Uint8Array): Uint8Array {
		const joined = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
		const whole = joined.length - incompleteTail(joined);
		// A copy: the chunk that it is part of must not be kept for three bytes.
		this.#held = whole === joined.length ? nothing : Uint8Array.from(joined.subarray(whole));
		return valid(joined.subarray(0, whole));
	}

	/** What was held back: no more bytes come. */
	end(): Uint8Array {
		const rest = this.#held;
		this.#held = nothing;
		return valid(rest);
	}
}

function valid(bytes: Uint8Array): Uint8Array {
	if (isUtf8(bytes)) return bytes;
	return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), 'utf8');
}

/** How many bytes at the end are the beginning of a character whose rest has not come. */
function incompleteTail(bytes: Uint8Array): number {
	for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
		const byte = bytes[bytes.length - back] ?? 0;
		if (byte >= 0x80 && byte < 0xc0) continue;
		return sequenceLength(byte) > back ? back : 0;
	}
	return 0;
}

/** Bytes of the character that the byte begins; 1 for one that begins none. */
function sequenceLength(lead: number): number {
	if (lead >= 0xc2 && lead < 0xe0) return 2;
	if (lead >= 0xe0 && lead < 0xf0) return 3;
	return lead >= 0xf0 && lead < 0xf5 ? 4 : 1;
}
