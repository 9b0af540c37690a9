import { eventually } from '../../support/eventually.ts';
import type { Fields } from '../cloud/account.ts';
import type { Tenant } from './tenant.ts';

/** How the making of a sandbox ended: it runs, or is in Error with a reason. Fails where neither is so in time. */
export async function settledOrFailed(tenant: Tenant, id: unknown, timeout = 180_000): Promise<Fields> {
	return await eventually(
		`${id} runs or says why not`,
		async () => {
			const shown = await tenant.ok(`GET /v1/sandboxes/${id}`);
			const ended = shown['status'] === 'Running' || (shown['status'] === 'Error' && String(shown['status_reason'] ?? '') !== '');
			if (!ended || (shown['task_state'] ?? null) !== null) throw new Error(JSON.stringify(shown));
			return shown;
		},
		{ timeout, interval: 200 },
	);
}
