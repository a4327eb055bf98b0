import type { Transaction } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import type { Differences } from './existing';
import type { TableSpec } from './tables';

export type Dialect = 'mariadb' | 'sqlite';

/** A value that can be bound to a `?` of a statement. */
export type Bindable = string | number | boolean | null | Uint8Array;

/** Values of a row by column. */
export type StoredRow = Record<string, Bindable>;

/**
 * The relational database. Hot reads go through {@link select}; writes and migrations through `sequelize`.
 *
 * Values of a selected row, the same on both dialects: integers are numbers (beyond 2^53 rounded on MariaDB, their text on SQLite), booleans 0 or 1,
 * DATETIMEs `2026-01-31 09:00:00.000` in UTC (without `.000` from a column that keeps no fraction, which our own tables have
 * not), JSON its text, DECIMAL its exact text on MariaDB.
 */
export interface Database {
  readonly dialect: Dialect;
  /** Models may be added at any time, by `sequelize.addModels`. */
  readonly sequelize: Sequelize;

  /**
   * Runs one read with bound values (arrays are not expanded) and answers its rows; inside `tx` it sees what that wrote, and may
   * itself be a write.
   * `LIKE` ignores case and takes `\` as its escape on both dialects.
   * @throws AetherError as {@link transaction}.
   */
  select<T = Record<string, unknown>>(
    sql: string,
    values?: readonly Bindable[],
    tx?: Transaction,
  ): Promise<T[]>;

  /**
   * Learns how the tables that are there differ from those declared, and makes all that is read and written from now on fit them,
   * models too. A column that is missing reads as null; a switch, or one that is never null, as its default. What is written to
   * it is left out. Answers the differences.
   * @throws UnusableTablesError
   */
  fit(tables: readonly TableSpec[]): Promise<Differences>;

  /** Has the table a column to keep such a value in? */
  keeps(table: string, column: string): boolean;

  /** Is there nothing that keeps rows from having one value there, although the column was declared unique? */
  repeats(table: string, column: string): boolean;

  /** Values of a row as the table takes them, see {@link fit}; without those that it does not keep. */
  row(table: string, values: StoredRow): StoredRow;

  /** As {@link select}, but of tables as they are, whatever they were declared. */
  stored<T = Record<string, unknown>>(sql: string, values?: readonly Bindable[]): Promise<T[]>;

  /**
   * Runs `work` in one transaction, again from its start when the database reports a deadlock or a lock timeout. On SQLite it
   * holds the one write lock from its start to its end: writes inside `work` must be given `tx`, or they wait for themselves
   * until they fail.
   * @throws AetherError where the database's own error has a meaning for callers, else what `work` threw.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;

  /**
   * Runs `work` in one transaction on a connection of its own that takes every value as it is: no checks, no references, any date.
   * For repairs; on SQLite it holds the one write lock from its start to its end.
   * @throws AetherError as {@link transaction}, without trying again.
   */
  unchecked<T>(work: (session: Session) => Promise<T>): Promise<T>;

  /**
   * From here on the database ends each statement that takes longer, with UNAVAILABLE; SQLite, which works in this very process, does
   * not. Called when no statement is under way.
   */
  limit(ms: number): Promise<void>;

  /** Statements sent so far, reads and writes: what tests and the benchmark count. */
  readonly statements: number;

  /** @throws AetherError UNAVAILABLE when the database does not answer. */
  ping(): Promise<void>;

  /** Waits for running statements; may be called twice. */
  close(): Promise<void>;
}

/**
 * Those of the answers of {@link Database.select} that hold bytes: where a column of an old table is binary, and where SQLite was
 * made to take them. To look for them in every value would take longer than to read it.
 */
export const withBytes = new WeakSet<readonly unknown[]>();

/** A connection of one's own. Values of rows are as {@link Database.select} answers them. */
export interface Session {
  rows<T = Record<string, unknown>>(sql: string, values?: readonly Bindable[]): Promise<T[]>;
  run(sql: string, values?: readonly Bindable[]): Promise<void>;
}

/** What differs between the dialects; everything else is below. */
export interface Engine {
  readonly dialect: Dialect;
  readonly sequelize: Sequelize;
  rows(sql: string, values: readonly Bindable[], tx?: Transaction): Promise<unknown[]>;
  unchecked<T>(work: (session: Session) => Promise<T>): Promise<T>;
  limit(ms: number): Promise<void>;
  close(): Promise<void>;
}
