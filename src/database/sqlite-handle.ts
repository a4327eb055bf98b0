import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';
import { withBytes } from './database';
import { like } from './sqlite-like';

/** What SQLite says went wrong, in the words of node-sqlite3, which Sequelize understands. */
export class SqliteError extends Error {
  constructor(
    /** The name of the primary result code, such as `SQLITE_CONSTRAINT`. */
    readonly code: string,
    /** The extended result code: 2067 for a unique index. */
    readonly extended: number,
    message: string,
    /** The statement, by whose kind a broken reference is told from a row in use. */
    readonly sql?: string,
  ) {
    super(`${code}: ${message}`);
  }

  get errno(): number {
    return this.extended & 0xff;
  }
}

const codeNames: Record<number, string> = {
  1: 'SQLITE_ERROR',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_BUSY', // LOCKED: the same for callers
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  25: 'SQLITE_RANGE',
};

/** The engine leaves the code out of errors that come up while rows are read; its texts are SQLite's own, and tell. */
const codesByText: readonly (readonly [string, number])[] = [
  ['database is locked', 5],
  ['database table is locked', 6],
  ['database schema is locked', 6],
  ['attempt to write a readonly database', 8],
  ['datatype mismatch', 20],
  ['CHECK constraint failed', 275],
  ['FOREIGN KEY constraint failed', 787],
  ['NOT NULL constraint failed', 1299],
  ['UNIQUE constraint failed', 2067],
];

export type SqliteRow = Record<string, unknown>;
/** Values by position, or by name with its prefix: `{ $1: 'x' }`. */
export type SqliteValues = readonly unknown[] | Readonly<Record<string, unknown>>;

interface Prepared {
  statement: StatementSyncInstance;
  names: string[];
}

const maxPrepared = 200;

const openWaitMs = 5000;

/** One open handle of a database file, with the statements that it has prepared. Blocks while a statement runs. */
export class SqliteHandle {
  private readonly engine: DatabaseSyncInstance;
  private readonly prepared = new Map<string, Prepared>();

  constructor(path: string) {
    // While another process opens or closes the file it is locked for a moment: worth waiting for here, and nowhere else.
    this.engine = new DatabaseSync(path, { allowUnknownNamedParameters: true, timeout: openWaitMs });
    this.engine.exec('PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY');
    this.engine.exec('PRAGMA busy_timeout = 0');
    for (const compare of [
      (pattern: unknown, text: unknown) => like(pattern, text),
      (pattern: unknown, text: unknown, escape: unknown) => like(pattern, text, escape),
    ])
      this.engine.function('like', { deterministic: true }, compare);
  }

  get inTransaction(): boolean {
    return this.engine.isTransaction;
  }

  all(sql: string, values: SqliteValues): SqliteRow[] {
    return this.attempt(sql, () => {
      const prepared = this.prepare(sql, values);
      return rowsOf(prepared, readAll(prepared.statement, values));
    });
  }

  /** Answers how many rows changed, and the id given to the last one inserted. */
  run(sql: string, values: SqliteValues): { changes: number; lastID: number } {
    return this.attempt(sql, () => {
      const { statement } = this.prepare(sql, values);
      const { changes, lastInsertRowid } = bound(statement.run.bind(statement), values);
      return { changes, lastID: Number(lastInsertRowid) };
    });
  }

  close(): void {
    this.prepared.clear();
    this.engine.close();
  }

  private prepare(sql: string, values: SqliteValues): Prepared {
    const known = this.prepared.get(sql);
    if (known) return known;
    const statement = this.engine.prepare(sql);
    statement.setReturnArrays(true);
    const prepared = { statement, names: namesOf(statement) };
    // A statement without values has them in its text, and is hardly seen again.
    if (Array.isArray(values) ? values.length > 0 : true) {
      this.prepared.set(sql, prepared);
      const oldest = this.prepared.keys().next();
      if (this.prepared.size > maxPrepared && !oldest.done) this.prepared.delete(oldest.value);
    }
    return prepared;
  }

  private attempt<T>(sql: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { code, errcode, message } = error as { code?: string; errcode?: number; message: string };
      if (code !== 'ERR_SQLITE_ERROR') throw error;
      const extended = errcode ?? codesByText.find(([text]) => message.startsWith(text))?.[1] ?? 1;
      throw new SqliteError(codeNames[extended & 0xff] ?? 'SQLITE_ERROR', extended, message, sql);
    }
  }
}

/** One integer beyond 2^53 makes the engine refuse the whole answer: then it becomes its text. */
function readAll(statement: StatementSyncInstance, values: SqliteValues): unknown[][] {
  const read = (): unknown[][] => bound(statement.all.bind(statement), values) as unknown[][];
  try {
    return read();
  } catch (error) {
    if (!(error as Error).message.startsWith('Value is too large')) throw error;
  }
  statement.setReadBigInts(true);
  try {
    return read().map((row) => row.map((value) => (typeof value === 'bigint' ? numberOrText(value) : value)));
  } finally {
    statement.setReadBigInts(false);
  }
}

const numberOrText = (value: bigint): number | string =>
  Number.isSafeInteger(Number(value)) ? Number(value) : String(value);

const namesOf = (statement: StatementSyncInstance): string[] => statement.columns().map(({ name }) => name);

function bound<T>(call: (...values: unknown[]) => T, values: SqliteValues): T {
  if (Array.isArray(values)) return call(...(values as readonly unknown[]).map(plain));
  return call(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)])));
}

/** SQLite has no booleans and no undefined. */
function plain(value: unknown): unknown {
  if (value === undefined) return null;
  return typeof value === 'boolean' ? Number(value) : value;
}

/** Objects of one shape; the engine's own have no prototype and are slower to make and to read. */
function rowsOf(prepared: Prepared, rows: unknown[][]): SqliteRow[] {
  const first = rows[0];
  if (!first) return [];
  // After a column was added, `SELECT *` answers more than it did when it was prepared.
  if (first.length !== prepared.names.length) prepared.names = namesOf(prepared.statement);
  const { names } = prepared;
  let bytes = false;
  const answer = rows.map((values) => {
    const row: SqliteRow = {};
    for (let i = 0; i < names.length; i += 1) {
      const value = values[i];
      if (typeof value === 'object' && value !== null) bytes = true;
      row[names[i] as string] = value;
    }
    return row;
  });
  if (bytes) withBytes.add(answer);
  return answer;
}
