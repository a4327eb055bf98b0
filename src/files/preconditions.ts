import type { IncomingHttpHeaders } from 'node:http';

/** What a client's copy is compared with. */
export interface Version {
  /** With its quotes. */
  etag: string;
  mtime: Date;
}

/**
 * Evaluates the conditions of a GET or HEAD request in the order of RFC 9110, section 13.2.2.
 * @returns 412 or 304 when the file is not to be sent
 */
export function checkPreconditions(
  headers: IncomingHttpHeaders,
  { etag, mtime }: Version,
): 412 | 304 | undefined {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, (tag) => tag === etag)) return 412;
  } else if (isAfter(mtime, headers['if-unmodified-since'])) return 412;

  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) return hasTag(ifNoneMatch, etag) ? 304 : undefined;
  return isAfter(mtime, headers['if-modified-since']) === false ? 304 : undefined;
}

/** Whether a range may be sent: a client that has parts of another version needs the whole. */
export function rangeApplies(ifRange: string | string[] | undefined, { etag, mtime }: Version): boolean {
  if (typeof ifRange !== 'string') return true;
  return ifRange.includes('"') ? ifRange.trim() === etag : seconds(mtime) === seconds(new Date(ifRange));
}

/** Does an `If-None-Match` name this version, be it as a weak one? */
export const hasTag = (header: string, etag: string): boolean =>
  matches(header, (tag) => tag.replace(/^W\//, '') === etag);

const matches = (header: string, isOurs: (tag: string) => boolean): boolean =>
  header.trim() === '*' || (header.match(/(?:W\/)?"[^"]*"/g) ?? []).some(isOurs);

/** Undefined when the header is absent or no date, which means it does not count. */
function isAfter(mtime: Date, header: string | undefined): boolean | undefined {
  const limit = seconds(new Date(header ?? NaN));
  return Number.isNaN(limit) ? undefined : seconds(mtime) > limit;
}

/** HTTP dates have no fractions. */
const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);
