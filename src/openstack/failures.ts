import type { IncomingMessage } from 'node:http';
import { type Answer, headerOf, readAnswer, retryAfterOf } from './answer.ts';
import { errorText, OpenStackError, type ServiceType, serviceNames, withoutSecrets } from './errors.ts';
import type { TransportError } from './transport.ts';

const maxErrorAnswer = 64 << 10;

/** An answer that is an error. `now` is what a date in Retry-After counts from. */
export function refused(service: ServiceType, answer: Answer, requestId: string, secrets: readonly string[], now: number): OpenStackError {
	return new OpenStackError(`${serviceNames[service]}: ${errorText(answer.status, answer.body, secrets)}`, {
		service,
		status: answer.status,
		requestId: headerOf(answer.headers, 'x-openstack-request-id') ?? headerOf(answer.headers, 'x-compute-request-id') ?? requestId,
		retryAfter: retryAfterOf(answer.headers, now),
	});
}

/** No answer came from the API at `root`. */
export function notReached(
	service: ServiceType,
	root: string,
	error: TransportError,
	requestId: string,
	secrets: readonly string[],
): OpenStackError {
	const text = withoutSecrets(error.message, secrets);
	return new OpenStackError(`the ${serviceNames[service]} at ${new URL(root).origin} does not answer: ${text}`, {
		service,
		status: null,
		requestId,
		cause: error,
	});
}

/** What is read of an answer whose body was meant to be a stream. */
export async function readError(message: IncomingMessage): Promise<Answer> {
	try {
		return await readAnswer(message, maxErrorAnswer);
	} catch {
		return { status: message.statusCode ?? 0, headers: message.headers, body: null };
	}
}
