import { hash } from 'node:crypto';
import type { TokenInfo } from '../identity.ts';

/** What Keystone said of a token. */
export type Verdict = { readonly kind: 'valid'; readonly info: TokenInfo } | { readonly kind: 'refused'; readonly message: string };

export interface Remembered {
	readonly verdict: Verdict;
	/** When Keystone said so, in ms since the epoch. */
	readonly since: number;
}

/** Verdicts on tokens by the tokens' digests, the least recently used forgotten first. The tokens themselves are not kept. */
export class TokenMemory {
	readonly #capacity: number;
	readonly #entries = new Map<string, Remembered>();

	constructor(capacity: number) {
		this.#capacity = capacity;
	}

	static digest(token: string): string {
		return hash('sha256', token, 'base64url');
	}

	get(digest: string): Remembered | null {
		const entry = this.#entries.get(digest);
		if (entry === undefined) return null;
		this.#entries.delete(digest);
		this.#entries.set(digest, entry);
		return entry;
	}

	set(digest: string, entry: Remembered): void {
		this.#entries.delete(digest);
		this.#entries.set(digest, entry);
		if (this.#entries.size <= this.#capacity) return;
		const oldest = this.#entries.keys().next();
		if (!oldest.done) this.#entries.delete(oldest.value);
	}

	delete(digest: string): void {
		this.#entries.delete(digest);
	}

	get size(): number {
		return this.#entries.size;
	}
}
