/** A real registry on loopback: Debian's docker-registry. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RegistryLogin } from './docker.ts';
import { eventually } from './eventually.ts';

/** bcrypt, the only hash that the registry takes, from the libcrypt of the base system through its perl. */
const bcryptScript = 'chomp(my ($password, $salt) = <STDIN>); print crypt($password, $salt)';

/** A line of an htpasswd file. */
function htpasswdLine({ username, password }: RegistryLogin): string {
	const salt = `$2y$05$${randomBytes(32)
		.toString('base64')
		.replaceAll(/[^A-Za-z0-9]/g, '')
		.padEnd(22, 'u')
		.slice(0, 21)}u`;
	const hash = execFileSync('perl', ['-e', bcryptScript], { input: `${password}\n${salt}\n`, encoding: 'utf8', timeout: 10_000 });
	if (!hash.startsWith('$2y$')) throw new Error('the libcrypt of this machine has no bcrypt');
	return `${username}:${hash}\n`;
}

export class Registry {
	/** Set once it has been started, and the same after a stop and another start. */
	#port = 0;
	#process: ChildProcess | undefined;
	readonly #folder: string;
	readonly #login: RegistryLogin | undefined;

	/** `login` = without it, nothing can be pulled or pushed. */
	constructor(login?: RegistryLogin) {
		this.#login = login;
		this.#folder = mkdtempSync(path.join(tmpdir(), 'zunbox-registry-'));
		if (login !== undefined) writeFileSync(path.join(this.#folder, 'htpasswd'), htpasswdLine(login));
	}

	/** Such as `127.0.0.1:43211`: what image references begin with. */
	get address(): string {
		return `127.0.0.1:${this.#port}`;
	}

	/** Ends when it answers. */
	async start(): Promise<void> {
		const config = path.join(this.#folder, 'config.json');
		writeFileSync(config, JSON.stringify(this.#config()));
		const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
		this.#process = child;
		let log = '';
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			log = `${log}${text}`.slice(-20_000);
		});
		child.on('error', (error) => {
			log += error.message;
		});
		try {
			this.#port = await eventually('the registry listens', () => {
				if (child.exitCode !== null) throw new Error(log);
				const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
				return port === undefined ? undefined : Number(port);
			});
		} catch (error) {
			await this.stop();
			throw new Error(`docker-registry did not start: ${log}`, { cause: error });
		}
	}

	/** What it holds stays, for another start. */
	async stop(): Promise<void> {
		const child = this.#process;
		this.#process = undefined;
		if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
		child.kill('SIGKILL');
		await once(child, 'exit', { signal: AbortSignal.timeout(10_000) });
	}

	/** Stops it and removes all that it holds. */
	async remove(): Promise<void> {
		await this.stop();
		rmSync(this.#folder, { recursive: true, force: true });
	}

	/** Its configuration: YAML, of which JSON is a part. */
	#config(): unknown {
		return {
			version: 0.1,
			log: { level: 'info' },
			storage: { filesystem: { rootdirectory: path.join(this.#folder, 'data') }, delete: { enabled: true } },
			http: { addr: this.address },
			...(this.#login === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: path.join(this.#folder, 'htpasswd') } } }),
		};
	}
}
