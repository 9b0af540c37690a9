import type { IncomingMessage } from 'node:http';
import { isResource, type Resource } from '../resource.ts';

/**
 * The objects of a server-sent event stream, as they come. What is no JSON object is passed over. `onBegun` is called
 * with the first bytes: from then on nothing is missed.
 */
export async function* eventsOf(answer: IncomingMessage, onBegun?: () => void): AsyncGenerator<Resource> {
	const decoder = new TextDecoder();
	let rest = '';
	for await (const chunk of answer) {
		onBegun?.();
		rest += decoder.decode(chunk, { stream: true });
		const frames = rest.split('\n\n');
		rest = frames.pop() ?? '';
		for (const frame of frames) {
			const event = eventIn(frame);
			if (event !== null) yield event;
		}
	}
}

function eventIn(frame: string): Resource | null {
	const data = frame
		.split('\n')
		.filter((line) => line.startsWith('data:'))
		.map((line) => line.slice(5).trimStart())
		.join('\n');
	if (data === '') return null;
	try {
		const value: unknown = JSON.parse(data);
		return isResource(value) ? value : null;
	} catch {
		return null;
	}
}
