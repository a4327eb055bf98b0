import type { Transaction } from 'sequelize';
import type { Bindable, Database } from '../database/database';
import type { TableSpec } from '../database/tables';
import type { Context, Services } from './context';
import type { Entity } from './entity';
import { isLevel, type Level } from './levels';
import { databaseFromDate } from './scalars';
import type { ScopeVerb } from './scopes';

/*
 * What each key is really used for: types, verbs and fields, by day. Counted in memory, and added to a table every few seconds: a
 * crash loses these, and nothing else depends on them.
 */

export const usageTables: TableSpec[] = [
  {
    name: 'key_usage',
    columns: {
      id: { type: 'id' },
      api_key_id: { type: 'bigint' },
      /** `2026-01-31`, in UTC. */
      day: { type: 'token', max: 10 },
      type: { type: 'token', max: 50 },
      verb: { type: 'token', max: 10 },
      /** The level that the key gave; empty for callers who had signed in, whose level is their own. */
      level: { type: 'token', max: 20 },
      /** Name of an attribute; empty for the type as a whole. */
      field: { type: 'token', max: 100 },
      /** Requests; of fields so many that were different. */
      calls: { type: 'bigint' },
    },
    indexes: [{ columns: ['api_key_id', 'day', 'type', 'verb', 'level', 'field'], unique: true }],
  },
];

export interface Usage {
  /** A caller does this to objects of a type, as they may. */
  add(ctx: Context, entity: Entity, verb: ScopeVerb): void;
  /** Reads or sets these attributes. `what` stands for the list: it is looked at once. */
  addFields(ctx: Context, entity: Entity, verb: ScopeVerb, fields: readonly string[], what?: object): void;
  /** Writes down what is still only counted: called every few seconds, and at the end. */
  flush(): Promise<void>;
}

/** One line of what a key was used for. */
export interface Use {
  type: string;
  verb: ScopeVerb;
  /** None: by callers who had signed in. */
  level: Level | undefined;
  field: string;
  calls: number;
  day: string;
}

export function createUsage({ database, log, now }: Pick<Services, 'database' | 'log' | 'now'>): Usage {
  let counts = new Map<string, number>();
  let seen = new WeakMap<object, Set<string>>();
  let used = new Set<number>();

  const nameOf = ({ viewer }: Context, { table }: Entity, verb: ScopeVerb): string =>
    `${String(viewer.key.pk)} ${table} ${verb} ${viewer.signIn ? '' : viewer.level}`;

  async function flush(): Promise<void> {
    const [due, keys] = [counts, used];
    counts = new Map();
    seen = new WeakMap();
    used = new Set();
    if (due.size === 0) return;
    const day = now().toISOString().slice(0, 10);
    const rows = [...due].map(([name, calls]): Bindable[] => {
      const [key = '', type = '', verb = '', level = '', field = ''] = name.split(' ');
      return [Number(key), day, type, verb, level, field, calls];
    });
    try {
      await database.transaction(async (tx) => {
        await write(database, rows, tx);
        await touch(database, [...keys], now(), tx);
      });
    } catch (error) {
      log.warn(
        { err: error, lines: rows.length },
        'what keys were used for could not be written: it will be tried again',
      );
      for (const [name, calls] of due) counts.set(name, (counts.get(name) ?? 0) + calls);
      for (const key of keys) used.add(key);
    }
  }

  return {
    add(ctx, entity, verb) {
      if (ctx.viewer.isServer) return;
      const name = `${nameOf(ctx, entity, verb)} `;
      // A request asks several times whether it may.
      ctx.once(`uses ${name}`, () => {
        used.add(ctx.viewer.key.pk);
        return counts.set(name, (counts.get(name) ?? 0) + 1);
      });
    },
    addFields(ctx, entity, verb, fields, what = fields) {
      if (ctx.viewer.isServer) return;
      const name = nameOf(ctx, entity, verb);
      const known = seen.get(what);
      if (known?.has(name)) return;
      if (known) known.add(name);
      else seen.set(what, new Set([name]));
      for (const field of fields) counts.set(`${name} ${field}`, (counts.get(`${name} ${field}`) ?? 0) + 1);
    },
    flush,
  };
}

const rowsOfStatement = 200;

async function write(database: Database, rows: Bindable[][], tx: Transaction): Promise<void> {
  const upsert = {
    mariadb: 'ON DUPLICATE KEY UPDATE calls = calls + VALUES(calls)',
    sqlite:
      'ON CONFLICT (api_key_id, day, type, verb, level, field) DO UPDATE SET calls = calls + excluded.calls',
  }[database.dialect];
  for (let start = 0; start < rows.length; start += rowsOfStatement) {
    const some = rows.slice(start, start + rowsOfStatement);
    const places = some.map((row) => `(${row.map(() => '?').join()})`).join();
    await database.select(
      `INSERT INTO key_usage (api_key_id, day, type, verb, level, field, calls) VALUES ${places} ${upsert}`,
      some.flat(),
      tx,
    );
  }
}

async function touch(database: Database, keys: readonly number[], now: Date, tx: Transaction): Promise<void> {
  if (!database.keeps('api_key', 'last_used_on')) return;
  // Tables of older servers may set it by themselves.
  const unchanged = database.keeps('api_key', 'updated_on') ? ', updated_on = updated_on' : '';
  await database.select(
    `UPDATE api_key SET last_used_on = ?${unchanged} WHERE id IN (${keys.map(() => '?').join()})`,
    [databaseFromDate(now), ...keys],
    tx,
  );
}

/** What a key was used for from a day on. */
export async function usesOf(database: Database, key: number, since: string): Promise<Use[]> {
  const rows = await database.select<Omit<Use, 'level'> & { level: string }>(
    'SELECT type, verb, level, field, calls, day FROM key_usage WHERE api_key_id = ? AND day >= ? ORDER BY type, verb, field, day',
    [key, since],
  );
  return rows.map((row) => ({ ...row, level: isLevel(row.level) ? row.level : undefined }));
}
