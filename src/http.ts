import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { AetherError, badRequest } from './kernel/errors';
import { nestsDeeper } from './kernel/input';

/*
 * Reading and writing JSON over node:http: the router and body parser of Express would take longer than a small query, and look for
 * much that is not there.
 */

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

const decoders: Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

/** What a body of JSON may take; those of uploads have limits of their own. */
export interface BodyLimits {
  maxBytes: number;
  /** Milliseconds from its first byte to its last; then the connection is cut off. */
  maxMs: number;
}

/**
 * The body of a request, parsed; undefined when there is none.
 * @throws UNSUPPORTED_MEDIA_TYPE for what is declared as anything but JSON in UTF-8, PAYLOAD_TOO_LARGE, BAD_REQUEST for what is not
 * JSON after all, LIMIT_EXCEEDED for what nests too deep
 */
export async function readJson(request: IncomingMessage, { maxBytes, maxMs }: BodyLimits): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  const cutOff = setTimeout(() => request.destroy(), maxMs);
  try {
    // Leaving the loop early would otherwise take the connection with it, and the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (size === 0) checkType(request);
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    await drain(request);
    throw error;
  } finally {
    clearTimeout(cutOff);
  }
  if (size === 0) return undefined;
  const text = (await decoded(request, Buffer.concat(chunks), maxBytes)).toString('utf8');
  const body = parsed(text);
  // Not so long, it cannot be so deep.
  if (text.length > 2 * maxNesting && nestsDeeper(body, maxNesting))
    throw new AetherError('LIMIT_EXCEEDED', `A body nests at most ${String(maxNesting)} deep.`);
  return body;
}

/** Far more than anything that is asked for, far less than what a function that calls itself can go through. */
const maxNesting = 500;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequest('The body is not valid JSON.');
  }
}

const tooLarge = (maxBytes: number): AetherError =>
  new AetherError('PAYLOAD_TOO_LARGE', `A body has at most ${String(maxBytes)} bytes.`);

const unsupported = (message: string): AetherError => new AetherError('UNSUPPORTED_MEDIA_TYPE', message);

/** Does the request declare its body as JSON? */
export const isJson = ({ headers }: IncomingMessage): boolean =>
  /^application\/(?:[\w.-]+\+)?json\b/i.test(headers['content-type'] ?? '');

function checkType(request: IncomingMessage): void {
  const { 'content-encoding': encoding = 'identity', 'content-type': type = '' } = request.headers;
  const charset = /charset="?([^\s";]+)/i.exec(type)?.[1] ?? 'utf-8';
  // The older service took what does not say what it is for JSON, and scripts in Python send it so.
  if (type !== '' && !isJson(request))
    throw unsupported('A body is JSON: send content-type application/json.');
  if (!/^utf-?8$/i.test(charset)) throw unsupported(`A body in ${charset} is not understood: send UTF-8.`);
  if (encoding !== 'identity' && !Object.hasOwn(decoders, encoding))
    throw unsupported(`A body in content-encoding ${encoding} is not understood.`);
}

/**
 * A body without the compression that its request declares.
 * @throws PAYLOAD_TOO_LARGE, BAD_REQUEST
 */
export async function decoded({ headers }: IncomingMessage, body: Buffer, maxBytes: number): Promise<Buffer> {
  const decode = decoders[headers['content-encoding'] ?? ''];
  if (!decode) return body;
  try {
    return await decode(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw badRequest('The body is not compressed as it says.');
  }
}

export const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  sendJsonText(response, status, JSON.stringify(body));
};

/** The same of what is written out already. */
export const sendJsonText = (response: ServerResponse, status: number, text: string): void => {
  sendText(response, status, text, 'application/json; charset=utf-8');
};

export function sendText(response: ServerResponse, status: number, text: string, type: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}

/**
 * How long the server of node:http waits, in milliseconds: for the head of a request, so that a client that sends it letter by letter
 * holds nothing up; for all of it, since large files take their time; and for the next one on the same connection, longer than load
 * balancers keep idle ones, so that they never send into one that is closing.
 */
export const serverOptions = {
  headersTimeout: 20_000,
  requestTimeout: 3_600_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
} as const;

/** How long a client may go on sending what we no longer want, before it is cut off. */
const drainMs = 30_000;

/**
 * Reads what is left of a request into nowhere, so that its client lives to see the answer. Resolves when that may be sent: at once,
 * but for a connection that closes after the answer, which would be lost while the client still writes.
 */
export async function drain(request: IncomingMessage): Promise<void> {
  if (request.destroyed) return;
  request.resume();
  const cutOff = setTimeout(() => request.destroy(), drainMs).unref();
  const drained = new Promise<void>((resolve) => {
    request.once('close', () => {
      clearTimeout(cutOff);
      resolve();
    });
  });
  const { headers, httpVersion } = request;
  if (/\bclose\b/i.test(headers.connection ?? (httpVersion === '1.0' ? 'close' : ''))) await drained;
}
