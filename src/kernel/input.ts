import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from 'sequelize';
import type { Bindable } from '../database/database';
import type { Attribute } from './attributes';
import type { Context } from './context';
import { entityOf, findEntity, type Entity, type OwnEdits } from './entity';
import { AetherError, badRequest, forbidden, invalid } from './errors';
import { isWritable } from './input-types';
import { isPublicId } from './public-id';
import { targetsOf } from './registry';
import { databaseFromDate } from './scalars';
import { readers } from './stored';
import { editsAsOwner, mayReferTo, maySet, ownershipColumns, type Ownership } from './tenancy';
import { withUnseen } from './unseen';

/** Values of a new or changed object, by attribute name, as the graph's inputs carry them. */
export type Input = Record<string, unknown>;

/** Values by attribute name, as the database keeps them. */
export type Values = Record<string, string | number | boolean | null>;

/**
 * The values of an input, checked and as the database keeps them. References must point inside the caller's account; what lies
 * `through` them is filled in.
 */
export async function checkInput(
  ctx: Context,
  entity: Entity,
  input: Input,
  before: Values,
  tx: Transaction,
): Promise<Values> {
  ctx.services.usage.addFields(ctx, entity, '$pk' in before ? 'update' : 'create', Object.keys(input));
  const values: Values = {};
  const problems: Record<string, string> = {};
  const references: { attribute: Attribute; id: string }[] = [];
  const isChange = '$pk' in before;
  const mine =
    isChange && editsAsOwner(ctx, entity.access) ? await ownerFields(ctx, entity, before, tx) : undefined;
  for (const [name, given] of Object.entries(input)) {
    const attribute = entity.attributes.get(name);
    if (given === undefined || !attribute || !isWritable(attribute)) continue;
    const value = isChange ? withUnseen(ctx, attribute, given, before[name]) : given;
    // What is taken from another reference is not cleared, but found there.
    if (value === undefined || (value === null && attribute.ref?.through)) continue;
    if (!ctx.services.database.keeps(entity.table, attribute.column)) {
      if (value !== null && !isHeld(value, before[name] ?? attribute.default))
        problems[name] = "cannot be kept: this server's database has no column that takes it";
      continue;
    }
    if (!maySet(ctx.viewer, attribute) || mine?.has(name) === false) {
      if (await isUnchanged(ctx, attribute, value, before)) continue;
      throw forbidden(
        mine
          ? `Setting ${name} is not for its owner.`
          : `Setting ${name} needs level ${attribute.write ?? ''}; you are ${ctx.viewer.level}.`,
      );
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
    if (!any) continue;
    const typeName = any.typeAttribute;
    const [type, id] = [values[typeName], input[name]];
    if (type === undefined && id === undefined) continue;
    const hasType = (type === undefined ? before[typeName] : type) != null;
    const hasId = (id === undefined ? before[name] : id) != null;
    const moved = isChange && type !== undefined && type !== before[typeName] && id === undefined;
    if (moved || hasType !== hasId) problems[typeName] ??= `changes only together with ${name}`;
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

/** The attributes that the owner of an object may change: by default, and as settings say. */
async function ownerFields(
  ctx: Context,
  { access, attributes, byColumn }: Entity,
  before: Values,
  tx: Transaction,
): Promise<ReadonlySet<string>> {
  const { defaults, grantable = [], settings } = access.ownEdits as OwnEdits;
  const target = entityOf(attributes.get(settings.through)?.ref?.type ?? '');
  const column = target.attributes.get(settings.attribute)?.column ?? '';
  const [row] = await ctx.services.database.select<{ settings: unknown }>(
    `SELECT t.\`${column}\` AS settings FROM \`${target.table}\` t WHERE t.id = ?`,
    [before[settings.through] ?? null],
    tx,
  );
  const all = readers.json(row?.settings ?? null) as Record<string, unknown> | null | undefined;
  const given = all?.[settings.key];
  const isNamed = (name: string, as: unknown): boolean => byColumn.get(String(as))?.name === name;
  if (Array.isArray(given))
    return new Set([...defaults, ...grantable].filter((name) => given.some((as) => isNamed(name, as))));
  const fields = new Set(defaults);
  for (const [as, allowed] of Object.entries((given ?? {}) as Record<string, unknown>)) {
    const { name = '' } = byColumn.get(as) ?? {};
    if (allowed === false) fields.delete(name);
    else if (allowed === true && grantable.includes(name)) fields.add(name);
  }
  return fields;
}

/** Programs send back what they have read: is this what the object has already? */
async function isUnchanged(
  { services }: Context,
  attribute: Attribute,
  value: unknown,
  before: Values,
): Promise<boolean> {
  const held = before[attribute.name];
  if (typeof held === 'number' && (attribute.ref ?? attribute.any)) {
    const { table } = targetOf(attribute, before);
    return (await services.publicIds.load(table, [held])).get(held) === value;
  }
  if (value instanceof Date || attribute.kind === 'json')
    return isDeepStrictEqual(
      value instanceof Date ? value.toISOString() : value,
      readers[attribute.kind](held ?? null),
    );
  return isHeld(value, held);
}

/** Is this what the object has already, or what a new one has anyway? */
const isHeld = (value: unknown, held: unknown): boolean =>
  typeof value === 'boolean' || value === null ? Boolean(value) === Boolean(held) : value === held;

/** 65 535 bytes is what the database's TEXT holds. */
export const maxText = 65_535;
const maxLongText = 16 * 1024 ** 2;

function problemOf({ kind, max, digits, name }: Attribute, value: unknown): string | undefined {
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
  if (digits && !hasDigits(Number(value), digits))
    return `has more than ${String(digits[0] - digits[1])} digits before the point or ${String(digits[1])} after it`;
  if (kind === 'datetime' && Number.isNaN((value as Date).getTime())) return 'is no moment';
  if (typeof value === 'string' && value.includes('\0')) return `${name} holds a NUL character`;
  return undefined;
}

const hasDigits = (value: number, [all, after]: [number, number]): boolean =>
  Math.abs(value) < 10 ** (all - after) && Number(value.toFixed(after)) === value;

/** MariaDB takes no JSON that nests deeper. */
const maxJsonDepth = 31;

export const nestsDeeper = (value: unknown, depth: number): boolean =>
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
  const { database, publicIds } = ctx.services;
  const [row] = isPublicId(id)
    ? await database.select<Values & Ownership & { $pk: number; $id: string }>(
        `SELECT t.id AS \`$pk\`, t.id_random AS \`$id\`, ${ownership}${columns} FROM \`${target.table}\` t WHERE ${publicIds.among(target.table, 't', [id], bound)}`,
        bound,
        tx,
      )
    : [];
  if (!row || !publicIds.names(target.table, id, row.$id))
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
export const inheritedThrough = (entity: Entity, { name }: Attribute): Attribute[] =>
  [...entity.attributes.values()].filter(({ ref }) => ref?.through === name);

const hasColumn = (entity: Entity, column: string): boolean => {
  const attribute = entity.byColumn.get(column);
  return attribute !== undefined && !attribute.sql;
};
