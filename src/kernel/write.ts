import type { Transaction, WhereOptions } from 'sequelize';
import type { Bindable } from '../database/database';
import type { Attribute } from './attributes';
import type { Context } from './context';
import type { Entity } from './entity';
import { invalid, notFound } from './errors';
import { checkInput, inheritedThrough, maxText, type Input, type Values } from './input';
import { isRequired } from './input-types';
import { isPublicId, newPublicId } from './public-id';
import { referencesTo } from './registry';
import { databaseFromDate } from './scalars';
import {
  accountForNew,
  hasRules,
  mayWrite,
  owned,
  ownerOfNew,
  ownershipColumns,
  type Ownership,
} from './tenancy';

/**
 * Makes an object in the caller's account and answers its id.
 * @throws FORBIDDEN, VALIDATION, DATABASE_DUPLICATE; nothing is written then.
 */
export async function createObject(
  ctx: Context,
  entity: Entity,
  input: Input,
  server: Values = {},
): Promise<string> {
  mayWrite(ctx, entity, 'create');
  const id = newPublicId();
  await ctx.services.database.transaction((tx) => insertObject(ctx, entity, id, input, server, tx));
  ctx.services.changed(entity.table);
  return id;
}

/** The same inside a transaction, for operations that write several objects; `server` holds what no caller may set. */
export async function insertObject(
  ctx: Context,
  entity: Entity,
  id: string,
  input: Input,
  server: Values,
  tx: Transaction,
): Promise<void> {
  const account = accountForNew(ctx, entity);
  const values = { ...(await checkInput(ctx, entity, input, {}, tx)), ...server };
  const owner = await ownerOfNew(ctx, entity, tx);
  if (owner) values[owner.name] ??= owner.value;
  requireAll(entity, values);
  const now = databaseFromDate(ctx.services.now());
  for (const { name, default: fallback, sql } of entity.attributes.values())
    if (fallback !== undefined && !sql) values[name] ??= fallback;
  if (entity.attributes.has('accountId')) values.accountId ??= account?.pk ?? null;
  await entity.type.create(
    { ...values, ...searchText(entity, values), id, createdOn: now, updatedOn: now },
    { transaction: tx, returning: false, hooks: false, validate: false },
  );
  await stillVisible(ctx, entity, id, tx);
}

function requireAll(entity: Entity, values: Values): void {
  const missing = [...entity.attributes.values()].filter(
    (attribute) =>
      (isRequired(attribute) || attribute.ref?.through) &&
      !attribute.nullable &&
      values[attribute.name] == null,
  );
  if (missing.length > 0) throw invalid(Object.fromEntries(missing.map(({ name }) => [name, 'is required'])));
}

/** Keeps the search text: what the attributes that are searched hold, in one line. */
export function searchText({ attributes }: Entity, values: Values): Values {
  if (!attributes.has('defaultQryStr')) return {};
  const texts = [...attributes.values()].filter(({ search }) => search).map(({ name }) => values[name] ?? '');
  const words = texts
    .join(' ')
    .replace(/<[^>]*>/g, ' ')
    .split(/\s+/)
    .filter(Boolean)
    .join(' ');
  // A text may be as long as the column itself; what is cut off at its end is not found.
  return {
    defaultQryStr:
      Buffer.from(words)
        .subarray(0, maxText)
        .toString('utf8')
        .replace(/\uFFFD$/, '') || null,
  };
}

/**
 * Changes what is given of an object, and nothing else.
 * @throws NOT_FOUND, FORBIDDEN, VALIDATION, DATABASE_DUPLICATE; nothing is written then.
 */
export async function updateObject(ctx: Context, entity: Entity, id: string, input: Input): Promise<void> {
  mayWrite(ctx, entity, 'update');
  await ctx.services.database.transaction(async (tx) => {
    const before = await lockObject(ctx, entity, id, tx);
    const values = await checkInput(ctx, entity, input, before, tx);
    for (const { name, once } of entity.attributes.values())
      if (once && values[name] !== undefined && before[name] != null && before[name] !== values[name])
        throw invalid({ [name]: 'is set once and does not change' });
    await writeObject(ctx, entity, before, values, tx);
    await stillVisible(ctx, entity, id, tx);
  });
  ctx.services.changed(entity.table);
}

/**
 * Asks once more, of the row as it has become: nobody makes or leaves behind what they may not see or change, be it another's, or
 * hidden from them by a rule.
 * @throws FORBIDDEN, which takes the write back.
 */
async function stillVisible(ctx: Context, entity: Entity, id: string, tx: Transaction): Promise<void> {
  if (hasRules(ctx, entity)) await lockObject(ctx, entity, id, tx);
}

/** The row as it is, locked until the transaction ends, after asking whether the caller may touch it. */
export async function lockObject(ctx: Context, entity: Entity, id: string, tx: Transaction): Promise<Locked> {
  if (!isPublicId(id)) throw notFound(entity.name, id);
  const { database } = ctx.services;
  const values: Bindable[] = [];
  const ownership = ownershipColumns(ctx, entity, 't', values, { toWrite: true });
  const columns = [...entity.attributes.values()]
    .filter(({ sql }) => !sql)
    .map(({ name, column }) => `t.\`${column}\` AS \`${name}\``);
  const [row] = await database.select<Locked>(
    `SELECT t.id AS \`$pk\`, ${ownership}, ${columns.join(', ')} FROM \`${entity.table}\` t WHERE t.id_random = ?${
      database.dialect === 'mariadb' ? ' FOR UPDATE' : ''
    }`,
    [...values, id],
    tx,
  );
  if (row?.id !== id) throw notFound(entity.name, id);
  return owned(ctx, entity, row, { toWrite: true });
}

export type Locked = Values & Ownership & { $pk: number; id: string };

export async function writeObject(
  ctx: Context,
  entity: Entity,
  before: Locked,
  values: Values,
  tx: Transaction,
): Promise<void> {
  if (Object.keys(values).length === 0) return;
  const text = searchText(entity, { ...before, ...values });
  const updatedOn = databaseFromDate(ctx.services.now());
  await entity.type.update(
    { ...values, ...text, updatedOn },
    { where: { pk: before.$pk }, transaction: tx, hooks: false, validate: false },
  );
  const moved = Object.keys(values).filter(
    (name) => entity.attributes.get(name)?.ref && values[name] !== before[name],
  );
  if (moved.length > 0)
    await tellChildren(
      entity,
      [before.$pk],
      Object.fromEntries(moved.map((name) => [name, values[name] ?? null])),
      tx,
    );
}

/** References that rows below have taken from a row follow when it moves. */
async function tellChildren(entity: Entity, pks: number[], moved: Values, tx: Transaction): Promise<void> {
  for (const { entity: child, attribute } of referencesTo(entity)) {
    const changes: Values = {};
    for (const [name, value] of Object.entries(moved)) {
      const column = entity.attributes.get(name)?.column ?? '';
      const copy = inheritedThrough(child, attribute).find((inherited) => inherited.column === column);
      if (copy) changes[copy.name] = value;
    }
    if (Object.keys(changes).length === 0) continue;
    const where = childrenWhere(entity, attribute, pks);
    await child.type.update(changes, { where, transaction: tx, hooks: false, validate: false });
    await tellChildren(child, await keysOf(child, where, tx), changes, tx);
  }
}

/** The rows that refer to these rows, as Sequelize has it. */
export const childrenWhere = (target: Entity, { name, any }: Attribute, pks: number[]) => ({
  [name]: pks,
  ...(any && { [any.typeAttribute]: target.table }),
});

export async function keysOf({ type }: Entity, where: WhereOptions, tx: Transaction): Promise<number[]> {
  const rows = await type.findAll({ attributes: ['pk'], where, transaction: tx, raw: true });
  return (rows as unknown as { pk: number }[]).map(({ pk }) => pk);
}
