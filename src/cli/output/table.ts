import type { Paint, Tone } from './style.ts';
import { cut, pad, plain, widthOf } from './text.ts';

export interface Column<Row> {
	readonly title: string;
	readonly value: (row: Row) => string;
	/** How far it may be cut where the terminal is too narrow; missing = never. */
	readonly least?: number;
	readonly tone?: (value: string) => Tone | null;
	readonly alignRight?: true;
	/** Left out where no row has a value. */
	readonly optional?: true;
}

const gap = '  ';

/**
 * Rows under their titles. `width` null = as wide as it gets, for what no person looks at; else columns that can be cut
 * are, the widest first.
 */
export function renderTable<Row>(all: readonly Column<Row>[], rows: readonly Row[], width: number | null, paint: Paint): string {
	const columns = all.filter((column) => column.optional === undefined || rows.some((row) => column.value(row) !== ''));
	const cells = rows.map((row) => columns.map((column) => plain(column.value(row)) || '-'));
	const natural = columns.map((column, index) => Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[index] ?? ''))));
	const widths = width === null ? natural : fitted(columns, natural, width);
	const line = (texts: readonly string[], tones: (text: string, index: number) => Tone | null): string =>
		texts
			.map((text, index) => {
				const column = columns[index];
				const room = widths[index] ?? 0;
				const shown = cut(text, room);
				const painted = paint(shown, tones(text, index));
				const space = ' '.repeat(Math.max(0, room - widthOf(shown)));
				if (column?.alignRight) return space + painted;
				return index === columns.length - 1 ? painted : painted + space;
			})
			.join(gap)
			.trimEnd();
	const title = line(
		columns.map((column) => column.title),
		() => 'quiet',
	);
	const body = cells.map((texts) => line(texts, (text, index) => columns[index]?.tone?.(text) ?? null));
	return `${[title, ...body].join('\n')}\n`;
}

function fitted<Row>(columns: readonly Column<Row>[], natural: readonly number[], width: number): readonly number[] {
	const widths = [...natural];
	let excess = widths.reduce((sum, one) => sum + one, gap.length * (columns.length - 1)) - width;
	while (excess > 0) {
		let widest = -1;
		for (const [index, column] of columns.entries()) {
			const current = widths[index] ?? 0;
			if (column.least === undefined || current <= column.least) continue;
			if (widest < 0 || current > (widths[widest] ?? 0)) widest = index;
		}
		if (widest < 0) return widths;
		widths[widest] = (widths[widest] ?? 0) - 1;
		excess -= 1;
	}
	return widths;
}

/** Names and values of one thing, one a line. An empty value is shown as a dash; several lines are kept apart. */
export function renderDetails(
	entries: readonly (readonly [name: string, value: string | readonly string[], tone?: Tone | null])[],
	paint: Paint,
): string {
	const width = Math.max(...entries.map(([name]) => widthOf(name)));
	const lines = entries.flatMap(([name, value, tone]) => {
		const values = typeof value === 'string' ? [value] : value;
		const shown = values.length === 0 ? ['-'] : values.map((one) => plain(one) || '-');
		return shown.map((one, index) => `${paint(pad(index === 0 ? name : '', width), 'quiet')}${gap}${paint(one, tone ?? null)}`);
	});
	return `${lines.join('\n')}\n`;
}
