import os from 'node:os';
import type { FastifyBaseLogger } from 'fastify';
import type { Control } from '../control/control.ts';
import type { RegistryGuard } from '../control/registry-guard.ts';
import type { Identity } from '../providers/identity/identity.ts';
import type { AllowedOrigins } from './http/cors.ts';
import type { RateLimit } from './http/rate-limit.ts';
import type { Api } from './http/route.ts';
import type { Policy, PolicyOverrides } from './policy.ts';
import type { Terminals } from './streams/terminals.ts';

/** Settings of the API. */
export interface ApiOptions {
	/** URL at which clients reach the service, without `/v1`; null = whatever each client used. */
	readonly publicUrl: string | null;
	/** Prefix of all paths, such as `/container`; empty = none. */
	readonly pathPrefix: string;
	/** Whether X-Forwarded-* of a proxy in front are believed. */
	readonly trustProxy: boolean;
	/** Largest page of a list, and the size of a page when none is asked for. */
	readonly maxLimit: number;
	/** Largest body in bytes; archives have their own limit. */
	readonly bodyLimit: number;
	/** ms in which a request must have come as a whole; a body that does not come must not hold its connection for ever. */
	readonly requestTimeout: number;
	/** Largest archive in bytes, each way. */
	readonly archiveLimit: number;
	/** ms that a client which puts an archive may send nothing; all of it has `requestTimeout`. */
	readonly archivePatience: number;
	/** Folder of archives that are being put: private, on a disk with room for them, and empty at the start. */
	readonly spoolDirectory: string;
	/** Most bytes of logs in one answer; the newest are kept. */
	readonly logLimit: number;
	/** ms that a call to a host may take. */
	readonly hostDeadline: number;
	/** Longest wait of `?wait=`, in seconds. */
	readonly waitLimit: number;
	/** null = no limit. */
	readonly rateLimit: RateLimit | null;
	readonly corsOrigins: AllowedOrigins;
	readonly policy: PolicyOverrides;
	/** Ranges of addresses that no image's registry may have, except for administrators. */
	readonly forbiddenRegistries: readonly string[];
	/** OCI runtimes that every member may choose. */
	readonly allowedRuntimes: readonly string[];
	/** ms between two signs of life on an event stream. */
	readonly eventKeepAlive: number;
	/** Most event streams and followed logs at once; one project may have a quarter of them. */
	readonly maxStreams: number;
	/** Most two-way streams (attach, interactive execute) at once; one project may have a quarter of them. */
	readonly maxSessions: number;
	/** Most links to such streams that were not opened yet; one project may have a quarter of them. */
	readonly maxStreamLinks: number;
	/** ms that such a link can be opened for. */
	readonly streamLinkLifetime: number;
	/** Largest message that a client may send on such a stream, in bytes. */
	readonly streamMessageLimit: number;
	/** ms after which a client that is attached and takes nothing is given up: it holds up the container's output. */
	readonly stalledAfter: number;
}

export const defaultApiOptions: ApiOptions = {
	publicUrl: null,
	pathPrefix: '',
	trustProxy: false,
	maxLimit: 1000,
	bodyLimit: 4 * 1024 * 1024,
	requestTimeout: 300_000,
	archiveLimit: 1024 * 1024 * 1024,
	archivePatience: 30_000,
	spoolDirectory: os.tmpdir(),
	logLimit: 16 * 1024 * 1024,
	hostDeadline: 120_000,
	waitLimit: 600,
	rateLimit: { perSecond: 10_000, burst: 20_000 },
	corsOrigins: [],
	policy: {},
	forbiddenRegistries: [],
	allowedRuntimes: [],
	eventKeepAlive: 15_000,
	maxStreams: 1000,
	maxSessions: 1000,
	maxStreamLinks: 4000,
	streamLinkLifetime: 60_000,
	streamMessageLimit: 1024 * 1024,
	stalledAfter: 10_000,
};

/** What the API is made of. */
export interface ApiDeps {
	readonly control: Control;
	readonly identity: Identity;
	readonly options?: Partial<ApiOptions>;
	readonly logger?: FastifyBaseLogger;
	/** Other APIs served beside Zun's, such as identity and network: each adds its routes, each with its rule. */
	readonly plugins?: readonly ApiPlugin[];
}

/** Gets what the routes of /v1 work with; those of other APIs do without it. */
export type ApiPlugin = (app: Api, context: RouteContext) => void | Promise<void>;

/** What the routes of this folder work with. */
export interface RouteContext {
	readonly control: Control;
	readonly options: ApiOptions;
	readonly policy: Policy;
	/** Aborted when the service stops: ends streams and waits. */
	readonly stopping: AbortSignal;
	readonly streams: StreamCounter;
	readonly terminals: Terminals;
	readonly registries: RegistryGuard;
}

/** Counts what stays open for long, so that it stays within its limit. */
export interface StreamCounter {
	/** Throws `too-many-requests` at the limit; the answer gives the place back. */
	open(projectId: string): () => void;
}
