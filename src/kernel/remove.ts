import type { Context } from './context';
import type { Entity } from './entity';
import { AetherError, badRequest } from './errors';
import { RemoveMethod } from './input-types';
import { referencesTo } from './registry';
import { noteTexts } from './search-text';
import { mayWrite } from './tenancy';
import { write, type RowKey, type UnitOfWork } from './unit-of-work';
import { changeObject, changeRows, childrenOf, lockObject } from './write';

/**
 * Hides, disables or deletes an object; deleting takes along what belongs to it, in one transaction.
 * @throws NOT_FOUND, FORBIDDEN, and DATABASE_CONSTRAINT when something that must stay refers to it.
 */
export async function removeObject(
  ctx: Context,
  entity: Entity,
  id: string,
  method: RemoveMethod,
): Promise<void> {
  mayWrite(ctx, entity, method === RemoveMethod.DELETE ? 'remove' : 'update');
  await write(ctx, async (unit) => {
    const row = await lockObject(unit, entity, id);
    if (method === RemoveMethod.DELETE) return deleteRows(unit, entity, [{ pk: row.$pk, id }]);
    const mark = method === RemoveMethod.HIDE ? 'hide' : 'enable';
    if (!entity.attributes.has(mark) || !ctx.services.database.keeps(entity.table, mark))
      throw badRequest(`${entity.name} cannot be ${mark === 'hide' ? 'hidden' : 'disabled'}.`);
    await changeObject(unit, entity, row, { [mark]: mark === 'hide' });
  });
}

/** `going` are the rows, by type and key, that are being deleted already: what belongs to each other in a circle goes once. */
async function deleteRows(
  unit: UnitOfWork,
  entity: Entity,
  found: RowKey[],
  going = new Set<string>(),
): Promise<void> {
  const nameOf = ({ pk }: RowKey): string => `${entity.table} ${String(pk)}`;
  const rows = found.filter((row) => !going.has(nameOf(row)));
  if (rows.length === 0) return;
  for (const row of rows) going.add(nameOf(row));
  const pks = rows.map(({ pk }) => pk);
  for (const { entity: child, attribute } of referencesTo(entity)) {
    const children = await childrenOf(unit, entity, pks, child, attribute);
    if (children.length === 0) continue;
    const onRemove = attribute.ref?.onRemove ?? attribute.any?.onRemove ?? 'cascade';
    if (onRemove === 'restrict')
      throw new AetherError(
        'DATABASE_CONSTRAINT',
        `This ${entity.name} is in use by ${String(children.length)} ${child.plural}.`,
        { databaseCode: 1451 },
      );
    if (onRemove === 'nullify') await changeRows(unit, child, children, { [attribute.name]: null });
    else await deleteRows(unit, child, children, going);
  }
  await noteTexts(unit, entity, pks);
  await entity.type.destroy({ where: { pk: pks }, transaction: unit.tx, hooks: false });
  unit.touch(entity, 'removed', rows);
}
