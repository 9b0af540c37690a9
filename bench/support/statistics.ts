/** Value below which a share of the samples lies, 0 to 1; NaN of none. */
export function quantile(samples: readonly number[], share: number): number {
	const sorted = [...samples].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
	return quantile(samples, 0.5);
}

/** ms that the work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
	const began = performance.now();
	await work();
	return performance.now() - began;
}

/** Times two kinds of work in turn, so that a machine that is busy for a while is so for both. The first `warmUp` rounds do not count. */
export async function interleaved(
	rounds: number,
	warmUp: number,
	ours: () => Promise<number>,
	theirs: () => Promise<number>,
): Promise<{ readonly ours: readonly number[]; readonly theirs: readonly number[] }> {
	const samples = { ours: [] as number[], theirs: [] as number[] };
	for (let round = -warmUp; round < rounds; round += 1) {
		// Who goes first changes, since what comes second finds what the first has left to do.
		const first = round % 2 === 0;
		const a = first ? await ours() : await theirs();
		const b = first ? await theirs() : await ours();
		if (round < 0) continue;
		samples.ours.push(first ? a : b);
		samples.theirs.push(first ? b : a);
	}
	return samples;
}
