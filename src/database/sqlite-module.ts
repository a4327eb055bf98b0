import type { Transaction } from 'sequelize';
import type { SqliteFile } from './sqlite-file';
import type { SqliteHandle, SqliteRow, SqliteValues } from './sqlite-handle';

/** `this` of a callback. Sequelize knows it by the name of its class. */
class Statement {
  lastID = 0;
  changes = 0;
}
type Done = (this: Statement, error: unknown, rows?: SqliteRow[]) => void;

/** Statements that cannot change anything, and so need not wait in line. */
const reads = /^\s*(?:SELECT|PRAGMA|EXPLAIN|VALUES|WITH(?!.*\b(?:INSERT|UPDATE|DELETE|REPLACE)\b))\b/is;
const begins = /^\s*BEGIN\b/i;
const ends = /^\s*(?:COMMIT|ROLLBACK(?!\s+TO\b|\s+TRANSACTION\s+TO\b))\b/i;

/**
 * The API of node-sqlite3, as far as Sequelize uses it, over an engine that needs no compiler to install. Sequelize opens one
 * connection for all plain statements and a new one per transaction: their handles are given back to the file and used again.
 */
export function sqliteModule(file: SqliteFile) {
  class Database {
    readonly filename = file.path;
    /** The transaction whose connection this is; Sequelize writes it, and closes only connections that have one. */
    uuid?: string;
    /** Taken by the first statement, so that transactions that still wait in line need none. */
    handle?: SqliteHandle;
    private closed = false;
    private holdsWrites = false;

    constructor(_filename: string, _mode: number, opened: (error: unknown) => void) {
      process.nextTick(opened, null);
    }

    serialize(work: () => void): void {
      work();
    }

    run(sql: string, values?: SqliteValues, done?: Done): void {
      // Sequelize says this to each connection; every handle is opened so.
      if (sql === 'PRAGMA FOREIGN_KEYS=ON') return;
      void this.send(sql, done, (handle, statement) => {
        Object.assign(statement, handle.run(sql, values ?? []));
        return undefined;
      });
    }

    all(sql: string, values?: SqliteValues | Done, done?: Done): void {
      const [bound, answer] = typeof values === 'function' ? [[], values] : [values ?? [], done];
      void this.send(sql, answer, (handle) => handle.all(sql, bound));
    }

    close(done?: (error: unknown) => void): void {
      const { handle } = this;
      this.handle = undefined;
      this.closed = true;
      let failure: unknown = null;
      try {
        if (handle?.inTransaction) handle.run('ROLLBACK', []);
        if (handle) file.give(handle);
      } catch (error) {
        handle?.close();
        failure = error;
      }
      this.leaveWrites();
      if (done) process.nextTick(done, failure);
    }

    private async send(
      sql: string,
      done: Done | undefined,
      work: (handle: SqliteHandle, statement: Statement) => SqliteRow[] | undefined,
    ): Promise<void> {
      const statement = new Statement();
      let rows: SqliteRow[] | undefined;
      try {
        rows = await this.inLine(sql, (handle) => work(handle, statement));
      } catch (error) {
        done?.call(statement, error);
        return;
      }
      done?.call(statement, null, rows);
    }

    /** A transaction holds the line from BEGIN to its end; a write outside of one holds it for itself. */
    private async inLine<T>(sql: string, work: (handle: SqliteHandle) => T): Promise<T | undefined> {
      if (ends.test(sql)) return this.end(work);
      const alone = !this.holdsWrites && !reads.test(sql);
      if (alone) await file.writes.enter();
      let stays = false;
      try {
        const answer = await file.whenFree(() => work(this.open()));
        stays = begins.test(sql);
        return answer;
      } finally {
        if (stays) this.holdsWrites = true;
        else if (alone) file.writes.leave();
      }
    }

    private async end<T>(work: (handle: SqliteHandle) => T): Promise<T | undefined> {
      // Sequelize rolls back what it could not begin.
      if (!this.handle?.inTransaction) return undefined;
      const answer = await file.whenFree(() => work(this.open()));
      this.leaveWrites();
      return answer;
    }

    private open(): SqliteHandle {
      if (this.closed) throw new Error('The database connection is closed.');
      return (this.handle ??= file.take());
    }

    private leaveWrites(): void {
      if (!this.holdsWrites) return;
      this.holdsWrites = false;
      file.writes.leave();
    }
  }
  return { OPEN_READWRITE: 2, OPEN_CREATE: 4, Database };
}

/** The handle that a transaction runs on. */
export function connectionOf(tx: Transaction): SqliteHandle {
  const { connection, finished } = tx as unknown as {
    connection?: { handle?: SqliteHandle };
    finished?: string;
  };
  if (!connection?.handle || finished)
    throw new Error('The transaction has ended; its connection is no longer its own.');
  return connection.handle;
}
