import { fail, messageOf, ZunboxError } from '../../../model/errors.ts';
import { Limiter } from '../../../model/limiter.ts';
import { OpenStackError } from '../../../openstack/errors.ts';
import type { KeystoneClient, KeystoneToken } from '../../../openstack/keystone.ts';
import { waitFor } from '../../../openstack/wait-for.ts';
import type { Identity, TokenInfo } from '../identity.ts';
import { type RoleNames, rolesOf } from './role-names.ts';
import { type Remembered, TokenMemory, type Verdict } from './token-memory.ts';

export interface KeystoneIdentityOptions {
	readonly keystone: Pick<KeystoneClient, 'validate'>;
	/** Where clients get tokens, with `/v3`. */
	readonly authUrl: string;
	/** ms that Keystone's word on a token is good for. */
	readonly cacheTime: number;
	readonly roleNames: RoleNames;
	/** Tokens that are remembered at the same time. */
	readonly capacity?: number;
	/** ms that Keystone may take. */
	readonly askTimeout?: number;
	readonly now?: () => number;
	readonly log?: { warn(facts: object, message: string): void };
}

/** ms that a refusal is remembered: a client that repeats a bad token does not make us repeat the question. */
const refusalTime = 5000;
/** Questions to Keystone at the same time, and those that may wait for their turn. */
const questions = { atOnce: 32, waiting: 2000 };
/** ms between two looks for a Keystone that is away, as long as there are only tokens that it took before. */
const probeInterval = 3000;
/** Seconds after which a client may try again when Keystone is away. */
const retryAfter = 5;
/** What a token can be: anything else is not sent anywhere. */
const tokenForm = /^[\x21-\x7e]{1,8192}$/;

/**
 * Keystone says whose a token is. Its word is remembered for `cacheTime`, so that a revoked token ends within that time.
 * While Keystone is away, a token that it took goes on until it expires; of one that it never saw nothing can be said.
 */
export class KeystoneIdentity implements Identity {
	readonly authUrl: string;
	readonly #options: KeystoneIdentityOptions;
	readonly #memory: TokenMemory;
	readonly #asking = new Map<string, Promise<Verdict>>();
	readonly #limiter: Limiter;
	readonly #now: () => number;
	/** The last question had no answer. Then one question at a time, now and again, finds out whether Keystone is back. */
	#away = false;
	/** ms since the epoch. */
	#nextProbe = 0;

	constructor(options: KeystoneIdentityOptions) {
		this.#options = options;
		this.authUrl = options.authUrl;
		this.#now = options.now ?? Date.now;
		this.#memory = new TokenMemory(options.capacity ?? 20_000);
		this.#limiter = new Limiter({ ...questions, refuse: () => unavailable(null) });
	}

	async validate(token: string, signal: AbortSignal): Promise<TokenInfo> {
		signal.throwIfAborted();
		if (!tokenForm.test(token)) throw refused();
		const digest = TokenMemory.digest(token);
		const known = this.#memory.get(digest);
		if (known !== null && this.#isFresh(known)) return accept(known.verdict);
		const usable = known !== null && known.verdict.kind === 'valid' && this.#now() < known.verdict.info.expiresAt ? known.verdict : null;
		if (usable !== null && this.#away && (this.#asking.size > 0 || this.#now() < this.#nextProbe)) return usable.info;
		try {
			return accept(await waitFor(this.#ask(token, digest), signal));
		} catch (error) {
			if (error instanceof ZunboxError && error.code === 'unauthorized') throw error;
			if (usable !== null) return usable.info;
			throw isAway(error) ? unavailable(error) : error;
		}
	}

	#isFresh({ verdict, since }: Remembered): boolean {
		const age = this.#now() - since;
		if (verdict.kind === 'refused') return age < Math.min(refusalTime, this.#options.cacheTime);
		return age < this.#options.cacheTime && this.#now() < verdict.info.expiresAt;
	}

	/** One question for all who wait for the same token. */
	#ask(token: string, digest: string): Promise<Verdict> {
		const running = this.#asking.get(digest);
		if (running !== undefined) return running;
		const question = this.#limiter.run(() => this.#question(token, digest)).finally(() => this.#asking.delete(digest));
		this.#asking.set(digest, question);
		// Who waited may have gone meanwhile.
		question.catch(() => {});
		return question;
	}

	async #question(token: string, digest: string): Promise<Verdict> {
		const { keystone, askTimeout = 8000, log } = this.#options;
		const asked = this.#now();
		try {
			const answer = await keystone.validate(token, AbortSignal.timeout(askTimeout));
			this.#away = false;
			const verdict = this.#verdict(answer);
			this.#memory.set(digest, { verdict, since: asked });
			return verdict;
		} catch (error) {
			if (!this.#away) log?.warn({ error: messageOf(error) }, 'Keystone cannot be asked: tokens that it took go on until they expire');
			this.#away = true;
			this.#nextProbe = this.#now() + probeInterval;
			throw error;
		}
	}

	#verdict(token: KeystoneToken | null): Verdict {
		if (token === null) return { kind: 'refused', message: refused().message };
		const { user, project, roles, expiresAt } = token;
		if (project === null) {
			return { kind: 'refused', message: 'The token is not for a project. Ask for one with a project as its scope.' };
		}
		return {
			kind: 'valid',
			info: {
				userId: user.id,
				userName: user.name,
				projectId: project.id,
				projectName: project.name,
				roles: rolesOf(roles, this.#options.roleNames),
				expiresAt,
			},
		};
	}
}

function accept(verdict: Verdict): TokenInfo {
	if (verdict.kind === 'refused') throw fail('unauthorized', verdict.message);
	return verdict.info;
}

function refused(): ZunboxError {
	return fail('unauthorized', 'The token is unknown, has expired or was revoked: authenticate again.');
}

/** Whether nothing was said of the token, rather than that it is bad. */
function isAway(error: unknown): boolean {
	return error instanceof OpenStackError || (error instanceof Error && error.name === 'TimeoutError');
}

function unavailable(cause: unknown): ZunboxError {
	const asked = cause instanceof OpenStackError ? cause.retryAfter : null;
	const seconds = asked === null ? retryAfter : Math.ceil(asked / 1000);
	return fail('service-unavailable', 'The identity service cannot be asked whose this token is. Try again soon.', {
		headers: { 'retry-after': String(Math.max(1, seconds)) },
		...(cause === null ? {} : { cause }),
	});
}
