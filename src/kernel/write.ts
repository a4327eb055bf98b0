import type { Transaction, WhereOptions } from 'sequelize';
import type { Bindable } from '../database/database';
import type { Attribute } from './attributes';
import type { Context } from './context';
import { entityOf, findEntity, type Entity } from './entity';
import { AetherError, badRequest, forbidden, invalid, notFound } from './errors';
import { isRequired, isWritable, RemoveMethod } from './input-types';
import { isPublicId, newPublicId } from './public-id';
import { referencesTo, targetsOf } from './registry';
import { databaseFromDate } from './scalars';
import {
  accountForNew,
  hasRules,
  maySet,
  mayReferTo,
  mayWrite,
  owned,
  ownerOfNew,
  ownershipColumns,
  type Ownership,
} from './tenancy';
import { withUnseen } from './unseen';

/** Values of a new or changed object, by attribute name, as the graph's inputs carry them. */
export type Input = Record<string, unknown>;

/** Values by attribute name, as the database keeps them. */
export type Values = Record<string, string | number | boolean | null>;

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
  const account = accountForNew(ctx);
  const values = { ...(await checked(ctx, entity, input, {}, tx)), ...server };
  const owner = ownerOfNew(ctx, entity);
  if (owner) values[owner.name] ??= owner.pk;
  requireAll(entity, values);
  const now = databaseFromDate(ctx.services.now());
  for (const { name, default: fallback, sql } of entity.attributes.values())
    if (fallback !== undefined && !sql) values[name] ??= fallback;
  if (entity.attributes.has('accountId')) values.accountId ??= account.pk;
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
    const values = await checked(ctx, entity, input, before, tx);
    for (const { name, once } of entity.attributes.values())
      if (once && values[name] !== undefined && before[name] != null && before[name] !== values[name])
        throw invalid({ [name]: 'is set once and does not change' });
    await writeObject(ctx, entity, before, values, tx);
    await stillVisible(ctx, entity, id, tx);
  });
  ctx.services.changed(entity.table);
}

/**
 * Asks once more, of the row as it has become: nobody makes or leaves behind what they may not see, be it another's, or hidden
 * from them by a rule.
 * @throws FORBIDDEN, which takes the write back.
 */
async function stillVisible(ctx: Context, entity: Entity, id: string, tx: Transaction): Promise<void> {
  if (hasRules(ctx, entity)) await lockObject(ctx, entity, id, tx);
}

/** The row as it is, locked until the transaction ends, after asking whether the caller may touch it. */
async function lockObject(ctx: Context, entity: Entity, id: string, tx: Transaction): Promise<Locked> {
  if (!isPublicId(id)) throw notFound(entity.name, id);
  const { database } = ctx.services;
  const values: Bindable[] = [];
  const ownership = ownershipColumns(ctx, entity, 't', values);
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
  return owned(ctx, entity, row);
}

type Locked = Values & Ownership & { $pk: number; id: string };

async function writeObject(
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
const childrenWhere = (target: Entity, { name, any }: Attribute, pks: number[]) => ({
  [name]: pks,
  ...(any && { [any.typeAttribute]: target.table }),
});

async function keysOf({ type }: Entity, where: WhereOptions, tx: Transaction): Promise<number[]> {
  const rows = await type.findAll({ attributes: ['pk'], where, transaction: tx, raw: true });
  return (rows as unknown as { pk: number }[]).map(({ pk }) => pk);
}

/* ---- checking what arrives ---- */

/**
 * The values of an input, checked and as the database keeps them. References must point inside the caller's account; what lies
 * `through` them is filled in.
 */
async function checked(
  ctx: Context,
  entity: Entity,
  input: Input,
  before: Values,
  tx: Transaction,
): Promise<Values> {
  const values: Values = {};
  const problems: Record<string, string> = {};
  const references: { attribute: Attribute; id: string }[] = [];
  const isChange = '$pk' in before;
  for (const [name, given] of Object.entries(input)) {
    const attribute = entity.attributes.get(name);
    if (given === undefined || !attribute || !isWritable(attribute)) continue;
    const value = isChange ? withUnseen(ctx, attribute, given, before[name]) : given;
    // What is taken from another reference is not cleared, but found there.
    if (value === undefined || (value === null && attribute.ref?.through)) continue;
    if (!maySet(ctx.viewer, attribute)) {
      if (isHeld(value, before[name])) continue;
      throw forbidden(`Setting ${name} needs level ${attribute.write ?? ''}; you are ${ctx.viewer.level}.`);
    }
    if (value === null) {
      if (!attribute.nullable && attribute.kind !== 'bool') problems[name] = 'may not be null';
      else values[name] = attribute.nullable ? null : false;
    } else if (attribute.kind === 'ref' || attribute.kind === 'anyId')
      references.push({ attribute, id: String(value) });
    else {
      const cleaned = typeof value === 'string' && attribute.clean ? attribute.clean(value) : value;
      const problem = problemOf(attribute, cleaned);
      if (problem) problems[name] = problem;
      else values[name] = stored(attribute, cleaned);
    }
  }
  for (const { name, any } of entity.attributes.values()) {
    const type = any && values[any.typeAttribute];
    if (isChange && type !== undefined && type !== before[any?.typeAttribute ?? ''] && input[name] == null)
      problems[any?.typeAttribute ?? ''] = `changes only together with ${name}`;
  }
  if (Object.keys(problems).length > 0) throw invalid(problems);
  const through: Values = {};
  for (const { attribute, id } of references)
    await resolve(ctx, entity, attribute, id, { ...before, ...values }, values, through, tx);
  for (const { attribute } of references) {
    const { name, ref } = attribute;
    if (isChange && ref?.through && values[ref.through] === undefined && values[name] !== before[name])
      throw invalid({ [name]: `is that of ${ref.through}` });
  }
  for (const [name, value] of Object.entries(through)) {
    if (values[name] !== undefined && values[name] !== value)
      throw invalid({ [name]: 'contradicts another reference of the same object' });
    values[name] = value;
  }
  return values;
}

/** Is this what the object has already, or what a new one has anyway? */
const isHeld = (value: unknown, held: unknown): boolean =>
  typeof value === 'boolean' || value === null ? Boolean(value) === Boolean(held) : value === held;

/** 65 535 bytes is what the database's TEXT holds. */
const maxText = 65_535;
const maxLongText = 16 * 1024 ** 2;

function problemOf({ kind, max, name }: Attribute, value: unknown): string | undefined {
  if (kind === 'hash')
    return new RegExp(`^[0-9a-f]{${String(max)}}$`).test(String(value)) ? undefined : 'is no digest';
  if (kind === 'anyType') return findEntity(String(value)) ? undefined : 'names no object type';
  if (kind === 'string' && typeof value === 'string' && max !== undefined && [...value].length > max)
    return `is longer than ${String(max)} characters`;
  if (kind === 'text' && Buffer.byteLength(String(value)) > maxText)
    return `is longer than ${String(maxText)} bytes`;
  if (kind === 'json' && nestsDeeper(value, maxJsonDepth))
    return `nests more than ${String(maxJsonDepth)} deep`;
  if ((kind === 'longtext' || kind === 'json') && Buffer.byteLength(JSON.stringify(value)) > maxLongText)
    return `is longer than ${String(maxLongText)} bytes`;
  if (kind === 'datetime' && Number.isNaN((value as Date).getTime())) return 'is no moment';
  if (typeof value === 'string' && value.includes('\0')) return `${name} holds a NUL character`;
  return undefined;
}

/** MariaDB takes no JSON that nests deeper. */
const maxJsonDepth = 31;

const nestsDeeper = (value: unknown, depth: number): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (depth === 0 || Object.values(value).some((inner) => nestsDeeper(inner, depth - 1)));

function stored({ kind }: Attribute, value: unknown): Values[string] {
  if (kind === 'json') return JSON.stringify(value);
  return value instanceof Date ? databaseFromDate(value) : (value as Values[string]);
}

/** Finds the row that a reference names, asks whether it may be referred to, and takes from it what lies `through` it. */
async function resolve(
  ctx: Context,
  entity: Entity,
  attribute: Attribute,
  id: string,
  known: Values,
  values: Values,
  through: Values,
  tx: Transaction,
): Promise<void> {
  const target = targetOf(attribute, known);
  const inherited = inheritedThrough(entity, attribute);
  const taken = inherited.filter(({ column }) => hasColumn(target, column));
  const bound: Bindable[] = [];
  const ownership = ownershipColumns(ctx, target, 't', bound);
  const columns = taken.map(({ column, name }) => `, t.\`${column}\` AS \`${name}\``).join('');
  const [row] = isPublicId(id)
    ? await ctx.services.database.select<Values & Ownership & { $pk: number; $id: string }>(
        `SELECT t.id AS \`$pk\`, t.id_random AS \`$id\`, ${ownership}${columns} FROM \`${target.table}\` t WHERE t.id_random = ?`,
        [...bound, id],
        tx,
      )
    : [];
  if (row?.$id !== id)
    throw new AetherError(
      'DATABASE_CONSTRAINT',
      `${attribute.name}: there is no ${target.name} with id "${id}".`,
      {
        databaseCode: 1452,
        fields: { [attribute.name]: `there is no ${target.name} with this id` },
      },
    );
  mayReferTo(ctx, target, row);
  values[attribute.name] = row.$pk;
  for (const { name } of inherited) through[name] = row[name] ?? null;
  const itself = attribute.any?.also?.[target.table];
  if (itself) through[itself] = row.$pk;
}

function targetOf(attribute: Attribute, known: Values): Entity {
  if (attribute.ref) return entityOf(attribute.ref.type);
  const type = known[attribute.any?.typeAttribute ?? ''];
  const target = targetsOf(attribute).find(({ table }) => table === type);
  if (!target) throw badRequest(`${attribute.name}: ${String(type)} is not a type that this can belong to.`);
  return target;
}

/** The references that are taken from the object that another reference names. */
const inheritedThrough = (entity: Entity, { name }: Attribute): Attribute[] =>
  [...entity.attributes.values()].filter(({ ref }) => ref?.through === name);

const hasColumn = (entity: Entity, column: string): boolean => {
  const attribute = entity.byColumn.get(column);
  return attribute !== undefined && !attribute.sql;
};

/* ---- removing ---- */

/**
 * Hides, disables or deletes an object; deleting takes along what belongs to it, in one transaction.
 * @throws NOT_FOUND, FORBIDDEN, and DATABASE_CONSTRAINT when something that must stay refers to it.
 */
export async function removeObject(
  ctx: Context,
  entity: Entity,
  id: string,
  method: RemoveMethod,
): Promise<void> {
  mayWrite(ctx, entity, method === RemoveMethod.DELETE ? 'remove' : 'update');
  await ctx.services.database.transaction(async (tx) => {
    const row = await lockObject(ctx, entity, id, tx);
    if (method === RemoveMethod.DELETE) return deleteRows(ctx, entity, [row.$pk], tx);
    const mark = method === RemoveMethod.HIDE ? 'hide' : 'enable';
    if (!entity.attributes.has(mark))
      throw badRequest(`${entity.name} cannot be ${mark === 'hide' ? 'hidden' : 'disabled'}.`);
    await writeObject(ctx, entity, row, { [mark]: mark === 'hide' }, tx);
  });
  ctx.services.changed(entity.table);
}

async function deleteRows(ctx: Context, entity: Entity, pks: number[], tx: Transaction): Promise<void> {
  if (pks.length === 0) return;
  for (const { entity: child, attribute } of referencesTo(entity)) {
    const where = childrenWhere(entity, attribute, pks);
    const onRemove = attribute.ref?.onRemove ?? attribute.any?.onRemove ?? 'cascade';
    if (onRemove === 'nullify') {
      await child.type.update(
        { [attribute.name]: null },
        { where, transaction: tx, hooks: false, validate: false },
      );
      continue;
    }
    const children = await keysOf(child, where, tx);
    if (children.length > 0 && onRemove === 'restrict')
      throw new AetherError(
        'DATABASE_CONSTRAINT',
        `This ${entity.name} is in use by ${String(children.length)} ${child.plural}.`,
        {
          databaseCode: 1451,
        },
      );
    await deleteRows(ctx, child, children, tx);
  }
  await entity.type.destroy({ where: { pk: pks }, transaction: tx, hooks: false });
  for (const pk of pks) ctx.services.publicIds.forget(entity.table, pk);
}
