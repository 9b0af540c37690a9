import { usageError } from '../exit-code.ts';

/** `90`, `90s`, `5m`, `2h` or `7d` in seconds. */
export function seconds(where: string, text: string): number {
	const match = /^(\d+(?:\.\d+)?)(s|m|h|d)?$/.exec(text);
	if (match === null) throw usageError(`${where} takes a time such as 90s, 5m or 2h, not "${text}"`);
	const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
	return Math.ceil(Number(match[1]) * (units[match[2] ?? 's'] ?? 1));
}

/** `256`, `256m` or `2g` in MiB. */
export function mebibytes(where: string, text: string): number {
	const match = /^(\d+(?:\.\d+)?)(m|mb|mib|g|gb|gib)?$/i.exec(text);
	if (match === null) throw usageError(`${where} takes a size such as 256m or 2g, not "${text}"`);
	return Math.ceil(Number(match[1]) * (match[2]?.toLowerCase().startsWith('g') ? 1024 : 1));
}

/** `5g` as GiB; null when the text is no size. */
export function gibibytes(text: string): number | null {
	const match = /^(\d+)(g|gb|gib)$/i.exec(text);
	return match === null ? null : Number(match[1]);
}
