import { once } from 'node:events';
import { json, Router, type Request, type Response } from 'express';
import type { DocumentNode, ExecutionResult } from 'graphql';
import type { Executor, Variables } from '../graphql/execute';
import type { Context } from '../kernel/context';
import { findEntity, type Entity } from '../kernel/entity';
import { AetherError, forbidden, invalid, unprocessable } from '../kernel/errors';
import { isComparable, isRequired, isWritable, operatorsOf } from '../kernel/input-types';
import { isPublicId } from '../kernel/public-id';
import { toManys, type ToMany } from '../kernel/registry';
import type { Documents } from './documents';
import { errorFrom, metaOf, sendData } from './envelope';
import { attributeNamed, inputFrom, searchFrom } from './values';

/** One REST call as a GraphQL operation. */
interface Call {
  document: DocumentNode;
  variables: Variables;
}

type Handler = (request: Request, response: Response) => Promise<void>;

export interface CrudOptions {
  executor: Executor;
  documents: Documents;
  bodyMaxBytes: number;
  /** Searches that are answered by an operation of their own, before there is an account: by type. */
  searches: Record<string, (body: unknown, run: Run) => Promise<unknown[] | undefined>>;
}

export type Run = (document: DocumentNode, variables: Variables) => Promise<Record<string, unknown>>;

/** `/v3/crud`: each call becomes one prepared operation of the graph, and its result the envelope. */
export function crudRouter({ executor, documents, bodyMaxBytes, searches }: CrudOptions): Router {
  const router = Router();
  const readBody = json({
    limit: bodyMaxBytes,
    strict: false,
    type: ['application/json', 'application/*+json'],
  });
  router.use((request, response, next) => {
    if (request.method === 'GET') next();
    else readBody(request, response, next);
  });

  const runner =
    (response: Response): Run =>
    async (document, variables) => {
      const result: ExecutionResult = await executor.run(document, variables, contextOf(response));
      const [error] = result.errors ?? [];
      if (error) throw errorFrom(error);
      return result.data as Record<string, unknown>;
    };

  const route = (
    path: string,
    handlers: Partial<Record<'get' | 'post' | 'patch' | 'delete', Handler>>,
  ): void => {
    const allowed = Object.keys(handlers).flatMap((verb) =>
      verb === 'get' ? ['GET', 'HEAD'] : [verb.toUpperCase()],
    );
    const target = router.route(path);
    for (const [verb, handler] of Object.entries(handlers)) target[verb as 'get'](handler);
    target.options(
      (_request, response) => void response.set('Allow', [...allowed, 'OPTIONS'].join(', ')).sendStatus(204),
    );
    target.all((_request, response) => {
      response.set('Allow', [...allowed, 'OPTIONS'].join(', '));
      throw new AetherError('METHOD_NOT_ALLOWED', `Allowed here: ${allowed.join(', ')}.`);
    });
  };

  const list =
    (search: boolean): Handler =>
    async (request, response) => {
      const entity = entityAt(request);
      const special = search ? await searches[entity.table]?.(bodyOf(request), runner(response)) : undefined;
      if (special) {
        sendData(response, special, {
          count: special.length,
          total: special.length,
          limit: special.length,
          offset: 0,
        });
        return;
      }
      const args = listArguments(entity, request, search ? bodyOf(request) : undefined, contextOf(response));
      await sendList(response, args, (variables) => runner(response)(documents.list(entity), variables));
    };

  const children =
    (search: boolean): Handler =>
    async (request, response) => {
      const relation = relationAt(request);
      const parent = idAt(request, 'parentId');
      const args = listArguments(
        relation.child,
        request,
        search ? bodyOf(request) : undefined,
        contextOf(response),
      );
      await sendList(response, args, async (variables) => {
        const data = await runner(response)(documents.children(relation), { ...variables, parent });
        return data.parent as Record<string, unknown>;
      });
    };

  const create = async (
    response: Response,
    entity: Entity,
    input: Record<string, unknown>,
    returnObject: boolean,
  ) => {
    requireAll(entity, input);
    const data = await inColumns(entity, runner(response)(documents.create(entity), { input }));
    sendRecord(response, (data.payload as { data: Record<string, unknown> }).data, returnObject);
  };

  const one = async (request: Request, response: Response, { document, variables }: Call): Promise<void> => {
    const data = await runner(response)(document, variables);
    const record = 'payload' in data ? (data.payload as { data: unknown }).data : data.data;
    sendRecord(response, record as Record<string, unknown>, returnsObject(request));
  };

  const update = (request: Request, response: Response, entity: Entity): Promise<void> => {
    const input = inputFrom(entity, bodyOf(request), permissive(request));
    const call = { document: documents.update(entity), variables: { id: idAt(request, 'id'), input } };
    return inColumns(entity, one(request, response, call));
  };

  const remove = (request: Request, response: Response, entity: Entity): Promise<void> =>
    one(request, response, {
      document: documents.remove(entity),
      variables: { id: idAt(request, 'id'), method: methodOf(request) },
    });

  /** The record at a nested path, after asking whether it belongs to that parent. */
  const child = async (request: Request, response: Response): Promise<Record<string, unknown>> => {
    const relation = relationAt(request);
    const id = idAt(request, 'id');
    const data = await runner(response)(documents.children(relation), {
      parent: idAt(request, 'parentId'),
      filter: { id: { eq: id } },
      first: 1,
      enabled: 'ALL',
      hidden: 'ALL',
      total: false,
    });
    const [record] = (data.parent as { list: { nodes: Record<string, unknown>[] } }).list.nodes;
    if (!record)
      throw new AetherError(
        'NOT_FOUND',
        `This ${relation.parent.table} has no ${relation.child.table} with id "${id}".`,
      );
    return record;
  };

  route('/:type', {
    get: list(false),
    post: (request, response) => {
      const entity = entityAt(request);
      return create(
        response,
        entity,
        inputFrom(entity, bodyOf(request), permissive(request)),
        returnsObject(request),
      );
    },
  });
  route('/:type/search', { post: list(true) });
  route('/:type/:id', {
    get: (request, response) => {
      const entity = entityAt(request);
      return one(request, response, {
        document: documents.one(entity),
        variables: { id: idAt(request, 'id') },
      });
    },
    patch: (request, response) => update(request, response, entityAt(request)),
    delete: (request, response) => remove(request, response, entityAt(request)),
  });
  route('/:parent/:parentId/:child', {
    get: children(false),
    post: (request, response) => {
      const relation = relationAt(request);
      const input = inputFrom(relation.child, bodyOf(request), permissive(request));
      return create(
        response,
        relation.child,
        { ...input, ...parentInput(relation, idAt(request, 'parentId'), contextOf(response)) },
        returnsObject(request),
      );
    },
  });
  route('/:parent/:parentId/:child/search', { post: children(true) });
  route('/:parent/:parentId/:child/:id', {
    get: async (request, response) => {
      sendRecord(response, await child(request, response), true);
    },
    patch: async (request, response) => {
      await child(request, response);
      return update(request, response, relationAt(request).child);
    },
    delete: async (request, response) => {
      await child(request, response);
      return remove(request, response, relationAt(request).child);
    },
  });
  return router;
}

/** @throws VALIDATION naming what a new object cannot do without; the graph would name it in its own words. */
function requireAll({ attributes }: Entity, input: Record<string, unknown>): void {
  const missing = [...attributes.values()].filter((each) => isRequired(each) && input[each.name] == null);
  if (missing.length > 0)
    throw invalid(Object.fromEntries(missing.map(({ column }) => [column, 'is required'])));
}

/** What the graph says of single values is said of them by their names in REST. */
async function inColumns<T>({ attributes }: Entity, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AetherError) || error.code !== 'VALIDATION' || !error.details.fields) throw error;
    const fields = Object.entries(error.details.fields);
    throw invalid(
      Object.fromEntries(fields.map(([name, text]) => [attributes.get(name)?.column ?? name, text])),
    );
  }
}

export const contextOf = (response: Response): Context => response.locals.ctx as Context;

/* ---- what a path names ---- */

const parameter = (request: Request, name: string): string => String(request.params[name] ?? '');

function entityNamed(name: string): Entity {
  const entity = findEntity(name);
  if (!entity) throw new AetherError('NOT_FOUND', `There is no object type "${name}".`);
  return entity;
}

const entityAt = (request: Request): Entity => entityNamed(parameter(request, 'type'));

function idAt(request: Request, name: string): string {
  const id = parameter(request, name);
  if (!isPublicId(id)) throw unprocessable('An id has 11 to 22 characters of A-Z, a-z, 0-9, - and _.');
  return id;
}

/** The connection that a nested path goes along; a child may leave out its parent's name: `journal/…/entry`. */
function relationAt(request: Request): ToMany {
  const parent = entityNamed(parameter(request, 'parent'));
  const name = parameter(request, 'child');
  const relations = toManys(parent);
  const relation =
    relations.find(({ child }) => child.table === name) ??
    relations.find(({ child }) => child.table === `${parent.table}_${name}`);
  if (!relation) throw new AetherError('NOT_FOUND', `${parent.table} has no children of type "${name}".`);
  return relation;
}

/** What a nested create puts into the body: the reference to the parent. Below an account it is the caller's own already. */
function parentInput(
  { parent, attribute }: ToMany,
  id: string,
  { viewer }: Context,
): Record<string, unknown> {
  if (!isWritable(attribute)) {
    if (id !== viewer.account?.id) throw forbidden(`This ${parent.name} is not yours.`);
    return {};
  }
  return { [attribute.name]: id, ...(attribute.any && { [attribute.any.typeAttribute]: parent.table }) };
}

/* ---- what a request says ---- */

const bodyOf = (request: Request): unknown => {
  if (
    request.headers['content-length'] !== '0' &&
    request.body === undefined &&
    request.headers['content-type'] !== undefined
  )
    throw new AetherError('UNSUPPORTED_MEDIA_TYPE', 'A body is JSON: send content-type application/json.');
  return request.body === undefined ? {} : (request.body as unknown);
};

const permissive = (request: Request) => ({
  ignoreUnknown: request.get('x-ae-ignore-extra-fields') === 'true',
});

const returnsObject = (request: Request): boolean => queryText(request, 'return_obj') !== 'false';

function queryText(request: Request, name: string): string | undefined {
  const value = request.query[name];
  if (Array.isArray(value)) throw invalid({ [name]: 'is given more than once' });
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function queryChoice(request: Request, name: string, choices: readonly string[], fallback: string): string {
  const value = queryText(request, name) ?? fallback;
  if (!choices.includes(value)) throw invalid({ [name]: `must be one of ${choices.join(', ')}` });
  return value.toUpperCase();
}

function queryNumber(request: Request, name: string, fallback: number, max: number): number {
  const text = queryText(request, name) ?? String(fallback);
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value < 0 || value > max) throw invalid({ [name]: `must be a whole number from 0 to ${String(max)}` });
  return value;
}

const methodOf = (request: Request): string =>
  queryChoice(request, 'method', ['hide', 'disable', 'delete'], 'hide');

interface ListCall {
  limit: number;
  offset: number;
  variables: Variables;
}

function listArguments(entity: Entity, request: Request, body: unknown, ctx: Context): ListCall {
  const search = searchFrom(entity, body, operatorsOf);
  const filters = [search.filter, childrenOf(entity, request)].filter(
    (filter) => filter && Object.keys(filter).length > 0,
  );
  const q = [search.q, queryText(request, 'q')].filter(Boolean).join(' ');
  return {
    limit: queryNumber(request, 'limit', 100, 999_999),
    offset: queryNumber(request, 'offset', 0, 999_999_999),
    variables: {
      filter: filters.length > 0 ? { and: filters } : undefined,
      q: q || undefined,
      orderBy: orderFrom(entity, queryText(request, 'order_by_li'), ctx),
      enabled: queryChoice(request, 'enabled', ['enabled', 'not_enabled', 'all'], 'enabled'),
      hidden: queryChoice(request, 'hidden', ['not_hidden', 'hidden', 'all'], 'not_hidden'),
    },
  };
}

/** `for_obj_type` and `for_obj_id`: only what belongs to that object. */
function childrenOf(entity: Entity, request: Request): Record<string, unknown> | undefined {
  const type = queryText(request, 'for_obj_type');
  const id = queryText(request, 'for_obj_id');
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

/* ---- what an answer looks like ---- */

const warningsOf = (response: Response) => {
  const { warnings } = contextOf(response);
  return warnings.size > 0 ? { warnings: [...warnings] } : {};
};

function sendRecord(response: Response, record: Record<string, unknown>, returnObject: boolean): void {
  sendData(response, returnObject ? record : record.id, warningsOf(response));
}

const pageSize = 1000;

interface List {
  nodes: unknown[];
  totalCount?: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Sends a list; a long one page by page as it is read, so that memory stays flat. */
async function sendList(
  response: Response,
  { limit, offset, variables }: ListCall,
  read: (variables: Variables) => Promise<Record<string, unknown>>,
): Promise<void> {
  const page = async (more: Variables): Promise<List> => (await read({ ...variables, ...more })).list as List;
  let current = await page({ first: Math.min(limit, pageSize), offset, total: true });
  const { totalCount: total } = current;
  let count = current.nodes.length;
  if (limit <= pageSize || !current.pageInfo.hasNextPage) {
    sendData(response, current.nodes, { count, total, limit, offset, ...warningsOf(response) });
    return;
  }

  response.type('json').write(`{"data":[${current.nodes.map((node) => JSON.stringify(node)).join()}`);
  while (current.pageInfo.hasNextPage && count < limit && !response.destroyed) {
    current = await page({
      first: Math.min(limit - count, pageSize),
      after: current.pageInfo.endCursor,
      total: false,
    });
    count += current.nodes.length;
    const chunk = current.nodes.map((node) => `,${JSON.stringify(node)}`).join('');
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end(
    `],"meta":${JSON.stringify(metaOf(200, { count, total, limit, offset, ...warningsOf(response) }))}}`,
  );
}
