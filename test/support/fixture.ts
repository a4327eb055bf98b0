import { seed, type Seed } from '../../seeders/rows';
import type { Services } from '../../src/kernel/context';
import type { Entity } from '../../src/kernel/entity';
import { databaseFromDate } from '../../src/kernel/scalars';
import { fixedId, inOrderOfNeed, sparesOf, valuesFor, type Made, type Tenant, type Values } from './factory';

/** Numbers of the rows of an account: unique ones differ over all of them. */
const starts: Record<string, number> = { here: 100_000, there: 200_000 };

/** Makes an account with so many objects of every type or more, each below objects of the same account. */
export async function seedTenant(
  services: Services,
  name: 'here' | 'there',
  rows: number,
  keeps: (entity: Entity, values: Values) => Values = (_entity, values) => values,
): Promise<Tenant> {
  const account = fixedId('account', name);
  const tenant: Tenant = { account, rows: {} };
  for (const entity of inOrderOfNeed()) {
    const made: Made[] = [];
    for (let i = 0; i < (entity.tenant === 'self' ? 1 : rows + sparesOf(entity)); i += 1) {
      const values = keeps(entity, valuesFor(entity, tenant, starts[name]! + i, { full: false }));
      if (entity.tenant === 'self')
        Object.assign(values, { enable: true, hide: false, name: `Account ${name}` });
      const id = entity.tenant === 'self' ? account : fixedId(entity.table, name, i);
      made.push({ type: entity.table, id, values });
    }
    tenant.rows[entity.table] = made;
    await seed(
      services,
      made.map((each) => seedOf(entity, tenant, each)),
    );
  }
  return tenant;
}

/** More objects of a type, with these values beside or instead of generated ones; straight into the database. */
export async function seedMore(
  services: Services,
  entity: Entity,
  tenant: Tenant,
  rows: readonly Values[],
  createdOn?: string,
): Promise<Made[]> {
  const made = rows.map((values) => {
    const n = nextNumber();
    return {
      type: entity.table,
      id: fixedId(entity.table, n, 'more'),
      values: { ...valuesFor(entity, tenant, n, { full: false }), ...values },
    };
  });
  await seed(
    services,
    made.map((each) => seedOf(entity, tenant, each)),
    createdOn,
  );
  return made;
}

let last = 1_000_000;
/** A number that nothing was made from yet. */
export const nextNumber = (): number => (last += 1);

function seedOf(entity: Entity, tenant: Tenant, { type, id, values }: Made): Seed {
  const stored = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      entity.attributes.get(name)?.kind === 'datetime' && typeof value === 'string'
        ? databaseFromDate(new Date(value))
        : value,
    ]),
  );
  return {
    type,
    id,
    values: { ...stored, ...(entity.attributes.has('accountId') && { accountId: tenant.account }) },
  };
}
