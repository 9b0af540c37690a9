/** The result of work that goes on for others when this one stops waiting: then it fails with the signal's reason. */
export async function waitFor<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	signal.throwIfAborted();
	const { promise, reject } = Promise.withResolvers<never>();
	const onAbort = () => reject(signal.reason);
	signal.addEventListener('abort', onAbort, { once: true });
	try {
		return await Promise.race([work, promise]);
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}
