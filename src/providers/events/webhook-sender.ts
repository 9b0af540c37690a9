import { createHmac } from 'node:crypto';

/** Sends one message to whoever is to know; fails where it was not taken. */
export type Sender = (body: string, signal: AbortSignal) => Promise<void>;

export interface WebhookTarget {
	readonly url: string;
	/** What the receiver checks messages by. */
	readonly secret: string;
	/** ms for one message. */
	readonly timeout: number;
	/** ms since the epoch. */
	readonly now: () => number;
}

/**
 * POSTs messages to one URL, each with its time and a signature over both, so that the receiver can tell that it is
 * ours and new. Redirects are not followed: messages go where the operator said, and nowhere else.
 */
export function webhookSender({ url, secret, timeout, now }: WebhookTarget): Sender {
	return async (body, signal) => {
		const time = String(Math.floor(now() / 1000));
		const answer = await fetch(url, {
			method: 'POST',
			redirect: 'manual',
			headers: {
				'content-type': 'application/json',
				'user-agent': 'zunbox',
				'x-zunbox-timestamp': time,
				'x-zunbox-signature': `sha256=${signature(secret, time, body)}`,
			},
			body,
			signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
		});
		await answer.body?.cancel();
		if (!answer.ok) throw new Error(`the receiver answered ${answer.status}`);
	};
}

/** HMAC-SHA256 of the time, a dot and the body, in hex. */
export function signature(secret: string, time: string, body: string): string {
	return createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
}
