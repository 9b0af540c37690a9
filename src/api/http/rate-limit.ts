import { fail } from '../../model/errors.ts';

export interface RateLimit {
	/** Requests a second that a user of a project may make for ever. */
	readonly perSecond: number;
	/** Requests that may come at once. */
	readonly burst: number;
}

interface Bucket {
	tokens: number;
	at: number;
}

/** One token bucket for each user of each project. Only the most recent ones are kept: a forgotten bucket is a full one. */
export class RateLimiter {
	static readonly #kept = 10_000;
	readonly #limit: RateLimit;
	readonly #now: () => number;
	readonly #buckets = new Map<string, Bucket>();

	constructor(limit: RateLimit, now: () => number = () => performance.now()) {
		this.#limit = limit;
		this.#now = now;
	}

	/** Takes one token; throws `too-many-requests` with Retry-After when there is none. */
	take(key: string): void {
		const { perSecond, burst } = this.#limit;
		const now = this.#now();
		const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
		bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
		bucket.at = now;
		this.#buckets.delete(key);
		this.#buckets.set(key, bucket);
		if (this.#buckets.size > RateLimiter.#kept) {
			const oldest = this.#buckets.keys().next();
			if (!oldest.done) this.#buckets.delete(oldest.value);
		}
		if (bucket.tokens < 1) {
			const wait = Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
			throw fail(
				'too-many-requests',
				`The limit is ${perSecond} requests a second (${burst} at once) for each user. Try again in ${wait} s.`,
				{
					headers: { 'retry-after': String(wait) },
				},
			);
		}
		bucket.tokens -= 1;
	}
}
