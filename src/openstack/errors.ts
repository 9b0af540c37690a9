/** The services that are spoken with. */
const serviceTypes = ['identity', 'compute', 'network', 'volume', 'image', 'placement'] as const;
export type ServiceType = (typeof serviceTypes)[number];

/** Their names in messages. */
export const serviceNames: Readonly<Record<ServiceType, string>> = {
	identity: 'identity service',
	compute: 'compute service',
	network: 'network service',
	volume: 'volume service',
	image: 'image service',
	placement: 'placement service',
};

export interface OpenStackErrorFacts {
	readonly service: ServiceType;
	/** Of the answer; null = there was none. */
	readonly status: number | null;
	/** The request's id at the service; null = it gave none. */
	readonly requestId?: string | null;
	/** ms that the service asks to be left alone; null = it does not say. */
	readonly retryAfter?: number | null;
	readonly cause?: unknown;
}

/** A service refused a request, or could not be reached. The message is the service's own text, bounded, without secrets. */
export class OpenStackError extends Error {
	override readonly name = 'OpenStackError';
	readonly service: ServiceType;
	readonly status: number | null;
	readonly requestId: string | null;
	readonly retryAfter: number | null;

	constructor(message: string, facts: OpenStackErrorFacts) {
		super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
		this.service = facts.service;
		this.status = facts.status;
		this.requestId = facts.requestId ?? null;
		this.retryAfter = facts.retryAfter ?? null;
	}

	/** Whether the same request may succeed later though nobody changes anything: the service is away, busy or broken. */
	get isPassing(): boolean {
		return this.status === null || this.status === 429 || this.status >= 500;
	}
}

/** Whether the error is an answer with that status. */
export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
	return error instanceof OpenStackError && error.status !== null && statuses.includes(error.status);
}

/** The result of a look-up; null when the service says that there is no such thing. */
export async function orNull<T>(look: Promise<T>): Promise<T | null> {
	try {
		return await look;
	} catch (error) {
		if (hasStatus(error, 404)) return null;
		throw error;
	}
}

/** What to do about something that is to be gone: a service that says it is not there is content. Answers whether it was there. */
export async function gone(removal: Promise<unknown>): Promise<boolean> {
	return (await orNull(removal.then(() => true))) ?? false;
}

const longest = 500;

/** The text of an error's answer: OpenStack's services write it in many forms. `secrets` are struck out of it. */
export function errorText(status: number, body: unknown, secrets: readonly string[]): string {
	const found = findText(body)?.replaceAll(/\s+/g, ' ').trim();
	const text = found === undefined || found === '' ? `it answered ${status}` : found;
	return withoutSecrets(text, secrets).slice(0, longest);
}

export function withoutSecrets(text: string, secrets: readonly string[]): string {
	return secrets.filter((secret) => secret !== '').reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text);
}

/**
 * `{"error": {"message"}}`, `{"NeutronError": {"message"}}`, `{"itemNotFound": {"message"}}`, `{"errors": [{"detail"}]}`,
 * `{"message"}`; an HTML page of a proxy says nothing.
 */
function findText(body: unknown, depth = 0): string | undefined {
	if (Array.isArray(body)) return findText(body[0], depth);
	if (typeof body !== 'object' || body === null || depth > 2) return undefined;
	const record: Record<string, unknown> = { ...body };
	for (const name of ['message', 'detail', 'title']) {
		const text = record[name];
		if (typeof text === 'string' && text !== '') return text;
	}
	for (const inner of Object.values(record)) {
		const text = findText(inner, depth + 1);
		if (text !== undefined) return text;
	}
	return undefined;
}
