import type { SandboxSpec } from '../../model/spec.ts';
import type { HookName } from '../plan/step.ts';

/** The sandbox that a hook works on. */
export interface HookSubject {
	readonly sandboxId: string;
	/** null = a leftover that nobody knows the settings of: it can only be torn down. */
	readonly spec: SandboxSpec | null;
	readonly holdings: Holdings;
}

/**
 * One part of what a sandbox is made of. `setUp` is an ensure. `tearDown` is safe without `setUp`, and after half of
 * it; what is not there is no error.
 */
export interface Hook {
	setUp(subject: HookSubject & { readonly spec: SandboxSpec }, signal: AbortSignal): Promise<void>;
	tearDown(subject: HookSubject, signal: AbortSignal): Promise<void>;
}

export type Hooks = { readonly [K in HookName]: Hook };

/** What the agent knows that the host holds for a sandbox. Found again by looking when it is lost with the agent. */
export class Holdings {
	/** Digest of the name files' contents; null = not looked at. */
	names: string | null = null;
	/** Path on the host of each attached volume, by id. */
	volumes = new Map<string, string>();
	/** Volumes that were to be detached, and were in the life of this agent. */
	readonly detached = new Set<string>();
	/** Each plugged port as it was plugged (JSON), by id. */
	ports = new Map<string, string>();
	/** The run of the holder (its startedAt) that `ports` is true of; null = not looked at; `latest` = the run that stands. */
	portsOf: number | 'latest' | null = null;
}
