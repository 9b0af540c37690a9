import type { Event } from '../../model/event.ts';

/** An event as it is told. */
export function eventJson(event: Event): string {
	return JSON.stringify({
		id: event.seq,
		project_id: event.projectId,
		kind: event.kind,
		sandbox_id: event.sandboxId,
		container_id: event.containerId,
		status: event.status,
		reason: event.reason,
		detail: event.detail,
		created_at: new Date(event.createdAt).toISOString(),
	});
}

/** An event as a message of a server-sent event stream; its number is what a client resumes from. */
function eventFrame(event: Event): string {
	return `id: ${event.seq}\nevent: ${oneLine(event.kind)}\ndata: ${eventJson(event)}\n\n`;
}

const keepAliveFrame = ': keep-alive\n\n';

/**
 * The text of an event stream: the events, and a comment when nothing came for `keepAlive` ms. The next event is asked
 * for only when the text before was taken, so a slow reader costs no memory.
 */
export async function* eventFrames(events: AsyncIterable<Event>, keepAlive: number): AsyncGenerator<string> {
	// Tells the client at once that it is heard, and how long to wait before it comes again.
	yield 'retry: 2000\n: connected\n\n';
	const iterator = events[Symbol.asyncIterator]();
	try {
		let pending = iterator.next();
		// An abort may end the source while nobody waits for it.
		pending.catch(() => {});
		while (true) {
			const { promise: quiet, resolve } = Promise.withResolvers<null>();
			const timer = setTimeout(resolve, keepAlive, null);
			const result = await Promise.race([pending, quiet]).finally(() => clearTimeout(timer));
			if (result === null) {
				yield keepAliveFrame;
				continue;
			}
			if (result.done) return;
			yield eventFrame(result.value);
			pending = iterator.next();
			pending.catch(() => {});
		}
	} finally {
		await iterator.return?.();
	}
}

function oneLine(text: string): string {
	return text.replaceAll(/[\r\n]/g, ' ');
}
