import { findEntity } from '../kernel/entity';
import type { Services } from '../kernel/context';
import { isPublicId } from '../kernel/public-id';
import { accountAttribute } from '../kernel/tenancy';

/** An object with a passcode of its own, by which its owner comes in. */
export interface Held {
  pk: number;
  account: number;
  code: string;
}

/** Undefined when there is no such object, when it is switched off, or has no passcode. */
export async function passcodeOfObject(
  { database, publicIds }: Pick<Services, 'database' | 'publicIds'>,
  { type, id }: { type: string; id: string },
): Promise<Held | undefined> {
  const entity = findEntity(type);
  const attribute = entity && [...entity.attributes.values()].find(({ opens }) => opens);
  if (!attribute || !database.keeps(type, attribute.column)) return undefined;
  const pk = isPublicId(id) ? await publicIds.find(type, id) : undefined;
  if (pk === undefined) return undefined;
  const account = entity.attributes.get(accountAttribute(entity))?.column ?? 'id';
  const [row] = await database.select<Omit<Held, 'code'> & { code: string | null }>(
    `SELECT id AS pk, \`${account}\` AS account, \`${attribute.column}\` AS code FROM \`${type}\` WHERE id = ? AND enable = 1`,
    [pk],
  );
  return row?.code ? { ...row, code: row.code } : undefined;
}
