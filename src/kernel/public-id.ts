import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Database } from '../database/database';
import { entityOf } from './entity';

/** 64 random bits, as 11 URL-safe characters. */
export const newPublicId = (): string => randomBytes(8).toString('base64url');

const pattern = /^[\w-]{11,22}$/;

/** Could this be a public id? Asked before SQL: MariaDB reads `'1abc'` as 1. */
export const isPublicId = (value: unknown): value is string =>
  typeof value === 'string' && pattern.test(value);

/**
 * Public ids by type and key, and back. An id never changes and a key is never used again, so what is known stays true: the
 * cache needs no expiry, and no trip to another process.
 */
export interface PublicIds {
  /** Public id of a key that is known already. */
  known(type: string, pk: number): string | undefined;
  remember(type: string, pk: number, id: string): void;
  forget(type: string, pk: number): void;
  /** Looks up those that are not known, in one statement; a key without a row stays unknown. */
  load(type: string, pks: Iterable<number>): Promise<void>;
  /** The key of a public id, whoever owns the row. */
  find(type: string, id: string): Promise<number | undefined>;
}

export function createPublicIds(database: Database, max = 200_000): PublicIds {
  const ids = new LRUCache<string, string>({ max });
  const keys = new LRUCache<string, number>({ max });

  const remember = (type: string, pk: number, id: string): void => {
    ids.set(`${type}:${String(pk)}`, id);
    keys.set(`${type}:${id}`, pk);
  };

  return {
    known: (type, pk) => ids.get(`${type}:${String(pk)}`),
    remember,

    forget(type, pk) {
      const id = ids.get(`${type}:${String(pk)}`);
      ids.delete(`${type}:${String(pk)}`);
      if (id !== undefined) keys.delete(`${type}:${id}`);
    },

    async load(type, pks) {
      const wanted = [...new Set(pks)];
      if (wanted.length === 0) return;
      const { table } = entityOf(type);
      const rows = await database.select<{ pk: number; id: string | null }>(
        `SELECT id AS pk, id_random AS id FROM \`${table}\` WHERE id IN (${wanted.map(() => '?').join()})`,
        wanted,
      );
      for (const { pk, id } of rows) if (id !== null) remember(type, pk, id);
    },

    async find(type, id) {
      const known = keys.get(`${type}:${id}`);
      if (known !== undefined) return known;
      const { table } = entityOf(type);
      const rows = await database.select<{ pk: number; id: string }>(
        `SELECT id AS pk, id_random AS id FROM \`${table}\` WHERE id_random = ?`,
        [id],
      );
      // The database may compare without regard to case; ids differ by it.
      const row = rows.find((found) => found.id === id);
      if (row) remember(type, row.pk, id);
      return row?.pk;
    },
  };
}
