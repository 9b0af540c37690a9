import { randomUUID } from 'node:crypto';
import { fail } from '../../../model/errors.ts';
import type { Store, StoreTransaction } from '../../../store/store.ts';
import type { LoginThrottle } from './login-throttle.ts';
import type { PasswordHasher } from './password-hasher.ts';
import type { TokenCache } from './token-cache.ts';

/** What the parts of the embedded identity work with. */
export interface IdentityContext {
	readonly store: Store;
	readonly cache: TokenCache;
	readonly hasher: PasswordHasher;
	readonly userThrottle: LoginThrottle;
	readonly sourceThrottle: LoginThrottle;
	/** ms. */
	readonly tokenLifetime: number;
	readonly now: () => number;
}

/** A transaction that may take something away from a token: none is answered from the cache after it. */
export async function change<T>(context: IdentityContext, work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
	const result = await context.store.transaction(work);
	context.cache.clear();
	return result;
}

/** Ids in Keystone's form. */
export function newIdentityId(): string {
	return randomUUID().replaceAll('-', '');
}

/** Throws `conflict` when nobody could administer the service any more. To be called last in a transaction that takes away. */
export async function requireAdministrator(tx: StoreTransaction): Promise<void> {
	const left = await tx
		.selectFrom('role_assignment')
		.innerJoin('user', 'user.id', 'role_assignment.user_id')
		.innerJoin('project', 'project.id', 'role_assignment.project_id')
		.select('user.id')
		.where('role_assignment.role', '=', 'admin')
		.where('user.enabled', '=', 1)
		.where('project.enabled', '=', 1)
		.limit(1)
		.executeTakeFirst();
	if (left === undefined) throw fail('conflict', 'This would leave no enabled user with the role admin. Give it to another user first.');
}
