import type { Transaction } from 'sequelize';
import type { Bindable } from '../database/database';
import type { Attribute } from './attributes';
import type { Context } from './context';
import { isoFromDatabase } from './scalars';
import type { Plan } from './selection';

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
  tx?: Transaction;
}

/** Reads the rows of a plan, and makes of their columns what the graph answers. */
export const selectRows = async (ctx: Context, plan: Plan, select: Select): Promise<Row[]> =>
  finish(ctx, plan, await selectColumns(ctx, plan, select));

/** The same, as the columns have it: see {@link finish}. */
export function selectColumns(
  ctx: Context,
  plan: Plan,
  { columns, tail, values, within, tx }: Select,
): Promise<Row[]> {
  const more = columns ? `, ${columns}` : '';
  const statement = `SELECT ${plan.columns}${more} FROM \`${plan.entity.table}\` t ${tail}`;
  return ctx.services.database.select<Row>(within ? within(statement) : statement, values, tx);
}

/** Turns columns into values in place: flags, moments, JSON, masks, and public ids. */
export async function finish(ctx: Context, plan: Plan, rows: Row[]): Promise<Row[]> {
  const { converted, masked, refs } = plan;
  for (const attribute of converted) {
    const { name } = attribute;
    for (const row of rows) row[name] = convert(ctx, plan, attribute, row[name], row.id);
  }
  for (const { name, mask } of masked)
    for (const row of rows) row[name] = row[name] === null ? null : (mask?.(row[name] as never, ctx) ?? null);
  if (refs.length > 0) await nameReferences(ctx, refs, rows);
  return rows;
}

function convert(ctx: Context, plan: Plan, attribute: Attribute, value: unknown, id: string): unknown {
  if (value === null) return attribute.kind === 'bool' && !attribute.nullable ? false : null;
  switch (attribute.kind) {
    case 'bool':
      return Number(value) !== 0;
    case 'datetime': {
      const iso = isoFromDatabase(String(value));
      return iso ?? broken(ctx, plan, attribute, id);
    }
    default:
      try {
        return JSON.parse(String(value)) as unknown;
      } catch {
        return broken(ctx, plan, attribute, id);
      }
  }
}

/** A value that cannot be read never breaks its object: it is null, and a warning names it. */
function broken(ctx: Context, { entity }: Plan, { name }: Attribute, id: string): null {
  ctx.warnings.add(`${entity.name} ${id}: ${name} cannot be read and is answered as null.`);
  return null;
}

/** Public ids of referred rows come from memory; what is not there yet takes one statement a type. */
async function nameReferences(ctx: Context, refs: Attribute[], rows: Row[]): Promise<void> {
  const { publicIds } = ctx.services;
  const missing = new Map<string, Set<number>>();
  const fill = (final: boolean): void => {
    for (const { name, ref, any } of refs)
      for (const row of rows) {
        const pk = row[`$${name}`] as number | null;
        // In old tables 0 refers to nothing.
        if (!pk) {
          row[name] = null;
          continue;
        }
        const type = ref?.type ?? String(row[`$${any?.typeAttribute ?? ''}`]);
        const id = publicIds.known(type, pk);
        row[name] = id ?? null;
        if (id !== undefined || final) continue;
        const pks = missing.get(type);
        if (pks) pks.add(pk);
        else missing.set(type, new Set([pk]));
      }
  };
  fill(false);
  if (missing.size === 0) return;
  await Promise.all([...missing].map(([type, pks]) => publicIds.load(type, pks)));
  fill(true);
}
