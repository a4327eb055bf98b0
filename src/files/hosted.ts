import type { Transaction } from 'sequelize';
import type { Bindable } from '../database/database';
import type { Context } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { newPublicId } from '../kernel/public-id';
import { scope } from '../kernel/tenancy';
import { insertObject } from '../kernel/write';
import type { UploadedFile } from './multipart';
import { extensionOf } from './names';

/**
 * Makes the hosted file of an upload, or finds the account's own with the same bytes; inside the caller's transaction. Answers the
 * file's public id.
 */
export async function hostFile(
  ctx: Context,
  { filename, contentType, received: { sha256, size } }: UploadedFile,
  tx: Transaction,
): Promise<string> {
  const known = await findBytes(ctx, sha256, tx);
  if (known !== undefined) return known;
  const id = newPublicId();
  const extension = extensionOf(filename);
  const input = { name: filename, filename, extension, contentType, hashSha256: sha256, size };
  await insertObject(ctx, entityOf('hosted_file'), id, input, {}, tx);
  return id;
}

/** Says that an object holds a hosted file. */
export const linkFile = (
  ctx: Context,
  file: string,
  type: string,
  id: string,
  tx: Transaction,
): Promise<void> =>
  insertObject(
    ctx,
    entityOf('hosted_file_link'),
    newPublicId(),
    { hostedFileId: file, linkToType: type, linkToId: id },
    {},
    tx,
  );

async function findBytes(ctx: Context, sha256: string, tx: Transaction): Promise<string | undefined> {
  const values: Bindable[] = [];
  const visible = scope(ctx, entityOf('hosted_file'), 't', values);
  const [row] = await ctx.services.database.select<{ id: string }>(
    `SELECT t.id_random AS id FROM hosted_file t WHERE ${visible} AND t.hash_sha256 = ? AND t.enable = 1 ORDER BY t.id LIMIT 1`,
    [...values, sha256],
    tx,
  );
  return row?.id;
}
