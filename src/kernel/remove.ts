import type { Transaction } from 'sequelize';
import type { Context } from './context';
import type { Entity } from './entity';
import { AetherError, badRequest } from './errors';
import { RemoveMethod } from './input-types';
import { referencesTo } from './registry';
import { mayWrite } from './tenancy';
import { childrenWhere, keysOf, lockObject, writeObject } from './write';

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
  await ctx.services.database.transaction(async (tx) => {
    const row = await lockObject(ctx, entity, id, tx);
    if (method === RemoveMethod.DELETE) return deleteRows(ctx, entity, [row.$pk], tx);
    const mark = method === RemoveMethod.HIDE ? 'hide' : 'enable';
    if (!entity.attributes.has(mark))
      throw badRequest(`${entity.name} cannot be ${mark === 'hide' ? 'hidden' : 'disabled'}.`);
    await writeObject(ctx, entity, row, { [mark]: mark === 'hide' }, tx);
  });
  ctx.services.changed(entity.table);
}

async function deleteRows(ctx: Context, entity: Entity, pks: number[], tx: Transaction): Promise<void> {
  if (pks.length === 0) return;
  for (const { entity: child, attribute } of referencesTo(entity)) {
    const where = childrenWhere(entity, attribute, pks);
    const onRemove = attribute.ref?.onRemove ?? attribute.any?.onRemove ?? 'cascade';
    if (onRemove === 'nullify') {
      await child.type.update(
        { [attribute.name]: null },
        { where, transaction: tx, hooks: false, validate: false },
      );
      continue;
    }
    const children = await keysOf(child, where, tx);
    if (children.length > 0 && onRemove === 'restrict')
      throw new AetherError(
        'DATABASE_CONSTRAINT',
        `This ${entity.name} is in use by ${String(children.length)} ${child.plural}.`,
        {
          databaseCode: 1451,
        },
      );
    await deleteRows(ctx, child, children, tx);
  }
  await entity.type.destroy({ where: { pk: pks }, transaction: tx, hooks: false });
  for (const pk of pks) ctx.services.publicIds.forget(entity.table, pk);
}
