import type { Entity } from './entity';
import type { Values } from './input';
import { AetherError, badRequest, forbidden } from './errors';
import { RemoveMethod } from './input-types';
import { referencesTo } from './registry';
import { noteTexts } from './search-text';
import { editsAsOwner, limitsOf } from './tenancy';
import type { RowKey, UnitOfWork } from './unit-of-work';
import { changeObject, changeRows, childrenOf, type Locked } from './write';

/**
 * Hides, disables or deletes a locked object; deleting takes along what belongs to it.
 * @throws DATABASE_CONSTRAINT when something that must stay refers to it.
 */
export async function removeObject(
  unit: UnitOfWork,
  entity: Entity,
  row: Locked,
  method: RemoveMethod,
): Promise<void> {
  const { $pk: pk, id, $account: account } = row;
  if (editsAsOwner(unit.ctx, entity.access))
    throw forbidden(`Removing a ${entity.name} is not for its owner.`);
  if (method === RemoveMethod.DELETE) return deleteRows(unit, entity, [{ pk, id, account, before: row }]);
  const mark = method === RemoveMethod.HIDE ? 'hide' : 'enable';
  if (!entity.attributes.has(mark) || !unit.ctx.services.database.keeps(entity.table, mark))
    throw badRequest(`${entity.name} cannot be ${mark === 'hide' ? 'hidden' : 'disabled'}.`);
  await changeObject(unit, entity, row, { [mark]: mark === 'hide' });
}

/** `going` are the rows, by type and key, that are being deleted already: what belongs to each other in a circle goes once. */
async function deleteRows(
  unit: UnitOfWork,
  entity: Entity,
  found: (RowKey & { before?: Values })[],
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
  const limits = await limitsOf(unit.ctx, entity, pks, unit.tx);
  await entity.type.destroy({ where: { pk: pks }, transaction: unit.tx, hooks: false });
  const gone = rows.map((row) => ({ ...row, limits: limits.get(row.pk) }));
  unit.touch(entity, 'removed', gone);
}
