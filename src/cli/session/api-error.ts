import type { IncomingMessage } from 'node:http';
import { CliError, exitCodes } from '../exit-code.ts';
import { isResource, resourceIn, resourcesIn, textIn } from '../resource.ts';
import { readText } from './http.ts';

/** An answer that is an error. */
export class ApiError extends CliError {
	readonly status: number;
	/** Such as `container-not-found`; empty when the answer does not say. */
	readonly code: string;

	constructor(message: string, exitCode: number, status: number, code: string) {
		super(message, exitCode);
		this.status = status;
		this.code = code;
	}
}

/** What to do about an error, where the service's own words do not say it. */
const advice: Readonly<Record<string, string>> = {
	'container-not-found': 'zunbox ps lists what there is',
	'sandbox-not-found': 'zunbox sandbox list lists what there is',
	'volume-not-found': 'zunbox volume list lists what there is',
	'network-not-found': 'zunbox network list lists what there is',
	'over-quota': 'zunbox quota show tells what is left',
	'not-found': 'the service may be older than this command',
	'policy-not-authorized': 'ask an administrator for a role that may',
};

export async function apiError(answer: IncomingMessage, origin: string): Promise<ApiError> {
	const status = answer.statusCode ?? 0;
	const text = await readText(answer);
	const { message, code, known } = readError(text);
	const isProxy = !known && status >= 502 && status <= 504;
	if (isProxy)
		return new ApiError(`the service at ${origin} is not there (${status} of a proxy); try again later`, exitCodes.noService, status, code);
	const words = message || `the service answered ${status}`;
	const hint = advice[code];
	return new ApiError(
		hint === undefined ? withoutDot(words) : `${withoutDot(words)}; ${hint}`,
		status === 404 ? exitCodes.notFound : exitCodes.failed,
		status,
		code,
	);
}

/** Reads the three forms in which OpenStack's APIs write errors. */
function readError(text: string): { readonly message: string; readonly code: string; readonly known: boolean } {
	let body: unknown;
	try {
		body = JSON.parse(text);
	} catch {
		return { message: '', code: '', known: false };
	}
	if (!isResource(body)) return { message: '', code: '', known: false };
	const [zun] = resourcesIn(body, 'errors');
	if (zun !== undefined) {
		return { message: textIn(zun, 'detail') || textIn(zun, 'title'), code: textIn(zun, 'code').replace(/^container\./, ''), known: true };
	}
	const keystone = resourceIn(body, 'error');
	if (Object.keys(keystone).length > 0) return { message: textIn(keystone, 'message'), code: '', known: true };
	const neutron = resourceIn(body, 'NeutronError');
	return { message: textIn(neutron, 'message'), code: '', known: Object.keys(neutron).length > 0 };
}

function withoutDot(message: string): string {
	return message.replaceAll(/\s*\n\s*/g, ' ').replace(/\.$/, '');
}
