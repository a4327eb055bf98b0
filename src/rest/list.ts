import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Variables } from '../graphql/execute';
import type { Context } from '../kernel/context';
import { findEntity, type Entity } from '../kernel/entity';
import { invalid } from '../kernel/errors';
import { isComparable, operatorsOf } from '../kernel/input-types';
import { isPublicId } from '../kernel/public-id';
import { metaOf, sendData, warningsOf } from './envelope';
import type { RestRequest } from './request';
import { attributeNamed, searchFrom } from './values';

export interface ListCall {
  limit: number;
  offset: number;
  variables: Variables;
}

/**
 * The arguments of a connection from the query and the body of a list or a search.
 * @throws VALIDATION, DATABASE_SCHEMA for a field that the type does not have
 */
export function listArguments(entity: Entity, request: RestRequest): ListCall {
  const search = searchFrom(entity, request.body, operatorsOf);
  const filters = [search.filter, childrenOf(entity, request)].filter(
    (filter) => filter && Object.keys(filter).length > 0,
  );
  const q = [search.q, request.text('q')].filter(Boolean).join(' ');
  return {
    limit: request.number('limit', 100, 999_999),
    offset: request.number('offset', 0, 999_999_999),
    variables: {
      filter: filters.length > 0 ? { and: filters } : undefined,
      q: q || undefined,
      orderBy: orderFrom(entity, request.text('order_by_li'), request.ctx),
      enabled: request.choice('enabled', ['enabled', 'not_enabled', 'all'], 'enabled'),
      hidden: request.choice('hidden', ['not_hidden', 'hidden', 'all'], 'not_hidden'),
    },
  };
}

/** `for_obj_type` and `for_obj_id`: only what belongs to that object. */
function childrenOf(entity: Entity, request: RestRequest): Record<string, unknown> | undefined {
  const type = request.text('for_obj_type');
  const id = request.text('for_obj_id');
  if (type === undefined && id === undefined) return undefined;
  if (type === undefined || id === undefined)
    throw invalid({ for_obj_id: 'goes together with for_obj_type' });
  if (!isPublicId(id)) throw invalid({ for_obj_id: 'must be an id of 11 to 22 characters' });
  if (type === entity.table) return { id: { eq: id } };
  const attributes = [...entity.attributes.values()];
  const any = attributes.find(
    (attribute) => attribute.any && (attribute.any.types?.includes(type) ?? findEntity(type)),
  );
  const reference = attributes.find(({ ref, any: several }) => ref?.type === type && !several);
  // What belongs to several types belongs to an event as all that lies below it.
  const chosen = reference && (!any || reference.ref?.inverse) ? reference : (any ?? reference);
  if (!chosen) throw invalid({ for_obj_type: `${entity.table} does not belong to ${type}` });
  return { [chosen.name]: { eq: id }, ...(chosen.any && { [chosen.any.typeAttribute]: { eq: type } }) };
}

/** `order_by_li`: the order of its keys is the order of sorting; keys that the type does not have are told in the warnings. */
function orderFrom(entity: Entity, text: string | undefined, ctx: Context) {
  if (text === undefined) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw invalid({ order_by_li: 'must be JSON, as in {"name":"ASC"}' });
  }
  if (given === null || typeof given !== 'object' || Array.isArray(given))
    throw invalid({ order_by_li: 'must be a JSON object' });
  return Object.entries(given).flatMap(([key, direction]) => {
    const attribute = attributeNamed(entity, key);
    if (!attribute || !isComparable(attribute)) {
      ctx.warnings.add(`order_by_li: ${entity.table} has no field "${key}"; it is left out.`);
      return [];
    }
    const wanted = String(direction).toUpperCase();
    if (wanted !== 'ASC' && wanted !== 'DESC') throw invalid({ order_by_li: `${key}: must be ASC or DESC` });
    return [{ field: attribute.kind === 'id' ? 'ID' : attribute.column.toUpperCase(), direction: wanted }];
  });
}

/** Of a long list: small enough that its rows are gone before they are counted as old. */
const pageSize = 250;
/** A list of so many is answered at once. */
const shortList = 1000;

interface List {
  nodes: unknown[];
  totalCount?: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Sends a list; a long one page by page as it is read, so that memory stays flat. */
export async function sendList(
  { ctx }: RestRequest,
  response: ServerResponse,
  { limit, offset, variables }: ListCall,
  read: (variables: Variables) => Promise<Record<string, unknown>>,
): Promise<void> {
  const page = async (more: Variables): Promise<List> => (await read({ ...variables, ...more })).list as List;
  const isShort = limit <= shortList;
  // A long list is counted at its end, where its length is known mostly: its first rows leave at once.
  const first = await page({ first: isShort ? limit : pageSize, offset, total: isShort });
  const totalAt = async ({ pageInfo, totalCount }: List, count: number): Promise<number | undefined> => {
    if (totalCount !== undefined) return totalCount;
    const isEnd = !pageInfo.hasNextPage && (count > 0 || offset === 0);
    return isEnd ? offset + count : (await page({ first: 0, total: true })).totalCount;
  };
  if (isShort || !first.pageInfo.hasNextPage) {
    const { nodes } = first;
    const { length: count } = nodes;
    const total = await totalAt(first, count);
    sendData(response, nodes, { count, total, limit, offset, ...warningsOf(ctx) });
    return;
  }

  async function* text() {
    let current = first;
    let count = current.nodes.length;
    yield `{"data":[${jsonOf(current.nodes)}`;
    while (current.pageInfo.hasNextPage && count < limit) {
      current = await page({
        first: Math.min(limit - count, pageSize),
        after: current.pageInfo.endCursor,
        total: false,
      });
      count += current.nodes.length;
      yield `,${jsonOf(current.nodes)}`;
    }
    const total = await totalAt(current, count);
    yield `],"meta":${JSON.stringify(metaOf(200, { count, total, limit, offset, ...warningsOf(ctx) }))}}`;
  }
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  try {
    // One page ahead of the reader, no more; whoever leaves ends the reading.
    await pipeline(Readable.from(text(), { highWaterMark: 1 }), response);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

const jsonOf = (nodes: unknown[]): string => nodes.map((node) => JSON.stringify(node)).join();

/** Has the reader left before the end? */
const isGone = (error: unknown): boolean =>
  (error as { code?: string }).code === 'ERR_STREAM_PREMATURE_CLOSE';
