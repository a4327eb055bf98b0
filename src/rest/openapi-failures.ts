import { IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import {
  AetherError,
  forbidden,
  invalid,
  notFound,
  rateLimited,
  unauthenticated,
  unavailable,
  unknownField,
  unprocessable,
} from '../kernel/errors';
import { sendActionError, sendCrudError } from './envelope';
import { schemaRef, type JsonSchema } from './openapi-shared';

/** CRUD calls and actions tell of failures in different envelopes. */
const senders = { Crud: sendCrudError, Action: sendActionError };
type Family = keyof typeof senders;

const always = [400, 401, 403, 404, 422, 429, 503];
/** Beside these, of calls with a body; of those that may have been made before; of those that ask for a version; of old routes. */
const sometimes = { body: [413, 415], once: [409], version: [412], old: [410] };
const statuses = [...always, ...Object.values(sometimes).flat()];

/** How an operation can fail, by status. */
export const failuresOf = (family: Family, ...when: (keyof typeof sometimes)[]): JsonSchema => ({
  ...Object.fromEntries(
    [...always, ...when.flatMap((each) => sometimes[each])].map((status) => [
      status,
      responseRef(family + nameOf(status)),
    ]),
  ),
  default: responseRef(`${family}Failure`),
});

export const responseRef = (name: string): JsonSchema => ({ $ref: `#/components/responses/${name}` });

const nameOf = (status: number): string => (STATUS_CODES[status] ?? '').replaceAll(' ', '');

/** Every failed answer, with what the server would send as its examples. */
export const failureResponses = (): Record<string, JsonSchema> =>
  Object.fromEntries(
    (Object.keys(senders) as Family[]).flatMap((family): [string, JsonSchema][] => [
      ...statuses.map((status): [string, JsonSchema] => [
        family + nameOf(status),
        failure(
          family,
          STATUS_CODES[status] ?? '',
          errors().filter((error) => error.status === status),
        ),
      ]),
      [`${family}Failure`, failure(family, 'Any other failure.', others())],
    ]),
  );

function failure(family: Family, description: string, examples: AetherError[]): JsonSchema {
  const waits = examples.some(({ details }) => details.retryAfter !== undefined);
  return {
    description,
    ...(waits && {
      headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } },
    }),
    content: {
      'application/json': {
        schema: schemaRef(`${family}Error`),
        examples: Object.fromEntries(
          examples.map((error) => [error.code, { value: sentBy(senders[family], error) }]),
        ),
      },
    },
  };
}

/** One error or more of each status. */
const errors = (): AetherError[] => [
  invalid({ start_datetime: 'must be a moment as in 2026-01-31T09:00:00Z' }),
  unknownField('event_session', 'colour'),
  new AetherError('DATABASE_DUPLICATE', 'There is such an object already.', { databaseCode: 1062 }),
  unauthenticated('The token has expired.'),
  forbidden('This needs level trusted; you are anonymous.'),
  notFound('event_session', 'aB3dE5fG7hJ'),
  new AetherError('CONFLICT', 'This Idempotency-Key was used for another request.'),
  new AetherError(
    'LEGACY_BROWNOUT',
    'This route is switched off: use GET /v3/crud/event/, or query events at /graphql.',
    {
      replacement: 'GET /v3/crud/event/',
      operation: 'query events',
    },
  ),
  new AetherError('PRECONDITION_FAILED', 'This event_session has changed since you read it.'),
  new AetherError('PAYLOAD_TOO_LARGE', 'The body is too large.'),
  new AetherError('UNSUPPORTED_MEDIA_TYPE', 'A body is JSON: send content-type application/json.'),
  unprocessable('An id has 11 to 22 characters of A-Z, a-z, 0-9, - and _.'),
  rateLimited('Too many requests.', 1),
  unavailable('The database is away.'),
];

const others = (): AetherError[] => [
  new AetherError('METHOD_NOT_ALLOWED', 'Allowed here: GET, HEAD.'),
  new AetherError('INTERNAL', 'Something went wrong on our side.'),
];

/** The body that a sender gives to a response: one without a connection, that keeps it. */
function sentBy(send: (response: ServerResponse, error: AetherError) => void, error: AetherError): unknown {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  let body = '';
  response.end = (text: unknown) => {
    body = String(text);
    return response;
  };
  send(response, error);
  return JSON.parse(body);
}
