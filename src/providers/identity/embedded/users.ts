import type { Selectable } from 'kysely';
import { fail } from '../../../model/errors.ts';
import type { User } from '../../../model/identity.ts';
import type { UserTable } from '../../../store/schema.ts';
import type { Queryable, StoreTransaction } from '../../../store/store.ts';
import type { CreateUser, UpdateUser, UserManagement } from '../management.ts';
import { change, type IdentityContext, newIdentityId, requireAdministrator } from './context.ts';
import type { Login } from './login.ts';
import { noPassword } from './password-hasher.ts';
import { getProject } from './projects.ts';
import { userOf } from './records.ts';

export class Users implements UserManagement {
	readonly #context: IdentityContext;
	readonly #login: Login;

	constructor(context: IdentityContext, login: Login) {
		this.#context = context;
		this.#login = login;
	}

	async list(filter: { readonly name?: string; readonly enabled?: boolean }): Promise<readonly User[]> {
		let query = this.#context.store.db.selectFrom('user').selectAll().orderBy('name');
		if (filter.name !== undefined) query = query.where('name', '=', filter.name);
		if (filter.enabled !== undefined) query = query.where('enabled', '=', filter.enabled ? 1 : 0);
		return (await query.execute()).map(userOf);
	}

	async get(id: string): Promise<User> {
		return userOf(await getUserRow(this.#context.store.db, id));
	}

	async create(input: CreateUser): Promise<User> {
		const hash = input.password === null ? noPassword : await this.#context.hasher.hash(input.password);
		return this.#context.store.transaction(async (tx) => {
			await requireFreeName(tx, input.name, null);
			if (input.defaultProjectId !== null) await getProject(tx, input.defaultProjectId);
			return insertUser(tx, { ...input, id: newIdentityId(), createdAt: this.#context.now(), hash });
		});
	}

	async update(id: string, input: UpdateUser): Promise<User> {
		await this.get(id);
		const hash = typeof input.password === 'string' ? await this.#context.hasher.hash(input.password) : noPassword;
		return change(this.#context, async (tx) => {
			const before = await getUserRow(tx, id);
			if (input.name !== undefined) await requireFreeName(tx, input.name, id);
			if (typeof input.defaultProjectId === 'string') await getProject(tx, input.defaultProjectId);
			const after = {
				...before,
				name: input.name ?? before.name,
				description: input.description ?? before.description,
				email: input.email === undefined ? before.email : input.email,
				enabled: input.enabled === undefined ? before.enabled : Number(input.enabled),
				default_project_id: input.defaultProjectId === undefined ? before.default_project_id : input.defaultProjectId,
				password_hash: input.password === undefined ? before.password_hash : hash,
			};
			await tx.updateTable('user').set(after).where('id', '=', id).execute();
			if (after.enabled === 0 || input.password !== undefined) await tx.deleteFrom('token').where('user_id', '=', id).execute();
			if (after.enabled === 0) await requireAdministrator(tx);
			return userOf(after);
		});
	}

	async changePassword(id: string, original: string, password: string, source: string): Promise<void> {
		const user = await getUserRow(this.#context.store.db, id);
		if (!(await this.#login.checkPassword(user, { id }, original, source))) throw fail('unauthorized', 'The original password is wrong.');
		await this.update(id, { password });
	}

	delete(id: string): Promise<void> {
		return change(this.#context, async (tx) => {
			await getUserRow(tx, id);
			// Tokens, assignments and application credentials go with it.
			await tx.deleteFrom('user').where('id', '=', id).execute();
			await requireAdministrator(tx);
		});
	}
}

/** Throws `user-not-found`. */
export async function getUserRow(db: Queryable, id: string): Promise<Selectable<UserTable>> {
	const row = await db.selectFrom('user').selectAll().where('id', '=', id).executeTakeFirst();
	if (row === undefined) throw fail('user-not-found', `Could not find user: ${id}.`);
	return row;
}

export async function insertUser(tx: StoreTransaction, user: User & { readonly hash: string }): Promise<User> {
	const row = {
		id: user.id,
		name: user.name,
		password_hash: user.hash,
		description: user.description,
		email: user.email,
		enabled: user.enabled ? 1 : 0,
		default_project_id: user.defaultProjectId,
		created_at: user.createdAt,
	};
	await tx.insertInto('user').values(row).execute();
	return userOf(row);
}

async function requireFreeName(tx: StoreTransaction, name: string, except: string | null): Promise<void> {
	const other = await tx.selectFrom('user').select('id').where('name', '=', name).executeTakeFirst();
	if (other !== undefined && other.id !== except) throw fail('conflict', `There is a user named ${name} already.`);
}
