import { DriverError, type DriverErrorCode } from '../../driver.ts';

/** The engine was not reached at all, or the connection broke. */
const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'EACCES', 'ENOTSOCK', 'ETIMEDOUT']);

/**
 * Words of the engine that say more than its status does: its layers below (containerd, runc, registries) are reported
 * with status 500 and a text. The first row that matches wins, whatever the status.
 */
const byText: readonly (readonly [RegExp, DriverErrorCode])[] = [
	[/no space left on device|disk quota exceeded/i, 'no-space'],
	[/--storage-opt|storage-opt/i, 'unsupported'],
	// What is about to be removed by somebody is as good as gone.
	[/no such container|no such exec|marked for removal/i, 'not-found'],
	[
		/pull access denied|repository .*not found|manifest (for .*)?(unknown|not found)|no such image|name unknown|reference does not exist/i,
		'image-not-found',
	],
	[
		/unauthorized|authentication required|incorrect username or password|no basic auth credentials|denied: requested access/i,
		'unauthorized',
	],
	[/cannot join network of a non running container|cannot join .*namespace of/i, 'not-running'],
	[/executable file not found|exec format error|stat .*: no such file or directory|permission denied|not a directory/i, 'invalid'],
	[/error mounting|unknown or invalid runtime|invalid reference format|bind source path does not exist/i, 'invalid'],
	[/could not find the file|no such file or directory/i, 'path-not-found'],
	[/connection refused|connection reset|no such host|i\/o timeout|tls handshake timeout|net\/http|unexpected eof/i, 'unavailable'],
	[/transport is closing|connection is closing|server is shutting down|context canceled|service unavailable/i, 'unavailable'],
	[/container .*is not running|is not running/i, 'not-running'],
];

const byStatus: Readonly<Record<number, DriverErrorCode>> = {
	400: 'invalid',
	401: 'unauthorized',
	403: 'unauthorized',
	404: 'not-found',
	405: 'unsupported',
	409: 'conflict',
	501: 'unsupported',
	503: 'unavailable',
	507: 'no-space',
};

/** What an answer with an error status, or an error inside of a stream (status 0), means. */
export function answerError(status: number, message: string): DriverError {
	const words = message.trim() === '' ? `the Docker Engine answered with status ${status}` : message.trim();
	const row = byText.find(([pattern]) => pattern.test(words));
	return new DriverError(row?.[1] ?? byStatus[status] ?? 'failed', words);
}

/** What a failed request means. */
export function connectionError(socketPath: string, cause: unknown): DriverError {
	if (cause instanceof DriverError) return cause;
	const words = cause instanceof Error ? cause.message : String(cause);
	if (isConnectionLoss(cause)) {
		return new DriverError('unavailable', `the Docker Engine at ${socketPath} cannot be reached: ${words}`, { cause });
	}
	return new DriverError('failed', `a request to the Docker Engine at ${socketPath} failed: ${words}`, { cause });
}

/** Whether nothing of the request can have reached the engine. */
export function isNeverSent(cause: unknown): boolean {
	const code = codeOf(cause);
	return code === 'ECONNREFUSED' || code === 'ENOENT';
}

export function isConnectionLoss(cause: unknown): boolean {
	const code = codeOf(cause);
	return networkCodes.has(code) || code.startsWith('HPE_') || (cause instanceof Error && cause.message === 'aborted');
}

function codeOf(cause: unknown): string {
	if (typeof cause !== 'object' || cause === null || !('code' in cause)) return '';
	return typeof cause.code === 'string' ? cause.code : '';
}

/** What a failed start means, from the engine's words. */
export function startError(message: string): DriverError {
	if (/no such container|cannot join network of a non running|non running container/i.test(message)) {
		return new DriverError('not-running', `the sandbox that the container was made to join does not run: ${message}`);
	}
	return answerError(500, message);
}
