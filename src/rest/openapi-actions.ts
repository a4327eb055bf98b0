import { entityOf } from '../kernel/entity';
import { levels } from '../kernel/levels';
import { failuresOf } from './openapi-failures';
import { schemaRef, type JsonSchema } from './openapi-shared';

const text = (description: string, example: string): JsonSchema => ({
  type: 'string',
  description,
  examples: [example],
});

/** The paths that are no CRUD. A test compares them with the routes that there are. */
export const actionPaths = (): Record<string, JsonSchema> => ({
  '/v3/action/auth/authenticate_passcode': {
    post: call({
      id: 'sign_in_with_passcode',
      operation: 'mutation signInWithPasscode',
      summary: 'Open a level by a passcode of a site; needs no account',
      body: {
        site_id: text('Id of the site.', 'DemoSite-001'),
        passcode: { ...text('The passcode.', 'open sesame'), minLength: 5 },
      },
      required: ['site_id', 'passcode'],
      data: record({
        jwt: { type: 'string', description: 'Send it as `Authorization: Bearer`.' },
        level: { type: 'string', enum: levels },
        account_id: { type: 'string' },
        site_id: { type: 'string' },
        eat: { type: 'integer', description: 'Until when the token is good, in seconds since 1970.' },
      }),
    }),
  },
  '/v3/action/auth/guest_token': {
    post: call({
      id: 'guest_token',
      operation: 'mutation guestToken',
      summary: 'Get a token of level anonymous, for somebody who has not signed in',
      body: { account_id: text('Id of the account; left out: that of the call.', 'DemoAcct-001') },
      optional: true,
      data: record({
        jwt: { type: 'string', description: 'Send it as `Authorization: Bearer`.' },
        level: { type: 'string', enum: levels },
        account_id: { type: 'string' },
        eat: { type: 'integer', description: 'Until when the token is good, in seconds since 1970.' },
      }),
    }),
  },
  '/v3/action/legacy/usage': {
    get: call({
      id: 'legacy_usage',
      operation: 'query legacyUsage',
      summary: 'Tell which programs still call what is deprecated, and what can go; needs level manager',
      parameters: [
        query('since', 'From the day of this moment on; left out: the last 30 days.', {
          type: 'string',
          examples: ['2026-11-01'],
        }),
        query('quiet_days', 'What nobody has called for so many days is safe to remove.', {
          type: 'integer',
          default: 30,
          minimum: 1,
          maximum: 400,
        }),
        query('format', '`csv`: a table, one line for each day, program and route.', {
          type: 'string',
          enum: ['json', 'csv'],
        }),
      ],
      csv: true,
      data: record({
        counted_since: { type: ['string', 'null'], format: 'date-time' },
        uses: { type: 'array', items: { type: 'object' }, description: 'As `LegacyUse` in the graph.' },
        routes: {
          type: 'array',
          items: { type: 'object' },
          description: 'As `LegacyRouteUsage` in the graph; `safe_to_remove` says what can go.',
        },
      }),
    }),
  },
  '/v3/action/user/authenticate': {
    post: call({
      id: 'sign_in',
      operation: 'mutation signIn',
      summary: 'Sign a user in: by name and password, or by id and a single-use key',
      body: { ...who, password, auth_key: text('A single-use key, instead of the password.', 'x7Fq…') },
      shown: ['username', 'password'],
      data: {
        allOf: [schemaRef('User')],
        properties: { jwt: { type: 'string', description: 'Send it as `Authorization: Bearer`.' } },
      },
    }),
  },
  '/v3/action/user/verify_password': {
    post: call({
      id: 'verify_password',
      operation: 'mutation verifyPassword',
      summary: 'Ask whether this is the password of a user',
      body: { ...who, password },
      required: ['password'],
      shown: ['username', 'password'],
    }),
  },
  '/v3/action/user/{id}/change_password': {
    post: call({
      id: 'change_password',
      operation: 'mutation changePassword',
      summary: 'Give a user a new password, and end all of their tokens',
      parameters: [userId],
      body: {
        password: { ...password, minLength: 8, description: 'The new password; `new_password` is it too.' },
        new_password: { ...password, minLength: 8 },
        current_password: { ...password, description: 'The current password.' },
      },
      shown: ['password', 'current_password'],
    }),
  },
  '/v3/action/user/{id}/new_auth_key': {
    get: call({
      id: 'new_auth_key',
      operation: 'mutation newAuthKey',
      summary: 'Make a key by which the user signs in once, in the next 24 hours',
      parameters: [userId],
      data: record({ auth_key: { type: 'string', description: 'The key. It is told here only.' } }),
    }),
  },
  '/v3/action/user/{id}/email_auth_key_url': {
    get: call({
      id: 'email_auth_key_url',
      operation: 'mutation sendSignInLink',
      summary: 'Mail the user a link to sign in by, good once and for 24 hours',
      parameters: [
        userId,
        {
          name: 'root_url',
          in: 'query',
          required: true,
          description: 'Page that the link leads to, on a domain of one of the sites.',
          schema: { type: 'string', format: 'uri', minLength: 10, maxLength: 200 },
        },
        {
          name: 'key_param_name',
          in: 'query',
          description: 'Name of the parameter that holds the key.',
          schema: { type: 'string', default: 'auth_key' },
        },
      ],
    }),
  },
  '/v3/action/event_file/upload': { post: upload() },
  '/v3/action/event_file/{id}/download': { get: download('event_file', byId) },
  '/v3/action/hosted_file/{id}/download': { get: download('hosted_file', byId) },
  '/v3/action/hosted_file/hash/{sha256}/download': { get: download('hosted_file_by_hash', byHash) },
  '/v3/action/idaa/novi_member/{uuid}': { get: noviMember() },
  '/health': { get: health() },
});

const who = {
  username: text('Name of the user, or e-mail address.', 'grace'),
  user_id: text('Id of the user, instead of the name.', 'aB3dE5fG7hJ'),
};
const password = text('The password.', 'correct horse battery staple');
const userId = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'Id of the user.',
  schema: { type: 'string', minLength: 11, maxLength: 22 },
};

const record = (properties: JsonSchema): JsonSchema => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});

const query = (name: string, description: string, schema: JsonSchema): JsonSchema => ({
  ...{ name, in: 'query', description, schema },
});

interface Call {
  id: string;
  operation: string;
  summary: string;
  parameters?: JsonSchema[];
  body?: JsonSchema;
  /** The body may be left out. */
  optional?: boolean;
  required?: string[];
  /** Which of the body's members its example has; left out: those that are required. */
  shown?: string[];
  /** What is answered as `data`; left out: true. */
  data?: JsonSchema;
  /** It may be had as a table, too. */
  csv?: boolean;
}

/** An action that takes JSON, or nothing, and answers in the envelope. */
function call({
  id,
  operation,
  summary,
  parameters,
  body,
  optional = false,
  required,
  shown = required,
  data,
  csv = false,
}: Call): JsonSchema {
  const schema = { type: 'object', ...(required && { required }), properties: body };
  const example = Object.fromEntries(
    (shown ?? []).map((name) => [name, (body?.[name] as { examples: unknown[] }).examples[0]]),
  );
  return {
    operationId: id,
    tags: ['actions'],
    summary,
    'x-graphql-operation': operation,
    ...(parameters && { parameters }),
    ...(body && {
      requestBody: { required: !optional, content: { 'application/json': { schema, example } } },
    }),
    responses: {
      200: {
        description: 'Done.',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { data: data ?? { const: true }, meta: schemaRef('Meta') },
            },
          },
          ...(csv && { 'text/csv': { schema: { type: 'string' } } }),
        },
      },
      ...failuresOf('Action', ...(body ? (['body'] as const) : [])),
    },
  };
}

function upload(): JsonSchema {
  const { any } = entityOf('event_file').attributes.get('forId') ?? {};
  const file = { allOf: [schemaRef('EventFile')], properties: { hosted_file: schemaRef('HostedFile') } };
  return {
    operationId: 'upload_event_file',
    tags: ['actions'],
    summary: 'Upload files of an event, a session, a presentation, a presenter or a room',
    description:
      'Every part with a filename is taken for a file, whatever it is called. The other fields may stand in the query; `event_id` alone names an event.',
    requestBody: {
      required: true,
      content: {
        'multipart/form-data': {
          schema: {
            type: 'object',
            required: ['file'],
            properties: {
              file: { type: 'string', format: 'binary' },
              for_type: {
                type: 'string',
                enum: any?.types,
                description: 'Type of what the file belongs to.',
              },
              for_id: text('Id of what the file belongs to.', 'aB3dE5fG7hJ'),
              title: text('Title for people.', 'Slides'),
              file_purpose: text('What the file is for, such as slides, handout or picture.', 'slides'),
            },
          },
        },
      },
    },
    responses: {
      200: {
        description: 'The event file, or a list of them where several files came.',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                data: { oneOf: [file, { type: 'array', items: file }] },
                meta: schemaRef('Meta'),
              },
            },
          },
        },
      },
      ...failuresOf('Action', 'body'),
    },
  };
}

const byId = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'Id of a hosted file, or of what holds one, such as an event file.',
  schema: { type: 'string', minLength: 11, maxLength: 22 },
};
const byHash = {
  name: 'sha256',
  in: 'path',
  required: true,
  description: 'SHA-256 of the bytes, in lower-case hex.',
  schema: { type: 'string', pattern: '^[0-9a-f]{64}$' },
};

function download(what: string, identifier: JsonSchema): JsonSchema {
  const header = (description: string): JsonSchema => ({ description, schema: { type: 'string' } });
  const bytes = { '*/*': { schema: { type: 'string', format: 'binary' } } };
  const headers = {
    ETag: header('The hash of the bytes.'),
    'Accept-Ranges': header('`bytes`.'),
    'Content-Disposition': header('The name to save it under.'),
  };
  return {
    operationId: `download_${what}`,
    tags: ['actions'],
    summary: 'Download the bytes of a file',
    parameters: [
      identifier,
      {
        name: 'filename',
        in: 'query',
        description: 'Another name.',
        schema: { type: 'string', minLength: 4, maxLength: 255 },
      },
      {
        name: 'Range',
        in: 'header',
        description: 'As in `bytes=0-1023`; several are fine.',
        schema: { type: 'string' },
      },
      {
        name: 'If-None-Match',
        in: 'header',
        description: 'An ETag that is known already.',
        schema: { type: 'string' },
      },
    ],
    responses: {
      200: { description: 'The bytes.', headers, content: bytes },
      206: {
        description: 'The range asked for; several come as multipart/byteranges.',
        headers: { ...headers, 'Content-Range': header('Which of how many bytes.') },
        content: bytes,
      },
      304: { description: 'The bytes are those that are known.' },
      416: {
        description: 'The file has no bytes in that range.',
        headers: { 'Content-Range': header('How many there are.') },
      },
      ...failuresOf('Action'),
    },
  };
}

function noviMember(): JsonSchema {
  const member = { verified: { type: 'boolean' }, full_name: { type: 'string' }, email: { type: 'string' } };
  return {
    operationId: 'verify_novi_member',
    tags: ['actions'],
    summary: 'Ask the membership system whether somebody is a member',
    'x-graphql-operation': 'query noviMember',
    parameters: [{ name: 'uuid', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
    responses: {
      200: {
        description: 'A member.',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                ...member,
                data: { type: 'object', properties: member },
                meta: schemaRef('Meta'),
              },
            },
          },
        },
      },
      ...failuresOf('Action'),
    },
  };
}

function health(): JsonSchema {
  const schema = {
    type: 'object',
    properties: {
      status: { enum: ['ok', 'degraded', 'down'] },
      database: { enum: ['ok', 'down'] },
      cache: { enum: ['ok', 'down'] },
      version: { type: 'string' },
      uptime_s: { type: 'integer' },
    },
  };
  const content = { 'application/json': { schema } };
  return {
    operationId: 'health',
    tags: ['health'],
    summary: 'How the server is',
    description: 'Also at `/healthz` and `/readyz`.',
    security: [],
    responses: {
      200: { description: 'It is well, or does without its cache.', content },
      503: { description: 'The database is away.', content },
    },
  };
}
