import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { failPoint } from '../faults/fail-point.ts';
import { makePrivateDirectory, writePrivateFile } from './private-file.ts';

/**
 * Encryption of secrets that the database holds. The keys are files beside the database, never in it: a copy of the
 * database alone gives no secret away, and a backup of it is of no use without the keys.
 *
 * A sealed text is `zbs1.<key id>.<nonce, ciphertext and tag in base64url>`, AES-256-GCM. It is bound to the id of its
 * row: copied into another row it does not open.
 */
export class Secrets {
	readonly #directory: string;
	/** By id, in the order of their making; the last one seals. */
	readonly #keys = new Map<string, Buffer>();
	/** Number of the newest key; older ones may have been deleted. */
	#newest = 0;

	private constructor(directory: string) {
		this.#directory = directory;
	}

	/** Reads the keys in the folder, and makes the first one when there is none. */
	static async open(directory: string): Promise<Secrets> {
		await makePrivateDirectory(directory);
		const secrets = new Secrets(directory);
		for (const { id, number, key } of await readKeys(directory)) {
			secrets.#keys.set(id, key);
			secrets.#newest = number;
		}
		if (secrets.#keys.size === 0) await secrets.rotate();
		return secrets;
	}

	/** `rowId` is the id of the row that the secret belongs to. */
	seal(secret: string, rowId: string): string {
		const [keyId, key] = this.#current();
		const nonce = randomBytes(nonceLength);
		const cipher = createCipheriv('aes-256-gcm', key, nonce);
		cipher.setAAD(Buffer.from(rowId));
		const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
		return `${prefix}.${keyId}.${sealed.toString('base64url')}`;
	}

	/** Throws when the text was changed, belongs to another row, or its key is not there. */
	unseal(sealed: string, rowId: string): string {
		const keyId = keyIdOf(sealed);
		const key = keyId === null ? undefined : this.#keys.get(keyId);
		if (keyId === null) throw new Error(`the secret of ${rowId} is not in the form of a sealed one`);
		if (key === undefined) {
			throw new Error(`the key ${keyId} that seals the secret of ${rowId} is not in ${this.#directory}: bring it back from a backup`);
		}
		const bytes = Buffer.from(sealed.slice(sealed.lastIndexOf('.') + 1), 'base64url');
		if (bytes.length < nonceLength + tagLength) throw new Error(`the secret of ${rowId} is cut short`);
		const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceLength), { authTagLength: tagLength });
		decipher.setAAD(Buffer.from(rowId));
		decipher.setAuthTag(bytes.subarray(bytes.length - tagLength));
		try {
			return decipher.update(bytes.subarray(nonceLength, bytes.length - tagLength)).toString('utf8') + decipher.final('utf8');
		} catch (error) {
			throw new Error(`the secret of ${rowId} was changed, or belongs to another row`, { cause: error });
		}
	}

	/** Whether the text is sealed with the newest key. */
	isCurrent(sealed: string): boolean {
		return keyIdOf(sealed) === this.#current()[0];
	}

	/**
	 * Makes a new key, which seals from now on; older ones still open what they sealed. After resealSecrets, and when no
	 * backup needs them any more, their files may be deleted.
	 */
	async rotate(): Promise<void> {
		const key = randomBytes(32);
		const id = idOf(key);
		// On the disk before it is used: a secret whose key a crash took would be lost.
		await writePrivateFile(
			path.join(this.#directory, `${String(this.#newest + 1).padStart(6, '0')}-${id}.key`),
			`${key.toString('hex')}\n`,
		);
		failPoint('store.secrets.key-written');
		this.#newest += 1;
		this.#keys.set(id, key);
	}

	#current(): [string, Buffer] {
		const newest = [...this.#keys].at(-1);
		if (newest === undefined) throw new Error('there is no key');
		return newest;
	}
}

/** Whether the text is a sealed secret, by any key. */
export function isSealed(text: string): boolean {
	return keyIdOf(text) !== null;
}

const prefix = 'zbs1';
const nonceLength = 12;
const tagLength = 16;

function keyIdOf(sealed: string): string | null {
	return /^zbs1\.([0-9a-f]{12})\.[A-Za-z0-9_-]+$/.exec(sealed)?.[1] ?? null;
}

interface KeyFile {
	readonly id: string;
	readonly number: number;
	readonly key: Buffer;
}

/** In the order of their making. */
async function readKeys(directory: string): Promise<KeyFile[]> {
	const found: KeyFile[] = [];
	for (const name of await readdir(directory)) {
		const [, number, id] = /^(\d{6})-([0-9a-f]{12})\.key$/.exec(name) ?? [];
		if (id === undefined) continue;
		const key = Buffer.from((await readFile(path.join(directory, name), 'utf8')).trim(), 'hex');
		if (key.length !== 32 || idOf(key) !== id) {
			throw new Error(`the key file ${path.join(directory, name)} is damaged: bring it back from a backup`);
		}
		found.push({ id, number: Number(number), key });
	}
	return found.sort((one, other) => one.number - other.number || (one.id < other.id ? -1 : 1));
}

/** A key is known by its digest: one that was made anew is never taken for the one that was lost. */
function idOf(key: Buffer): string {
	return createHash('sha256').update(key).digest('hex').slice(0, 12);
}
