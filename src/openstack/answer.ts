import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** An answer that was read to its end. */
export interface Answer {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	/** The parsed JSON; null when there is none. */
	readonly body: unknown;
}

/** Fails for a body of more than `maxBytes`. */
export async function readAnswer(answer: IncomingMessage, maxBytes: number): Promise<Answer> {
	const parts: Uint8Array[] = [];
	let length = 0;
	for await (const part of answer) {
		if (!(part instanceof Uint8Array)) continue;
		length += part.length;
		if (length > maxBytes) {
			answer.destroy();
			throw new Error(`the answer is longer than ${maxBytes} bytes`);
		}
		parts.push(part);
	}
	return { status: answer.statusCode ?? 0, headers: answer.headers, body: parse(Buffer.concat(parts).toString('utf8')) };
}

function parse(text: string): unknown {
	if (text === '') return null;
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

/** A header that is there once, as text. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | null {
	const value = headers[name];
	const text = Array.isArray(value) ? value[0] : value;
	return text === undefined || text === '' ? null : text;
}

/** Retry-After in ms; null = not given. Dates count from `now`. */
export function retryAfterOf(headers: IncomingHttpHeaders, now: number): number | null {
	const text = headerOf(headers, 'retry-after');
	if (text === null) return null;
	if (/^\d+$/.test(text)) return Number(text) * 1000;
	const time = Date.parse(text);
	return Number.isNaN(time) ? null : Math.max(0, time - now);
}
