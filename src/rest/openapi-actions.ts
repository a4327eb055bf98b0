import { entityOf } from '../kernel/entity';
import { failuresOf } from './openapi-failures';
import { schemaRef, type JsonSchema } from './openapi-shared';

const text = (description: string, example: string): JsonSchema => ({
  type: 'string',
  description,
  examples: [example],
});

/** The paths that are no CRUD. A test compares them with the routes that there are. */
export const actionPaths = (): Record<string, JsonSchema> => ({
  '/v3/action/event_file/upload': { post: upload() },
  '/v3/action/event_file/{id}/download': { get: download('event_file', byId) },
  '/v3/action/hosted_file/{id}/download': { get: download('hosted_file', byId) },
  '/v3/action/hosted_file/hash/{sha256}/download': { get: download('hosted_file_by_hash', byHash) },
  '/v3/action/idaa/novi_member/{uuid}': { get: noviMember() },
  '/health': { get: health() },
});

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
