import { messageOf } from '../model/errors.ts';

/**
 * `failed` = the service cannot do its work so; `warning` = it can, but somebody should look; `skipped` = cannot be known
 * before something else is right.
 */
export type Outcome = 'ok' | 'warning' | 'failed' | 'skipped';

/** What a check found. `advice` = what to do, in one line; null where nothing is to be done. */
export interface Finding {
	readonly outcome: Outcome;
	readonly found: string;
	readonly advice: string | null;
}

export interface Check {
	/** Unique, such as `nova: permission`. */
	readonly name: string;
	/** Names of checks without which this one says nothing. */
	readonly needs?: readonly string[];
	/** What it throws is a failure, told as it is. */
	readonly look: (signal: AbortSignal) => Promise<Finding>;
	/** What to do when it throws. */
	readonly advice: string;
}

export interface CheckResult extends Finding {
	readonly name: string;
}

export function ok(found: string): Finding {
	return { outcome: 'ok', found, advice: null };
}

export function failed(found: string, advice: string): Finding {
	return { outcome: 'failed', found, advice };
}

export function warning(found: string, advice: string): Finding {
	return { outcome: 'warning', found, advice };
}

/** Runs all checks, each within `timeout` ms and after those that it needs; answers in their order. Never fails. */
export async function runChecks(checks: readonly Check[], timeout: number, signal: AbortSignal): Promise<readonly CheckResult[]> {
	const running = new Map<string, Promise<CheckResult>>();
	for (const check of checks) {
		const needed = (check.needs ?? []).flatMap((name) => running.get(name) ?? []);
		running.set(check.name, runOne(check, needed, timeout, signal));
	}
	return await Promise.all(running.values());
}

/** Longest text of a failure: programs may say much. */
const longest = 300;

async function runOne(check: Check, needed: readonly Promise<CheckResult>[], timeout: number, signal: AbortSignal): Promise<CheckResult> {
	const missing = (await Promise.all(needed)).filter(({ outcome }) => outcome === 'failed' || outcome === 'skipped');
	if (missing.length > 0) {
		return { name: check.name, outcome: 'skipped', found: `needs ${missing.map(({ name }) => name).join(', ')}`, advice: null };
	}
	const deadline = AbortSignal.timeout(timeout);
	try {
		return { name: check.name, ...(await check.look(AbortSignal.any([deadline, signal]))) };
	} catch (error) {
		const found = deadline.aborted ? `no answer within ${timeout / 1000} s` : messageOf(error).replaceAll(/\s+/g, ' ').slice(0, longest);
		return { name: check.name, ...failed(found, check.advice) };
	}
}

/** Whether the service can do its work: warnings are let through. */
export function isHealthy(results: readonly CheckResult[]): boolean {
	return results.every(({ outcome }) => outcome === 'ok' || outcome === 'warning');
}
