import { hash } from 'node:crypto';
import { hasTag } from '../files/preconditions';
import { invalid } from '../kernel/errors';
import type { Answer } from './envelope';
import type { RestRequest } from './request';

/**
 * The ETag of an answer with one record. Its first part is the moment at which the record last changed: no two changes of a record
 * share one. The second stands for all that the answer holds, such as names that are those of other records.
 */
export const etagOf = (updatedOn: unknown, body: string): string =>
  `"${typeof updatedOn === 'string' ? updatedOn : ''}.${hash('sha256', body, 'base64url')}"`;

const ours = /^(?:W\/)?"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|)\.[\w-]{43}"$/;

/** A moment at which nothing changed. */
const never = new Date(0).toISOString();

/**
 * The condition of a write, from `If-Match`: nobody has changed the record since. Only the first part of the tag is about the
 * record alone; and a tag is taken as a weak one too, which a proxy makes of it that compresses the answer.
 */
export function conditionOf(request: RestRequest): { ifUpdatedOn?: string | null } {
  const header = request.header('if-match')?.trim();
  if (header === undefined || header === '*') return {};
  if (/",/.test(header)) throw invalid({ 'If-Match': 'takes one ETag' });
  const [, updatedOn] = ours.exec(header) ?? [];
  if (updatedOn === '') return { ifUpdatedOn: null };
  return { ifUpdatedOn: Number.isNaN(Date.parse(updatedOn ?? '')) ? never : updatedOn };
}

/** A record that is read, or nothing where the caller has it already. */
export function versioned(request: RestRequest, etag: string, body: string): Answer {
  const headers = { ETag: etag, 'Cache-Control': 'private, no-cache' };
  const known = request.header('if-none-match');
  return known !== undefined && hasTag(known, etag)
    ? { status: 304, body: '', headers }
    : { status: 200, body, headers };
}
