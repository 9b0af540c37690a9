import type { Io } from '../io.ts';
import type { Resource } from '../resource.ts';
import { textIn } from '../resource.ts';
import { type Paint, paintFor, type Tone } from './style.ts';
import { type Column, renderDetails, renderTable } from './table.ts';

/** How a result is written: for people, as the API's JSON, or only as ids. */
export type OutputForm = 'table' | 'json' | 'ids';

/** Writes results to standard output in the form that was asked for. */
export class Output {
	readonly #io: Io;
	readonly form: OutputForm;
	readonly paint: Paint;

	constructor(io: Io, form: OutputForm) {
		this.#io = io;
		this.form = form;
		this.paint = paintFor(io.out, io.environment);
	}

	text(content: string): void {
		this.#io.out.write(content);
	}

	line(content: string): void {
		this.#io.out.write(`${content}\n`);
	}

	json(value: unknown): void {
		this.#io.out.write(`${JSON.stringify(value, null, 2)}\n`);
	}

	/** `name` is the API's word for the list; `idField` what -q shows. */
	list(
		name: string,
		rows: readonly Resource[],
		columns: readonly Column<Resource>[],
		options: { idField?: string; whole?: unknown } = {},
	): void {
		const { idField = 'uuid', whole } = options;
		if (this.form === 'json') this.json(whole ?? { [name]: rows });
		else if (this.form === 'ids') for (const row of rows) this.line(textIn(row, idField));
		else this.table(columns, rows);
	}

	table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
		this.#io.out.write(renderTable(columns, rows, this.#io.out.isTerminal ? this.#io.out.width : null, this.paint));
	}

	/** One thing. */
	object(
		value: Resource,
		entries: () => readonly (readonly [name: string, value: string | readonly string[], tone?: Tone | null])[],
		idField = 'uuid',
	): void {
		if (this.form === 'json') this.json(value);
		else if (this.form === 'ids') this.line(textIn(value, idField));
		else this.#io.out.write(renderDetails(entries(), this.paint));
	}

	/** A word on what was done, for people only. */
	done(content: string): void {
		if (this.form === 'table') this.line(content);
	}

	/** On standard error, where it does not get into results. */
	note(content: string): void {
		if (this.form === 'table') this.#io.err.write(`${content}\n`);
	}
}
