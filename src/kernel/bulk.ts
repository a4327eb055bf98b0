import type { Bindable } from '../database/database';
import type { Context } from './context';
import { AetherError, badRequest, type ErrorCode } from './errors';
import { conditionsOf } from './filter';
import type { Input } from './input';
import { finish, selectColumns, type Row } from './rows';
import type { Plan } from './selection';
import { mayList, mayRead, owned, ownershipColumns, scope, type Ownership } from './tenancy';
import { write, type UnitOfWork, type Verb } from './unit-of-work';
import { lockRows, type Locked } from './write';

/*
 * Many writes of one type in one transaction: all of them, or none. Every one is what the operation on a single object does.
 */

export const maxInputs = 500;
export const maxAffected = 1000;

/** Why one of many writes failed; `index` is its place among the inputs, `id` the object that it was about. */
export interface BulkError {
  index?: number;
  id?: string;
  code: ErrorCode;
  message: string;
  fields?: Record<string, string>;
}

/** How many objects of a type changed in one way. */
export interface Affected {
  type: string;
  action: Verb;
  count: number;
}

/** What came of many writes: nothing but errors when there are any. */
export interface BulkResult {
  nodes: Row[];
  count: number;
  affected: Affected[];
  errors: BulkError[];
}

/**
 * Makes an object of each input. In a dry run there are no nodes: nothing that is left has their ids.
 * @throws LIMIT_EXCEEDED
 */
export function createObjects(
  ctx: Context,
  plan: Plan,
  { inputs, dryRun }: { inputs: readonly Input[]; dryRun: boolean },
  create: (unit: UnitOfWork, input: Input) => Promise<unknown>,
): Promise<BulkResult> {
  if (inputs.length > maxInputs)
    throw limitExceeded(`At most ${String(maxInputs)} ${plan.entity.plural} are made at once.`);
  return inBulk(ctx, plan, dryRun, async (unit) => {
    const errors: BulkError[] = [];
    for (const [index, input] of inputs.entries()) {
      const error = await unit.attempt(() => create(unit, input));
      if (error) errors.push({ index, ...told(error) });
    }
    const made = unit.changes().filter(({ entity, verb }) => entity === plan.entity && verb === 'created');
    return { errors, count: inputs.length, nodes: dryRun ? [] : await select(unit, plan, keys(made)) };
  });
}

export interface BulkChange {
  filter: Input;
  maxAffected: number;
  dryRun: boolean;
  /** The objects will be gone: they are answered as they were. */
  gone?: boolean;
}

/**
 * Changes every object that a filter finds, each locked and asked whose it is.
 * @throws BAD_REQUEST, and LIMIT_EXCEEDED when more are found than may be affected.
 */
export function changeObjects(
  ctx: Context,
  plan: Plan,
  { filter, maxAffected: most, dryRun, gone = false }: BulkChange,
  change: (unit: UnitOfWork, row: Locked) => Promise<unknown>,
): Promise<BulkResult> {
  const { entity } = plan;
  mayList(ctx, entity);
  if (most < 1 || most > maxAffected) throw badRequest(`maxAffected goes from 1 to ${String(maxAffected)}.`);
  const empty = emptyPart(filter, 'filter');
  if (empty)
    throw badRequest(
      `${empty} holds no condition, and would let everything pass. What finds all ${entity.plural} is { id: { isNotNull: true } }.`,
    );
  return inBulk(ctx, plan, dryRun, async (unit) => {
    const rows = await lockMatching(unit, plan, filter, most);
    const pks = rows.map(({ $pk }) => $pk);
    const before = gone ? await select(unit, plan, pks) : undefined;
    const errors: BulkError[] = [];
    for (const row of rows) {
      // One of them may have taken this one along.
      if (gone && unit.hasRemoved(entity, row.$pk)) continue;
      const error = await unit.attempt(async () => {
        await change(unit, owned(ctx, entity, row, { toWrite: true }));
      });
      if (error) errors.push({ id: row.id, ...told(error) });
    }
    return { errors, count: rows.length, nodes: before ?? (await select(unit, plan, pks)) };
  });
}

async function inBulk(
  ctx: Context,
  plan: Plan,
  dryRun: boolean,
  work: (unit: UnitOfWork) => Promise<Omit<BulkResult, 'affected'>>,
): Promise<BulkResult> {
  const { errors, nodes, ...rest } = await write(
    ctx,
    async (unit) => ({ ...(await work(unit)), affected: affectedBy(unit) }),
    (result) => !dryRun && result.errors.length === 0,
  );
  if (errors.length > 0) return { nodes: [], count: 0, affected: [], errors };
  await finish(ctx, plan, nodes);
  return { ...rest, errors, nodes };
}

const keys = (rows: readonly { pk: number }[]): number[] => rows.map(({ pk }) => pk);

const told = ({ code, message, details }: AetherError): Omit<BulkError, 'index' | 'id'> => ({
  code,
  message,
  ...(details.fields && { fields: details.fields }),
});

const limitExceeded = (message: string): AetherError => new AetherError('LIMIT_EXCEEDED', message);

function affectedBy(unit: UnitOfWork): Affected[] {
  const counts = new Map<string, Affected>();
  for (const { entity, verb } of unit.changes()) {
    const key = `${entity.table} ${verb}`;
    const known = counts.get(key);
    if (known) known.count += 1;
    else counts.set(key, { type: entity.table, action: verb, count: 1 });
  }
  return [...counts.values()];
}

/** The rows as the transaction has them, asked whether the caller may see them. */
async function select(unit: UnitOfWork, plan: Plan, pks: number[]): Promise<Row[]> {
  const { ctx, tx } = unit;
  mayRead(ctx, plan.entity);
  if (pks.length === 0) return [];
  await unit.settle();
  const values: Bindable[] = [];
  const columns = ownershipColumns(ctx, plan.entity, 't', values);
  const tail = `WHERE t.id IN (${pks.map(() => '?').join()}) ORDER BY t.id`;
  const rows = await selectColumns(ctx, plan, { columns, tail, values: [...values, ...pks], tx });
  for (const row of rows) owned(ctx, plan.entity, row as Row & Ownership);
  return rows;
}

/** Finds first and locks then: a search that locks would lock whatever it looks at. */
async function lockMatching(
  unit: UnitOfWork,
  { entity }: Plan,
  filter: Input,
  most: number,
): Promise<Locked[]> {
  const { ctx, tx } = unit;
  const { database } = ctx.services;
  const values: Bindable[] = [];
  const where = [scope(ctx, entity, 't', values), ...conditionsOf(ctx, entity, { filter }, 't', values)].join(
    ' AND ',
  );
  const found = await database.select<{ pk: number }>(
    `SELECT t.id AS pk FROM \`${entity.table}\` t WHERE ${where} LIMIT ?`,
    [...values, most + 1],
    tx,
  );
  if (found.length > most) {
    const [all] = await database.select<{ n: number }>(
      `SELECT COUNT(*) AS n FROM \`${entity.table}\` t WHERE ${where}`,
      values,
      tx,
    );
    throw limitExceeded(
      `The filter finds ${String(all?.n)} ${entity.plural}, and maxAffected is ${String(most)}: nothing was changed.`,
    );
  }
  if (found.length === 0) return [];
  const condition = `t.id IN (${found.map(() => '?').join()}) AND ${where}`;
  return lockRows(unit, entity, condition, [...keys(found), ...values]);
}

/**
 * The first part of a filter that holds no condition, and so lets everything pass: in a list that does no harm, but here a
 * variable that its caller has left out would change or remove all there is.
 */
function emptyPart(part: unknown, key: string, path = key): string | undefined {
  if (part === null) return key === 'eq' || key === 'ne' ? undefined : path;
  if (Array.isArray(part) && key !== 'and' && key !== 'or')
    return part.length === 0 && key !== 'in' ? path : undefined;
  if (typeof part !== 'object' || part instanceof Date) return undefined;
  const inner = Object.entries(part).filter(([, value]) => value !== undefined);
  if (inner.length === 0) return path;
  return inner.map(([name, value]) => emptyPart(value, name, `${path}.${name}`)).find(Boolean);
}
