import { createHash, timingSafeEqual } from 'node:crypto';
import { randomSecret } from '../../model/ids.ts';
import type { Principal } from '../../model/principal.ts';
import type { StreamCounter } from '../options.ts';
import type { Exec } from './execs.ts';
import type { StreamAddress } from './link.ts';

/** What a link is for. */
export interface StreamGrant {
	readonly principal: Principal;
	readonly containerId: string;
	/** null = the container's first process. */
	readonly exec: Exec | null;
}

interface Ticket extends StreamGrant {
	readonly digest: Buffer;
	readonly expiresAt: number;
	readonly giveBack: () => void;
}

/**
 * The tokens of links that were not opened yet. Each opens one stream to one process, once, and is void after
 * `lifetime` ms. Only digests are kept. They live in this process, as the streams that they open do.
 */
export class StreamTickets {
	readonly #lifetime: number;
	readonly #places: StreamCounter;
	readonly #now: () => number;
	/** By the digest; the oldest is first. */
	readonly #tickets = new Map<string, Ticket>();

	/** `places` bounds how many may be open at once. */
	constructor(lifetime: number, places: StreamCounter, now: () => number = () => performance.now()) {
		this.#lifetime = lifetime;
		this.#places = places;
		this.#now = now;
	}

	/** Answers the token. Throws `too-many-requests` when too many are not used yet. */
	issue(grant: StreamGrant): string {
		this.#dropExpired();
		const giveBack = this.#places.open(grant.principal.projectId);
		const token = randomSecret(32);
		const digest = digestOf(token);
		this.#tickets.set(digest.toString('hex'), { ...grant, digest, expiresAt: this.#now() + this.#lifetime, giveBack });
		return token;
	}

	/** Takes the token; null when it is unknown, used, too old, or not for this process. Whoever tries it uses it up. */
	redeem({ token, containerId, execId }: StreamAddress): StreamGrant | null {
		this.#dropExpired();
		const digest = digestOf(token);
		const key = digest.toString('hex');
		const ticket = this.#tickets.get(key);
		if (ticket === undefined || !timingSafeEqual(ticket.digest, digest)) return null;
		this.#drop(key, ticket);
		if (ticket.containerId !== containerId || (ticket.exec?.id ?? null) !== execId) return null;
		return { principal: ticket.principal, containerId, exec: ticket.exec };
	}

	#dropExpired(): void {
		const now = this.#now();
		for (const [key, ticket] of this.#tickets) {
			if (ticket.expiresAt > now) return;
			this.#drop(key, ticket);
		}
	}

	#drop(key: string, ticket: Ticket): void {
		this.#tickets.delete(key);
		ticket.giveBack();
	}
}

function digestOf(token: string): Buffer {
	return createHash('sha256').update(token).digest();
}
