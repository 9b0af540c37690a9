import { type CapsuleRestartPolicy, type CapsuleStatus, capsuleRestartPolicies, capsuleSize, capsuleState } from '../../model/capsule.ts';
import type { SandboxGoal } from '../../model/sandbox.ts';
import { idList } from '../../store/id-list.ts';
import { type SandboxRow, toSandbox } from '../../store/sandboxes.ts';
import type { Queryable } from '../../store/store.ts';
import type { Deps } from '../deps.ts';
import { containerViews } from '../views.ts';
import type { CapsuleView } from './capsule-control.ts';

/** Capsules with all that is in them, in a fixed number of queries. */
export async function capsuleViews(deps: Deps, db: Queryable, rows: readonly SandboxRow[]): Promise<readonly CapsuleView[]> {
	const ids = rows.map((row) => row.id);
	if (ids.length === 0) return [];
	const own = await db.selectFrom('capsule').selectAll().where('sandbox_id', 'in', idList(ids)).execute();
	const byId = new Map(own.map((capsule) => [capsule.sandbox_id, capsule]));
	const containers = await db.selectFrom('container').selectAll().where('sandbox_id', 'in', idList(ids)).orderBy('ordinal').execute();
	const members = Map.groupBy(await containerViews(deps, db, containers, deps.now()), (view) => view.sandboxId);
	const networks = await deps.network.views(db, ids);
	return rows.map((row): CapsuleView => {
		const sandbox = toSandbox(row);
		const all = members.get(row.id) ?? [];
		const initContainers = all.filter(({ kind }) => kind === 'capsule_init');
		const others = all.filter(({ kind }) => kind !== 'capsule_init');
		const { status, reason } = capsuleState(sandbox, all);
		const capsule = byId.get(row.id);
		return {
			id: row.id,
			name: row.name,
			projectId: row.project_id,
			userId: row.user_id,
			host: row.host,
			labels: sandbox.labels,
			annotations: JSON.parse(capsule?.annotations ?? '{}'),
			restartPolicy: restartPolicyOf(capsule?.restart_policy),
			status,
			statusReason: reason,
			desiredStatus: wanted(status, sandbox.desiredStatus),
			...capsuleSize(initContainers, others),
			addresses: networks.get(row.id)?.addresses ?? {},
			initContainers,
			containers: others,
			createdAt: row.created_at,
			updatedAt: Math.max(row.updated_at, ...all.map(({ updatedAt }) => updatedAt)),
		};
	});
}

/** Its sandbox goes on running when the containers in it have ended. */
function wanted(status: CapsuleStatus, goal: SandboxGoal): string {
	return status === 'Stopped' && goal === 'Running' ? 'Stopped' : goal;
}

function restartPolicyOf(word: string | undefined): CapsuleRestartPolicy {
	return capsuleRestartPolicies.find((policy) => policy === word) ?? 'Always';
}
