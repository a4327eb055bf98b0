import { STATUS_CODES, type ServerResponse } from 'node:http';
import { sendJson } from '../http';
import type { Context } from '../kernel/context';
import { AetherError, errorCodes, type ErrorCode } from '../kernel/errors';

export interface Meta {
  status_code: number;
  status_name: string;
  status_message: string;
  success: boolean;
  details: unknown;
  [more: string]: unknown;
}

export const metaOf = (status: number, more: Record<string, unknown> = {}): Meta => ({
  status_code: status,
  status_name: STATUS_CODES[status] ?? '',
  status_message: status < 400 ? 'The call succeeded.' : 'The call failed.',
  success: status < 400,
  details: null,
  ...more,
});

export const sendData = (response: ServerResponse, data: unknown, more?: Record<string, unknown>): void => {
  sendJson(response, 200, { data, meta: metaOf(200, more) });
};

/** What a caller should know of an answer that is sound all the same. */
export const warningsOf = ({ warnings }: Context): { warnings?: string[] } =>
  warnings.size > 0 ? { warnings: [...warnings] } : {};

/** A failed CRUD call: `data` is false, and `details` tell what was wrong. */
export function sendCrudError(response: ServerResponse, error: AetherError): void {
  const { code, message, details } = error;
  const { status, category } = errorCodes[code];
  retryAfter(response, error);
  sendJson(response, status, {
    data: false,
    meta: metaOf(status, {
      status_message: message,
      details: (category === 'validation' && details.fields) || {
        category,
        code: details.databaseCode ?? code,
        message,
        recoverable: status < 500 || status === 503,
      },
    }),
  });
}

/** A failed action: `detail`, as the older service has it. */
export function sendActionError(response: ServerResponse, error: AetherError): void {
  retryAfter(response, error);
  const { fields = { body: error.message } } = error.details;
  sendJson(response, error.status, {
    detail:
      error.code === 'UNPROCESSABLE'
        ? Object.entries(fields).map(([field, msg]) => ({ loc: [field], msg, type: 'value_error' }))
        : error.message,
  });
}

function retryAfter(response: ServerResponse, { details }: AetherError): void {
  if (details.retryAfter !== undefined)
    response.setHeader('Retry-After', String(Math.ceil(details.retryAfter)));
}

/** The error of ours that a GraphQL error stands for. */
export function errorFrom({
  message,
  extensions,
}: {
  message: string;
  extensions: Record<string, unknown>;
}): AetherError {
  const code = extensions.code as ErrorCode;
  const known = Object.hasOwn(errorCodes, code) ? code : 'VALIDATION';
  return new AetherError(known, message, extensions);
}
