import type { Transaction } from 'sequelize';
import type { Bindable } from '../database/database';
import { withBytes } from '../database/database';
import type { Attribute } from './attributes';
import type { Context } from './context';
import { findEntity, type Entity } from './entity';
import { isPublicId } from './public-id';
import type { Plan } from './selection';
import { absent, readers } from './stored';
import type { Flaw } from './warnings';

/** A row as the graph answers it: values by attribute name; internal ones start with `$`. */
export interface Row {
  $pk: number;
  id: string;
  [name: string]: unknown;
}

export interface Select {
  /** Select list after the plan's own. */
  columns?: string;
  /** `WHERE …` and what follows; alias `t`. */
  tail: string;
  values: Bindable[];
  /** Wraps the statement, for windows. */
  within?: (statement: string) => string;
  /** The rows that will be answered; the others stay as their columns have it. */
  shown?: (rows: Row[]) => Row[];
  tx?: Transaction;
}

/** Reads the rows of a plan, and makes of their columns what the graph answers. */
export async function selectRows(ctx: Context, plan: Plan, select: Select): Promise<Row[]> {
  const rows = await selectColumns(ctx, plan, select);
  await finish(ctx, plan, rows, select.shown?.(rows));
  return rows;
}

/** The same, as the columns have it: for rows that may turn out not to be the caller's to see. See {@link finish}. */
export function selectColumns(
  ctx: Context,
  plan: Plan,
  { columns, tail, values, within, tx }: Select,
): Promise<Row[]> {
  const more = columns ? `, ${columns}` : '';
  ctx.services.usage.addFields(ctx, plan.entity, 'read', plan.fields, plan);
  const statement = `SELECT ${plan.columns}${more} FROM \`${plan.entity.table}\` t ${tail}`;
  return ctx.services.database.select<Row>(within ? within(statement) : statement, values, tx);
}

/** Turns columns into values in place: ids, flags, moments, JSON, masks, and public ids of other rows. */
export async function finish(ctx: Context, plan: Plan, answer: Row[], rows = answer): Promise<void> {
  const { entity, masked, refs } = plan;
  for (const row of rows) if (!isPublicId(row.id)) standIn(ctx, entity, row, 'cannot be used');
  if (ctx.services.publicIds.mayShare(entity.table)) await partNamesakes(ctx, entity, rows);
  for (const attribute of plan.values) readValues(ctx, entity, attribute, rows);
  if (withBytes.has(answer)) for (const attribute of plan.texts) readValues(ctx, entity, attribute, rows);
  for (const { name, mask } of masked)
    for (const row of rows) row[name] = row[name] === null ? null : (mask?.(row[name] as never, ctx) ?? null);
  if (refs.length > 0) await nameReferences(ctx, plan, rows);
}

function readValues(ctx: Context, entity: Entity, attribute: Attribute, rows: Row[]): void {
  const { name, kind } = attribute;
  const read = readers[kind];
  const nothing = absent(attribute);
  for (const row of rows) {
    const held = row[name];
    const value = held === null ? nothing : read(held);
    if (value !== held) row[name] = value === undefined ? broken(ctx, entity, attribute, row) : value;
  }
}

/** A value that cannot be read never breaks its object: it is nothing, and a warning names it. */
function broken(ctx: Context, entity: Entity, attribute: Attribute, { id }: Row): false | null {
  const nothing = absent(attribute);
  flaw(ctx, { entity, attribute, id, what: `cannot be read and is answered as ${String(nothing)}.` });
  return nothing;
}

function flaw(ctx: Context, found: Flaw): void {
  ctx.warnings.add(found);
  ctx.services.corrupt(found.entity.table, found.attribute.column);
}

/** The row is answered under an id that stands for it, because its own is no good. */
function standIn(ctx: Context, entity: Entity, row: Row, why: string): void {
  row.id = ctx.services.publicIds.standIn(entity.table, row.$pk);
  const what = `of its own ${why}; this one stands for it until the object is repaired.`;
  flaw(ctx, { entity, attribute: idOf(entity), id: row.id, what });
}

const idOf = ({ attributes }: Entity): Attribute => attributes.get('id') as Attribute;

/** Of rows that share an id the oldest keeps it. */
async function partNamesakes(ctx: Context, entity: Entity, rows: Row[]): Promise<void> {
  const shared = await ctx.services.publicIds.shared(
    entity.table,
    rows.map(({ id }) => id),
  );
  if (shared.size === 0) return;
  const what =
    'is also that of other objects; this is the oldest, and does not change until they are repaired.';
  for (const row of rows) {
    const { id } = row;
    const oldest = shared.get(id);
    if (oldest === row.$pk) flaw(ctx, { entity, attribute: idOf(entity), id, what });
    else if (oldest !== undefined) standIn(ctx, entity, row, 'is that of an older object');
  }
}

/** Public ids of referred rows come from memory; what is not there yet takes one statement a type. */
async function nameReferences(ctx: Context, { entity, refs }: Plan, rows: Row[]): Promise<void> {
  const { publicIds } = ctx.services;
  const unknown: { row: Row; attribute: Attribute; type: string; pk: number }[] = [];
  for (const attribute of refs) {
    const { name, ref, any } = attribute;
    const [key, typeKey] = [`$${name}`, `$${any?.typeAttribute ?? ''}`];
    for (const row of rows) {
      const pk = row[key] as number | null;
      // In old tables 0 refers to nothing.
      if (!pk) {
        row[name] = null;
        continue;
      }
      const type = ref?.type ?? String(row[typeKey]);
      if (readers.ref(pk) === undefined || (any && !findEntity(type))) {
        row[key] = null;
        row[name] = broken(ctx, entity, attribute, row);
        continue;
      }
      const id = publicIds.known(type, pk);
      row[name] = id ?? null;
      if (id === undefined) unknown.push({ row, attribute, type, pk });
    }
  }
  if (unknown.length === 0) return;
  const wanted = new Map<string, number[]>();
  for (const { type, pk } of unknown) {
    const pks = wanted.get(type);
    if (pks) pks.push(pk);
    else wanted.set(type, [pk]);
  }
  const found = new Map(
    await Promise.all(
      [...wanted].map(async ([type, pks]) => [type, await publicIds.load(type, pks)] as const),
    ),
  );
  for (const { row, attribute, type, pk } of unknown) {
    const id = found.get(type)?.get(pk);
    if (id !== undefined) row[attribute.name] = id;
    else flaw(ctx, { entity, attribute, id: row.id, what: 'refers to nothing and is answered as null.' });
  }
}
