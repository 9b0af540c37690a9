import { createHash, timingSafeEqual } from 'node:crypto';
import type { Selectable } from 'kysely';
import { fail } from '../../../model/errors.ts';
import type { Role } from '../../../model/principal.ts';
import { fromJson } from '../../../store/json.ts';
import type { ApplicationCredentialTable, UserTable } from '../../../store/schema.ts';
import type { Queryable, StoreTransaction } from '../../../store/store.ts';
import type { CredentialReference, IssuedToken, LoginRequest, Named, TokenScope } from '../management.ts';
import type { IdentityContext } from './context.ts';
import { effectiveRoles, includedRoles } from './effective-roles.ts';
import { digestOf, heldRoles, type Tokens } from './tokens.ts';

/** The three ways to log in. Whoever fails is not told why: neither which users exist nor which are disabled. */
export class Login {
	readonly #context: IdentityContext;
	readonly #tokens: Tokens;

	constructor(context: IdentityContext, tokens: Tokens) {
		this.#context = context;
		this.#tokens = tokens;
	}

	login(request: LoginRequest, source: string): Promise<IssuedToken> {
		switch (request.method) {
			case 'password':
				return this.#byPassword(request.user, request.password, request.scope, source);
			case 'token':
				return this.#byToken(request.token, request.scope);
			case 'application_credential':
				return this.#byCredential(request.credential, request.secret, source);
		}
	}

	/** Checks a password, with the throttles around it; true = right. The user may be missing. */
	async checkPassword(user: Selectable<UserTable> | undefined, named: Named, password: string, source: string): Promise<boolean> {
		const key = user === undefined ? `unknown:${JSON.stringify(named)}` : `user:${user.id}`;
		const right = await this.#context.hasher.verify(password, user?.password_hash ?? null, () => this.#admit(key, source));
		if (right) this.#forgive(key, source);
		return right;
	}

	async #byPassword(named: Named, password: string, scope: TokenScope, source: string): Promise<IssuedToken> {
		const { store, hasher, now, tokenLifetime } = this.#context;
		const user = await findUser(store.db, named);
		const right = await this.checkPassword(user, named, password, source);
		if (user === undefined || !right) throw refused();
		const anew = hasher.isCurrent(user.password_hash) ? null : await hasher.hash(password);
		return store.transaction(async (tx) => {
			const current = await findUser(tx, { id: user.id });
			// Another password, or none, since it was checked.
			if (current?.enabled !== 1 || current.password_hash !== user.password_hash) throw refused();
			if (anew !== null) await tx.updateTable('user').set({ password_hash: anew }).where('id', '=', user.id).execute();
			const project = await resolveScope(tx, current, scope);
			return this.#tokens.issue(tx, {
				user: { id: current.id, name: current.name },
				...project,
				methods: ['password'],
				applicationCredential: null,
				expiresAt: now() + tokenLifetime,
			});
		});
	}

	/** A token for another project. It ends when the first one would have ended: a token is not a way to stay for ever. */
	#byToken(token: string, scope: TokenScope): Promise<IssuedToken> {
		return this.#context.store.transaction(async (tx) => {
			const from = await this.#tokens.read(tx, digestOf(token));
			if (from.applicationCredential !== null) {
				throw fail('unauthorized', 'A token of an application credential cannot be exchanged for another.');
			}
			const user = await findUser(tx, { id: from.user.id });
			if (user === undefined) throw refused();
			return this.#tokens.issue(tx, {
				user: from.user,
				...(await resolveScope(tx, user, scope)),
				methods: [...new Set([...from.methods, 'token'])],
				applicationCredential: null,
				expiresAt: from.expiresAt,
			});
		});
	}

	async #byCredential(reference: CredentialReference, secret: string, source: string): Promise<IssuedToken> {
		const { store, hasher, now, tokenLifetime } = this.#context;
		const found = await findCredential(store.db, reference);
		const key = found === undefined ? `unknown:${JSON.stringify(reference)}` : `credential:${found.id}`;
		const admit = () => this.#admit(key, source);
		const right = found?.secret_hash.startsWith(generatedPrefix)
			? checkGenerated(secret, found, admit)
			: await hasher.verify(secret, found?.secret_hash ?? null, admit);
		if (found === undefined || !right) throw refused();
		this.#forgive(key, source);
		return store.transaction(async (tx) => {
			const credential = await findCredential(tx, { id: found.id });
			if (credential === undefined || (credential.expires_at !== null && credential.expires_at <= now())) throw refused();
			const user = await findUser(tx, { id: credential.user_id });
			if (user?.enabled !== 1) throw refused();
			const { project, roles } = await resolveScope(tx, user, { type: 'project', id: credential.project_id });
			const wanted = fromJson<Role[]>(credential.roles);
			if (includedRoles(wanted, roles).length < wanted.length) throw refused();
			return this.#tokens.issue(tx, {
				user: { id: user.id, name: user.name },
				project,
				roles: effectiveRoles(wanted),
				methods: ['application_credential'],
				applicationCredential: { id: credential.id, name: credential.name },
				expiresAt: Math.min(now() + tokenLifetime, credential.expires_at ?? Number.POSITIVE_INFINITY),
			});
		});
	}

	#admit(key: string, source: string): void {
		const { userThrottle, sourceThrottle } = this.#context;
		userThrottle.check(key);
		sourceThrottle.check(source);
		userThrottle.attempt(key);
		sourceThrottle.attempt(source);
	}

	#forgive(key: string, source: string): void {
		this.#context.userThrottle.succeeded(key);
		// Not all of it: whoever has one right password could else go on guessing others.
		this.#context.sourceThrottle.forgive(source);
	}
}

/** A generated secret is 256 random bits: nothing can be guessed, so a plain digest does. */
const generatedPrefix = 'sha256$';

export function hashGenerated(secret: string): string {
	return generatedPrefix + digestOf(secret);
}

function checkGenerated(secret: string, credential: Selectable<ApplicationCredentialTable>, admit: () => void): boolean {
	admit();
	const given = createHash('sha256').update(hashGenerated(secret)).digest();
	return timingSafeEqual(given, createHash('sha256').update(credential.secret_hash).digest());
}

/** Project and roles of a new token. Throws `unauthorized` for a project in which the user has no role. */
async function resolveScope(tx: StoreTransaction, user: Selectable<UserTable>, scope: TokenScope) {
	const none = { project: null, roles: [] };
	if (scope.type === 'none') return none;
	const byDefault = scope.type === 'default';
	if (byDefault && user.default_project_id === null) return none;
	let query = tx.selectFrom('project').select(['id', 'name']).where('enabled', '=', 1);
	if (scope.type === 'project') query = 'id' in scope ? query.where('id', '=', scope.id) : query.where('name', '=', scope.name);
	else query = query.where('id', '=', user.default_project_id);
	const project = await query.executeTakeFirst();
	const roles = project === undefined ? [] : effectiveRoles(await heldRoles(tx, user.id, project.id));
	if (project !== undefined && roles.length > 0) return { project, roles };
	if (byDefault) return none;
	throw refused();
}

async function findUser(db: Queryable, named: Named): Promise<Selectable<UserTable> | undefined> {
	const query = db.selectFrom('user').selectAll();
	return ('id' in named ? query.where('id', '=', named.id) : query.where('name', '=', named.name)).executeTakeFirst();
}

async function findCredential(db: Queryable, reference: CredentialReference): Promise<Selectable<ApplicationCredentialTable> | undefined> {
	const query = db.selectFrom('application_credential').selectAll();
	if ('id' in reference) return query.where('id', '=', reference.id).executeTakeFirst();
	const user = await findUser(db, reference.user);
	if (user === undefined) return undefined;
	return query.where('user_id', '=', user.id).where('name', '=', reference.name).executeTakeFirst();
}

function refused(): Error {
	return fail('unauthorized', 'The request you have made requires authentication: user, secret or project is wrong or not enabled.');
}
