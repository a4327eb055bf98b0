import { Router, type Request, type Response } from 'express';
import { parse, validate, type DocumentNode, type GraphQLSchema } from 'graphql';
import { mayUpload, uploadEventFiles } from '../events/upload';
import { downloadByHash, downloadById, downloadName } from '../files/download';
import { readMultipart } from '../files/multipart';
import type { Executor, Variables } from '../graphql/execute';
import type { Context } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { AetherError, unprocessable } from '../kernel/errors';
import { isPublicId } from '../kernel/public-id';
import { fieldsOf } from './documents';
import { errorFrom, metaOf, sendData } from './envelope';

/** An action of REST: the GraphQL operation that it is, how a request becomes its variables, and its result the answer. */
interface Action {
  method: 'get' | 'post';
  path: string;
  operation: string;
  variables: (request: Request) => Variables;
  answer: (data: Record<string, unknown>) => Record<string, unknown>;
}

const actions: Action[] = [
  {
    method: 'get',
    path: '/idaa/novi_member/:uuid',
    operation:
      'query ($uuid: ID!) { member: noviMember(uuid: $uuid) { verified full_name: fullName email } }',
    variables: (request) => ({ uuid: text(request, 'uuid') }),
    // The members' gate reads the three fields at the top, as the older service answered them.
    answer: ({ member }) => ({ ...(member as object), data: member, meta: metaOf(200) }),
  },
];

/** `/v3/action`: operations that are no CRUD; bytes go straight to the store, everything else through the graph. */
export function actionRouter(
  schema: GraphQLSchema,
  { executor, uploadMaxBytes }: { executor: Executor; uploadMaxBytes: number },
): Router {
  const router = Router();

  const run = async (
    response: Response,
    document: DocumentNode,
    variables: Variables,
  ): Promise<Record<string, unknown>> => {
    const { data, errors } = await executor.run(document, variables, contextOf(response));
    const [error] = errors ?? [];
    if (error) throw errorFrom(error);
    return data as Record<string, unknown>;
  };

  const route = (
    method: 'get' | 'post',
    path: string,
    handler: (request: Request, response: Response) => Promise<void>,
  ): void => {
    const allowed = method === 'get' ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS';
    const target = router.route(path);
    target[method](handler);
    target.options((_request, response) => void response.set('Allow', allowed).sendStatus(204));
    target.all((_request, response) => {
      response.set('Allow', allowed);
      throw new AetherError('METHOD_NOT_ALLOWED', `Allowed here: ${allowed}.`);
    });
  };

  for (const { method, path, operation, variables, answer } of actions) {
    const document = prepared(schema, operation);
    route(method, path, async (request, response) => {
      response.json(answer(await run(response, document, variables(request))));
    });
  }

  const eventFile = prepared(
    schema,
    `query ($id: ID!) { data: eventFile(id: $id) { ${fieldsOf(entityOf('event_file'))} hosted_file: hostedFile { ${fieldsOf(entityOf('hosted_file'))} } } }`,
  );
  route('post', '/event_file/upload', async (request, response) => {
    const ctx = contextOf(response);
    mayUpload(ctx);
    const form = await readMultipart(request, { store: ctx.services.files, maxBytes: uploadMaxBytes });
    form.fields = { ...queryFields(request), ...given(form.fields) };
    try {
      const ids = await uploadEventFiles(ctx, form);
      const files = await Promise.all(ids.map(async (id) => (await run(response, eventFile, { id })).data));
      sendData(response, files.length === 1 ? files[0] : files);
    } finally {
      await Promise.all(form.files.map(({ received }) => received.discard()));
    }
  });

  // Before the download by id, whose pattern would take the hash for one.
  route('get', '/hosted_file/hash/:sha256/download', (request, response) =>
    downloadByHash(
      contextOf(response),
      text(request, 'sha256'),
      request,
      response,
      downloadName(request.query.filename),
    ),
  );
  for (const type of ['hosted_file', 'event_file'])
    route('get', `/${type}/:id/download`, (request, response) => {
      const id = text(request, 'id');
      if (!isPublicId(id)) throw unprocessable('An id has 11 to 22 characters of A-Z, a-z, 0-9, - and _.');
      return downloadById(contextOf(response), id, request, response, downloadName(request.query.filename));
    });
  return router;
}

const contextOf = (response: Response): Context => response.locals.ctx as Context;

const text = (request: Request, name: string): string => String(request.params[name] ?? '');

/** A form sends its empty inputs too: they say nothing. */
const given = (fields: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  );

const queryFields = (request: Request): Record<string, string> => given(request.query);

function prepared(schema: GraphQLSchema, operation: string): DocumentNode {
  const document = parse(operation, { noLocation: true });
  const [problem] = validate(schema, document);
  if (problem) throw problem;
  return document;
}
