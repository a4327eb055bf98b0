import type { Bindable } from '../database/database';
import type { Attribute } from './attributes';
import type { Entity } from './entity';
import { AetherError, conflict, forbidden, invalid, notFound } from './errors';
import { checkInput, inheritedThrough, type Input, type Values } from './input';
import { isRequired } from './input-types';
import { isPublicId, newPublicId } from './public-id';
import { referencesTo } from './registry';
import { databaseFromDate, isoFromDatabase } from './scalars';
import { noteTexts, textsOf } from './search-text';
import type { RowKey, UnitOfWork } from './unit-of-work';
import {
  accountAttribute,
  accountForNew,
  hasRules,
  owned,
  ownerOfNew,
  ownershipColumns,
  type Ownership,
} from './tenancy';

/**
 * Makes an object in the caller's account and answers its id; `server` holds what no caller may set.
 * @throws FORBIDDEN, VALIDATION, DATABASE_DUPLICATE.
 */
export async function insertObject(
  unit: UnitOfWork,
  entity: Entity,
  input: Input,
  server: Values = {},
): Promise<string> {
  const { ctx, tx } = unit;
  const id = newPublicId();
  const account = accountForNew(ctx, entity);
  const values = { ...(await checkInput(ctx, entity, input, {}, tx)), ...server };
  const owner = await ownerOfNew(ctx, entity, tx);
  if (owner) {
    mayGive(entity, values, owner);
    values[owner.name] ??= owner.value;
  }
  requireAll(entity, values);
  const now = databaseFromDate(ctx.services.now());
  for (const { name, default: fallback, sql } of entity.attributes.values())
    if (fallback !== undefined && !sql) values[name] ??= fallback;
  if (entity.attributes.has('accountId')) values.accountId ??= account?.pk ?? null;
  const row = entity.type.build({
    ...values,
    ...textsOf(entity, values),
    id,
    createdOn: now,
    updatedOn: now,
  });
  await noteTexts(unit, entity, [], values);
  await row.save({ transaction: tx, returning: false, hooks: false, validate: false });
  const key = {
    pk: row.get('pk') as number,
    id,
    account: row.get(accountAttribute(entity)) as number | null,
  };
  unit.touch(entity, 'created', [{ ...key, after: values }]);
  await stillVisible(unit, entity, id);
  return id;
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

/**
 * Changes what is given of a locked object, and nothing else.
 * @throws FORBIDDEN, VALIDATION, DATABASE_DUPLICATE.
 */
export async function updateObject(
  unit: UnitOfWork,
  entity: Entity,
  before: Locked,
  input: Input,
): Promise<void> {
  const values = await checkInput(unit.ctx, entity, input, before, unit.tx);
  for (const { name, once } of entity.attributes.values())
    if (once && values[name] !== undefined && before[name] != null && before[name] !== values[name])
      throw invalid({ [name]: 'is set once and does not change' });
  const { own = '', holder = '' } = entity.access;
  if (values[own] !== undefined || values[holder] !== undefined) {
    const owner = await ownerOfNew(unit.ctx, entity, unit.tx);
    if (owner) mayGive(entity, values, owner);
  }
  await changeObject(unit, entity, before, values);
  await stillVisible(unit, entity, before.id);
}

/**
 * Asks before anything is written, which could tell of what others have.
 * @throws FORBIDDEN when the object would be somebody else's, and its writer may only have their own
 */
function mayGive({ name }: Entity, values: Values, owner: { name: string; value: number | string }): void {
  const given = values[owner.name];
  if (given != null && given !== owner.value) throw forbidden(`This ${name} would not be yours.`);
}

/**
 * Asks once more, of the row as it has become: nobody makes or leaves behind what they may not see or change, be it another's, or
 * hidden from them by a rule.
 * @throws FORBIDDEN, which takes the write back.
 */
async function stillVisible(unit: UnitOfWork, entity: Entity, id: string): Promise<void> {
  if (hasRules(unit.ctx, entity)) await lockObject(unit, entity, id);
}

/**
 * The row as it is, locked until the transaction ends, after asking whether the caller may touch it.
 * @throws PRECONDITION_FAILED when it did not last change at `ifUpdatedOn`, if that is given; null: never did
 */
export async function lockObject(
  unit: UnitOfWork,
  entity: Entity,
  id: string,
  ifUpdatedOn?: Date | null,
): Promise<Locked> {
  if (!isPublicId(id)) throw notFound(entity.name, id);
  const { publicIds } = unit.ctx.services;
  const [row] = await lockNamed(unit, entity, id);
  if (!row || !publicIds.names(entity.table, id, row.id)) throw notFound(entity.name, id);
  const locked = owned(unit.ctx, entity, row, { toWrite: true });
  if ((await publicIds.shared(entity.table, [id], unit.tx)).has(id))
    throw conflict(`Several objects have the id "${id}": it does not change until they are repaired.`);
  if (ifUpdatedOn !== undefined && lastChange(locked.updatedOn) !== (ifUpdatedOn?.getTime() ?? null))
    throw new AetherError('PRECONDITION_FAILED', `This ${entity.name} has changed since you read it.`);
  return locked;
}

async function lockNamed(unit: UnitOfWork, entity: Entity, id: string): Promise<Locked[]> {
  const { database, publicIds } = unit.ctx.services;
  const { table } = entity;
  const bound: Bindable[] = [];
  const named = publicIds.among(table, 't', [id], bound);
  if (!publicIds.mayShare(table)) return lockRows(unit, entity, named, bound);
  // Found first and locked then: what looks for the oldest would lock all that it looks at.
  const sql = `SELECT t.id AS pk FROM \`${table}\` t WHERE ${named}`;
  const [found] = await database.select<{ pk: number }>(sql, bound, unit.tx);
  return found ? lockRows(unit, entity, 't.id = ?', [found.pk]) : [];
}

/** The rows (alias `t`) for which a condition holds, in the order of their keys, locked, and not yet asked whose they are. */
export async function lockRows(
  { ctx, tx }: UnitOfWork,
  entity: Entity,
  condition: string,
  bound: readonly Bindable[],
): Promise<Locked[]> {
  const { database, publicIds } = ctx.services;
  const values: Bindable[] = [];
  const ownership = ownershipColumns(ctx, entity, 't', values, { toWrite: true });
  const columns = [...entity.attributes.values()]
    .filter(({ sql, search }) => !sql || search)
    .map(({ name, column, sql }) => `${sql?.('t') ?? `t.\`${column}\``} AS \`${name}\``);
  const rows = await database.select<Locked>(
    `SELECT t.id AS \`$pk\`, ${ownership}, ${columns.join(', ')} FROM \`${entity.table}\` t WHERE ${condition} ORDER BY t.id${
      database.dialect === 'mariadb' ? ' FOR UPDATE' : ''
    }`,
    [...values, ...bound],
    tx,
  );
  const ids = await publicIds.of(
    entity.table,
    rows.map(({ $pk: pk, id: own }) => ({ pk, id: own })),
    tx,
  );
  return rows.map((row, index) => Object.assign(row, { id: ids[index] }));
}

export type Locked = Values & Ownership & { $pk: number; id: string };

/** Writes the values given of a locked row; rows below it that have taken a reference from it follow. */
export async function changeObject(
  unit: UnitOfWork,
  entity: Entity,
  before: Locked,
  values: Values,
): Promise<void> {
  if (Object.keys(values).length === 0) return;
  const { $pk: pk, id, $account: account, updatedOn } = before;
  const changed = Object.entries(values).filter(([name, value]) => value !== before[name]);
  const texts = textsOf(entity, { ...before, ...values });
  await changeRows(
    unit,
    entity,
    [
      {
        pk,
        id,
        account,
        updatedOn,
        before: Object.fromEntries(changed.map(([name]) => [name, before[name] ?? null])),
      },
    ],
    { ...values, ...texts },
    { ...Object.fromEntries(changed), ...texts },
  );
  const moved = changed.filter(([name]) => entity.attributes.get(name)?.ref);
  if (moved.length > 0) await tellChildren(unit, entity, [pk], Object.fromEntries(moved));
}

/** A row, and when it last changed: as the database has it, or as Sequelize reads that. */
type Held = RowKey & { updatedOn?: Values[string] | Date; before?: Values };

function lastChange(updatedOn: Held['updatedOn']): number | null {
  if (updatedOn instanceof Date) return updatedOn.getTime() || null;
  return typeof updatedOn === 'string' ? Date.parse(isoFromDatabase(updatedOn) ?? '') || null : null;
}

/** Now, but after the last change of each row: by this moment callers tell the versions of a row apart. */
function momentOfChange(now: Date, rows: Held[]): Date {
  const next = rows.map(({ updatedOn }) => {
    const last = lastChange(updatedOn) ?? 0;
    // An old table may keep whole seconds.
    return last + (last % 1000 === 0 ? 1000 : 1);
  });
  return new Date(next.reduce((latest, moment) => Math.max(latest, moment), now.getTime()));
}

/** Writes the same values into several rows; those that `changed` are all of them unless told. */
export async function changeRows(
  unit: UnitOfWork,
  entity: Entity,
  rows: Held[],
  values: Values,
  changed = values,
): Promise<void> {
  if (rows.length === 0) return;
  const pks = rows.map(({ pk }) => pk);
  await noteTexts(unit, entity, pks, changed);
  const updatedOn = databaseFromDate(momentOfChange(unit.ctx.services.now(), rows));
  await entity.type.update(
    { ...values, ...(entity.attributes.has('updatedOn') && { updatedOn }) },
    {
      where: { pk: pks },
      transaction: unit.tx,
      hooks: false,
      validate: false,
    },
  );
  unit.touch(
    entity,
    'updated',
    rows.map((row) => ({ ...row, after: changed })),
  );
}

/** References that rows below have taken from a row follow when it moves. */
async function tellChildren(unit: UnitOfWork, entity: Entity, pks: number[], moved: Values): Promise<void> {
  for (const { entity: child, attribute } of referencesTo(entity)) {
    const changes: Values = {};
    for (const [name, value] of Object.entries(moved)) {
      const column = entity.attributes.get(name)?.column ?? '';
      const copy = inheritedThrough(child, attribute).find((inherited) => inherited.column === column);
      if (copy) changes[copy.name] = value;
    }
    if (Object.keys(changes).length === 0) continue;
    const children = await childrenOf(unit, entity, pks, child, attribute);
    await changeRows(unit, child, children, changes);
    await tellChildren(
      unit,
      child,
      children.map(({ pk }) => pk),
      changes,
    );
  }
}

type RawKey = Record<string, unknown> & { pk: number; id: unknown };

/** The rows that refer to these rows through an attribute. */
export async function childrenOf(
  { ctx, tx }: UnitOfWork,
  target: Entity,
  pks: number[],
  child: Entity,
  { name, any }: Attribute,
): Promise<Held[]> {
  if (pks.length === 0) return [];
  const where = { [name]: pks, ...(any && { [any.typeAttribute]: target.table }) };
  const account = accountAttribute(child);
  const dated = child.attributes.has('updatedOn') && ctx.services.database.keeps(child.table, 'updated_on');
  const attributes = [...new Set(['pk', 'id', account, ...(dated ? ['updatedOn'] : [])])];
  const rows = await child.type.findAll({ attributes, where, transaction: tx, raw: true });
  const keys = rows as unknown as RawKey[];
  const ids = await ctx.services.publicIds.of(child.table, keys, tx);
  return keys.map((row, index) => ({
    pk: row.pk,
    id: ids[index] as string,
    account: row[account] as number | null,
    updatedOn: row.updatedOn as Held['updatedOn'],
  }));
}
