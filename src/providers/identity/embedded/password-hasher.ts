import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { fail } from '../../../model/errors.ts';
import { Limiter } from '../../../model/limiter.ts';

/** Parameters of scrypt: cost N, block size r, parallelization p. Memory is 128 × N × r bytes. */
export interface HashCost {
	readonly cost: number;
	readonly blockSize: number;
	readonly parallelization: number;
}

/** 16 MiB and about a fifth of a second of a core. */
export const standardCost: HashCost = { cost: 16384, blockSize: 8, parallelization: 5 };

/** What a user without a password has in place of a hash: nothing matches it. */
export const noPassword = '!';

const keyLength = 32;

/**
 * Hashes passwords with scrypt as `scrypt$N$r$p$salt$hash`, so that a new cost leaves older hashes valid. Few run at
 * once: a flood of logins waits here, and then is refused, instead of taking all memory and cores.
 */
export class PasswordHasher {
	readonly #cost: HashCost;
	readonly #limiter: Limiter;

	constructor(options: { readonly cost: HashCost; readonly atOnce: number }) {
		this.#cost = options.cost;
		this.#limiter = new Limiter({
			atOnce: options.atOnce,
			waiting: 100,
			refuse: () => fail('too-many-requests', 'Too many logins at once. Try again in a few seconds.', { headers: { 'Retry-After': '3' } }),
		});
	}

	async hash(password: string): Promise<string> {
		const salt = randomBytes(16);
		const { cost, blockSize, parallelization } = this.#cost;
		const key = await this.#limiter.run(() => derive(password, salt, this.#cost));
		return ['scrypt', cost, blockSize, parallelization, salt.toString('base64url'), key.toString('base64url')].join('$');
	}

	/**
	 * Whether the password is the one that was hashed. With null, for a user that is not there, it takes as long and is
	 * false: time does not tell who exists. `admit` is called when its turn has come and may throw to refuse it.
	 */
	async verify(password: string, stored: string | null, admit: () => void): Promise<boolean> {
		const parsed = stored === null ? null : parse(stored);
		const { salt, key, cost } = parsed ?? { salt: randomBytes(16), key: randomBytes(keyLength), cost: this.#cost };
		return this.#limiter.run(async () => {
			admit();
			const derived = await derive(password, salt, cost);
			return timingSafeEqual(derived, key) && parsed !== null;
		});
	}

	/** Whether the hash was made with today's cost. */
	isCurrent(stored: string): boolean {
		const { cost, blockSize, parallelization } = this.#cost;
		return stored.startsWith(`scrypt$${cost}$${blockSize}$${parallelization}$`);
	}
}

function parse(stored: string): { salt: Buffer; key: Buffer; cost: HashCost } | null {
	const match = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/.exec(stored);
	if (match === null) return null;
	const key = Buffer.from(match[5] ?? '', 'base64url');
	if (key.length !== keyLength) return null;
	const cost = { cost: Number(match[1]), blockSize: Number(match[2]), parallelization: Number(match[3]) };
	return { salt: Buffer.from(match[4] ?? '', 'base64url'), key, cost };
}

function derive(password: string, salt: Buffer, { cost, blockSize, parallelization }: HashCost): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		const memory = 128 * blockSize * (cost + parallelization + 2);
		const options = { cost, blockSize, parallelization, maxmem: memory + (1 << 20) };
		scrypt(password.normalize('NFC'), salt, keyLength, options, (error, key) => {
			if (error === null) resolve(key);
			else reject(error);
		});
	});
}
