import { hash, randomBytes } from 'node:crypto';
import { fail } from '../../../model/errors.ts';
import { randomSecret } from '../../../model/ids.ts';
import type { Role } from '../../../model/principal.ts';
import { fromJson } from '../../../store/json.ts';
import type { Queryable, StoreTransaction } from '../../../store/store.ts';
import type { IssuedToken, TokenDetails } from '../management.ts';
import { change, type IdentityContext } from './context.ts';
import { includedRoles } from './effective-roles.ts';
import { assignmentsOf } from './records.ts';

/** Tokens are random; the database holds only their digests, so that a copy of it lets nobody in. */
export class Tokens {
	static readonly #purgeInterval = 60_000;
	readonly #context: IdentityContext;
	#purgedAt = 0;

	constructor(context: IdentityContext) {
		this.#context = context;
	}

	/** Throws `unauthorized`. */
	async inspect(token: string): Promise<TokenDetails> {
		const { cache, store } = this.#context;
		const digest = digestOf(token);
		const cached = cache.get(digest);
		if (cached !== null) return cached;
		const epoch = cache.epoch;
		const details = await this.read(store.db, digest);
		cache.keep(digest, details, epoch);
		return details;
	}

	/** Reads a token with all that decides whether it is still valid: user, project and roles as they are now. */
	async read(db: Queryable, digest: string): Promise<TokenDetails> {
		const row = await db
			.selectFrom('token')
			.innerJoin('user', 'user.id', 'token.user_id')
			.leftJoin('project', 'project.id', 'token.project_id')
			.leftJoin('application_credential', 'application_credential.id', 'token.application_credential_id')
			.selectAll('token')
			.select([
				'user.name as user_name',
				'user.enabled as user_enabled',
				'project.name as project_name',
				'project.enabled as project_enabled',
				'application_credential.name as credential_name',
			])
			.where('token.digest', '=', digest)
			.executeTakeFirst();
		if (row === undefined || row.expires_at <= this.#context.now() || row.user_enabled !== 1) throw invalidToken();
		if (row.application_credential_id !== null && row.credential_name === null) throw invalidToken();
		const details = {
			auditId: row.audit_id,
			user: { id: row.user_id, name: row.user_name },
			methods: fromJson<string[]>(row.methods),
			applicationCredential:
				row.application_credential_id === null || row.credential_name === null
					? null
					: { id: row.application_credential_id, name: row.credential_name },
			issuedAt: row.issued_at,
			expiresAt: row.expires_at,
		};
		if (row.project_id === null) return { ...details, project: null, roles: [] };
		if (row.project_name === null || row.project_enabled !== 1) throw invalidToken();
		const roles = includedRoles(fromJson<Role[]>(row.roles), await heldRoles(db, row.user_id, row.project_id));
		if (roles.length === 0) throw invalidToken();
		return { ...details, project: { id: row.project_id, name: row.project_name }, roles };
	}

	/** Writes a token for what the caller has checked in the same transaction. */
	async issue(tx: StoreTransaction, details: Omit<TokenDetails, 'auditId' | 'issuedAt'>): Promise<IssuedToken> {
		const now = this.#context.now();
		if (now - this.#purgedAt > Tokens.#purgeInterval) {
			await tx.deleteFrom('token').where('expires_at', '<=', now).execute();
			this.#purgedAt = now;
		}
		const token = randomSecret(32);
		const issued = { ...details, auditId: randomBytes(16).toString('base64url'), issuedAt: now };
		await tx
			.insertInto('token')
			.values({
				digest: digestOf(token),
				audit_id: issued.auditId,
				user_id: issued.user.id,
				project_id: issued.project?.id ?? null,
				roles: JSON.stringify(issued.roles),
				methods: JSON.stringify(issued.methods),
				application_credential_id: issued.applicationCredential?.id ?? null,
				issued_at: issued.issuedAt,
				expires_at: issued.expiresAt,
			})
			.execute();
		return { token, details: issued };
	}

	async revoke(token: string): Promise<void> {
		await change(this.#context, (tx) => tx.deleteFrom('token').where('digest', '=', digestOf(token)).execute());
	}
}

export function digestOf(token: string): string {
	return hash('sha256', token, 'hex');
}

/** Roles as they were given to the user in the project. */
export async function heldRoles(db: Queryable, userId: string, projectId: string): Promise<readonly Role[]> {
	const rows = await db
		.selectFrom('role_assignment')
		.selectAll()
		.where('user_id', '=', userId)
		.where('project_id', '=', projectId)
		.execute();
	return assignmentsOf(rows).map((assignment) => assignment.role);
}

function invalidToken(): Error {
	return fail('unauthorized', 'The token is unknown, expired or revoked. Log in again.');
}
