import { fail } from '../../../model/errors.ts';
import type { ApplicationCredential } from '../../../model/identity.ts';
import { randomSecret } from '../../../model/ids.ts';
import type { ApplicationCredentialManagement, CreateApplicationCredential } from '../management.ts';
import { change, type IdentityContext, newIdentityId } from './context.ts';
import { includedRoles } from './effective-roles.ts';
import { hashGenerated } from './login.ts';
import { credentialOf } from './records.ts';
import { heldRoles } from './tokens.ts';

/** Of one user. */
const mostCredentials = 100;

export class ApplicationCredentials implements ApplicationCredentialManagement {
	readonly #context: IdentityContext;

	constructor(context: IdentityContext) {
		this.#context = context;
	}

	async list(userId: string, filter: { readonly name?: string }): Promise<readonly ApplicationCredential[]> {
		let query = this.#context.store.db.selectFrom('application_credential').selectAll().where('user_id', '=', userId).orderBy('name');
		if (filter.name !== undefined) query = query.where('name', '=', filter.name);
		return (await query.execute()).map(credentialOf);
	}

	async get(userId: string, id: string): Promise<ApplicationCredential> {
		const row = await this.#context.store.db
			.selectFrom('application_credential')
			.selectAll()
			.where('user_id', '=', userId)
			.where('id', '=', id)
			.executeTakeFirst();
		if (row === undefined) throw notFound(id);
		return credentialOf(row);
	}

	async create(input: CreateApplicationCredential): Promise<{ readonly credential: ApplicationCredential; readonly secret: string }> {
		const now = this.#context.now();
		if (input.expiresAt !== null && input.expiresAt <= now) throw fail('invalid-value', 'expires_at must be in the future.');
		const secret = input.secret ?? randomSecret(32);
		const hash = input.secret === null ? hashGenerated(secret) : await this.#context.hasher.hash(secret);
		const credential = await this.#context.store.transaction(async (tx) => {
			const held = await heldRoles(tx, input.userId, input.projectId);
			const roles = input.roles ?? held;
			if (roles.length === 0 || includedRoles(roles, held).length < roles.length) {
				throw fail('policy-not-authorized', 'An application credential can only have roles that its user has in the project.');
			}
			const own = await tx.selectFrom('application_credential').select('name').where('user_id', '=', input.userId).execute();
			if (own.some(({ name }) => name === input.name))
				throw fail('conflict', `There is an application credential named ${input.name} already.`);
			if (own.length >= mostCredentials) {
				throw fail('over-quota', `The user has ${own.length} application credentials, of ${mostCredentials} at the most.`);
			}
			const row = {
				id: newIdentityId(),
				name: input.name,
				user_id: input.userId,
				project_id: input.projectId,
				description: input.description,
				secret_hash: hash,
				roles: JSON.stringify(roles),
				expires_at: input.expiresAt,
				created_at: now,
			};
			await tx.insertInto('application_credential').values(row).execute();
			return credentialOf(row);
		});
		return { credential, secret };
	}

	async delete(userId: string, id: string): Promise<void> {
		await change(this.#context, async (tx) => {
			const gone = await tx.deleteFrom('application_credential').where('user_id', '=', userId).where('id', '=', id).executeTakeFirst();
			if (gone.numDeletedRows === 0n) throw notFound(id);
			await tx.deleteFrom('token').where('application_credential_id', '=', id).execute();
		});
	}
}

function notFound(id: string): Error {
	return fail('not-found', `Could not find application credential: ${id}.`);
}
