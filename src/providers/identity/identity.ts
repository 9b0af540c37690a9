import type { Role } from '../../model/principal.ts';

/** What a valid token says. Times in ms since the epoch. */
export interface TokenInfo {
	readonly userId: string;
	readonly userName: string;
	readonly projectId: string;
	readonly projectName: string;
	readonly roles: readonly Role[];
	readonly expiresAt: number;
}

/** Where it is decided who a request comes from. */
export interface Identity {
	/** Throws `unauthorized` for a token that is unknown, expired, revoked or not for a project; `service-unavailable` when it cannot be found out. */
	validate(token: string, signal: AbortSignal): Promise<TokenInfo>;
	/** For `WWW-Authenticate`: where tokens are to be had. */
	readonly authUrl: string;
}
