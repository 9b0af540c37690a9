import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { DriverErrorCode } from '../drivers/driver.ts';
import { type ErrorCode, fail, messageOf, ZunboxError } from '../model/errors.ts';
import { maximumVersion, minimumVersion } from './microversion/version.ts';

/** How an API writes its errors: Zun's `errors` list, Keystone's `error`, Neutron's `NeutronError`. */
export type ErrorForm = 'zun' | 'keystone' | 'neutron';

export function errorFormOf(url: string): ErrorForm {
	if (url.startsWith('/identity')) return 'keystone';
	return url.startsWith('/network') ? 'neutron' : 'zun';
}

export interface RenderedError {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: object;
	/** Set for what users are not told: the id that they are given, to be logged with the error itself. */
	readonly correlationId: string | null;
}

export interface ErrorContext {
	readonly form: ErrorForm;
	readonly requestId: string;
	/** Where tokens are to be had. */
	readonly authUrl: string;
	/** Bytes that the body may have. */
	readonly bodyLimit?: number | undefined;
	/** Link to a text that helps with versions. */
	readonly helpUrl: string;
}

/** The one place where errors become answers. What is not meant for users never gets out: they see a correlation id. */
export function renderError(error: unknown, context: ErrorContext): RenderedError {
	const known = asKnown(error, context.bodyLimit);
	const correlationId = known === null ? randomUUID() : null;
	const status = known?.status ?? 500;
	const reason = STATUS_CODES[status] ?? 'Error';
	const title = known === null ? reason : known.message || reason;
	const detail =
		correlationId === null ? title : `The server met an error that it did not expect. Tell its administrator this id: ${correlationId}`;
	const code = known?.code ?? 'internal-error';
	const headers = { ...known?.headers };
	if (status === 401) headers['www-authenticate'] = `Keystone uri="${context.authUrl}"`;
	return { status, headers, correlationId, body: bodyOf(context, { status, code, title, detail, reason }) };
}

interface Facts {
	readonly status: number;
	readonly code: string;
	readonly title: string;
	readonly detail: string;
	readonly reason: string;
}

function bodyOf(context: ErrorContext, { status, code, title, detail, reason }: Facts): object {
	if (context.form === 'keystone' || (context.form === 'zun' && status === 401)) {
		return { error: { code: status, title: reason, message: detail } };
	}
	if (context.form === 'neutron') return { NeutronError: { type: pascalCase(code), message: detail, detail: '' } };
	const error = { request_id: context.requestId, code: `container.${code}`, status, title, detail, links: [] };
	if (code !== 'not-acceptable') return { errors: [error] };
	const help = [{ rel: 'help', href: context.helpUrl }];
	return {
		errors: [
			{ ...error, title: 'Requested microversion is unsupported', min_version: minimumVersion, max_version: maximumVersion, links: help },
		],
	};
}

/** What the error is to a user; null = nothing that they may be told. */
function asKnown(error: unknown, bodyLimit: number | undefined): ZunboxError | null {
	if (error instanceof ZunboxError) return error;
	if (!(error instanceof Error)) return null;
	if (error.name === 'DriverError' && 'code' in error && isDriverErrorCode(error.code))
		return fail(driverErrors[error.code], error.message);
	if (error.name === 'AbortError') return fail('service-unavailable', 'The service is stopping: ask again.');
	if (error.name === 'TimeoutError') return fail('service-unavailable', 'The host did not answer in time.');
	const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
	if (status === 413) return fail('payload-too-large', `The body is larger than the limit of ${bodyLimit ?? '?'} bytes.`);
	if (status === 415) return fail('unsupported-media-type', STATUS_CODES[415] ?? '');
	if (status >= 400 && status < 500) return fail(statusCodes[status] ?? 'invalid-value', messageOf(error));
	return null;
}

const statusCodes: Readonly<Record<number, ErrorCode>> = { 404: 'not-found', 405: 'method-not-allowed', 406: 'not-acceptable' };

/** What a driver's failure is to the user of a call that waits for it. */
const driverErrors: Record<DriverErrorCode, ErrorCode> = {
	'not-found': 'conflict',
	'not-running': 'conflict',
	conflict: 'conflict',
	'image-not-found': 'image-not-found',
	'path-not-found': 'invalid',
	unauthorized: 'invalid',
	invalid: 'invalid',
	'no-space': 'service-unavailable',
	unsupported: 'not-implemented',
	timeout: 'conflict',
	unavailable: 'service-unavailable',
	failed: 'engine-error',
};

function isDriverErrorCode(code: unknown): code is DriverErrorCode {
	return typeof code === 'string' && Object.hasOwn(driverErrors, code);
}

function pascalCase(code: string): string {
	return code
		.split('-')
		.map((word) => word.charAt(0).toUpperCase() + word.slice(1))
		.join('');
}
