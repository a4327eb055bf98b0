import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { print, type GraphQLSchema } from 'graphql';
import type { Executor, Variables } from '../graphql/execute';
import { readJson, type BodyLimits, type Method } from '../http';
import type { Context } from '../kernel/context';
import { AetherError, forbidden, invalid, notFound } from '../kernel/errors';
import { isWritable, RemoveMethod } from '../kernel/input-types';
import { mayWrite } from '../kernel/tenancy';
import { conditionOf, etagOf, versioned } from './conditions';
import type { Documents, Operation } from './documents';
import { dataText, errorFrom, sendAnswer, warningsOf, type Answer } from './envelope';
import { answerOnce } from './idempotency';
import { listAnswer, listCall, type List } from './list';
import { numberFrom, readUrl, RestRequest, saysNo, saysYes, type Style } from './request';
import { chosenBy } from './routes';
import { domainQuestion } from './site-domain-search';
import { schemaOf } from './type-schema';
import { inputFrom, placeOf, requiredOf } from './values';
import { plain, shapeOf } from './views';
import { reworded } from './wording';

export interface CrudOptions {
  schema: GraphQLSchema;
  executor: Executor;
  documents: Documents;
  bodyLimits: BodyLimits;
  /** May callers ask to be answered late? */
  allowTestDelay: boolean;
}

export interface Crud {
  /** Answers a request below `/v3/crud`; the context is asked for when the call is one at all. */
  handle(
    request: IncomingMessage & { template?: string },
    response: ServerResponse,
    context: () => Promise<Context>,
  ): Promise<void>;
  /** Answers a call that came by another way. */
  answer(
    ctx: Context,
    call: CrudCall,
    of: { request: IncomingMessage; response: ServerResponse },
  ): Promise<void>;
}

/** A call in terms of `/v3/crud`. */
export interface CrudCall {
  method: Method;
  /** The parts of its path below `/v3/crud`. */
  path: string[];
  query: URLSearchParams;
  /** Unless it is that of the request. */
  body?: unknown;
  style?: Style;
}

type Data = Record<string, unknown>;

/** A REST call in terms of the graph: the operation that it becomes, and what that answers. */
interface Call {
  operation: Operation;
  variables: Variables;
  answer: () => Promise<Answer>;
}

type Translate = (request: RestRequest) => Call;
type Routes = Partial<Record<Method | 'HEAD', Translate>>;

export const crudPrefix = '/v3/crud';

const maxDelay = 10_000;

/**
 * `/v3/crud`: each call becomes one prepared operation of the graph, and its result the envelope. Straight from node:http, since a
 * general router and body parser would take longer than the call.
 */
export function crudHandler({ schema, executor, documents, bodyLimits, allowTestDelay }: CrudOptions): Crud {
  async function run(request: RestRequest, operation: Operation, variables: Variables): Promise<Data> {
    const { data, errors } = await executor.run(operation.document, variables, request.ctx);
    // What a record leads to may be out of the caller's sight: it is null there, and the record is answered.
    const error = errors?.find(
      ({ extensions, path = [] }) => extensions.code !== 'FORBIDDEN' || path.length <= operation.depth,
    );
    if (error) throw errorFrom(error);
    return data as Data;
  }

  const list: Translate = (request) => {
    const { relation, entity } = request;
    const shape = shapeOf(request);
    const operation = relation ? documents.children(relation, shape) : documents.list(entity, shape);
    const call = listCall(request, operation);
    const variables = relation ? { parent: request.parentId, ...call.variables } : call.variables;
    const finish = request.finishing(operation, shape);
    const read = async (page: Variables): Promise<List> => {
      const data = await run(request, operation, { ...variables, ...page });
      const { nodes, ...rest } = ((data.parent ?? data) as { list: List }).list;
      return { nodes: nodes.map(finish), ...rest };
    };
    return { operation, variables, answer: () => listAnswer(request, call, read) };
  };

  const search: Translate = (request) => {
    const { entity, relation, body } = request;
    const variables = entity.table === 'site_domain' && !relation ? domainQuestion(body) : undefined;
    if (!variables) return list(request);
    const shape = shapeOf(request);
    const operation = documents.domain(entity, shape);
    const answer = async (): Promise<Answer> => {
      const { found } = (await run(request, operation, variables)) as { found: { domain: Data } | null };
      const domains = found ? [request.finishing(operation, shape)(found.domain)] : [];
      const { length } = domains;
      return ok(request, domains, {
        count: length,
        total: length,
        limit: request.number('limit', 100, 999_999),
        offset: 0,
        ...warningsOf(request.ctx),
      });
    };
    return { operation, variables, answer };
  };

  /** How one record is read; at a nested path as a child of that parent. */
  function reading(request: RestRequest) {
    const { relation, entity, id } = request;
    const shape = shapeOf(request);
    if (!relation) {
      const operation = documents.one(entity, shape);
      const read = async () => (await run(request, operation, { id })).data as Data;
      return { operation, finish: request.finishing(operation, shape), variables: { id }, read };
    }
    const operation = documents.children(relation, shape);
    const variables = {
      parent: request.parentId,
      filter: { id: { eq: id } },
      first: 1,
      enabled: 'ALL',
      hidden: 'ALL',
      total: false,
    };
    const read = async (): Promise<Data> => {
      const { parent } = (await run(request, operation, variables)) as { parent: { list: List } };
      const [record] = parent.list.nodes;
      if (!record)
        throw new AetherError(
          'NOT_FOUND',
          `This ${relation.parent.table} has no ${entity.table} with id "${id}".`,
        );
      return record;
    };
    return { operation, finish: request.finishing(operation, shape), variables, read };
  }

  const one: Translate = (request) => {
    const { operation, finish, variables, read } = reading(request);
    const answer = async (): Promise<Answer> => {
      const record = await read();
      const { body } = ok(request, finish(record), warningsOf(request.ctx));
      return versioned(request, etagOf(record.updated_on, body), body);
    };
    return { operation, variables, answer };
  };

  /** Runs what makes a new record. A parent that is not there is not found; to the graph it is a broken reference. */
  async function runNew(request: RestRequest, operation: Operation, variables: Variables): Promise<Data> {
    const { relation, entity } = request;
    const input = variables.input as Variables;
    try {
      return await run(request, operation, variables);
    } catch (error) {
      const { fields = {} } = error instanceof AetherError ? error.details : {};
      const isParent =
        relation &&
        [relation.attribute, placeOf(entity, relation.attribute)].some(
          ({ name }) => Object.hasOwn(fields, name) && input[name] === request.parentId,
        );
      throw isParent && (error as AetherError).code === 'DATABASE_CONSTRAINT'
        ? notFound(relation.parent.table, request.parentId)
        : error;
    }
  }

  const create: Translate = (request) => {
    const variables = { input: newInput(request) };
    const operation = documents.create(request.entity);
    const answer = async () => written(request, operation, await runNew(request, operation, variables));
    return { operation, variables, answer };
  };

  /** What the request that made this record is answered, as it is now. */
  async function recovered(request: RestRequest, id: string): Promise<Answer> {
    const operation = documents.one(request.entity, plain);
    return written(request, operation, { payload: await run(request, operation, { id }) });
  }

  const validate: Translate = (request) => {
    const variables = { input: newInput(request) };
    const operation = documents.validate(request.entity);
    const answer = async (): Promise<Answer> => {
      try {
        return ok(request, (await runNew(request, operation, variables)).data);
      } catch (error) {
        // Whatever is wrong with a field is told of that field.
        const fields =
          error instanceof AetherError && error.status === 400 ? error.details.fields : undefined;
        throw fields ? invalid(fields) : error;
      }
    };
    return { operation, variables, answer };
  };

  const update: Translate = (request) => {
    const { ctx, entity, relation, id, body } = request;
    mayWrite(ctx, entity, 'update');
    const variables = {
      id,
      input: inputFrom(entity, body, { ignoreUnknown: ignoresUnknown(request) }),
      ...conditionOf(request),
    };
    const operation = documents.update(entity);
    const answer = async (): Promise<Answer> => {
      if (relation) await reading(request).read();
      const data = await run(request, operation, variables);
      const { status, body } = written(request, operation, data);
      return { status, body, headers: { ETag: etagOf(recordIn(data).updated_on, body) } };
    };
    return { operation, variables, answer };
  };

  const remove: Translate = (request) => {
    const { ctx, entity, relation, id } = request;
    const method = request.choice('method', Object.values(RemoveMethod), RemoveMethod.HIDE);
    mayWrite(ctx, entity, method === 'DELETE' ? 'remove' : 'update');
    const variables = { id, method, ...conditionOf(request) };
    const operation = documents.remove(entity);
    const answer = async (): Promise<Answer> => {
      if (relation) await reading(request).read();
      return written(request, operation, await run(request, operation, variables));
    };
    return { operation, variables, answer };
  };

  const describe: Translate = (request) => {
    const { entity, relation } = request;
    const answer = async (): Promise<Answer> => {
      if (relation) await run(request, documents.known(relation.parent), { id: request.parentId });
      return ok(request, schemaOf(schema, request), warningsOf(request.ctx));
    };
    return { operation: documents.type(entity), variables: {}, answer };
  };

  const ofType: Routes = { GET: list, HEAD: list, POST: create };
  const ofObject: Routes = { GET: one, HEAD: one, PATCH: update, DELETE: remove };
  const ofName = new Map<string, Routes>([
    ['search', { POST: search }],
    ['validate', { POST: validate }],
    ['schema', { GET: describe, HEAD: describe }],
  ]);

  /** What can be done at a path: of a type or below a parent, with all of them or with one. */
  function routesAt(path: string[]): Routes | undefined {
    if (path[0] === '' || path.length > 4) return undefined;
    return path.length % 2 === 1 ? ofType : (ofName.get(path.at(-1) ?? '') ?? ofObject);
  }

  async function answerTo(request: RestRequest, translate: Translate): Promise<Answer> {
    const explains = request.text('explain') === 'graphql' || request.header('x-explain') === 'graphql';
    if (allowTestDelay) await sleep(delayOf(request));
    const work = async (): Promise<Answer> => {
      try {
        const call = translate(request);
        return explains ? explanation(request, call) : await call.answer();
      } catch (error) {
        throw error instanceof AetherError ? reworded(error, request.entity) : error;
      }
    };
    return translate === create && !explains ? answerOnce(request, work, recovered) : work();
  }

  return {
    async handle(incoming, response, context) {
      response.setHeader('Link', '</graphql>; rel="successor-version"');
      const { path, query } = readUrl(incoming.url ?? '', crudPrefix);
      const routes = routesAt(path);
      if (!routes) throw new AetherError('NOT_FOUND', `There is nothing at ${crudPrefix}/${path.join('/')}.`);
      incoming.template = templateOf(path);
      const translate = chosenBy(routes, incoming, response);
      if (!translate) return;
      const ctx = await context();
      const request = new RestRequest(ctx, incoming, path, query, await bodyOf(incoming));
      await sendAnswer(response, await answerTo(request, translate));
    },

    async answer(ctx, { method, path, query, body, style }, { request: incoming, response }) {
      const translate = routesAt(path)?.[method];
      if (!translate) throw new Error(`${crudPrefix}/${path.join('/')} takes no ${method}`);
      const sent = body ?? (await bodyOf(incoming));
      const request = new RestRequest(ctx, incoming, path, query, sent, style);
      await sendAnswer(response, await answerTo(request, translate));
    },
  };

  async function bodyOf(incoming: IncomingMessage): Promise<unknown> {
    if (incoming.method === 'GET' || incoming.method === 'HEAD') return undefined;
    const body = await readJson(incoming, bodyLimits);
    return body === undefined ? {} : body;
  }
}

const places = ['{type}', '{id}', '{child}', '{child_id}'];
const names = new Set(['search', 'validate', 'schema']);

/** The route that a path is on, without the types and ids in it. */
const templateOf = (path: string[]): string =>
  `${crudPrefix}/${path.map((part, index) => (index % 2 === 1 && names.has(part) ? part : places[index])).join('/')}`;

const ok = ({ style }: RestRequest, data: unknown, more?: Record<string, unknown>): Answer<string> => ({
  status: 200,
  body: dataText(data, more, style?.bare),
});

const explanation = (request: RestRequest, { operation, variables }: Call): Answer =>
  ok(request, { operation: print(operation.document), variables });

const ignoresUnknown = (request: RestRequest): boolean => saysYes(request.header('x-ae-ignore-extra-fields'));

const delayOf = (request: RestRequest): number =>
  numberFrom('delay_ms', request.text('delay_ms') ?? request.header('x-delay-ms'), 0, maxDelay);

/** The input of a new record; at a nested path it belongs to that parent. */
function newInput(request: RestRequest): Variables {
  const { ctx, entity, body } = request;
  mayWrite(ctx, entity, 'create');
  return inputFrom(entity, body, {
    required: requiredOf(entity),
    given: (input) => parentInput(request, input),
    ignoreUnknown: ignoresUnknown(request),
  });
}

/** What a nested create puts into the body: the reference to the parent. Below an account it is the caller's own already. */
function parentInput(request: RestRequest, input: Variables): Variables {
  const { entity, relation, ctx } = request;
  if (!relation) return {};
  const { parent, attribute } = relation;
  const id = request.parentId;
  if (!isWritable(attribute)) {
    if (id !== ctx.viewer.account?.id) throw forbidden(`This ${parent.table} is not yours.`);
    return {};
  }
  const place = placeOf(entity, attribute);
  const type = place.any?.typeAttribute;
  // What belongs to something below the parent says so itself.
  if (place !== attribute && [place.name, type].some((name) => name && input[name] != null))
    return { [attribute.name]: id };
  return { [attribute.name]: id, [place.name]: id, ...(type && { [type]: parent.table }) };
}

const recordIn = (data: Data): Data => (data.payload as { data: Data }).data;

const written = (request: RestRequest, operation: Operation, data: Data): Answer<string> => {
  const record = recordIn(data);
  const answered = saysNo(request.text('return_obj'))
    ? record.id
    : request.finishing(operation, plain)(record);
  return ok(request, answered, warningsOf(request.ctx));
};
