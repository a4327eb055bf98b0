import type { Variables } from '../graphql/execute';
import type { Context } from '../kernel/context';
import { findEntity, type Entity } from '../kernel/entity';
import { invalid } from '../kernel/errors';
import { isComparable } from '../kernel/input-types';
import { isPublicId } from '../kernel/public-id';
import { dataText, metaText, warningsOf, type Answer } from './envelope';
import type { Operation } from './documents';
import type { RestRequest } from './request';
import { attributeNamed, filterFrom, wordsFrom } from './values';

/** A list that is asked for, as the arguments of a connection and the page of it that comes first. */
export interface ListCall {
  limit: number;
  offset: number;
  variables: Variables;
}

/**
 * What the query and the body of a list or a search ask for.
 * @throws VALIDATION, DATABASE_SCHEMA for a field that the type does not have
 */
export function listCall(request: RestRequest, { pages }: Operation): ListCall {
  const { entity, ctx, body } = request;
  const limit = request.number('limit', 100, 999_999);
  const offset = request.number('offset', 0, 999_999_999);
  const q = request.text('q');
  const filter = { ...filterFrom(entity, body), ...belonging(request) };
  return {
    limit,
    offset,
    variables: {
      filter: Object.keys(filter).length > 0 ? filter : undefined,
      q: q && wordsFrom(entity, q),
      orderBy: orderFrom(entity, request.text('order_by_li'), ctx),
      enabled: request.choice('enabled', ['enabled', 'not_enabled', 'all'], 'enabled'),
      hidden: request.choice('hidden', ['not_hidden', 'hidden', 'all'], 'not_hidden'),
      // A long list is counted at its end, where its length is known mostly: its first rows leave at once.
      first: limit <= pages.short ? limit : pages.long,
      offset,
      total: limit <= pages.short,
    },
  };
}

/** `for_obj_type` and `for_obj_id`: only what belongs to that object. */
function belonging(request: RestRequest): Variables | undefined {
  const { entity } = request;
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
    const wanted = typeof direction === 'string' ? direction.toUpperCase() : undefined;
    if (wanted !== 'ASC' && wanted !== 'DESC') throw invalid({ order_by_li: `${key}: must be ASC or DESC` });
    return [{ field: attribute.kind === 'id' ? 'ID' : attribute.column.toUpperCase(), direction: wanted }];
  });
}

/** A page of a connection. */
export interface List {
  nodes: Record<string, unknown>[];
  totalCount?: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Answers a list; a long one page by page as it is read, so that memory stays flat. */
export async function listAnswer(
  { ctx, style }: RestRequest,
  { limit, offset, variables }: ListCall,
  read: (variables: Variables) => Promise<List>,
): Promise<Answer> {
  const first = await read({});
  const totalAt = async ({ pageInfo, totalCount }: List, count: number): Promise<number | undefined> => {
    if (totalCount !== undefined) return totalCount;
    const isEnd = !pageInfo.hasNextPage && (count > 0 || offset === 0);
    return isEnd ? offset + count : (await read({ first: 0, offset: undefined, total: true })).totalCount;
  };
  const metaAt = async (page: List, count: number): Promise<Record<string, unknown>> => ({
    ...{ count, total: await totalAt(page, count), limit, offset },
    ...warningsOf(ctx),
  });
  const { nodes } = first;
  if (nodes.length >= limit || !first.pageInfo.hasNextPage)
    return { status: 200, body: dataText(nodes, await metaAt(first, nodes.length), style?.bare) };

  async function* pages(): AsyncGenerator<string> {
    let current = first;
    let { length: count } = first.nodes;
    yield `{"data":[${jsonOf(current.nodes)}`;
    while (current.pageInfo.hasNextPage && count < limit) {
      ctx.forgetRows();
      current = await read({
        first: Math.min(limit - count, Number(variables.first)),
        offset: undefined,
        after: current.pageInfo.endCursor,
        total: false,
      });
      count += current.nodes.length;
      yield `,${jsonOf(current.nodes)}`;
    }
    yield `]${metaText(await metaAt(current, count), style?.bare)}`;
  }
  return { status: 200, body: pages() };
}

const jsonOf = (nodes: unknown[]): string => nodes.map((node) => JSON.stringify(node)).join();
