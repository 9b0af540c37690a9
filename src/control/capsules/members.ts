import { fail } from '../../model/errors.ts';
import type { ContainerAction } from '../../model/transitions.ts';
import type { ContainerRow } from '../../store/containers.ts';

const starts: readonly ContainerAction[] = ['start', 'reboot', 'rebuild'];
const deletes: readonly ContainerAction[] = ['delete', 'delete_after_stop', 'delete_force'];

/** Throws conflict for what would break the order in which a capsule runs its members. */
export function checkMemberAction(action: ContainerAction, row: ContainerRow): void {
	if (row.kind === 'container') return;
	if (deletes.includes(action)) {
		throw fail('conflict', `Container ${row.id} belongs to capsule ${row.sandbox_id}, and goes with it: delete the capsule.`);
	}
	if (!starts.includes(action)) return;
	if (row.kind === 'capsule_init') {
		throw fail('conflict', `Init container ${row.id} runs in its turn only: start capsule ${row.sandbox_id} to have it tried again.`);
	}
	if (row.desired_status === 'Created' && row.started_at === null && action !== 'rebuild') {
		throw fail('conflict', `Container ${row.id} waits until the init containers of capsule ${row.sandbox_id} have ended.`);
	}
}
