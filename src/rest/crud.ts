import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DocumentNode } from 'graphql';
import type { Executor, Variables } from '../graphql/execute';
import { readJson } from '../http';
import type { Context } from '../kernel/context';
import type { Entity } from '../kernel/entity';
import { AetherError, forbidden, invalid } from '../kernel/errors';
import { isRequired, isWritable } from '../kernel/input-types';
import type { ToMany } from '../kernel/registry';
import { mayWrite } from '../kernel/tenancy';
import type { Documents } from './documents';
import { errorFrom, sendData, warningsOf } from './envelope';
import { listArguments, sendList } from './list';
import { readUrl, RestRequest } from './request';
import { inputFrom } from './values';

/** Runs a prepared operation as the caller, and answers its data. */
export type Run = (document: DocumentNode, variables: Variables) => Promise<Record<string, unknown>>;

export interface CrudOptions {
  executor: Executor;
  documents: Documents;
  bodyMaxBytes: number;
  /** Searches that are answered by an operation of their own, before there is an account: by type. */
  searches: Record<string, (body: unknown, run: Run) => Promise<unknown[] | undefined>>;
}

/** Answers a request below `/v3/crud`; the context is asked for when the call is one at all. */
export type CrudHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: () => Promise<Context>,
) => Promise<void>;

type Verb = 'GET' | 'POST' | 'PATCH' | 'DELETE';
type Handler = (request: RestRequest, response: ServerResponse) => Promise<void>;
type Handlers = Partial<Record<Verb, Handler>>;

export const crudPrefix = '/v3/crud';

/**
 * `/v3/crud`: each call becomes one prepared operation of the graph, and its result the envelope. Straight from node:http, since a
 * general router and body parser would take longer than the call.
 */
export function crudHandler({ executor, documents, bodyMaxBytes, searches }: CrudOptions): CrudHandler {
  const runAs =
    ({ ctx }: RestRequest): Run =>
    async (document, variables) => {
      const { data, errors } = await executor.run(document, variables, ctx);
      const [error] = errors ?? [];
      if (error) throw errorFrom(error);
      return data as Record<string, unknown>;
    };

  const list: Handler = (request, response) => {
    const document = documents.list(request.entityAt(0));
    const call = listArguments(request.entityAt(0), request);
    return sendList(request, response, call, (variables) => runAs(request)(document, variables));
  };

  const search: Handler = async (request, response) => {
    const special = await searches[request.entityAt(0).table]?.(request.body, runAs(request));
    if (!special) return list(request, response);
    const { length } = special;
    sendData(response, special, { count: length, total: length, limit: length, offset: 0 });
  };

  const children: Handler = (request, response) => {
    const relation = request.relation();
    const parent = request.idAt(1);
    return sendList(request, response, listArguments(relation.child, request), async (variables) => {
      const data = await runAs(request)(documents.children(relation), { ...variables, parent });
      return data.parent as Record<string, unknown>;
    });
  };

  // Asked here as well as at the graph's door: what no caller may do has no document.
  async function create(
    request: RestRequest,
    response: ServerResponse,
    entity: Entity,
    input: Variables,
  ): Promise<void> {
    mayWrite(request.ctx, entity, 'create');
    requireAll(entity, input);
    const data = await inColumns(entity, runAs(request)(documents.create(entity), { input }));
    sendPayload(request, response, data);
  }

  async function update(
    request: RestRequest,
    response: ServerResponse,
    entity: Entity,
    id: string,
  ): Promise<void> {
    mayWrite(request.ctx, entity, 'update');
    const input = inputFrom(entity, request.body, permissive(request));
    const data = await inColumns(entity, runAs(request)(documents.update(entity), { id, input }));
    sendPayload(request, response, data);
  }

  async function remove(
    request: RestRequest,
    response: ServerResponse,
    entity: Entity,
    id: string,
  ): Promise<void> {
    mayWrite(request.ctx, entity, 'update');
    const method = request.choice('method', ['hide', 'disable', 'delete'], 'hide');
    sendPayload(request, response, await runAs(request)(documents.remove(entity), { id, method }));
  }

  /** The record at a nested path, after asking whether it belongs to that parent. */
  async function child(request: RestRequest): Promise<Record<string, unknown>> {
    const relation = request.relation();
    const id = request.idAt(3);
    const data = await runAs(request)(documents.children(relation), {
      parent: request.idAt(1),
      filter: { id: { eq: id } },
      first: 1,
      enabled: 'ALL',
      hidden: 'ALL',
      total: false,
    });
    const [record] = (data.parent as { list: { nodes: Record<string, unknown>[] } }).list.nodes;
    const { parent, child: type } = relation;
    if (!record)
      throw new AetherError('NOT_FOUND', `This ${parent.table} has no ${type.table} with id "${id}".`);
    return record;
  }

  const ofType: Handlers = {
    GET: list,
    POST: (request, response) => {
      const entity = request.entityAt(0);
      return create(request, response, entity, inputFrom(entity, request.body, permissive(request)));
    },
  };
  const ofObject: Handlers = {
    GET: async (request, response) => {
      const { data } = await runAs(request)(documents.one(request.entityAt(0)), { id: request.idAt(1) });
      sendRecord(request, response, data as Record<string, unknown>);
    },
    PATCH: (request, response) => update(request, response, request.entityAt(0), request.idAt(1)),
    DELETE: (request, response) => remove(request, response, request.entityAt(0), request.idAt(1)),
  };
  const ofChildren: Handlers = {
    GET: children,
    POST: (request, response) => {
      const relation = request.relation();
      const input = inputFrom(relation.child, request.body, permissive(request));
      return create(request, response, relation.child, { ...input, ...parentInput(relation, request) });
    },
  };
  const ofChild: Handlers = {
    GET: async (request, response) => {
      sendRecord(request, response, await child(request));
    },
    PATCH: async (request, response) => {
      await child(request);
      return update(request, response, request.relation().child, request.idAt(3));
    },
    DELETE: async (request, response) => {
      await child(request);
      return remove(request, response, request.relation().child, request.idAt(3));
    },
  };

  /** What can be done at a path, by the number of its parts and its last one. */
  function handlersAt(path: string[]): Handlers | undefined {
    const searching = path.at(-1) === 'search';
    switch (path.length) {
      case 1:
        return path[0] === '' ? undefined : ofType;
      case 2:
        return searching ? { POST: search } : ofObject;
      case 3:
        return ofChildren;
      case 4:
        return searching ? { POST: children } : ofChild;
      default:
        return undefined;
    }
  }

  return async (incoming, response, context) => {
    const { path, query } = readUrl(incoming.url ?? '', crudPrefix);
    const handlers = handlersAt(path);
    if (!handlers) throw new AetherError('NOT_FOUND', `There is nothing at ${crudPrefix}/${path.join('/')}.`);
    const verb = incoming.method === 'HEAD' ? 'GET' : (incoming.method as Verb);
    const handler = Object.hasOwn(handlers, verb) ? handlers[verb] : undefined;
    if (!handler) {
      const allowed = Object.keys(handlers).flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each]));
      response.setHeader('Allow', [...allowed, 'OPTIONS'].join(', '));
      if (incoming.method !== 'OPTIONS')
        throw new AetherError('METHOD_NOT_ALLOWED', `Allowed here: ${allowed.join(', ')}.`);
      response.writeHead(204).end();
      return;
    }
    const ctx = await context();
    const given = verb === 'GET' ? undefined : await readJson(incoming, bodyMaxBytes);
    const body = verb !== 'GET' && given === undefined ? {} : given;
    await handler(new RestRequest(ctx, incoming, path, query, body), response);
  };
}

const permissive = (request: RestRequest) => ({
  ignoreUnknown: request.header('x-ae-ignore-extra-fields') === 'true',
});

/** What a nested create puts into the body: the reference to the parent. Below an account it is the caller's own already. */
function parentInput({ parent, attribute }: ToMany, request: RestRequest): Variables {
  const id = request.idAt(1);
  if (!isWritable(attribute)) {
    if (id !== request.ctx.viewer.account?.id) throw forbidden(`This ${parent.name} is not yours.`);
    return {};
  }
  return { [attribute.name]: id, ...(attribute.any && { [attribute.any.typeAttribute]: parent.table }) };
}

/** @throws VALIDATION naming what a new object cannot do without; the graph would name it in its own words. */
function requireAll({ attributes }: Entity, input: Variables): void {
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

const sendPayload = (request: RestRequest, response: ServerResponse, data: Variables): void => {
  sendRecord(request, response, (data.payload as { data: Record<string, unknown> }).data);
};

function sendRecord(request: RestRequest, response: ServerResponse, record: Record<string, unknown>): void {
  const asObject = request.text('return_obj') !== 'false';
  sendData(response, asObject ? record : record.id, warningsOf(request.ctx));
}
