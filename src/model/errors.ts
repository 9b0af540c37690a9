/**
 * The one table of errors. Code throws `fail('<code>', message)` at the place that knows what is wrong;
 * the API renders it at one place. `code` is the suffix of Zun's `container.<code>`.
 */
const errorStatus = {
	'schema-validation-error': 400,
	'invalid-value': 400,
	'invalid-parameter-value': 400,
	'invalid-param-in-version': 400,
	'validation-error': 400,
	invalid: 400,
	'no-interactive-flag': 400,
	'image-not-found': 400,
	'port-in-use': 400,
	'port-not-usable': 400,
	'volume-in-use': 400,
	'volume-not-usable': 400,
	'base-64-exception': 400,
	'invalid-capsule-template': 400,
	unauthorized: 401,
	'policy-not-authorized': 403,
	'over-quota': 403,
	'external-network-attach-forbidden': 403,
	'not-found': 404,
	'sandbox-not-found': 404,
	'container-not-found': 404,
	'capsule-not-found': 404,
	'compute-node-not-found': 404,
	'requested-host-not-found': 404,
	'network-not-found': 404,
	'subnet-not-found': 404,
	'port-not-found': 404,
	'security-group-not-found': 404,
	'security-group-rule-not-found': 404,
	'volume-not-found': 404,
	'registry-not-found': 404,
	'zun-service-not-found': 404,
	'resource-not-found': 404,
	'project-not-found': 404,
	'user-not-found': 404,
	'method-not-allowed': 405,
	'not-acceptable': 406,
	'request-timeout': 408,
	'invalid-state-exception': 409,
	conflict: 409,
	'sandbox-in-use': 409,
	'container-already-exists': 409,
	'image-already-exists': 409,
	'registry-already-exists': 409,
	'idempotency-key-reused': 409,
	'payload-too-large': 413,
	'unsupported-media-type': 415,
	'too-many-requests': 429,
	'headers-too-large': 431,
	'internal-error': 500,
	'not-implemented': 501,
	'engine-error': 502,
	'host-not-up': 503,
	'service-unavailable': 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof errorStatus;

/** An error whose message may be shown to the user who made the request. */
export class ZunboxError extends Error {
	override readonly name = 'ZunboxError';
	readonly code: ErrorCode;
	/** HTTP status of the answer. */
	readonly status: number;
	/** Extra response headers, such as Retry-After. */
	readonly headers: Readonly<Record<string, string>>;

	constructor(code: ErrorCode, message: string, options: { cause?: unknown; headers?: Record<string, string> } = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = code;
		this.status = errorStatus[code];
		this.headers = options.headers ?? {};
	}
}

/** Makes the error to throw: `throw fail('container-not-found', 'Container x could not be found.')`. */
export function fail(code: ErrorCode, message: string, options?: { cause?: unknown; headers?: Record<string, string> }): ZunboxError {
	return new ZunboxError(code, message, options);
}

/** The message of anything that was thrown, for logs and status reasons. */
export function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** For the default branch of a switch over a union: does not compile while a case is missing. */
export function unreachable(value: never): never {
	throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
