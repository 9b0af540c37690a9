import { fail } from '../../../model/errors.ts';
import type { RoleAssignment } from '../../../model/identity.ts';
import type { Role } from '../../../model/principal.ts';
import { fromJson } from '../../../store/json.ts';
import type { StoreTransaction } from '../../../store/store.ts';
import type { AssignmentManagement } from '../management.ts';
import { change, type IdentityContext, requireAdministrator } from './context.ts';
import { includedRoles } from './effective-roles.ts';
import { getProject } from './projects.ts';
import { assignmentsOf } from './records.ts';
import { heldRoles } from './tokens.ts';
import { getUserRow } from './users.ts';

export class Assignments implements AssignmentManagement {
	readonly #context: IdentityContext;

	constructor(context: IdentityContext) {
		this.#context = context;
	}

	async list(filter: { readonly userId?: string; readonly projectId?: string; readonly role?: Role }): Promise<readonly RoleAssignment[]> {
		let query = this.#context.store.db.selectFrom('role_assignment').selectAll().orderBy('project_id').orderBy('user_id').orderBy('role');
		if (filter.userId !== undefined) query = query.where('user_id', '=', filter.userId);
		if (filter.projectId !== undefined) query = query.where('project_id', '=', filter.projectId);
		if (filter.role !== undefined) query = query.where('role', '=', filter.role);
		return assignmentsOf(await query.execute());
	}

	async add(assignment: RoleAssignment): Promise<void> {
		await this.#context.store.transaction((tx) => insertAssignment(tx, assignment));
	}

	async remove({ userId, projectId, role }: RoleAssignment): Promise<void> {
		await change(this.#context, async (tx) => {
			const gone = await tx
				.deleteFrom('role_assignment')
				.where('user_id', '=', userId)
				.where('project_id', '=', projectId)
				.where('role', '=', role)
				.executeTakeFirst();
			if (gone.numDeletedRows === 0n) throw fail('not-found', `User ${userId} does not have the role ${role} in project ${projectId}.`);
			await tx.deleteFrom('token').where('user_id', '=', userId).where('project_id', '=', projectId).execute();
			await dropCredentialsBeyond(tx, userId, projectId);
			await requireAdministrator(tx);
		});
	}
}

/** Gives the role; succeeds when it is there. */
export async function insertAssignment(tx: StoreTransaction, { userId, projectId, role }: RoleAssignment): Promise<void> {
	await getUserRow(tx, userId);
	await getProject(tx, projectId);
	await tx
		.insertInto('role_assignment')
		.values({ user_id: userId, project_id: projectId, role })
		.onConflict((conflict) => conflict.doNothing())
		.execute();
}

/** Removes application credentials that grant what their user has no longer: given the role again, they must not come back to life. */
async function dropCredentialsBeyond(tx: StoreTransaction, userId: string, projectId: string): Promise<void> {
	const held = await heldRoles(tx, userId, projectId);
	const rows = await tx
		.selectFrom('application_credential')
		.select(['id', 'roles'])
		.where('user_id', '=', userId)
		.where('project_id', '=', projectId)
		.execute();
	for (const { id, roles } of rows) {
		const granted = fromJson<Role[]>(roles);
		if (includedRoles(granted, held).length < granted.length) await tx.deleteFrom('application_credential').where('id', '=', id).execute();
	}
}
