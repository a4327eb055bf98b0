import type { Bindable } from '../database/database';
import type { Kind } from './attributes';
import type { Context } from './context';
import type { Position } from './cursor';
import type { Entity } from './entity';
import { badRequest } from './errors';
import { comparable, mayCompare } from './filter';
import type { OrderStep } from './input-types';

/** One column of an order; a value that is missing comes last either way. */
interface Key {
  sql: string;
  descending: boolean;
  nullable: boolean;
  /** The place of a row in it, and how that is read back. */
  place: string;
  back: (place: string) => string;
}

/** A total order of rows with alias `t`: the caller's, or the usual one, and the key to break ties. */
export interface Order {
  /** Names the order inside its cursors. */
  name: string;
  keys: Key[];
}

const maxSteps = 20;

export function orderOf(
  ctx: Context,
  entity: Entity,
  steps: OrderStep[] | null | undefined,
  t: string,
): Order {
  const wanted = steps?.length ? steps : usualOrder(entity);
  if (wanted.length > maxSteps) throw badRequest(`An order has at most ${String(maxSteps)} steps.`);
  const keys = wanted.flatMap(({ field, direction }): Key[] => {
    const attribute = entity.attributes.get(field);
    if (!attribute) throw badRequest(`${entity.name} has no field "${field}" to sort by.`);
    mayCompare(ctx, entity, attribute);
    if (attribute.kind === 'id') return [];
    const always = attribute.kind === 'bool' && !attribute.nullable;
    return [keyOf(ctx, attribute.kind, comparable(ctx, attribute, t), direction === 'DESC', !always)];
  });
  const byId = wanted.find(({ field }) => field === 'id');
  keys.push(keyOf(ctx, 'id', `${t}.id`, byId?.direction === 'DESC', false));
  return {
    name: [entity.table, ...wanted.map(({ field, direction }) => `${field} ${direction}`)].join(),
    keys,
  };
}

function keyOf({ services }: Context, kind: Kind, sql: string, descending: boolean, nullable: boolean): Key {
  const key = { sql, descending, nullable };
  // MariaDB's integers beyond 2^53 are read rounded, which is no place in an order: their texts are.
  return kind === 'bigint' && services.database.dialect === 'mariadb'
    ? { ...key, place: `CAST(${sql} AS CHAR)`, back: (place) => `CAST(${place} AS DECIMAL(30, 5))` }
    : { ...key, place: sql, back: (place) => place };
}

const usualOrder = ({ attributes }: Entity): OrderStep[] =>
  (
    [
      { field: 'priority', direction: 'DESC' },
      { field: 'sort', direction: 'ASC' },
      { field: 'name', direction: 'ASC' },
    ] satisfies OrderStep[]
  ).filter(({ field }) => attributes.has(field));

/** What to sort by: the values themselves, or what {@link positionColumns} called them in the table `from`. */
export const orderSql = ({ keys }: Order, { reverse = false, from = '' } = {}): string =>
  keys
    .flatMap(({ sql, descending, nullable, back }, index) => {
      const value = from ? back(`${from}.\`$o${String(index)}\``) : sql;
      return [
        ...(nullable ? [`(${value} IS NULL)${reverse ? ' DESC' : ''}`] : []),
        `${value}${descending === reverse ? '' : ' DESC'}`,
      ];
    })
    .join(', ');

/** The columns from which a row's {@link Position} is read. */
export const positionColumns = ({ keys }: Order): string =>
  keys.map(({ place }, index) => `${place} AS \`$o${String(index)}\``).join(', ');

export const positionOf = ({ keys }: Order, row: Record<string, unknown>): Position =>
  keys.map((_, index) => row[`$o${String(index)}`] as Position[number]);

/** The condition on rows that come after a position (before it, when reversed). */
export function beyond(order: Order, position: Position, reverse: boolean, values: Bindable[]): string {
  if (position.length !== order.keys.length)
    throw badRequest('The cursor is not one of this list in this order.');
  return beyondFrom(order.keys, position, reverse, values);
}

function beyondFrom(keys: Key[], position: Position, reverse: boolean, values: Bindable[]): string {
  const [key, ...others] = keys;
  const [value = null, ...rest] = position;
  if (!key) return 'FALSE';
  const { sql, descending, nullable, back } = key;
  if (value === null) {
    const tie = `(${sql} IS NULL AND ${beyondFrom(others, rest, reverse, values)})`;
    return reverse ? `(${sql} IS NOT NULL OR ${tie})` : tie;
  }
  const sign = descending === reverse ? '>' : '<';
  const bound = back('?');
  values.push(value, value);
  const tie = `(${sql} = ${bound} AND ${beyondFrom(others, rest, reverse, values)})`;
  return `(${nullable && !reverse ? `${sql} IS NULL OR ` : ''}${sql} ${sign} ${bound} OR ${tie})`;
}
