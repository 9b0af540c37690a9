import { type Figure, isKept, ratioOf } from './figure.ts';

const headings = ['', 'figure', 'measured', 'beside', 'its value', 'ratio', 'promise'];

/** All figures as one table for people. */
export function renderTable(figures: readonly Figure[]): string {
	const rows = [headings, ...figures.map(cells)];
	const widths = headings.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
	const lines = rows.map((row) =>
		row
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join('  ')
			.trimEnd(),
	);
	lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
	return lines.join('\n');
}

function cells(figure: Figure): string[] {
	const { name, value, unit, peer, promise } = figure;
	const ratio = ratioOf(figure);
	return [
		promise === null ? '' : isKept(figure) ? 'kept' : 'BROKEN',
		name,
		`${short(value)} ${unit}`,
		peer === null ? '' : peer.name,
		peer === null ? '' : `${short(peer.value)} ${unit}`,
		ratio === null ? '' : ratio.toFixed(2),
		promise === null ? '' : `${promise.kind} ${promise.limit}${promise.of === 'ratio' ? ' times' : ` ${unit}`}`,
	];
}

function short(value: number): string {
	if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
	return value.toPrecision(3);
}
