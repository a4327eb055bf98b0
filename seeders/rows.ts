import type { Services } from '../src/kernel/context';
import { entityOf } from '../src/kernel/entity';
import { searchText, type Values } from '../src/kernel/write';

/** A row to be there: its type, its public id, and its values by attribute name; references by public id, JSON as it is. */
export interface Seed {
  type: string;
  id: string;
  values: Record<string, unknown>;
}

const chunk = 500;

/** Makes the rows that are not there yet; rows that are there stay as they are. Rows come after those that they refer to. */
export async function seed(services: Services, seeds: Seed[], createdOn = '2026-01-01 00:00:00.000'): Promise<number> {
  let made = 0;
  for (let start = 0; start < seeds.length; ) {
    const { type } = seeds[start] as Seed;
    let end = start;
    while (end < seeds.length && end - start < chunk && seeds[end]?.type === type) end += 1;
    made += await seedSome(services, type, seeds.slice(start, end), createdOn);
    start = end;
  }
  return made;
}

async function seedSome(services: Services, type: string, seeds: Seed[], createdOn: string): Promise<number> {
  const { database, publicIds } = services;
  const entity = entityOf(type);
  const marks = (list: unknown[]) => list.map(() => '?').join();
  const known = await database.select<{ id: string }>(
    `SELECT id_random AS id FROM \`${entity.table}\` WHERE id_random IN (${marks(seeds)})`,
    seeds.map(({ id }) => id),
  );
  const there = new Set(known.map(({ id }) => id));
  const missing = seeds.filter(({ id }) => !there.has(id));
  if (missing.length === 0) return 0;
  const rows = await Promise.all(
    missing.map(async ({ id, values }) => {
      const row = Object.fromEntries(
        await Promise.all(
          Object.entries(values).map(async ([name, value]) => [name, await stored(services, type, values, name, value)]),
        ),
      ) as Values;
      for (const { name, default: fallback, sql } of entity.attributes.values())
        if (fallback !== undefined && !sql) row[name] ??= fallback;
      return { ...row, ...searchText(entity, row), id, createdOn, updatedOn: createdOn };
    }),
  );
  await entity.type.bulkCreate(rows as never, { validate: false, hooks: false });
  for (let start = 0; start < missing.length; start += chunk) {
    const ids = missing.slice(start, start + chunk).map(({ id }) => id);
    const made = await database.select<{ pk: number; id: string }>(
      `SELECT id AS pk, id_random AS id FROM \`${entity.table}\` WHERE id_random IN (${marks(ids)})`,
      ids,
    );
    for (const { pk, id } of made) publicIds.remember(type, pk, id);
  }
  return missing.length;
}

async function stored(
  { publicIds }: Services,
  type: string,
  values: Record<string, unknown>,
  name: string,
  value: unknown,
): Promise<unknown> {
  const attribute = entityOf(type).attributes.get(name);
  if (!attribute) throw new Error(`${type} has no ${name}`);
  if (value === null || value === undefined) return null;
  if (attribute.kind === 'json') return JSON.stringify(value);
  if (attribute.kind !== 'ref' && attribute.kind !== 'anyId') return value;
  const target = attribute.ref?.type ?? String(values[attribute.any?.typeAttribute ?? '']);
  const pk = await publicIds.find(target, String(value));
  if (pk === undefined) throw new Error(`${type}.${name}: there is no ${target} ${String(value)}`);
  return pk;
}
