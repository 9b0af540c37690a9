import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement, type Transaction } from 'kysely';
import { migrations } from './migrations.ts';
import type { Database } from './schema.ts';

/** What queries run on: the database or an open transaction. */
export type Queryable = Kysely<Database>;
export type StoreTransaction = Transaction<Database>;

export interface StoreOptions {
	/** Path of the database file; `:memory:` for a database that goes with the process. */
	readonly path: string;
}

/**
 * The database. Writes go through `transaction`; one runs at a time, so what it read stays true until it commits.
 * Reads outside see the last committed state and do not wait for a transaction.
 */
export class Store {
	readonly #write: Kysely<Database>;
	/** For reads. */
	readonly db: Queryable;
	readonly #versionOf: StatementSync;
	#commits = 0;
	readonly #afterCommit = new Set<() => void>();
	readonly #afterCommitOf = new WeakMap<StoreTransaction, (() => void)[]>();

	private constructor(writeFile: DatabaseSync, readFile: DatabaseSync) {
		this.#write = kyselyOver(writeFile);
		this.db = readFile === writeFile ? this.#write : kyselyOver(readFile);
		this.#versionOf = readFile.prepare('PRAGMA data_version');
	}

	/** Opens the database and brings its schema up to date. Fails when it was written by a newer version. */
	static async open(options: StoreOptions): Promise<Store> {
		const writeFile = openFile(options.path);
		migrate(writeFile);
		return new Store(writeFile, options.path === ':memory:' ? writeFile : openFile(options.path));
	}

	/** Runs `work` in one transaction: all of it is kept, or, when it throws, nothing. */
	async transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
		let committed: (() => void)[] = [];
		const result = await this.#write.transaction().execute(async (tx) => {
			const done = await work(tx);
			committed = this.#afterCommitOf.get(tx) ?? [];
			return done;
		});
		this.#commits += 1;
		for (const callback of committed) callback();
		for (const listener of this.#afterCommit) listener();
		return result;
	}

	/**
	 * Another text after each commit, of this process or of another one: what was read while it stood is what stands, as
	 * long as it does. It costs some µs.
	 */
	version(): string {
		// SQLite tells of commits by any connection but the one that asks, which matters only when there is one for both.
		return `${this.#versionOf.get()?.['data_version']}.${this.#commits}`;
	}

	/** Calls back once, when this transaction is committed; never when it is undone. */
	afterCommit(tx: StoreTransaction, callback: () => void): void {
		const callbacks = this.#afterCommitOf.get(tx);
		if (callbacks === undefined) this.#afterCommitOf.set(tx, [callback]);
		else callbacks.push(callback);
	}

	/** Calls back after each commit, until the returned function is called. */
	onCommit(listener: () => void): () => void {
		this.#afterCommit.add(listener);
		return () => this.#afterCommit.delete(listener);
	}

	async close(): Promise<void> {
		await this.#write.destroy();
		if (this.db !== this.#write) await this.db.destroy();
	}
}

function openFile(path: string): DatabaseSync {
	const file = new DatabaseSync(path, { timeout: 5000 });
	// FULL keeps a committed transaction through the loss of power: each commit waits for the log to be on the disk.
	file.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000;');
	return file;
}

function migrate(file: DatabaseSync): void {
	file.exec('CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)');
	const row = file.prepare("SELECT value FROM meta WHERE key = 'schema_version'").get();
	const from = Number(row?.['value'] ?? 0);
	if (from > migrations.length) {
		throw new Error(`the database has schema version ${from}; this program knows up to ${migrations.length}: use a newer zunbox`);
	}
	migrations.slice(from).forEach((sql, index) => {
		file.exec('BEGIN IMMEDIATE');
		try {
			file.exec(sql);
			file.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema_version', ?)").run(String(from + index + 1));
			file.exec('COMMIT');
		} catch (error) {
			file.exec('ROLLBACK');
			throw error;
		}
	});
}

function kyselyOver(file: DatabaseSync): Kysely<Database> {
	return new Kysely<Database>({ dialect: new SqliteDialect({ database: new PreparedDatabase(file) }) });
}

/** Node's SQLite in the form that Kysely asks for, with its prepared statements kept for the next use. */
class PreparedDatabase implements SqliteDatabase {
	static readonly #kept = 500;
	readonly #file: DatabaseSync;
	readonly #statements = new Map<string, PreparedStatement>();

	constructor(file: DatabaseSync) {
		this.#file = file;
	}

	prepare(sql: string): SqliteStatement {
		let statement = this.#statements.get(sql);
		if (statement === undefined) {
			statement = new PreparedStatement(this.#file.prepare(sql === 'begin' ? 'begin immediate' : sql));
			this.#statements.set(sql, statement);
			if (this.#statements.size > PreparedDatabase.#kept) {
				const oldest = this.#statements.keys().next();
				if (!oldest.done) this.#statements.delete(oldest.value);
			}
		}
		return statement;
	}

	close(): void {
		this.#statements.clear();
		this.#file.close();
	}
}

type Parameters = readonly (string | number | bigint | null | Uint8Array)[];

class PreparedStatement implements SqliteStatement {
	readonly reader: boolean;
	readonly #statement: StatementSync;

	constructor(statement: StatementSync) {
		this.#statement = statement;
		this.reader = statement.columns().length > 0;
	}

	all(parameters: readonly unknown[]): unknown[] {
		return this.#statement.all(...(parameters as Parameters));
	}

	run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
		return this.#statement.run(...(parameters as Parameters));
	}

	iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
		return this.#statement.iterate(...(parameters as Parameters));
	}
}
