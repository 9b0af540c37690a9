import { fail } from '../../model/errors.ts';
import { checkContent } from '../http/body.ts';
import { ByteBuffer, heldBack, JsonText, notJson } from './json-text.ts';

/** Bytes that all but `data` may have together: they are kept until they are whole. */
const largestRest = 64 * 1024;

const nothing = Buffer.alloc(0);

/** What comes next. `name` and `value` are parts that are gathered; `data` is the one that is not. */
type State = 'object' | 'first name' | 'next name' | 'name' | 'colon' | 'value' | 'other value' | 'data' | 'comma' | 'end';

/**
 * Reads the body of put_archive as it comes: a JSON object with the texts `path` and `data`, in any order. `data` is
 * handed on piece by piece and never kept, so that the size of an archive costs no memory. As in Zun other members are
 * taken and have no meaning. Throws `schema-validation-error` for what is no such object.
 */
export class PutBody {
	/** The member `path`, once it has come. */
	path: string | undefined;
	/** Whether the member `data` has begun. */
	hasData = false;
	#state: State = 'object';
	#member = '';
	#gathered: number[] = [];
	#gatheredBefore = 0;
	#scan = new ValueScan();
	#text = new JsonText();

	/** Answers what the piece holds of the content of `data`, as UTF-8. */
	push(piece: Uint8Array): Buffer {
		let out: ByteBuffer | null = null;
		for (let at = 0; at < piece.length; ) {
			if (this.#state === 'data') {
				out ??= new ByteBuffer(piece.length + heldBack);
				at = this.#text.read(piece, at, out);
				if (this.#text.ended) this.#state = 'comma';
				continue;
			}
			if (this.#takes(piece[at] ?? 0)) at += 1;
		}
		return out?.taken() ?? nothing;
	}

	/** No more comes. An empty body is one without members. */
	end(): void {
		if (this.#state !== 'end' && this.#state !== 'object') throw notJson('it ends within its object');
	}

	/** Whether the byte belongs to what is read now; the next look at it is at what follows otherwise. */
	#takes(byte: number): boolean {
		const char = String.fromCharCode(byte);
		if (this.#state === 'name' || this.#state === 'other value') return this.#gather(byte);
		if (/[ \t\r\n]/.test(char)) return true;
		switch (this.#state) {
			case 'object':
				return this.#expect(char, { '{': 'first name' });
			case 'first name':
				return this.#expect(char, { '"': 'name', '}': 'end' });
			case 'next name':
				return this.#expect(char, { '"': 'name' });
			case 'colon':
				return this.#expect(char, { ':': 'value' });
			case 'value':
				return this.#beginValue(char);
			case 'comma':
				return this.#expect(char, { ',': 'next name', '}': 'end' });
			default:
				throw notJson('something follows its object');
		}
	}

	#expect(char: string, next: Readonly<Record<string, State>>): boolean {
		const state = Object.hasOwn(next, char) ? next[char] : undefined;
		if (state === undefined) throw notJson(`${Object.keys(next).join(' or ')} is missing`);
		this.#state = state;
		// The quote is part of what is gathered.
		if (state !== 'name') return true;
		this.#scan = new ValueScan();
		return false;
	}

	#beginValue(char: string): boolean {
		if (this.#member !== 'data') {
			this.#state = 'other value';
			this.#scan = new ValueScan();
			return false;
		}
		if (char !== '"') throw fail('schema-validation-error', "Invalid input for field 'data'. It must be string.");
		if (this.hasData) throw fail('schema-validation-error', "Invalid input: field 'data' is there twice.");
		this.hasData = true;
		this.#state = 'data';
		return true;
	}

	/** Gathers a name or a value until it is whole. */
	#gather(byte: number): boolean {
		const taken = this.#scan.takes(byte);
		if (taken) {
			this.#gathered.push(byte);
			if (this.#gatheredBefore + this.#gathered.length > largestRest) {
				throw fail('schema-validation-error', `Invalid input: all fields but 'data' are larger than ${largestRest} bytes.`);
			}
		}
		if (this.#scan.ended) this.#readGathered();
		return taken;
	}

	#readGathered(): void {
		this.#gatheredBefore += this.#gathered.length;
		const value = parsed(Buffer.from(this.#gathered).toString('utf8'));
		this.#gathered = [];
		checkContent(value);
		if (this.#state === 'name') {
			this.#member = String(value);
			this.#state = 'colon';
			return;
		}
		this.#state = 'comma';
		if (this.#member !== 'path') return;
		if (typeof value !== 'string') throw fail('schema-validation-error', "Invalid input for field 'path'. It must be string.");
		this.path = value;
	}
}

/** Finds the end of a JSON value, byte by byte; what is in it is not looked at. */
class ValueScan {
	/** Whether the last byte, or the one before it for a number or a word, was the end. */
	ended = false;
	#begun = false;
	#depth = 0;
	#inText = false;
	#escaped = false;

	/** Whether the byte is part of the value. */
	takes(byte: number): boolean {
		const char = String.fromCharCode(byte);
		const first = !this.#begun;
		this.#begun = true;
		if (this.#inText) {
			if (this.#escaped) this.#escaped = false;
			else if (char === '\\') this.#escaped = true;
			else if (char === '"') this.#close();
			return true;
		}
		if (char === '"') {
			this.#inText = true;
			this.#depth += 1;
		} else if (char === '{' || char === '[') this.#depth += 1;
		else if (this.#depth > 0 && (char === '}' || char === ']')) this.#close();
		else if (this.#depth === 0 && !first && /[ \t\r\n,}\]]/.test(char)) {
			this.ended = true;
			return false;
		}
		return true;
	}

	#close(): void {
		this.#inText = false;
		this.#depth -= 1;
		this.ended = this.#depth === 0;
	}
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		throw notJson(`${text.slice(0, 40)} is no value`);
	}
}
