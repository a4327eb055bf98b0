import DataLoader from 'dataloader';
import type { Transaction } from 'sequelize';
import type { Bindable } from '../database/database';
import type { Attribute } from './attributes';
import type { Context } from './context';
import type { Position } from './cursor';
import { findEntity, type Entity } from './entity';
import { badRequest, notFound } from './errors';
import { childCondition, conditionsOf } from './filter';
import type { ListArgs } from './input-types';
import { beyond, orderOf, orderSql, positionColumns, positionOf, type Order } from './order';
import { isPublicId } from './public-id';
import { finish, selectColumns, selectRows, type Row } from './rows';
import type { ConnectionSelection, Plan } from './selection';
import { mayRead, owned, ownershipColumns, scope, searchLimit, type Ownership } from './tenancy';

const maxPage = 1000;
export const defaultPage = 100;
const maxOffset = 25_000;

/** Above so many columns it pays to sort keys alone, and to fetch only the rows of the page: half the time for forty columns. */
const wide = 16;

/**
 * One object by its public id.
 * @throws NOT_FOUND when there is none, FORBIDDEN when it is not the caller's to see.
 */
export async function readOne(ctx: Context, plan: Plan, id: string, tx?: Transaction): Promise<Row> {
  const { entity } = plan;
  const { publicIds } = ctx.services;
  mayRead(ctx, entity);
  if (!isPublicId(id)) throw notFound(entity.name, id);
  const values: Bindable[] = [];
  const columns = ownershipColumns(ctx, entity, 't', values);
  const tail = `WHERE ${publicIds.among(entity.table, 't', [id], values)}`;
  const rows = await selectColumns(ctx, plan, { columns, tail, values, tx });
  const [row] = rows;
  if (!row || !publicIds.names(entity.table, id, row.id)) throw notFound(entity.name, id);
  owned(ctx, entity, row as Row & Ownership);
  await finish(ctx, plan, rows);
  return row;
}

/** The object that a reference points to; null when it is not the caller's to see. Batched per request. */
export function readReference(ctx: Context, plan: Plan, pk: number): Promise<Row | null> {
  const loader = ctx.loader(
    `one ${plan.key}`,
    () =>
      new DataLoader<number, Row | null>(async (pks) => {
        const values: Bindable[] = [...pks];
        const tail = `WHERE t.id IN (${pks.map(() => '?').join()}) AND ${scope(ctx, plan.entity, 't', values)}`;
        const rows = new Map((await selectRows(ctx, plan, { tail, values })).map((row) => [row.$pk, row]));
        return pks.map((key) => rows.get(key) ?? null);
      }),
  );
  return loader.load(pk);
}

/** The same for a reference to one of several types. */
export async function readAnyReference(
  ctx: Context,
  planFor: (entity: Entity) => Plan,
  type: string,
  pk: number,
): Promise<Row | null> {
  const entity = findEntity(type);
  if (!entity) return null;
  const row = await readReference(ctx, planFor(entity), pk);
  return row && Object.assign(row, { __typename: entity.name });
}

/* ---- connections ---- */

interface Window {
  size: number;
  reverse: boolean;
  offset: number;
  cursor?: string;
}

/** Checks what a caller said of the page. */
function windowOf({ first, after, last, before, offset }: Partial<ListArgs>): Window {
  const reverse = last != null || (first == null && before != null);
  if (first != null && last != null) throw badRequest('Give first or last, not both.');
  if (reverse && (after != null || offset)) throw badRequest('last and before take no after and no offset.');
  if (!reverse && before != null) throw badRequest('before goes with last, not with first.');
  const size = (reverse ? last : first) ?? defaultPage;
  if (size < 0 || size > maxPage)
    throw badRequest(`A page holds 0 to ${String(maxPage)} objects; ask for further pages with cursors.`);
  if (offset != null && (offset < 0 || offset > maxOffset))
    throw badRequest(`offset goes from 0 to ${String(maxOffset)}; cursors go further.`);
  return { size, reverse, offset: offset ?? 0, cursor: (reverse ? before : after) ?? undefined };
}

/** One page of a connection, as the graph answers it. */
export class Page {
  constructor(
    readonly nodes: Row[],
    private readonly more: { before: boolean; after: boolean },
    private readonly cursorOf: (row: Row) => string,
    /** Counts what the page is a part of; known without a statement when the page is all there is. */
    readonly total: () => number | Promise<number>,
  ) {}

  get edges(): { node: Row; cursor: string }[] {
    return this.nodes.map((node) => new Edge(node, this.cursorOf));
  }

  get pageInfo() {
    const { nodes, more, cursorOf } = this;
    const [start] = nodes;
    const end = nodes.at(-1);
    return {
      hasNextPage: more.after,
      hasPreviousPage: more.before,
      get startCursor() {
        return start ? cursorOf(start) : null;
      },
      get endCursor() {
        return end ? cursorOf(end) : null;
      },
    };
  }
}

class Edge {
  constructor(
    readonly node: Row,
    private readonly cursorOf: (row: Row) => string,
  ) {}

  get cursor(): string {
    return this.cursorOf(this.node);
  }
}

/** What all pages of one connection field share. */
class Connection {
  readonly order: Order;
  readonly window: Window;
  /** Where the page starts, as its cursor says. */
  readonly position: Position | undefined;
  /** So many are all that the caller gets of it. */
  private readonly most: number | undefined;

  constructor(
    readonly ctx: Context,
    readonly entity: Entity,
    readonly args: Partial<ListArgs>,
    readonly selection: ConnectionSelection,
  ) {
    this.window = windowOf(args);
    const { size, reverse, offset, cursor: place } = this.window;
    const isPage = reverse || offset > 0 || place !== undefined;
    this.most = searchLimit(ctx, entity, { ...args, isPage });
    if (this.most !== undefined) this.window.size = Math.min(size, this.most);
    this.order = orderOf(ctx, entity, args.orderBy, 't');
    const { cursor } = this.window;
    if (cursor !== undefined) this.position = ctx.services.cursors.decode(this.order.name, cursor);
  }

  /** Conditions on the rows, without the place of the page; undefined when there can be none. */
  conditions(values: Bindable[]): string[] | undefined {
    const visible = scope(this.ctx, this.entity, 't', values);
    if (visible === 'FALSE') return undefined;
    return [visible, ...conditionsOf(this.ctx, this.entity, this.args, 't', values)];
  }

  /** The condition that starts the page behind its cursor. */
  start(values: Bindable[]): string[] {
    return this.position ? [beyond(this.order, this.position, this.window.reverse, values)] : [];
  }

  get columns(): string | undefined {
    return this.selection.cursors ? positionColumns(this.order) : undefined;
  }

  /** Makes the page of rows that were read: one more than fits, which is not shown, tells whether there is more. */
  page(rows: Row[], count: () => number | Promise<number>): Page {
    const { size, reverse, offset, cursor } = this.window;
    const { most } = this;
    const isPart = rows.length > size;
    const more = isPart && most === undefined;
    if (isPart && size === most)
      this.ctx.warnings.add(`There is more than the ${String(size)} that a search answers you.`);
    const nodes = rows.slice(0, size);
    if (reverse) nodes.reverse();
    const whole = !isPart && cursor === undefined && (offset === 0 || rows.length > 0);
    return new Page(
      nodes,
      reverse
        ? { before: more, after: cursor !== undefined }
        : { before: cursor !== undefined || offset > 0, after: more },
      (row) => this.ctx.services.cursors.encode(this.order.name, positionOf(this.order, row)),
      whole
        ? () => offset + nodes.length
        : most === undefined
          ? count
          : async () => Math.min(await count(), most),
    );
  }
}

/** A page of all objects of the type that the caller may see. */
export async function readConnection(
  ctx: Context,
  entity: Entity,
  args: Partial<ListArgs>,
  selection: ConnectionSelection,
): Promise<Page> {
  const connection = new Connection(ctx, entity, args, selection);
  const rows = await selectPage(connection, entity.table, (values) => connection.conditions(values));
  return connection.page(rows, async () => {
    const values: Bindable[] = [];
    const where = connection.conditions(values);
    if (!where) return 0;
    const [row] = await ctx.services.database.select<{ n: number }>(
      `SELECT COUNT(*) AS n FROM \`${entity.table}\` t WHERE ${where.join(' AND ')}`,
      values,
    );
    return row?.n ?? 0;
  });
}

/**
 * Keys of the rows behind a page, in their order. A program that reads a list to its end in one request asks for page after page;
 * if each were sorted anew, a long list would take the square of its length.
 */
interface Walk {
  /** Key of the last row that was read. */
  after: number;
  keys: number[];
}

/** So many keys are sorted at once. */
const keysAtOnce = 20_000;
/** Smaller pages are those of people, who seldom read to the end. */
const walked = 250;

type Conditions = (values: Bindable[]) => string[] | undefined;

/** The rows of one page of one list, and one more when there is one. */
async function selectPage(connection: Connection, list: string, conditions: Conditions): Promise<Row[]> {
  const { ctx, args, window, position } = connection;
  const { size, reverse } = window;
  if (size < walked || reverse) return selectSorted(connection, conditions);
  const walk = ctx.once(`walk ${list} ${JSON.stringify({ ...args, after: undefined })}`, (): Walk => ({
    after: 0,
    keys: [],
  }));
  let rows: Row[] | undefined;
  if (position && position.at(-1) === walk.after) {
    if (walk.keys.length <= size) walk.keys = await selectKeys(connection, conditions, keysAtOnce);
    rows = await selectByKeys(connection, walk.keys.slice(0, size + 1));
  }
  walk.keys = rows ? walk.keys.slice(size) : [];
  rows ??= await selectSorted(connection, conditions);
  walk.after = rows[size - 1]?.$pk ?? 0;
  return rows;
}

async function selectSorted(connection: Connection, conditions: Conditions): Promise<Row[]> {
  const { ctx, entity, order, selection, window, columns } = connection;
  const { size, reverse, offset } = window;
  const values: Bindable[] = [];
  const where = conditions(values);
  if (!where) return [];
  const tail = `WHERE ${[...where, ...connection.start(values)].join(' AND ')} ORDER BY ${orderSql(order, { reverse })} LIMIT ? OFFSET ?`;
  values.push(size + 1, offset);
  const shown = (read: Row[]): Row[] => read.slice(0, size);
  if (selection.plan.width <= wide) return selectRows(ctx, selection.plan, { columns, tail, values, shown });
  // What is sorted by comes from the keys' side: sorting the joined rows would put all their texts into a table on disk.
  const keys = `SELECT t.id, ${positionColumns(order)} FROM \`${entity.table}\` t ${tail}`;
  return selectRows(ctx, selection.plan, {
    columns: columns && order.keys.map((_, index) => `k.\`$o${String(index)}\``).join(', '),
    tail: `JOIN (${keys}) k ON k.id = t.id ORDER BY ${orderSql(order, { reverse, from: 'k' })}`,
    values,
    shown,
  });
}

async function selectKeys(connection: Connection, conditions: Conditions, limit: number): Promise<number[]> {
  const { ctx, entity, order } = connection;
  const values: Bindable[] = [];
  const where = conditions(values);
  if (!where) return [];
  const rows = await ctx.services.database.select<{ pk: number }>(
    `SELECT t.id AS pk FROM \`${entity.table}\` t WHERE ${[...where, ...connection.start(values)].join(' AND ')} ORDER BY ${orderSql(order)} LIMIT ?`,
    [...values, limit],
  );
  return rows.map(({ pk }) => pk);
}

/** Rows in the order of their keys; undefined when one of them is not there any more. */
async function selectByKeys(
  { ctx, entity, selection, columns, window }: Connection,
  keys: number[],
): Promise<Row[] | undefined> {
  const values: Bindable[] = [...keys];
  const tail = `WHERE t.id IN (${keys.map(() => '?').join() || 'NULL'}) AND ${scope(ctx, entity, 't', values)}`;
  const more = keys[window.size];
  const shown = (read: Row[]): Row[] => read.filter(({ $pk }) => $pk !== more);
  const rows = await selectRows(ctx, selection.plan, { columns, tail, values, shown });
  const byKey = new Map(rows.map((row) => [row.$pk, row]));
  const ordered = keys.flatMap((key) => byKey.get(key) ?? []);
  return ordered.length === keys.length ? ordered : undefined;
}

/** A page of the children of one parent; pages of several parents take one statement. */
export function readChildren(
  ctx: Context,
  { child, attribute, parent }: { child: Entity; attribute: Attribute; parent: Entity },
  parentPk: number,
  args: Partial<ListArgs>,
  selection: ConnectionSelection,
): Promise<Page> {
  const name = `${parent.table} ${attribute.name} ${JSON.stringify(args)} ${selection.plan.key}`;
  const loader = ctx.loader(`many ${name} ${String(selection.cursors)}`, () => {
    const connection = new Connection(ctx, child, args, selection);
    const counts = new DataLoader<number, number>((pks) => countChildren(connection, attribute, parent, pks));
    return new DataLoader<number, Page>(async (pks) => {
      const rows = await selectChildren(connection, attribute, parent, pks);
      return pks.map((pk) => connection.page(rows.get(pk) ?? [], () => counts.load(pk)));
    });
  });
  return loader.load(parentPk);
}

const isOneOf = (pks: readonly number[], values: Bindable[]): string => {
  values.push(...pks);
  return pks.length === 1 ? '= ?' : `IN (${pks.map(() => '?').join()})`;
};

/** The rows of several parents at once: the first of each by a window over its children. */
async function selectChildren(
  connection: Connection,
  attribute: Attribute,
  parent: Entity,
  pks: readonly number[],
): Promise<Map<number, Row[]>> {
  const { ctx, entity, order, window, selection } = connection;
  const column = `t.\`${attribute.column}\``;
  const conditions: Conditions = (bound) => {
    const join = childCondition(entity, attribute, parent, 't', isOneOf(pks, bound));
    const rest = connection.conditions(bound);
    return rest && [join, ...rest];
  };
  const [pk] = pks;
  if (pk !== undefined && pks.length === 1) {
    const list = `${parent.table} ${String(pk)} ${attribute.name} ${entity.table}`;
    return new Map([[pk, await selectPage(connection, list, conditions)]]);
  }
  const values: Bindable[] = [];
  const where = conditions(values);
  if (!where) return new Map();
  const by = orderSql(order, window);
  const columns = [`${column} AS \`$parent\``, connection.columns].filter(Boolean).join(', ');
  const numbered = `ROW_NUMBER() OVER (PARTITION BY ${column} ORDER BY ${by}) AS \`$n\``;
  const tail = `WHERE ${[...where, ...connection.start(values)].join(' AND ')}`;
  values.push(window.offset, window.offset + window.size + 1);
  const rows = await selectRows(ctx, selection.plan, {
    columns: `${columns}, ${numbered}`,
    tail,
    values,
    within: (inner) => `SELECT * FROM (${inner}) w WHERE w.\`$n\` > ? AND w.\`$n\` <= ? ORDER BY w.\`$n\``,
    shown: (read) => read.filter(({ $n }) => ($n as number) <= window.offset + window.size),
  });
  const byParent = new Map<number, Row[]>();
  for (const row of rows) {
    const siblings = byParent.get(row.$parent as number);
    if (siblings) siblings.push(row);
    else byParent.set(row.$parent as number, [row]);
  }
  return byParent;
}

async function countChildren(
  connection: Connection,
  attribute: Attribute,
  parent: Entity,
  pks: readonly number[],
): Promise<number[]> {
  const { ctx, entity } = connection;
  const values: Bindable[] = [];
  const join = childCondition(entity, attribute, parent, 't', isOneOf(pks, values));
  const conditions = connection.conditions(values);
  if (!conditions) return pks.map(() => 0);
  const where = [join, ...conditions].join(' AND ');
  const rows = await ctx.services.database.select<{ pk: number; n: number }>(
    `SELECT t.\`${attribute.column}\` AS pk, COUNT(*) AS n FROM \`${entity.table}\` t WHERE ${where} GROUP BY 1`,
    values,
  );
  const counts = new Map(rows.map(({ pk, n }) => [pk, n]));
  return pks.map((pk) => counts.get(pk) ?? 0);
}

/** Objects by id for `nodes`: null for what is unknown or not the caller's to see. */
export async function readNode(ctx: Context, plan: Plan, id: string): Promise<Row | null> {
  const pk = isPublicId(id) ? await ctx.services.publicIds.find(plan.entity.table, id) : undefined;
  if (pk === undefined) return null;
  const row = await readReference(ctx, plan, pk);
  return row && Object.assign(row, { __typename: plan.entity.name });
}
