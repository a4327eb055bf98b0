import contentDisposition from 'content-disposition';
import { parse, validate, type DocumentNode, type GraphQLSchema } from 'graphql';
import { mayUpload, uploadEventFiles } from '../events/upload';
import { downloadByHash, downloadById, downloadName } from '../files/download';
import { readMultipart } from '../files/multipart';
import type { Executor, Variables } from '../graphql/execute';
import { readJson, sendJson, sendText, type BodyLimits, type Method } from '../http';
import type { Context } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { unprocessable } from '../kernel/errors';
import { usageCsv } from '../legacy/usage-csv';
import { fieldsOf } from './documents';
import { errorFrom, metaOf, sendData } from './envelope';
import { idFrom, numberFrom } from './request';
import type { Call, Route } from './routes';

/** What a request sends: of its path, of its body when it has one, else of its query; by an old route, of all three. */
interface Sent {
  /** A text; null when it is not given. @throws UNPROCESSABLE for what is no text. */
  text: (...names: string[]) => string | null;
  /** The same of what must be given. @throws UNPROCESSABLE */
  required: (...names: string[]) => string;
}

/** An action of REST: the GraphQL operation that it is, how a request becomes its variables, and its result the answer. */
interface Action {
  method: Method;
  /** Below `/v3/action`. */
  path: string;
  operation: string;
  variables: (sent: Sent) => Variables;
  /** Left out: the operation's `data`, in the envelope. */
  answer?: (data: Record<string, unknown>) => Record<string, unknown>;
  /** Where it may also be had as a table, with `format=csv`. */
  csv?: { filename: string; of: (data: never) => string };
}

const actions = (): Action[] => [
  {
    method: 'GET',
    path: '/idaa/novi_member/{uuid}',
    operation:
      'query ($uuid: ID!) { member: noviMember(uuid: $uuid) { verified full_name: fullName email } }',
    variables: ({ required }) => ({ uuid: required('uuid') }),
    // The members' gate reads the three fields at the top, as the older service answered them.
    answer: ({ member }) => ({ ...(member as object), data: member, meta: metaOf(200) }),
  },
  {
    method: 'POST',
    path: '/auth/authenticate_passcode',
    operation:
      'mutation ($site: ID!, $passcode: String!) { data: signInWithPasscode(siteId: $site, passcode: $passcode) { jwt level account { id } site { id } expiresOn } }',
    variables: ({ required, text }) => ({ site: required('site_id'), passcode: text('passcode') ?? '' }),
    answer: ({ data }) => {
      const { jwt, level, account, site, expiresOn } = data as Record<string, string> &
        Record<'account' | 'site', { id: string }>;
      return enveloped({ jwt, level, account_id: account.id, site_id: site.id, eat: secondsOf(expiresOn) });
    },
  },
  {
    method: 'POST',
    path: '/auth/guest_token',
    operation:
      'mutation ($account: ID) { data: guestToken(accountId: $account) { jwt level account_id: accountId expiresOn } }',
    variables: ({ text }) => ({ account: text('account_id', 'account_id_random') }),
    answer: ({ data }) => {
      const { expiresOn, ...token } = data as Record<string, string>;
      return enveloped({ ...token, eat: secondsOf(expiresOn) });
    },
  },
  {
    method: 'POST',
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
    method: 'POST',
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
    method: 'POST',
    path: '/user/{id}/change_password',
    operation:
      'mutation ($id: ID!, $password: String!, $current: String) { data: changePassword(userId: $id, password: $password, currentPassword: $current) }',
    variables: ({ text, required }) => ({
      id: required('id'),
      password: required('password', 'new_password'),
      current: text('current_password'),
    }),
  },
  {
    method: 'GET',
    path: '/user/{id}/new_auth_key',
    operation: 'mutation ($id: ID!) { data: newAuthKey(userId: $id) { auth_key: authKey } }',
    variables: ({ required }) => ({ id: required('id') }),
  },
  {
    method: 'GET',
    path: '/user/{id}/email_auth_key_url',
    operation:
      'mutation ($id: ID!, $url: String!, $name: String) { data: sendSignInLink(userId: $id, rootUrl: $url, keyParamName: $name) }',
    variables: ({ text, required }) => ({
      id: required('id'),
      url: required('root_url'),
      name: text('key_param_name') ?? 'auth_key',
    }),
  },
  {
    method: 'GET',
    path: '/legacy/usage',
    operation: `query ($since: DateTime, $days: Int) { data: legacyUsage(since: $since, quietDays: $days) {
      counted_since: countedSince
      uses { route generation type key_id: keyId key_name: keyName account_id: accountId client client_version: clientVersion
        calls failures last_on: lastOn replacement operation { name document variables } days { day status calls } }
      routes { route generation summary replacement sunset calls last_on: lastOn safe_to_remove: safeToRemove } } }`,
    variables: ({ text }) => {
      const [since, days] = [text('since'), text('quiet_days')];
      return {
        // A day is its beginning.
        since: since && /^\d{4}-\d\d-\d\d$/.test(since) ? `${since}T00:00:00.000Z` : since,
        ...(days !== null && { days: numberFrom('quiet_days', days, 0, 400) }),
      };
    },
    csv: { filename: 'legacy-usage.csv', of: usageCsv },
  },
];

/** When a token ends, as old programs read it. */
const secondsOf = (moment = ''): number => Math.floor(new Date(moment).getTime() / 1000);

const enveloped = (data: unknown): Record<string, unknown> => ({ data, meta: metaOf(200) });

const dataOf: NonNullable<Action['answer']> = ({ data }) => enveloped(data);

async function readSent({ request, query, params, legacy }: Call, limits: BodyLimits): Promise<Sent> {
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  const body = hasBody ? ((await readJson(request, limits)) ?? {}) : {};
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw unprocessable('The body is a JSON object.');
  const values: Record<string, unknown> = {
    ...((!hasBody || legacy) && queryValues(query)),
    ...body,
    ...params,
  };
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

/** The parameters of a query; a list where one is given several times. */
const queryValues = (query: URLSearchParams): Record<string, unknown> =>
  Object.fromEntries(
    [...query.keys()].map((name) => {
      const values = query.getAll(name);
      return [name, values.length > 1 ? values : values[0]];
    }),
  );

export interface ActionOptions {
  schema: GraphQLSchema;
  executor: Executor;
  uploadMaxBytes: number;
  bodyLimits: BodyLimits;
}

/** `/v3/action`: operations that are no CRUD; bytes go straight to the store, everything else through the graph. */
export function actionRoutes({ schema, executor, uploadMaxBytes, bodyLimits }: ActionOptions): Route[] {
  const run = async (
    ctx: Context,
    document: DocumentNode,
    variables: Variables,
  ): Promise<Record<string, unknown>> => {
    const { data, errors } = await executor.run(document, variables, ctx);
    const [error] = errors ?? [];
    if (error) throw errorFrom(error);
    return data as Record<string, unknown>;
  };

  const route = (
    method: Method,
    path: string,
    answer: Route['answer'],
    { head = method === 'GET' } = {},
  ): Route => ({ method, path: `/v3/action${path}`, door: 'action', head, answer });

  const eventFile = prepared(
    schema,
    `query ($id: ID!) { data: eventFile(id: $id) { ${fieldsOf(entityOf('event_file'))} hosted_file: hostedFile { ${fieldsOf(entityOf('hosted_file'))} } } }`,
  );

  return [
    ...actions().map(({ method, path, operation, variables, answer = dataOf, csv }) => {
      const document = prepared(schema, operation);
      const respond = async (call: Call): Promise<void> => {
        const ctx = await call.context();
        const sent = await readSent(call, bodyLimits);
        if (call.params.id !== undefined) idFrom(call.params.id, 'id');
        const data = await run(ctx, document, variables(sent));
        // Tokens and keys are for who asked, and for no cache on the way.
        call.response.setHeader('Cache-Control', 'no-store');
        if (csv && call.query.get('format') === 'csv') {
          call.response.setHeader('Content-Disposition', contentDisposition(csv.filename));
          sendText(call.response, 200, csv.of(data.data as never), 'text/csv; charset=utf-8');
        } else sendJson(call.response, 200, answer(data));
      };
      // What changes something is done by who means it: nobody sends HEAD for that.
      return route(method, path, respond, { head: method === 'GET' && operation.startsWith('query') });
    }),

    route('POST', '/event_file/upload', async ({ request, response, query, context }) => {
      const ctx = await context();
      mayUpload(ctx);
      const form = await readMultipart(request, { store: ctx.services.files, maxBytes: uploadMaxBytes });
      form.fields = { ...given(queryValues(query)), ...given(form.fields) };
      try {
        const ids = await uploadEventFiles(ctx, form);
        const files = await Promise.all(ids.map(async (id) => (await run(ctx, eventFile, { id })).data));
        sendData(response, files.length === 1 ? files[0] : files);
      } finally {
        await Promise.all(form.files.map(({ received }) => received.discard()));
      }
    }),

    route(
      'GET',
      '/hosted_file/hash/{sha256}/download',
      async ({ request, response, params, query, context }) =>
        downloadByHash(await context(), params.sha256 ?? '', request, response, nameIn(query)),
    ),
    ...['hosted_file', 'event_file'].map((type) =>
      route('GET', `/${type}/{id}/download`, async ({ request, response, params, query, context }) =>
        downloadById(await context(), idFrom(params.id, 'id'), request, response, nameIn(query)),
      ),
    ),
  ];
}

/** The name that a file is to be saved under. */
const nameIn = (query: URLSearchParams): string | undefined => downloadName(queryValues(query).filename);

/** A form sends its empty inputs too: they say nothing. */
const given = (fields: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  );

function prepared(schema: GraphQLSchema, operation: string): DocumentNode {
  const document = parse(operation, { noLocation: true });
  const [problem] = validate(schema, document);
  if (problem) throw problem;
  return document;
}
