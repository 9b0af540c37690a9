import { fail } from '../../../model/errors.ts';
import type { Store } from '../../../store/store.ts';
import type { TokenInfo } from '../identity.ts';
import type { IdentityManagement, IssuedToken, LoginRequest, TokenDetails } from '../management.ts';
import { ApplicationCredentials } from './application-credentials.ts';
import { Assignments } from './assignments.ts';
import type { IdentityContext } from './context.ts';
import { ensureFirstAdministrator } from './first-start.ts';
import { Login } from './login.ts';
import { LoginThrottle } from './login-throttle.ts';
import { type HashCost, PasswordHasher, standardCost } from './password-hasher.ts';
import { Projects } from './projects.ts';
import { TokenCache } from './token-cache.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

export interface EmbeddedIdentityOptions {
	readonly store: Store;
	/** Where clients reach the service, without a slash at its end. A function, since the port may be chosen late. */
	readonly publicUrl: () => string;
	/** ms. */
	readonly tokenLifetime: number;
	readonly passwordHashesAtOnce: number;
	readonly failuresBeforeDelay: number;
	/** ms. */
	readonly maxDelay: number;
	readonly hashCost?: HashCost;
	/** ms since the epoch. */
	readonly now?: () => number;
}

/** Identity out of the service's own database. */
export class EmbeddedIdentity implements IdentityManagement {
	readonly projects: Projects;
	readonly users: Users;
	readonly assignments: Assignments;
	readonly applicationCredentials: ApplicationCredentials;
	readonly #context: IdentityContext;
	readonly #publicUrl: () => string;
	readonly #tokens: Tokens;
	readonly #login: Login;

	constructor(options: EmbeddedIdentityOptions) {
		const now = options.now ?? Date.now;
		const throttle = { maxDelay: options.maxDelay, forgetAfter: 15 * 60_000, capacity: 10_000, now };
		this.#context = {
			store: options.store,
			cache: new TokenCache({ capacity: 10_000, maxAge: 30_000, now }),
			hasher: new PasswordHasher({ cost: options.hashCost ?? standardCost, atOnce: options.passwordHashesAtOnce }),
			userThrottle: new LoginThrottle({ ...throttle, freeFailures: options.failuresBeforeDelay }),
			sourceThrottle: new LoginThrottle({ ...throttle, freeFailures: 5 * options.failuresBeforeDelay }),
			tokenLifetime: options.tokenLifetime,
			now,
		};
		this.#publicUrl = options.publicUrl;
		this.#tokens = new Tokens(this.#context);
		this.#login = new Login(this.#context, this.#tokens);
		this.projects = new Projects(this.#context);
		this.users = new Users(this.#context, this.#login);
		this.assignments = new Assignments(this.#context);
		this.applicationCredentials = new ApplicationCredentials(this.#context);
	}

	get authUrl(): string {
		return `${this.#publicUrl()}/identity/v3`;
	}

	/**
	 * At each start, before serving: on the first one makes the project and the user `admin` with a random password,
	 * which goes to `clouds.yaml` and `openrc` in `directory` and nowhere else. Says whether it did.
	 */
	ensureFirstAdministrator(directory: string): Promise<boolean> {
		return ensureFirstAdministrator(this.#context, directory, this.authUrl);
	}

	async validate(token: string, signal: AbortSignal): Promise<TokenInfo> {
		signal.throwIfAborted();
		const { user, project, roles, expiresAt } = await this.inspect(token);
		if (project === null) throw fail('unauthorized', 'The token is not for a project. Ask for one with a project as its scope.');
		return { userId: user.id, userName: user.name, projectId: project.id, projectName: project.name, roles, expiresAt };
	}

	login(request: LoginRequest, source: string): Promise<IssuedToken> {
		return this.#login.login(request, source);
	}

	inspect(token: string): Promise<TokenDetails> {
		return this.#tokens.inspect(token);
	}

	revoke(token: string): Promise<void> {
		return this.#tokens.revoke(token);
	}
}
