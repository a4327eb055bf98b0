import { Router, type Request, type Response } from 'express';
import { parse, validate, type DocumentNode, type GraphQLSchema } from 'graphql';
import { mayUpload, uploadEventFiles } from '../events/upload';
import { downloadByHash, downloadById, downloadName } from '../files/download';
import { readMultipart } from '../files/multipart';
import type { Executor, Variables } from '../graphql/execute';
import { readJson, type BodyLimits } from '../http';
import type { Context } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { AetherError, unprocessable } from '../kernel/errors';
import { isPublicId } from '../kernel/public-id';
import { fieldsOf } from './documents';
import { errorFrom, metaOf, sendData } from './envelope';

/** What a request sends: of its path, of its body when it has one, else of its query. */
interface Sent {
  /** A text; null when it is not given. @throws UNPROCESSABLE for what is no text. */
  text: (...names: string[]) => string | null;
  /** The same of what must be given. @throws UNPROCESSABLE */
  required: (...names: string[]) => string;
}

/** An action of REST: the GraphQL operation that it is, how a request becomes its variables, and its result the answer. */
interface Action {
  method: 'get' | 'post';
  path: string;
  operation: string;
  variables: (sent: Sent) => Variables;
  /** Left out: the operation's `data`, in the envelope. */
  answer?: (data: Record<string, unknown>) => Record<string, unknown>;
}

const actions = (): Action[] => [
  {
    method: 'get',
    path: '/idaa/novi_member/:uuid',
    operation:
      'query ($uuid: ID!) { member: noviMember(uuid: $uuid) { verified full_name: fullName email } }',
    variables: ({ required }) => ({ uuid: required('uuid') }),
    // The members' gate reads the three fields at the top, as the older service answered them.
    answer: ({ member }) => ({ ...(member as object), data: member, meta: metaOf(200) }),
  },
  {
    method: 'post',
    path: '/auth/authenticate_passcode',
    operation:
      'mutation ($site: ID!, $passcode: String!) { data: signInWithPasscode(siteId: $site, passcode: $passcode) { jwt level account { id } site { id } expiresOn } }',
    variables: ({ required, text }) => ({ site: required('site_id'), passcode: text('passcode') ?? '' }),
    answer: ({ data }) => {
      const { jwt, level, account, site, expiresOn } = data as Record<string, string> &
        Record<'account' | 'site', { id: string }>;
      const eat = Math.floor(new Date(expiresOn ?? '').getTime() / 1000);
      return enveloped({ jwt, level, account_id: account.id, site_id: site.id, eat });
    },
  },
  {
    method: 'post',
    path: '/user/authenticate',
    operation: `mutation ($username: String, $password: String, $id: ID, $key: String) {
      data: signIn(username: $username, password: $password, userId: $id, authKey: $key) { jwt user { ${fieldsOf(entityOf('user'))} } } }`,
    variables: ({ text }) => ({
      username: text('username'),
      password: text('password'),
      id: text('user_id', 'user_id_random'),
      key: text('auth_key'),
    }),
    answer: ({ data }) => {
      const { jwt, user } = data as { jwt: string; user: object };
      return enveloped({ ...user, jwt });
    },
  },
  {
    method: 'post',
    path: '/user/verify_password',
    operation:
      'mutation ($id: ID, $username: String, $password: String!) { data: verifyPassword(userId: $id, username: $username, password: $password) }',
    variables: ({ text, required }) => ({
      id: text('user_id', 'user_id_random'),
      username: text('username'),
      password: required('password'),
    }),
  },
  {
    method: 'post',
    path: '/user/:id/change_password',
    operation:
      'mutation ($id: ID!, $password: String!, $current: String) { data: changePassword(userId: $id, password: $password, currentPassword: $current) }',
    variables: ({ text, required }) => ({
      id: required('id'),
      password: required('password', 'new_password'),
      current: text('current_password'),
    }),
  },
  {
    method: 'get',
    path: '/user/:id/new_auth_key',
    operation: 'mutation ($id: ID!) { data: newAuthKey(userId: $id) { auth_key: authKey } }',
    variables: ({ required }) => ({ id: required('id') }),
  },
  {
    method: 'get',
    path: '/user/:id/email_auth_key_url',
    operation:
      'mutation ($id: ID!, $url: String!, $name: String) { data: sendSignInLink(userId: $id, rootUrl: $url, keyParamName: $name) }',
    variables: ({ text, required }) => ({
      id: required('id'),
      url: required('root_url'),
      name: text('key_param_name') ?? 'auth_key',
    }),
  },
];

const enveloped = (data: unknown): Record<string, unknown> => ({ data, meta: metaOf(200) });

const dataOf: NonNullable<Action['answer']> = ({ data }) => enveloped(data);

async function readSent(request: Request, limits: BodyLimits): Promise<Sent> {
  const body = request.method === 'POST' ? ((await readJson(request, limits)) ?? {}) : request.query;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw unprocessable('The body is a JSON object.');
  const values = { ...body, ...request.params } as Record<string, unknown>;
  const text = (...names: string[]): string | null => {
    const name = names.find((each) => Object.hasOwn(values, each) && values[each] !== null);
    const value = name === undefined ? null : values[name];
    if (value !== null && typeof value !== 'string') throw unprocessable('must be one text', name);
    return value;
  };
  const required = (...names: string[]): string => {
    const value = text(...names);
    if (value === null) throw unprocessable('is required', names[0]);
    return value;
  };
  return { text, required };
}

/** `/v3/action`: operations that are no CRUD; bytes go straight to the store, everything else through the graph. */
export function actionRouter(
  schema: GraphQLSchema,
  {
    executor,
    uploadMaxBytes,
    bodyLimits,
  }: { executor: Executor; uploadMaxBytes: number; bodyLimits: BodyLimits },
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
    { head = method === 'get' } = {},
  ): void => {
    const allowed = [method.toUpperCase(), ...(head ? ['HEAD'] : []), 'OPTIONS'].join(', ');
    const refuse = (_request: Request, response: Response): void => {
      response.set('Allow', allowed);
      throw new AetherError('METHOD_NOT_ALLOWED', `Allowed here: ${allowed}.`);
    };
    const target = router.route(path);
    // Express would answer it as a GET.
    if (!head) target.head(refuse);
    target[method](handler);
    target.options((_request, response) => void response.set('Allow', allowed).sendStatus(204));
    target.all(refuse);
  };

  for (const { method, path, operation, variables, answer = dataOf } of actions()) {
    const document = prepared(schema, operation);
    const handler = async (request: Request, response: Response): Promise<void> => {
      const sent = await readSent(request, bodyLimits);
      const { id } = request.params;
      if (id !== undefined && !isPublicId(id)) throw unprocessable(idForm, 'id');
      const data = await run(response, document, variables(sent));
      // Tokens and keys are for who asked, and for no cache on the way.
      response.set('Cache-Control', 'no-store').json(answer(data));
    };
    // What changes something is done by who means it: nobody sends HEAD for that.
    route(method, path, handler, { head: method === 'get' && operation.startsWith('query') });
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
      if (!isPublicId(id)) throw unprocessable(idForm);
      return downloadById(contextOf(response), id, request, response, downloadName(request.query.filename));
    });
  return router;
}

const idForm = 'An id has 11 to 22 characters of A-Z, a-z, 0-9, - and _.';

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
