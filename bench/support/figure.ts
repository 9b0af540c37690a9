/** One measured figure, beside what it is compared with and what is promised of it. */
export interface Figure {
	readonly name: string;
	readonly value: number;
	readonly unit: Unit;
	/** The same thing done without us, measured in the same run; null = there is none. */
	readonly peer: { readonly name: string; readonly value: number } | null;
	readonly promise: Promised | null;
	/** How it was measured, where the name does not say it. */
	readonly note?: string;
}

export type Unit = 'ms' | '/s' | 'MiB' | '%' | 'calls';

export interface Promised {
	/** What is bounded: the value, or the value divided by the peer's. */
	readonly of: 'value' | 'ratio';
	readonly kind: 'at most' | 'at least';
	readonly limit: number;
}

/** A group of figures that are measured together. */
export interface Measurement {
	/** As in `npm run bench -- <name>`. */
	readonly name: string;
	/** Tells of progress by `say`. Throws when it cannot be measured here. */
	measure(say: (message: string) => void): Promise<readonly Figure[]>;
}

export const atMost = (limit: number, of: Promised['of'] = 'value'): Promised => ({ of, kind: 'at most', limit });
export const atLeast = (limit: number, of: Promised['of'] = 'value'): Promised => ({ of, kind: 'at least', limit });

/** Value divided by the peer's; null without a peer. */
export function ratioOf({ value, peer }: Figure): number | null {
	return peer === null || peer.value === 0 ? null : value / peer.value;
}

/** Whether the promise holds; a figure without one cannot break it. */
export function isKept(figure: Figure): boolean {
	if (figure.promise === null) return true;
	const { of, kind, limit } = figure.promise;
	const measured = of === 'value' ? figure.value : ratioOf(figure);
	if (measured === null || !Number.isFinite(measured)) return false;
	return kind === 'at most' ? measured <= limit : measured >= limit;
}
