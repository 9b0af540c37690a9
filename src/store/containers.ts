import type { Insertable, Selectable, Updateable } from 'kysely';
import { sql } from 'kysely';
import type { Container, ContainerGoal, ContainerKind, ContainerStatus, Health, ImagePullPolicy } from '../model/container.ts';
import type { ImageSource } from '../model/image-source.ts';
import { fromJson, fromNullableJson } from './json.ts';
import type { ContainerTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

export type ContainerRow = Selectable<ContainerTable>;

export function toContainer(row: ContainerRow): Container {
	return {
		id: row.id,
		name: row.name,
		projectId: row.project_id,
		userId: row.user_id,
		sandboxId: row.sandbox_id,
		kind: row.kind as ContainerKind,
		ordinal: row.ordinal,
		image: row.image,
		imageDriver: row.image_driver === 'glance' ? 'glance' : 'docker',
		imagePullPolicy: row.image_pull_policy as ImagePullPolicy,
		registryId: row.registry_id,
		command: fromNullableJson(row.command ?? row.image_command),
		entrypoint: fromNullableJson(row.entrypoint ?? row.image_entrypoint),
		cpu: row.cpu,
		cpuPolicy: row.cpu_policy === 'dedicated' ? 'dedicated' : 'shared',
		memory: row.memory,
		disk: row.disk,
		pids: row.pids,
		workdir: row.workdir ?? row.image_workdir,
		hostname: row.hostname ?? row.runtime_hostname,
		environment: fromJson(row.environment),
		labels: fromJson(row.labels),
		interactive: row.interactive === 1,
		tty: row.tty === 1,
		privileged: row.privileged === 1,
		autoRemove: row.auto_remove === 1,
		autoHeal: row.auto_heal === 1,
		restartPolicy: fromNullableJson(row.restart_policy),
		healthcheck: fromNullableJson(row.healthcheck),
		exposedPorts: fromNullableJson(row.exposed_ports),
		mounts: fromJson(row.mounts),
		status: row.status as ContainerStatus,
		statusReason: row.status_reason,
		taskState: row.task_state,
		desiredStatus: row.desired_status as ContainerGoal,
		revision: row.revision,
		runtimeId: row.runtime_id,
		ports: fromJson(row.ports),
		exitCode: row.exit_code,
		oomKilled: row.oom_killed === 1,
		health: row.health as Health | null,
		restartCount: row.restart_count,
		pull: fromNullableJson(row.pull),
		startedAt: row.started_at,
		finishedAt: row.finished_at,
		createdAt: row.created_at,
		updatedAt: row.updated_at,
		version: row.version,
	};
}

/** What of the image service the container is made of; null = its image is not from there. */
export function imageSourceOf(row: Pick<ContainerRow, 'image_source'>): ImageSource | null {
	return fromNullableJson(row.image_source);
}

export async function insertContainer(tx: StoreTransaction, row: Insertable<ContainerTable>): Promise<void> {
	await tx.insertInto('container').values(row).execute();
}

/** Changes the row and grows its version. Whether the agent must know is the caller's to say (`touchSandbox`). */
export async function updateContainer(tx: StoreTransaction, id: string, change: Updateable<ContainerTable>, now: number): Promise<void> {
	await tx
		.updateTable('container')
		.set({ ...change, updated_at: now, version: sql`version + 1` })
		.where('id', '=', id)
		.execute();
}

export async function containerRow(db: Queryable, id: string): Promise<ContainerRow | undefined> {
	return await db.selectFrom('container').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function containersOf(db: Queryable, sandboxId: string): Promise<readonly ContainerRow[]> {
	return await db
		.selectFrom('container')
		.selectAll()
		.where('sandbox_id', '=', sandboxId)
		.orderBy('ordinal')
		.orderBy('created_at')
		.orderBy('id')
		.execute();
}
