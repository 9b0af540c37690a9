import { fail } from '../../../model/errors.ts';
import type { Project } from '../../../model/identity.ts';
import type { Queryable, StoreTransaction } from '../../../store/store.ts';
import type { ProjectManagement } from '../management.ts';
import { change, type IdentityContext, newIdentityId, requireAdministrator } from './context.ts';
import { projectOf } from './records.ts';

export class Projects implements ProjectManagement {
	readonly #context: IdentityContext;

	constructor(context: IdentityContext) {
		this.#context = context;
	}

	async list(filter: { readonly name?: string; readonly enabled?: boolean; readonly userId?: string }): Promise<readonly Project[]> {
		const db = this.#context.store.db;
		let query = db.selectFrom('project').selectAll().orderBy('name');
		if (filter.name !== undefined) query = query.where('name', '=', filter.name);
		if (filter.enabled !== undefined) query = query.where('enabled', '=', filter.enabled ? 1 : 0);
		if (filter.userId !== undefined) {
			query = query.where('id', 'in', db.selectFrom('role_assignment').select('project_id').where('user_id', '=', filter.userId));
		}
		return (await query.execute()).map(projectOf);
	}

	get(id: string): Promise<Project> {
		return getProject(this.#context.store.db, id);
	}

	create(input: { readonly name: string; readonly description: string; readonly enabled: boolean }): Promise<Project> {
		return this.#context.store.transaction(async (tx) => {
			await requireFreeName(tx, input.name, null);
			const project: Project = { id: newIdentityId(), createdAt: this.#context.now(), ...input };
			await insertProject(tx, project);
			return project;
		});
	}

	update(id: string, input: Parameters<ProjectManagement['update']>[1]): Promise<Project> {
		return change(this.#context, async (tx) => {
			const before = await getProject(tx, id);
			if (input.name !== undefined) await requireFreeName(tx, input.name, id);
			const after = {
				name: input.name ?? before.name,
				description: input.description ?? before.description,
				enabled: input.enabled ?? before.enabled,
			};
			await tx
				.updateTable('project')
				.set({ ...after, enabled: after.enabled ? 1 : 0 })
				.where('id', '=', id)
				.execute();
			if (!after.enabled) {
				await tx.deleteFrom('token').where('project_id', '=', id).execute();
				await requireAdministrator(tx);
			}
			return { ...before, ...after };
		});
	}

	delete(id: string): Promise<void> {
		return change(this.#context, async (tx) => {
			const project = await getProject(tx, id);
			await requireEmpty(tx, project);
			await deleteSecurityGroups(tx, id);
			for (const table of ['token', 'application_credential', 'quota', 'registry', 'idempotency'] as const) {
				await tx.deleteFrom(table).where('project_id', '=', id).execute();
			}
			await tx.updateTable('user').set({ default_project_id: null }).where('default_project_id', '=', id).execute();
			await tx.deleteFrom('project').where('id', '=', id).execute();
			await requireAdministrator(tx);
		});
	}
}

/** Throws `project-not-found`. */
export async function getProject(db: Queryable, id: string): Promise<Project> {
	const row = await db.selectFrom('project').selectAll().where('id', '=', id).executeTakeFirst();
	if (row === undefined) throw fail('project-not-found', `Could not find project: ${id}.`);
	return projectOf(row);
}

export async function insertProject(tx: StoreTransaction, project: Project): Promise<void> {
	const { id, name, description, enabled, createdAt } = project;
	await tx
		.insertInto('project')
		.values({ id, name, description, enabled: enabled ? 1 : 0, created_at: createdAt })
		.execute();
}

async function requireFreeName(tx: StoreTransaction, name: string, except: string | null): Promise<void> {
	const other = await tx.selectFrom('project').select('id').where('name', '=', name).executeTakeFirst();
	if (other !== undefined && other.id !== except) throw fail('conflict', `There is a project named ${name} already.`);
}

/** What a project owns outside of this service's books must go first, by its own ways. */
async function requireEmpty(tx: StoreTransaction, project: Project): Promise<void> {
	const owned: string[] = [];
	for (const [table, word] of [
		['sandbox', 'sandboxes'],
		['volume', 'volumes'],
		['port', 'ports'],
		['network', 'networks'],
		['committed_image', 'committed images'],
	] as const) {
		const { count } = await tx
			.selectFrom(table)
			.select((of) => of.fn.countAll<number>().as('count'))
			.where('project_id', '=', project.id)
			.executeTakeFirstOrThrow();
		if (count > 0) owned.push(`${count} ${word}`);
	}
	if (owned.length > 0) throw fail('conflict', `Project ${project.name} has ${owned.join(', ')}. Delete them first.`);
}

/** Its default group was made for it unasked, so the project does not have to be rid of it; no port is left that is in one. */
async function deleteSecurityGroups(tx: StoreTransaction, projectId: string): Promise<void> {
	const groups = tx.selectFrom('security_group').select('id').where('project_id', '=', projectId);
	await tx.deleteFrom('security_group_rule').where('remote_group_id', 'in', groups).execute();
	await tx.deleteFrom('security_group').where('project_id', '=', projectId).execute();
}
