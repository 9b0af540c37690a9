import http from 'node:http';

interface Seen {
	readonly at: number;
	readonly sandboxId: unknown;
	readonly kind: unknown;
	readonly status: unknown;
}

/** A client that watches the service's events, and knows when it saw what. */
export class EventWatch {
	readonly #request: http.ClientRequest;
	readonly #seen: Seen[] = [];
	#wake: () => void = () => {};
	#failure: Error | null = null;

	private constructor(request: http.ClientRequest) {
		this.#request = request;
	}

	/** Ends when the service has begun to tell. `origin` is its URL. */
	static async open(origin: string, headers: Readonly<Record<string, string>>): Promise<EventWatch> {
		const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
		const request = http.get(`${origin}/v1/events`, { headers, agent: false });
		request.once('response', resolve).once('error', reject);
		const answer = await promise;
		if (answer.statusCode !== 200) throw new Error(`events are not told: ${answer.statusCode}`);
		const watch = new EventWatch(request);
		answer.setEncoding('utf8');
		let text = '';
		answer.on('data', (part: string) => {
			const lines = (text + part).split('\n');
			text = lines.pop() ?? '';
			for (const line of lines) if (line.startsWith('data: ')) watch.#take(JSON.parse(line.slice(6)));
		});
		request.on('error', (error) => watch.#fail(error));
		answer.on('close', () => watch.#fail(new Error('the service tells no more events')));
		return watch;
	}

	/** When it was told that the sandbox has this status (performance.now()); an Error when it fell into Error instead. */
	async status(sandboxId: string, status: string, timeout: number): Promise<number> {
		const end = performance.now() + timeout;
		for (;;) {
			const told = this.#seen.filter((event) => event.sandboxId === sandboxId && event.kind === 'sandbox.status');
			const found = told.find((event) => event.status === status);
			if (found !== undefined) return found.at;
			if (told.some((event) => event.status === 'Error')) throw new Error(`sandbox ${sandboxId} is in Error`);
			if (this.#failure !== null) throw this.#failure;
			if (performance.now() > end) throw new Error(`sandbox ${sandboxId} was not ${status} within ${timeout} ms`);
			const { promise, resolve } = Promise.withResolvers<void>();
			const timer = setTimeout(resolve, end - performance.now());
			this.#wake = resolve;
			await promise;
			clearTimeout(timer);
		}
	}

	close(): void {
		this.#request.destroy();
	}

	#take(event: Readonly<Record<string, unknown>>): void {
		this.#seen.push({ at: performance.now(), sandboxId: event['sandbox_id'], kind: event['kind'], status: event['status'] });
		this.#wake();
	}

	#fail(error: Error): void {
		this.#failure ??= error;
		this.#wake();
	}
}
