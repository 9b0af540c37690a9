/** `Promise.all` over `map`, with at most `limit` calls at a time. The answers are in the order of the items. */
export async function mapLimited<T, R>(items: readonly T[], limit: number, map: (item: T) => Promise<R>): Promise<readonly R[]> {
	const answers: R[] = new Array<R>(items.length);
	let next = 0;
	const work = async (): Promise<void> => {
		for (let at = next++; at < items.length; at = next++) {
			const item = items[at];
			if (item !== undefined) answers[at] = await map(item);
		}
	};
	await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
	return answers;
}
