import { sql } from 'kysely';
import type { Store } from '../../../src/store/store.ts';

/** A row that was written with other values than it had. */
export interface Change {
	readonly seq: number;
	readonly tbl: string;
	readonly op: 'insert' | 'update' | 'delete';
	/** The row as it is, or was. */
	readonly row: string;
}

/**
 * Notes every change of every table from now on, by triggers: what was changed between two moments is known without
 * reading all of the database twice. Tables of tokens are left out: they are bookkeeping of logins.
 */
export class Audit {
	readonly #store: Store;

	private constructor(store: Store) {
		this.#store = store;
	}

	static async open(store: Store, leftOut: readonly string[] = ['token']): Promise<Audit> {
		const run = (text: string) => sql.raw(text).execute(store.db);
		await run('CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, op TEXT NOT NULL, row TEXT NOT NULL)');
		const tables = await sql<{ name: string }>`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`.execute(
			store.db,
		);
		for (const { name } of tables.rows) {
			if (name === 'audit' || leftOut.includes(name)) continue;
			const info = await sql<{ name: string }>`SELECT name FROM pragma_table_info(${name})`.execute(store.db);
			const columns = info.rows.map((column) => column.name);
			const row = (which: string) => `json_array(${columns.map((column) => `${which}."${column}"`).join(', ')})`;
			const differs = columns.map((column) => `OLD."${column}" IS NOT NEW."${column}"`).join(' OR ');
			const note = (op: string, which: string) => `INSERT INTO audit (tbl, op, row) VALUES ('${name}', '${op}', ${row(which)})`;
			await run(`CREATE TRIGGER audit_${name}_i AFTER INSERT ON "${name}" BEGIN ${note('insert', 'NEW')}; END`);
			await run(`CREATE TRIGGER audit_${name}_d AFTER DELETE ON "${name}" BEGIN ${note('delete', 'OLD')}; END`);
			await run(`CREATE TRIGGER audit_${name}_u AFTER UPDATE ON "${name}" WHEN ${differs} BEGIN ${note('update', 'NEW')}; END`);
		}
		return new Audit(store);
	}

	/** Takes what has changed since it was last taken. */
	async take(): Promise<readonly Change[]> {
		const { rows } = await sql<Change>`SELECT seq, tbl, op, row FROM audit ORDER BY seq`.execute(this.#store.db);
		const last = rows.at(-1);
		if (last !== undefined) await sql`DELETE FROM audit WHERE seq <= ${last.seq}`.execute(this.#store.db);
		return rows;
	}
}
