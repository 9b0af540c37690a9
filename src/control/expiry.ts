import type { Updateable } from 'kysely';
import type { SandboxGoal } from '../model/sandbox.ts';
import type { SandboxRow } from '../store/sandboxes.ts';
import type { SandboxTable } from '../store/schema.ts';

/**
 * What of a sandbox's remaining time changes with what it is to be from now on. The time stands still from the request
 * to pause until the one to go on; where either fails, it is as if it had not been asked for.
 */
export function expiryAt(row: SandboxRow, goal: SandboxGoal, now: number): Updateable<SandboxTable> {
	if (row.expires_at === null) return {};
	if (goal === 'Paused') return row.expires_remaining === null ? { expires_remaining: Math.max(0, row.expires_at - now) } : {};
	if (row.expires_remaining === null) return {};
	return { expires_at: now + row.expires_remaining, expires_remaining: null };
}
