import type { Transaction } from 'sequelize';
import type { Database } from '../database/database';
import type { TableSpec } from '../database/tables';
import type { Context, Services } from './context';
import type { Entity } from './entity';
import { isLevel, type Level } from './levels';
import { databaseFromDate } from './scalars';
import type { ScopeVerb } from './scopes';
import { createTally, named, type Line, type Spare } from './tally';

/*
 * What each key is really used for: types, verbs and fields, by day. Nothing else depends on it.
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

export function createUsage(services: Pick<Services, 'database' | 'log' | 'now'> & { spare?: Spare }): Usage {
  const { database } = services;
  const tally = createTally(services, {
    table: 'key_usage',
    columns: ['api_key_id', 'type', 'verb', 'level', 'field'],
    also: (lines, tx) => touch(database, lines, tx),
  });
  let seen = new WeakMap<object, Set<string>>();

  const nameOf = ({ viewer }: Context, { table }: Entity, verb: ScopeVerb): string =>
    named(viewer.key.pk, table, verb, viewer.signIn ? '' : viewer.level);

  return {
    add(ctx, entity, verb) {
      if (ctx.viewer.isServer) return;
      const name = named(nameOf(ctx, entity, verb), '');
      // A request asks several times whether it may.
      ctx.once(`uses ${name}`, () => {
        tally.add(name);
        return true;
      });
    },
    addFields(ctx, entity, verb, fields, what = fields) {
      if (ctx.viewer.isServer) return;
      const name = nameOf(ctx, entity, verb);
      const known = seen.get(what);
      if (known?.has(name)) return;
      if (known) known.add(name);
      else seen.set(what, new Set([name]));
      for (const field of fields) tally.add(named(name, field));
    },
    flush() {
      seen = new WeakMap();
      return tally.flush();
    },
  };
}

async function touch(database: Database, lines: readonly Line[], tx: Transaction): Promise<void> {
  if (!database.keeps('api_key', 'last_used_on')) return;
  const keys = [...new Set(lines.map(({ values }) => Number(values[0])))];
  const time = databaseFromDate(new Date(Math.max(...lines.map(({ last }) => last))));
  // Tables of older servers may set it by themselves.
  const unchanged = database.keeps('api_key', 'updated_on') ? ', updated_on = updated_on' : '';
  await database.select(
    `UPDATE api_key SET last_used_on = ?${unchanged} WHERE id IN (${keys.map(() => '?').join()}) AND (last_used_on IS NULL OR last_used_on < ?)`,
    [time, ...keys, time],
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
