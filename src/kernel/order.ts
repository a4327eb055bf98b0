import type { Bindable } from '../database/database';
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
    return [{ sql: comparable(ctx, attribute, t), descending: direction === 'DESC', nullable: !always }];
  });
  const byId = wanted.find(({ field }) => field === 'id');
  keys.push({ sql: `${t}.id`, descending: byId?.direction === 'DESC', nullable: false });
  return {
    name: [entity.table, ...wanted.map(({ field, direction }) => `${field} ${direction}`)].join(),
    keys,
  };
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
    .flatMap(({ sql, descending, nullable }, index) => {
      const value = from ? `${from}.\`$o${String(index)}\`` : sql;
      return [
        ...(nullable ? [`(${value} IS NULL)${reverse ? ' DESC' : ''}`] : []),
        `${value}${descending === reverse ? '' : ' DESC'}`,
      ];
    })
    .join(', ');

/** The columns from which a row's {@link Position} is read. */
export const positionColumns = ({ keys }: Order): string =>
  keys.map(({ sql }, index) => `${sql} AS \`$o${String(index)}\``).join(', ');

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
  const { sql, descending, nullable } = key;
  if (value === null) {
    const tie = `(${sql} IS NULL AND ${beyondFrom(others, rest, reverse, values)})`;
    return reverse ? `(${sql} IS NOT NULL OR ${tie})` : tie;
  }
  const sign = descending === reverse ? '>' : '<';
  values.push(value, value);
  const tie = `(${sql} = ? AND ${beyondFrom(others, rest, reverse, values)})`;
  return `(${nullable && !reverse ? `${sql} IS NULL OR ` : ''}${sql} ${sign} ? OR ${tie})`;
}
