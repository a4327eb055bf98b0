import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bindable } from '../database/database';
import type { Context } from '../kernel/context';
import { allEntities, entityOf } from '../kernel/entity';
import { AetherError, notFound, unprocessable } from '../kernel/errors';
import { isPublicId } from '../kernel/public-id';
import { readOne } from '../kernel/read';
import { finish, selectColumns, type Row } from '../kernel/rows';
import { makePlan } from '../kernel/selection';
import { mayReach, owned, ownershipColumns, type Ownership } from '../kernel/tenancy';
import { contentTypeByName } from './media-types';
import { sendFile } from './send';
import type { FileStore } from './store';

declare module '../kernel/context' {
  interface Services {
    files: FileStore;
  }
}

/** What is sent of a hosted file; old rows may lack any of it. */
interface Hosted {
  hashSha256: string | null;
  filename: string | null;
  contentType: string | null;
}

/** What holds a file: a type with a reference to one, such as an event file. */
const containers = () => allEntities().filter(({ attributes }) => attributes.has('hostedFileId'));

/**
 * Sends the bytes of a hosted file, or of an object that holds one, whichever the id names. Any caller of the account may have a
 * hosted file whose id it knows; an object that holds one is subject to its own rules.
 * @throws NOT_FOUND, FORBIDDEN
 */
export async function downloadById(
  ctx: Context,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
  filename?: string,
): Promise<void> {
  const pk = isPublicId(id) ? await ctx.services.publicIds.find('hosted_file', id) : undefined;
  const found = (pk !== undefined && (await findFile(ctx, pk))) || (await findContained(ctx, id));
  if (!found) throw notFound('file', id);
  const sha256 = found.hashSha256 ?? '';
  await send(ctx, sha256, request, response, {
    filename: filename ?? found.filename ?? defaultName(sha256),
    contentType: found.contentType ?? contentTypeByName(found.filename ?? ''),
    cacheControl: 'private, no-cache',
  });
}

async function findFile(ctx: Context, pk: number, filename?: unknown): Promise<Hosted | undefined> {
  const entity = entityOf('hosted_file');
  const plan = makePlan(entity, ['hashSha256', 'filename', 'contentType'], ctx.viewer.level);
  const values: Bindable[] = [];
  const columns = ownershipColumns(ctx, entity, 't', values);
  const rows = await selectColumns(ctx, plan, { columns, tail: 'WHERE t.id = ?', values: [...values, pk] });
  const [row] = rows;
  if (!row) return undefined;
  owned(ctx, entity, row as Row & Ownership);
  await finish(ctx, plan, rows);
  const file = row as Row & Hosted;
  return typeof filename === 'string' && filename ? { ...file, filename } : file;
}

async function findContained(ctx: Context, id: string): Promise<Hosted | undefined> {
  if (!isPublicId(id)) return undefined;
  for (const entity of containers()) {
    if ((await ctx.services.publicIds.find(entity.table, id)) === undefined) continue;
    const row = await readOne(ctx, makePlan(entity, ['hostedFile', 'filename'], ctx.viewer.level), id);
    const file = row.$hostedFileId as number | null;
    return file === null ? undefined : findFile(ctx, file, row.filename);
  }
  return undefined;
}

const defaultName = (sha256: string): string => `file_${sha256.slice(0, 8)}.bin`;

/**
 * Sends the bytes with this SHA-256 to any caller with a key: who knows the hash may have what it names. Reads no table.
 * @throws UNPROCESSABLE when it is no hash, NOT_FOUND
 */
export async function downloadByHash(
  ctx: Context,
  sha256: string,
  request: IncomingMessage,
  response: ServerResponse,
  filename?: string,
): Promise<void> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw unprocessable('A hash is 64 lower-case hex digits.');
  const name = filename ?? defaultName(sha256);
  await send(ctx, sha256, request, response, {
    filename: name,
    contentType: contentTypeByName(name),
    cacheControl: 'private, max-age=31536000, immutable',
  });
}

async function send(
  ctx: Context,
  sha256: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: { filename: string; contentType: string; cacheControl: string },
): Promise<void> {
  mayReach(ctx, entityOf('hosted_file'), 'read');
  const file = await ctx.services.files.stat(sha256);
  if (!file) throw new AetherError('NOT_FOUND', 'The bytes of this file are not here.');
  // Pages of other origins show documents in frames; what is dangerous there gets a sandbox of its own.
  response.removeHeader('X-Frame-Options');
  response.removeHeader('Content-Security-Policy');
  await sendFile(request, response, file, options);
}

/** `?filename=` of a download: 4 to 255 characters. */
export function downloadName(value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string' || value.length < 4 || value.length > 255)
    throw unprocessable('filename has 4 to 255 characters.');
  return value;
}
