import type { Bindable } from '../database/database';
import { entityOf } from '../kernel/entity';
import { scope } from '../kernel/tenancy';
import type { UnitOfWork } from '../kernel/unit-of-work';
import { insertObject } from '../kernel/write';
import type { UploadedFile } from './multipart';
import { extensionOf } from './names';

/**
 * Makes the hosted file of an upload, or finds the account's own with the same bytes; inside the caller's unit of work. Answers the
 * file's public id.
 */
export async function hostFile(
  unit: UnitOfWork,
  { filename, contentType, received: { sha256, size } }: UploadedFile,
): Promise<string> {
  const known = await findBytes(unit, sha256);
  if (known !== undefined) return known;
  const extension = extensionOf(filename);
  const input = { name: filename, filename, extension, contentType, hashSha256: sha256, size };
  return insertObject(unit, entityOf('hosted_file'), input);
}

/** Says that an object holds a hosted file. */
export const linkFile = (unit: UnitOfWork, file: string, type: string, id: string): Promise<string> =>
  insertObject(unit, entityOf('hosted_file_link'), { hostedFileId: file, linkToType: type, linkToId: id });

async function findBytes({ ctx, tx }: UnitOfWork, sha256: string): Promise<string | undefined> {
  const values: Bindable[] = [];
  const visible = scope(ctx, entityOf('hosted_file'), 't', values);
  const { database, publicIds } = ctx.services;
  const [row] = await database.select<{ pk: number; id: unknown }>(
    `SELECT t.id AS pk, t.id_random AS id FROM hosted_file t WHERE ${visible} AND t.hash_sha256 = ? AND t.enable = 1 ORDER BY t.id LIMIT 1`,
    [...values, sha256],
    tx,
  );
  return row && (await publicIds.of('hosted_file', [row], tx))[0];
}
