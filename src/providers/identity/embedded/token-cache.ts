import type { TokenDetails } from '../management.ts';

/**
 * Tokens that were found valid a moment ago, by digest. Any change to users, projects, roles or tokens empties it, so
 * that nothing revoked in this process is ever answered from it; `maxAge` bounds it for changes made by another one.
 */
export class TokenCache {
	readonly #capacity: number;
	readonly #maxAge: number;
	readonly #now: () => number;
	/** In the order of last use. */
	readonly #entries = new Map<string, { readonly details: TokenDetails; readonly since: number }>();
	#epoch = 0;

	constructor(options: { readonly capacity: number; readonly maxAge: number; readonly now: () => number }) {
		this.#capacity = options.capacity;
		this.#maxAge = options.maxAge;
		this.#now = options.now;
	}

	get(digest: string): TokenDetails | null {
		const entry = this.#entries.get(digest);
		if (entry === undefined) return null;
		const now = this.#now();
		this.#entries.delete(digest);
		if (now - entry.since >= this.#maxAge || now >= entry.details.expiresAt) return null;
		this.#entries.set(digest, entry);
		return entry.details;
	}

	/** To be asked before the database is read, and given to `keep` with what was read. */
	get epoch(): number {
		return this.#epoch;
	}

	/** Keeps what was read, unless something changed since: it may be of before the change. */
	keep(digest: string, details: TokenDetails, epoch: number): void {
		if (epoch !== this.#epoch) return;
		this.#entries.set(digest, { details, since: this.#now() });
		if (this.#entries.size <= this.#capacity) return;
		const oldest = this.#entries.keys().next();
		if (!oldest.done) this.#entries.delete(oldest.value);
	}

	clear(): void {
		this.#epoch += 1;
		this.#entries.clear();
	}

	get size(): number {
		return this.#entries.size;
	}
}
