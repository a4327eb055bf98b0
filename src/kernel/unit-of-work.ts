import type { Transaction } from 'sequelize';
import type { Context } from './context';
import type { Entity } from './entity';
import { keepTexts } from './search-text';

export type Verb = 'created' | 'updated' | 'removed';

/** A row by its internal and its public id. */
export interface RowKey {
  pk: number;
  id: string;
}

/** A row that a write has touched, directly or through what it refers to. */
export interface Touched extends RowKey {
  entity: Entity;
  verb: Verb;
}

/** The writes of one transaction, and the rows that they touched. */
export class UnitOfWork {
  readonly touched: Touched[] = [];
  /** Keys of rows whose texts are brought up to date before the end. */
  readonly texts = new Map<Entity, Set<number>>();

  constructor(
    readonly ctx: Context,
    readonly tx: Transaction,
  ) {}

  touch(entity: Entity, verb: Verb, rows: readonly RowKey[]): void {
    for (const { pk, id } of rows) this.touched.push({ entity, verb, pk, id });
  }
}

/**
 * Runs writes in one transaction, and tells of them when it is committed. The work may run more than once: the database starts it
 * again after a deadlock.
 */
export async function write<T>(ctx: Context, work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
  const { database, changed, publicIds } = ctx.services;
  const { result, touched } = await database.transaction(async (tx) => {
    const unit = new UnitOfWork(ctx, tx);
    const result = await work(unit);
    await keepTexts(unit);
    return { result, touched: unit.touched };
  });
  for (const { entity, verb, pk } of touched) if (verb === 'removed') publicIds.forget(entity.table, pk);
  for (const type of new Set(touched.map(({ entity }) => entity.table))) changed(type);
  return result;
}
