import { GraphQLError } from 'graphql';

/**
 * Every way a call can fail, with the HTTP status and the REST category that go with it.
 * `extensions.code` of a GraphQL error is always one of these keys.
 */
export const errorCodes = {
  BAD_REQUEST: { status: 400, category: 'validation' },
  VALIDATION: { status: 400, category: 'validation' },
  DATABASE_DUPLICATE: { status: 400, category: 'database_duplicate' },
  DATABASE_CONSTRAINT: { status: 400, category: 'database_constraint' },
  DATABASE_SCHEMA: { status: 400, category: 'database_schema' },
  LIMIT_EXCEEDED: { status: 400, category: 'validation' },
  UNAUTHENTICATED: { status: 401, category: 'unauthenticated' },
  FORBIDDEN: { status: 403, category: 'forbidden' },
  NOT_FOUND: { status: 404, category: 'not_found' },
  METHOD_NOT_ALLOWED: { status: 405, category: 'validation' },
  CONFLICT: { status: 409, category: 'validation' },
  GONE: { status: 410, category: 'not_found' },
  LEGACY_BROWNOUT: { status: 410, category: 'not_found' },
  PRECONDITION_FAILED: { status: 412, category: 'validation' },
  PAYLOAD_TOO_LARGE: { status: 413, category: 'validation' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, category: 'validation' },
  UNPROCESSABLE: { status: 422, category: 'validation' },
  RATE_LIMITED: { status: 429, category: 'rate_limited' },
  INTERNAL: { status: 500, category: 'internal' },
  UNAVAILABLE: { status: 503, category: 'unavailable' },
} as const satisfies Record<string, { status: number; category: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** What an error carries beside its message; all of it may be shown to the caller. */
export interface ErrorDetails {
  /** Message per offending field, by the name the caller used. */
  fields?: Record<string, string>;
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  retryAfter?: number;
  /** MariaDB's error number, for programs that know the old service by it. */
  databaseCode?: number;
  /** What was asked for where a limit was exceeded, and the limit. */
  requested?: number;
  limit?: number;
  /** Of a route that is no longer there: method and path of what replaces it, and the operation of the graph. */
  replacement?: string;
  operation?: string;
}

/** The one error class of the product: thrown by meaning, turned into an answer at the edge of each door. */
export class AetherError extends GraphQLError {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, {
      extensions: { code, ...details },
      ...(cause instanceof Error && { originalError: cause }),
    });
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }
}

export const badRequest = (message: string): AetherError => new AetherError('BAD_REQUEST', message);

export const unauthenticated = (message: string): AetherError => new AetherError('UNAUTHENTICATED', message);

export const forbidden = (message: string): AetherError => new AetherError('FORBIDDEN', message);

export const notFound = (type: string, id: string): AetherError =>
  new AetherError('NOT_FOUND', `There is no ${type} with id "${id}".`);

export const conflict = (message: string): AetherError => new AetherError('CONFLICT', message);

/** Names every offending field at once, so that a form can show all its mistakes. */
export const invalid = (fields: Record<string, string>): AetherError =>
  new AetherError(
    'VALIDATION',
    Object.entries(fields)
      .map(([field, message]) => `${field}: ${message}`)
      .join('; '),
    { fields },
  );

export const unknownField = (type: string, field: string): AetherError =>
  new AetherError('DATABASE_SCHEMA', `${type} has no field "${field}".`, { databaseCode: 1054 });

/** `field` is the offending one, by the name that REST has for it. */
export const unprocessable = (message: string, field?: string): AetherError =>
  new AetherError('UNPROCESSABLE', message, field === undefined ? {} : { fields: { [field]: message } });

export const rateLimited = (message: string, retryAfter: number): AetherError =>
  new AetherError('RATE_LIMITED', message, { retryAfter });

export const unavailable = (message: string, retryAfter = 2, cause?: unknown): AetherError =>
  new AetherError('UNAVAILABLE', message, { retryAfter }, cause);
