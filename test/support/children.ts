import { isRequired } from '../../src/kernel/input-types';
import type { ToMany } from '../../src/kernel/registry';
import { valuesFor, type Tenant, type Values } from './factory';
import { nextNumber } from './fixture';
import { bodyOf } from './rest';

/** The body of a new child without its parent, and the parent that it must get. */
export function newChild(
  { parent, child, attribute }: ToMany,
  tenant: Tenant,
): { body: Values; parentId: string } {
  const values = valuesFor(child, tenant, nextNumber());
  if (attribute.name === 'accountId') return { body: bodyOf(child, values), parentId: tenant.account };
  if (attribute.any) {
    const needed = [...child.attributes.values()].filter(isRequired).map(({ name }) => [name, values[name]]);
    const {
      [attribute.name]: _id,
      [attribute.any.typeAttribute]: _type,
      ...rest
    } = Object.fromEntries(needed) as Values;
    return { body: bodyOf(child, rest), parentId: tenant.rows[parent.table]![1]!.id };
  }
  const { [attribute.name]: parentId, ...rest } = values;
  return { body: bodyOf(child, rest), parentId: String(parentId) };
}
