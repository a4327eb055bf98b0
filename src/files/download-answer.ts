import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import contentDisposition from 'content-disposition';
import { essence, isShownInline } from './media-types';
import { cleanFilename } from './names';
import { checkPreconditions, rangeApplies } from './preconditions';
import { readRanges, type ByteRange } from './ranges';
import type { StoredFile } from './store';

export interface SendOptions {
  /** The name to save under; cleaned here, so it may come from the request. */
  filename: string;
  contentType: string;
  cacheControl: string;
  /** Anything else to say; what is decided here wins. */
  extraHeaders?: Readonly<Record<string, string>>;
}

/** A stretch of a body: text, or a part of the file. */
export type Piece = string | ByteRange;

export interface Answer {
  status: number;
  headers: Record<string, string | number>;
  body: Piece[];
}

/** Decides what a GET or HEAD request for the file gets, without touching the file. */
export function answerDownload(
  { method, headers }: IncomingMessage,
  file: StoredFile,
  options: SendOptions,
): Answer {
  const version = { etag: `"${file.sha256}"`, mtime: file.mtime };
  const always = {
    ETag: version.etag,
    'Last-Modified': file.mtime.toUTCString(),
    'Accept-Ranges': 'bytes',
    'X-Content-Type-Options': 'nosniff',
  };

  const instead = checkPreconditions(headers, version);
  if (instead === 412) return refusal(412, always, 'The file is another version than the one asked for.');
  const cached = { ...always, 'Cache-Control': options.cacheControl };
  if (instead === 304) return { status: 304, headers: cached, body: [] };

  // RFC 9110 defines ranges for GET alone.
  const range = method === 'GET' && rangeApplies(headers['if-range'], version) && headers.range;
  const ranges = range ? readRanges(range, file.size) : 'whole';
  if (ranges === 'unsatisfiable')
    return refusal(
      416,
      { ...always, 'Content-Range': `bytes */${file.size}` },
      `The file has ${file.size} bytes, and none of them in that range.`,
    );

  const type = contentTypeHeader(options.contentType);
  const content = contentAnswer(ranges, file.size, type);
  return { ...content, headers: { ...cached, ...showing(options.filename, type), ...content.headers } };
}

function contentAnswer(ranges: ByteRange[] | 'whole', size: number, type: string): Answer {
  if (ranges === 'whole') {
    const headers = { 'Content-Type': type, 'Content-Length': size };
    return { status: 200, headers, body: size > 0 ? [{ start: 0, end: size - 1 }] : [] };
  }

  const [first, second] = ranges;
  if (first && !second) {
    const headers = {
      'Content-Type': type,
      'Content-Range': contentRange(first, size),
      'Content-Length': length(first),
    };
    return { status: 206, headers, body: [first] };
  }

  const boundary = randomBytes(16).toString('hex');
  const body = ranges.flatMap((range): Piece[] => [
    `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
    range,
  ]);
  body.push(`\r\n--${boundary}--\r\n`);
  const headers = {
    'Content-Type': `multipart/byteranges; boundary=${boundary}`,
    'Content-Length': body.reduce((sum, piece) => sum + length(piece), 0),
  };
  return { status: 206, headers, body };
}

/** Whether the browser may show the file or only save it, and what it may do then: nothing. */
function showing(filename: string, type: string): Record<string, string> {
  if (isShownInline(type)) return { 'Content-Disposition': disposition(filename, 'inline') };
  return {
    'Content-Disposition': disposition(filename, 'attachment'),
    'Content-Security-Policy': "sandbox; default-src 'none'",
  };
}

function refusal(status: number, headers: Answer['headers'], detail: string): Answer {
  const body = JSON.stringify({ detail });
  const type = 'application/json; charset=utf-8';
  return {
    status,
    headers: { ...headers, 'Content-Type': type, 'Content-Length': length(body) },
    body: [body],
  };
}

function contentTypeHeader(contentType: string): string {
  const type = essence(contentType);
  if (!/^[\w.+-]+\/[\w.+-]+$/.test(type)) return 'application/octet-stream';
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}

/** Names beyond ASCII are sent twice: exactly, and spelled for clients that know nothing else. */
function disposition(name: string, type: 'inline' | 'attachment'): string {
  const filename = cleanFilename(name);
  const fallback = filename
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/gu, '_');
  return contentDisposition(filename, { type, fallback });
}

const contentRange = ({ start, end }: ByteRange, size: number): string => `bytes ${start}-${end}/${size}`;

const length = (piece: Piece): number =>
  typeof piece === 'string' ? Buffer.byteLength(piece) : piece.end - piece.start + 1;
