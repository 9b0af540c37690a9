import type { Secret } from '../model/secret.ts';

/** A user's leave to do something in that user's name, in one project. */
export interface Delegation {
	readonly token: Secret;
	readonly projectId: string;
}
