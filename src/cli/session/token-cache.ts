import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isResource, numberIn, textIn } from '../resource.ts';
import type { Credentials } from './credentials.ts';

/** A token and what it reaches. */
export interface Login {
	readonly token: string;
	/** ms since the epoch. */
	readonly expiresAt: number;
	readonly containerUrl: string;
	/** Empty = the catalog has none. */
	readonly networkUrl: string;
	readonly userId: string;
	readonly projectId: string;
}

/** Time that a token must have left to be used, in ms. */
const margin = 60_000;

/**
 * Keeps tokens between commands, so that each does not log in anew: one file for each who and where, readable by its
 * user alone, in the user's cache folder. A cache that cannot be used costs time and nothing else.
 */
export class TokenCache {
	readonly #file: string;
	readonly #now: () => number;

	constructor(credentials: Credentials, environment: Readonly<Record<string, string | undefined>>, now: () => number) {
		const folder = environment['XDG_CACHE_HOME'] || path.join(environment['HOME'] || os.homedir(), '.cache');
		const who = [
			credentials.authUrl,
			credentials.username,
			credentials.userId,
			credentials.userDomain,
			credentials.projectName ?? credentials.projectId,
			credentials.projectDomain,
			credentials.applicationCredentialId,
			credentials.region,
			credentials.interface,
			// A token that was given is a login of its own.
			credentials.token,
		];
		const name = process.getBuiltinModule('node:crypto').hash('sha256', JSON.stringify(who)).slice(0, 32);
		this.#file = path.join(folder, 'zunbox', `token-${name}.json`);
		this.#now = now;
	}

	async read(): Promise<Login | null> {
		try {
			const value: unknown = JSON.parse(await readFile(this.#file, 'utf8'));
			if (!isResource(value)) return null;
			const login: Login = {
				token: textIn(value, 'token'),
				expiresAt: numberIn(value, 'expiresAt') ?? 0,
				containerUrl: textIn(value, 'containerUrl'),
				networkUrl: textIn(value, 'networkUrl'),
				userId: textIn(value, 'userId'),
				projectId: textIn(value, 'projectId'),
			};
			return login.token !== '' && login.expiresAt > this.#now() + margin ? login : null;
		} catch {
			return null;
		}
	}

	async write(login: Login): Promise<void> {
		const unfinished = `${this.#file}.${process.pid}`;
		try {
			await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
			const file = await open(unfinished, 'wx', 0o600);
			try {
				await file.writeFile(JSON.stringify(login));
			} finally {
				await file.close();
			}
			await rename(unfinished, this.#file);
		} catch {
			await rm(unfinished, { force: true }).catch(() => {});
		}
	}

	async forget(): Promise<void> {
		await rm(this.#file, { force: true }).catch(() => {});
	}
}
