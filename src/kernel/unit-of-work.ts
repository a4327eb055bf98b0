import type { Transaction } from 'sequelize';
import { translateDatabaseError } from '../database/errors';
import { recordActivity } from './activity';
import { recordChanges, recorderIn } from './changes';
import type { Context } from './context';
import type { Entity } from './entity';
import type { AetherError } from './errors';
import type { Values } from './input';
import { writeReceipt } from './receipts';
import { keepTexts } from './search-text';
import type { Limit } from './tenancy';

export type Verb = 'created' | 'updated' | 'removed';

/** A row by its internal and its public id, and the account that it belongs to, if any. */
export interface RowKey {
  pk: number;
  id: string;
  account: number | null;
}

/** A row that a write has touched, directly or through what it refers to. */
export interface Touched extends RowKey {
  entity: Entity;
  verb: Verb;
  /** Of a removed row: who could see it. */
  limits?: Limit[];
  /** Values by attribute, as the database has them: what was different, or is gone, and what has come instead. */
  before?: Values;
  after?: Values;
}

/** The writes of one transaction, and the rows that they touched. */
export class UnitOfWork {
  private readonly touched: Touched[] = [];
  /** Keys of rows whose texts are brought up to date before the end. */
  readonly texts = new Map<Entity, Set<number>>();

  constructor(
    readonly ctx: Context,
    readonly tx: Transaction,
  ) {}

  touch(entity: Entity, verb: Verb, rows: readonly Omit<Touched, 'entity' | 'verb'>[]): void {
    for (const { pk, id, account, limits, before, after } of rows)
      this.touched.push({ entity, verb, pk, id, account, limits, before, after });
  }

  /** Brings up to date what follows from the writes so far. */
  async settle(): Promise<void> {
    await keepTexts(this);
    this.texts.clear();
  }

  hasRemoved(entity: Entity, pk: number): boolean {
    return this.touched.some((row) => row.verb === 'removed' && row.entity === entity && row.pk === pk);
  }

  /** What the writes come to: every row once. What was made and removed again never was. */
  changes(): Touched[] {
    const changes = new Map<string, Touched>();
    for (const row of this.touched) {
      const key = `${row.entity.table} ${String(row.pk)}`;
      const known = changes.get(key);
      if (known && row.verb === 'updated') {
        changes.set(key, {
          ...known,
          before: known.before && { ...row.before, ...known.before },
          after: { ...known.after, ...row.after },
        });
        continue;
      }
      if (known?.verb === row.verb) continue;
      changes.delete(key);
      if (known?.verb !== 'created') changes.set(key, row);
    }
    return [...changes.values()];
  }

  /**
   * Runs a part of the work that may fail by itself: what it wrote is then taken back, and its error answered.
   * @throws what is not the caller's fault: it ends the transaction.
   */
  async attempt(part: () => Promise<unknown>): Promise<AetherError | undefined> {
    const { touched, tx } = this;
    const { database } = this.ctx.services;
    const before = touched.length;
    await database.select('SAVEPOINT part', [], tx);
    try {
      await part();
      await database.select('RELEASE SAVEPOINT part', [], tx);
      return undefined;
    } catch (error) {
      const known = translateDatabaseError(error);
      if (!known || known.status >= 500) throw error;
      await database.select('ROLLBACK TO SAVEPOINT part', [], tx);
      touched.length = before;
      return known;
    }
  }
}

/** Ends a transaction that has done what it should, without leaving a trace of it. */
class TakenBack<T> extends Error {
  constructor(readonly result: T) {
    super('taken back');
  }
}

/**
 * Runs writes in one transaction, and tells of them when it is committed; it is rolled back when its result is not to be kept.
 * The work may run more than once: the database starts it again after a deadlock.
 */
export async function write<T>(
  ctx: Context,
  work: (unit: UnitOfWork) => Promise<T>,
  isKept: (result: T) => boolean = () => true,
): Promise<T> {
  const { database, changed, now, publicIds } = ctx.services;
  try {
    const { result, changes } = await database.transaction(async (tx) => {
      const unit = new UnitOfWork(ctx, tx);
      const done = await work(unit);
      if (!isKept(done)) throw new TakenBack(done);
      await unit.settle();
      const found = unit.changes();
      await recordActivity(ctx, found, tx);
      await recordChanges(recorderIn(database, tx), found, now());
      const objectId = ctx.receipt && found.find(({ verb }) => verb === 'created')?.id;
      if (ctx.receipt && objectId !== undefined)
        await writeReceipt(database, ctx.receipt, { objectId, now: now(), tx });
      return { result: done, changes: found };
    });
    for (const { entity, verb, pk } of changes) if (verb === 'removed') publicIds.forget(entity.table, pk);
    if (changes.length > 0) changed(changes);
    return result;
  } catch (error) {
    if (error instanceof TakenBack) return error.result as T;
    throw error;
  }
}
