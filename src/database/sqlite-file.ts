import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { SqliteError, SqliteHandle } from './sqlite-handle';

/** How long a statement waits for the lock of another process, or of another transaction here, before it fails. */
const lockWaitMs = 5000;

/**
 * This needs the file for itself. Of several that want it at once SQLite refuses all but one without a wait; to block until it is
 * done is right while nothing else runs yet.
 */
function turnWalOn(engine: DatabaseSyncInstance): void {
  for (const until = Date.now() + lockWaitMs; ; Atomics.wait(pause, 0, 0, 5 + Math.random() * 20)) {
    try {
      engine.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if ((error as { sqliteCode?: number }).sqliteCode !== busy || Date.now() > until) throw error;
    }
  }
}

const busy = 5;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** One database file: its handles, and the order in which this process writes to it. */
export class SqliteFile {
  /** Every write of this process passes here, so that it waits in line instead of asking SQLite again and again. */
  readonly writes = new Gate();
  private readonly idle: SqliteHandle[] = [];

  constructor(readonly path: string) {
    const engine = new DatabaseSync(path, { timeout: lockWaitMs });
    try {
      turnWalOn(engine);
    } finally {
      engine.close();
    }
  }

  /** A handle of one's own: one given back before, with its prepared statements, or a new one. */
  take(): SqliteHandle {
    return this.idle.pop() ?? new SqliteHandle(this.path);
  }

  give(handle: SqliteHandle): void {
    this.idle.push(handle);
  }

  /** Closes the handles that were given back, after moving what is in the write-ahead log into the file itself. */
  close(): void {
    const [first, ...others] = this.idle.splice(0);
    for (const handle of others) handle.close();
    try {
      first?.all('PRAGMA wal_checkpoint(TRUNCATE)', []);
    } catch (error) {
      // Another process is at it; the log stays beside the file, and is read from there.
      if (!(error instanceof SqliteError)) throw error;
    } finally {
      first?.close();
    }
  }

  /**
   * Runs `work`, again a little later while another process has the file locked; never blocks the event loop.
   * @throws SqliteError SQLITE_BUSY after five seconds.
   */
  async whenFree<T>(work: () => T): Promise<T> {
    for (let until = 0, pause = 1; ; pause = Math.min(pause * 2, 30)) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof SqliteError) || error.code !== 'SQLITE_BUSY') throw error;
        until ||= Date.now() + lockWaitMs;
        if (Date.now() > until) throw error;
        await sleep(pause * (0.5 + Math.random()));
      }
    }
  }
}

/** A lock that is handed on in the order of asking. */
export class Gate {
  private taken = false;
  private readonly waiting: (() => void)[] = [];

  /**
   * Resolves when the caller has the lock, which it must {@link leave}.
   * @throws SqliteError SQLITE_BUSY after five seconds.
   */
  async enter(): Promise<void> {
    if (!this.taken) {
      this.taken = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(enter), 1);
        reject(new SqliteError('SQLITE_BUSY', 5, 'another transaction is still writing'));
      }, lockWaitMs);
      this.waiting.push(enter);
    });
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.taken = false;
  }
}
