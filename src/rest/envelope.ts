import { STATUS_CODES, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sendJson, sendJsonText } from '../http';
import type { Context } from '../kernel/context';
import { AetherError, errorCodes, type ErrorCode, type ErrorDetails } from '../kernel/errors';

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

/** What is sent in answer to a call: JSON text, whole or in pieces as they come. */
export interface Answer<Body = string | AsyncIterable<string>> {
  status: number;
  body: Body;
  headers?: Record<string, string>;
}

const done = JSON.stringify(metaOf(200));

/** The text of an answer that succeeds; `bare` is without `meta`. */
export const dataText = (data: unknown, more?: Record<string, unknown>, bare?: boolean): string =>
  `{"data":${JSON.stringify(data)}${metaText(more, bare)}`;

/** What ends the text of such an answer. */
export const metaText = (more?: Record<string, unknown>, bare?: boolean): string =>
  bare ? '}' : `,"meta":${more ? JSON.stringify(metaOf(200, more)) : done}}`;

export const sendData = (response: ServerResponse, data: unknown): void => {
  sendJsonText(response, 200, dataText(data));
};

export async function sendAnswer(
  response: ServerResponse,
  { status, body, headers = {} }: Answer,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (status === 304) response.writeHead(status).end();
  else if (typeof body === 'string') sendJsonText(response, status, body);
  else {
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    if (response.req.method === 'HEAD') response.end();
    else await sendPieces(response, body);
  }
}

/** One piece ahead of the reader, no more; whoever leaves ends the reading. */
async function sendPieces(response: ServerResponse, body: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(body, { highWaterMark: 1 }), response);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** What a caller should know of an answer that is sound all the same. */
export function warningsOf(ctx: Context): { warnings: string[] } | undefined {
  const warnings = ctx.warnings.inColumns();
  return warnings.length > 0 ? { warnings } : undefined;
}

/** A failed CRUD call: `data` is false, and `details` tell what was wrong. */
export function crudFailure({ code, message, details }: AetherError): Answer<string> {
  const { status, category } = errorCodes[code];
  return {
    status,
    headers: retryAfter(details),
    body: JSON.stringify({
      data: false,
      meta: metaOf(status, {
        status_message: message,
        details: (category === 'validation' && details.fields) || {
          category,
          code: details.databaseCode ?? code,
          message,
          recoverable: status < 500 || status === 503,
          ...successor(details),
        },
      }),
    }),
  };
}

export const sendCrudError = (response: ServerResponse, error: AetherError): void => {
  void sendAnswer(response, crudFailure(error));
};

/** A failed action: `detail`, as the older service has it. */
export function sendActionError(response: ServerResponse, error: AetherError): void {
  for (const [name, value] of Object.entries(retryAfter(error.details))) response.setHeader(name, value);
  const { fields = { body: error.message }, replacement } = error.details;
  sendJson(response, error.status, {
    detail:
      error.code === 'UNPROCESSABLE'
        ? Object.entries(fields).map(([field, msg]) => ({ loc: [field], msg, type: 'value_error' }))
        : error.message,
    ...(replacement !== undefined && { code: error.code, ...successor(error.details) }),
  });
}

/** What to use instead of a route that is no longer there. */
const successor = ({ replacement, operation }: ErrorDetails): ErrorDetails =>
  replacement === undefined ? {} : { replacement, operation };

const retryAfter = ({ retryAfter: seconds }: ErrorDetails): Record<string, string> =>
  seconds === undefined ? {} : { 'Retry-After': String(Math.ceil(seconds)) };

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
