import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Transaction } from 'sequelize';
import type { Bindable, Database } from '../database/database';
import { entityOf } from './entity';
import { createStandIns } from './stand-in';

/** 64 random bits, as 11 URL-safe characters. */
export const newPublicId = (): string => randomBytes(8).toString('base64url');

const pattern = /^[\w-]{11,22}$/;

/** Could this be a public id? Asked before SQL: MariaDB reads `'1abc'` as 1. */
export const isPublicId = (value: unknown): value is string =>
  typeof value === 'string' && pattern.test(value);

/**
 * Public ids by type and key, and back. A sound id never changes and a key is never used again, so what is known stays true: the
 * cache needs no expiry, and no trip to another process.
 *
 * Rows of an old database may have no id, one that could be none, or that of an older row. Such a row is answered under an id that
 * stands for it, and is found by it, also when it has got an id of its own since. None of this is remembered.
 */
export interface PublicIds {
  /** Public id of a key that is known already. */
  known(type: string, pk: number): string | undefined;
  forget(type: string, pk: number): void;
  /**
   * Public ids of keys, in one statement for those that are not known; a key without a row has none. Within a transaction by its
   * connection: to wait for a second one, as all others do, would be to wait for each other.
   */
  load(type: string, pks: Iterable<number>, tx?: Transaction): Promise<Map<number, string>>;
  /** The key of a public id, whoever owns the row; that of the oldest when several share the id. */
  find(type: string, id: string): Promise<number | undefined>;
  /** The condition that a row (alias `t`) is the one that this id names, or one of these. */
  among(type: string, t: string, ids: readonly string[], values: Bindable[]): string;
  /**
   * Does the id name the row whose column holds this, as {@link among} found it? The database may compare ids without regard to
   * case, they differ by it.
   */
  names(type: string, id: string, own: unknown): boolean;
  /** The ids that rows are answered under whose columns hold these. */
  of(type: string, rows: readonly { pk: number; id: unknown }[], tx?: Transaction): Promise<string[]>;
  standIn(type: string, pk: number): string;
  /** Those of the ids that several rows share, with the key of the oldest. No statement where an index rules it out. */
  shared(type: string, ids: readonly unknown[], tx?: Transaction): Promise<ReadonlyMap<string, number>>;
  /** False: an index rules out that rows of this type share an id. */
  mayShare(type: string): boolean;
}

export function createPublicIds(database: Database, secret: string, max = 200_000): PublicIds {
  const ids = new LRUCache<string, string>({ max });
  const keys = new LRUCache<string, number>({ max });
  const standIns = createStandIns(secret);
  const nothingShared = new Map<string, number>();

  const remember = (type: string, pk: number, id: string): void => {
    ids.set(`${type}:${String(pk)}`, id);
    keys.set(`${type}:${id}`, pk);
  };

  const publicIds: PublicIds = {
    known: (type, pk) => ids.get(`${type}:${String(pk)}`),
    standIn: standIns.of,
    names: (type, id, own) => own === id || standIns.keyOf(type, id) !== undefined,
    mayShare: (type) => database.repeats(type, 'id_random'),

    async of(type, rows, tx) {
      const own = rows.map(({ id }) => id);
      const shared = await publicIds.shared(type, own, tx);
      return rows.map(({ pk, id }) =>
        isPublicId(id) && (shared.get(id) ?? pk) === pk ? id : standIns.of(type, pk),
      );
    },

    forget(type, pk) {
      const id = ids.get(`${type}:${String(pk)}`);
      ids.delete(`${type}:${String(pk)}`);
      if (id !== undefined) keys.delete(`${type}:${id}`);
    },

    async load(type, pks, tx) {
      const found = new Map<number, string>();
      const missing: number[] = [];
      for (const pk of new Set(pks)) {
        const known = publicIds.known(type, pk);
        if (known === undefined) missing.push(pk);
        else found.set(pk, known);
      }
      if (missing.length === 0) return found;
      const { table } = entityOf(type);
      const rows = await database.select<{ pk: number; id: unknown }>(
        `SELECT id AS pk, id_random AS id FROM \`${table}\` WHERE id IN (${missing.map(() => '?').join()})`,
        missing,
        tx,
      );
      const answered = await publicIds.of(type, rows, tx);
      for (const [index, { pk, id: own }] of rows.entries()) {
        const id = answered[index] as string;
        found.set(pk, id);
        // What a transaction has made may never have been.
        if (id === own && !tx) remember(type, pk, id);
      }
      return found;
    },

    async find(type, id) {
      const known = standIns.keyOf(type, id) ?? keys.get(`${type}:${id}`);
      if (known !== undefined) return known;
      const { table } = entityOf(type);
      const rows = await database.select<{ pk: number; id: string }>(
        `SELECT id AS pk, id_random AS id FROM \`${table}\` WHERE id_random = ? ORDER BY pk`,
        [id],
      );
      // The database may compare without regard to case; ids differ by it.
      const row = rows.find((found) => found.id === id);
      if (row) remember(type, row.pk, id);
      return row?.pk;
    },

    among(type, t, wanted, values) {
      const pks: number[] = [];
      const own: string[] = [];
      for (const id of wanted) {
        const pk = standIns.keyOf(type, id);
        if (pk === undefined) own.push(id);
        else pks.push(pk);
      }
      const conditions: string[] = [];
      if (own.length > 0) {
        values.push(...own);
        const named = `${t}.id_random ${isOneOf(own)}`;
        conditions.push(
          publicIds.mayShare(type)
            ? `(${named} AND ${t}.id = (SELECT MIN(o.id) FROM \`${entityOf(type).table}\` o WHERE o.id_random = ${t}.id_random))`
            : named,
        );
      }
      if (pks.length > 0) {
        values.push(...pks);
        conditions.push(`${t}.id ${isOneOf(pks)}`);
      }
      if (conditions.length === 0) return 'FALSE';
      return conditions.length === 1 ? (conditions[0] as string) : `(${conditions.join(' OR ')})`;
    },

    async shared(type, some, tx) {
      if (!publicIds.mayShare(type)) return nothingShared;
      const wanted = [...new Set(some.filter(isPublicId))];
      const oldest = new Map<string, number>();
      const shared = new Map<string, number>();
      if (wanted.length === 0) return shared;
      const rows = await database.select<{ pk: number; id: string }>(
        `SELECT id AS pk, id_random AS id FROM \`${entityOf(type).table}\` WHERE id_random IN (${wanted.map(() => '?').join()}) ORDER BY pk`,
        wanted,
        tx,
      );
      for (const { pk, id } of rows) {
        const first = oldest.get(id);
        if (first === undefined) oldest.set(id, pk);
        else shared.set(id, first);
      }
      return shared;
    },
  };
  return publicIds;
}

const isOneOf = (list: readonly unknown[]): string =>
  list.length === 1 ? '= ?' : `IN (${list.map(() => '?').join()})`;
