import type { Redis } from 'ioredis';
import type { Transaction } from 'sequelize';
import type { Bindable, Database } from '../database/database';
import type { Services } from './context';
import { databaseFromDate } from './scalars';

/*
 * Counts of what happens often. They are kept in memory and every few seconds added to the rows of a table, by all processes to the
 * same ones: a crash loses what was counted since. What the database does not take waits in Redis, where there is one, for the
 * process that can write it first; else in memory.
 */

/** What is counted, and where: a table of these columns and `day`, unique together, and `calls`. */
export interface TallySpec {
  table: string;
  /** Those that end in `_id` are keys. */
  columns: readonly string[];
  /** Has the table a column `last_on`, the moment of the last call? */
  keepsLast?: boolean;
  /** Done in the same transaction. */
  also?: (lines: readonly Line[], tx: Transaction) => Promise<void>;
}

/** So many calls of the same, on one day. */
export interface Line {
  /** Values of the columns, in their order. */
  values: string[];
  /** `2026-01-31`, in UTC. */
  day: string;
  calls: number;
  /** When the last of them was, in milliseconds since 1970. */
  last: number;
}

export interface Tally {
  /** Counts one more call; `name` is made by {@link named}. */
  add(name: string, calls?: number): void;
  /** Writes down what is still only counted: called every few seconds, and at the end. */
  flush(): Promise<void>;
}

/** Where counts are laid aside that the database does not take. */
export interface Spare {
  redis: Redis;
  /** Names the database: others may lay theirs aside in the same Redis. */
  of: string;
}

const separator = '\n';

/** The name of what is counted, from the values of its columns. */
export const named = (...values: (string | number)[]): string => values.join(separator);

/** Different names between two flushes. More are counted by nobody: who makes up names does not fill the memory. */
const maxLines = 50_000;

/** Batches that wait in Redis at most. */
const maxWaiting = 10_000;

/** How long one process has the batches for itself. */
const lockMs = 60_000;

const rowsOfStatement = 200;
const dayMs = 24 * 3_600_000;

export function createTally(
  { database, log, now, spare }: Pick<Services, 'database' | 'log' | 'now'> & { spare?: Spare },
  { table, columns, keepsLast = false, also }: TallySpec,
): Tally {
  let counts = new Map<string, { calls: number; last: number }>();
  let dropped = 0;
  const { redis, of } = spare ?? { of: '' };
  const waiting = `aether:tally:${of}:${table}`;

  function keep(name: string, calls: number, last: number): void {
    const known = counts.get(name);
    if (known) {
      known.calls += calls;
      if (last > known.last) known.last = last;
    } else if (counts.size < maxLines) counts.set(name, { calls, last });
    else dropped += calls;
  }

  async function write(lines: readonly Line[]): Promise<void> {
    await database.transaction(async (tx) => {
      await insert(database, { table, columns, keepsLast }, lines, tx);
      await also?.(lines, tx);
    });
  }

  /** Lays the lines aside; false when there is no place for them. */
  async function layAside(lines: readonly Line[]): Promise<boolean> {
    try {
      if (lines.length === 0) return true;
      if (!redis || (await redis.llen(waiting)) >= maxWaiting) return false;
      await redis.rpush(waiting, JSON.stringify(lines));
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Writes what was laid aside, one process for all. When it ends between the two steps, the batch is written again: too much is
   * counted rather than too little.
   * @throws when the database still does not take it
   */
  async function catchUp(): Promise<void> {
    if (!redis || (await redis.llen(waiting).catch(() => 0)) === 0) return;
    const lock = `${waiting}:lock`;
    if ((await redis.set(lock, '1', 'PX', lockMs, 'NX')) !== 'OK') return;
    try {
      for (let batch; (batch = await redis.lindex(waiting, 0)) !== null;) {
        await write(JSON.parse(batch) as Line[]);
        await redis.lpop(waiting);
        await redis.pexpire(lock, lockMs);
      }
    } finally {
      await redis.del(lock).catch(() => 0);
    }
  }

  return {
    add(name, calls = 1) {
      const time = now().getTime();
      keep(named(Math.floor(time / dayMs), name), calls, time);
    },

    async flush() {
      const due = counts;
      counts = new Map();
      if (dropped > 0) log.warn({ table, dropped }, 'there were too many different calls to count them all');
      dropped = 0;
      const lines = [...due].map(([name, { calls, last }]): Line => {
        const [, ...values] = name.split(separator);
        return { values, day: new Date(last).toISOString().slice(0, 10), calls, last };
      });
      try {
        await catchUp();
        if (lines.length > 0) await write(lines);
      } catch (error) {
        const laidAside = await layAside(lines);
        log.warn(
          { err: error, table, lines: lines.length, laidAside },
          'counts could not be written: it will be tried again',
        );
        if (!laidAside) for (const [name, { calls, last }] of due) keep(name, calls, last);
      }
    },
  };
}

async function insert(
  database: Database,
  { table, columns, keepsLast }: Required<Pick<TallySpec, 'table' | 'columns' | 'keepsLast'>>,
  lines: readonly Line[],
  tx: Transaction,
): Promise<void> {
  const unique = ['day', ...columns];
  const all = [...unique, 'calls', ...(keepsLast ? ['last_on'] : [])];
  const upsert = {
    mariadb: `ON DUPLICATE KEY UPDATE calls = calls + VALUES(calls)${keepsLast ? ', last_on = GREATEST(last_on, VALUES(last_on))' : ''}`,
    sqlite: `ON CONFLICT (${unique.join()}) DO UPDATE SET calls = calls + excluded.calls${keepsLast ? ', last_on = MAX(last_on, excluded.last_on)' : ''}`,
  }[database.dialect];
  const rows = lines.map(({ values, day, calls, last }): Bindable[] => [
    day,
    ...columns.map((column, index) =>
      column.endsWith('_id') ? Number(values[index]) : (values[index] ?? ''),
    ),
    calls,
    ...(keepsLast ? [databaseFromDate(new Date(last))] : []),
  ]);
  // In one order in all processes: else they would wait for each other.
  rows.sort((a, b) => (a.join(separator) < b.join(separator) ? -1 : 1));
  for (let start = 0; start < rows.length; start += rowsOfStatement) {
    const some = rows.slice(start, start + rowsOfStatement);
    const places = some.map((row) => `(${row.map(() => '?').join()})`).join();
    await database.select(`INSERT INTO ${table} (${all.join()}) VALUES ${places} ${upsert}`, some.flat(), tx);
  }
}
