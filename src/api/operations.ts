import { Type } from 'typebox';
import type { Operation } from '../model/operation.ts';
import { zunActionTime } from './parse/time.ts';
import { Nullable } from './schemas.ts';

export const Action = Type.Object(
	{
		action: Type.String(),
		container_uuid: Type.Optional(Type.String()),
		sandbox_uuid: Type.String(),
		request_id: Type.String(),
		user_id: Type.String(),
		project_id: Type.String(),
		start_time: Type.String(),
		finish_time: Nullable(Type.String()),
		message: Nullable(Type.String({ description: 'What went wrong; null = nothing.' })),
		state: Type.String({ description: 'queued, running, done or failed.' }),
	},
	{ title: 'Action' },
);

/** An operation as Zun shows its container actions. */
export function renderAction(operation: Operation) {
	return {
		action: operation.kind,
		...(operation.target === 'container' ? { container_uuid: operation.targetId } : {}),
		sandbox_uuid: operation.sandboxId,
		request_id: operation.requestId,
		user_id: operation.userId,
		project_id: operation.projectId,
		start_time: zunActionTime(operation.createdAt),
		finish_time: operation.finishedAt === null ? null : zunActionTime(operation.finishedAt),
		message: operation.state === 'failed' ? (operation.error ?? 'Error') : null,
		state: operation.state,
	};
}

/** The one event of an operation: what the host did. The words of the failure are an administrator's. */
export function renderActionEvents(operation: Operation, admin: boolean) {
	if (operation.startedAt === null && operation.finishedAt === null) return [];
	return [
		{
			event: `compute__do_${operation.target}_${operation.kind}`,
			start_time: zunActionTime(operation.startedAt ?? operation.createdAt),
			finish_time: operation.finishedAt === null ? null : zunActionTime(operation.finishedAt),
			result: operation.state === 'done' ? 'Success' : operation.state === 'failed' ? 'Error' : null,
			traceback: admin ? operation.error : null,
		},
	];
}
