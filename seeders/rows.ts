import type { Services } from '../src/kernel/context';
import type { Attribute } from '../src/kernel/attributes';
import { entityOf, type Entity } from '../src/kernel/entity';
import type { Values } from '../src/kernel/input';
import { feedsOf } from '../src/kernel/registry';
import { refreshTexts, textsOf } from '../src/kernel/search-text';

/** A row to be there: its type, its public id, and its values by attribute name; references by public id, JSON as it is. */
export interface Seed {
  type: string;
  id: string;
  values: Record<string, unknown>;
}

/** A statement of so many rows stays below the megabyte at which SQLite refuses it. */
const chunk = 500;

/**
 * Makes the rows that are not there yet; rows that are there stay as they are. Rows come after those that they refer to, and are
 * fastest when those of one type stand together. Answers how many were made.
 * @throws Error when a value or a reference names something that does not exist.
 */
export async function seed(
  services: Pick<Services, 'database'>,
  seeds: Seed[],
  createdOn = '2026-01-01 00:00:00.000',
): Promise<number> {
  let made = 0;
  for (let start = 0; start < seeds.length;) {
    const { type } = seeds[start] as Seed;
    let end = start;
    while (end < seeds.length && end - start < chunk && seeds[end]?.type === type) end += 1;
    made += await seedSome(services, entityOf(type), seeds.slice(start, end), createdOn);
    start = end;
  }
  return made;
}

async function seedSome(
  services: Pick<Services, 'database'>,
  entity: Entity,
  seeds: Seed[],
  createdOn: string,
): Promise<number> {
  const there = await keysOf(
    services,
    entity.table,
    seeds.map(({ id }) => id),
  );
  const missing = seeds.filter(({ id }) => !there.has(id));
  if (missing.length === 0) return 0;
  const keys = await keysOfReferences(services, entity, missing);
  const rows = missing.map(({ id, values }) => rowOf(entity, id, values, keys, createdOn));
  // Without the model: it would write every column of every row, and take a moment without a zone for local time.
  await services.database.sequelize.getQueryInterface().bulkInsert(entity.table, rows);
  for (const { parent, by } of feedsOf(entity)) {
    const parents = new Set(rows.map((row) => row[by.column]).filter((key) => typeof key === 'number'));
    await services.database.transaction((tx) => refreshTexts(services.database, parent, [...parents], tx));
  }
  return rows.length;
}

async function keysOf({ database }: Pick<Services, 'database'>, table: string, ids: string[]) {
  const rows = await database.select<{ pk: number; id: string }>(
    `SELECT id AS pk, id_random AS id FROM \`${table}\` WHERE id_random IN (${ids.map(() => '?').join()})`,
    ids,
  );
  return new Map(rows.map(({ pk, id }) => [id, pk]));
}

type Keys = Map<string, Map<string, number>>;

/** The keys of everything that the rows refer to, by type and public id: one statement a type. */
async function keysOfReferences(
  services: Pick<Services, 'database'>,
  entity: Entity,
  seeds: Seed[],
): Promise<Keys> {
  const wanted = new Map<string, Set<string>>();
  for (const { values } of seeds)
    for (const [name, value] of Object.entries(values)) {
      const type = value == null ? undefined : targetOf(attributeOf(entity, name), values);
      if (type === undefined) continue;
      const ids = wanted.get(type) ?? new Set();
      wanted.set(type, ids.add(String(value)));
    }
  const found: Keys = new Map();
  for (const [type, ids] of wanted) found.set(type, await keysOf(services, type, [...ids]));
  return found;
}

function attributeOf({ table, attributes }: Entity, name: string): Attribute {
  const attribute = attributes.get(name);
  if (!attribute || attribute.sql) throw new Error(`${table} has no ${name} that could be set`);
  return attribute;
}

/** The type that a reference points to; undefined for what is none. */
const targetOf = ({ ref, any }: Attribute, values: Record<string, unknown>): string | undefined =>
  ref?.type ?? (any && String(values[any.typeAttribute]));

function rowOf(
  entity: Entity,
  id: string,
  given: Record<string, unknown>,
  keys: Keys,
  createdOn: string,
): Values {
  const values: Values = {};
  for (const { name, default: fallback, sql } of entity.attributes.values())
    if (fallback !== undefined && !sql) values[name] = fallback;
  for (const [name, value] of Object.entries(given)) {
    const attribute = attributeOf(entity, name);
    const target = targetOf(attribute, given);
    if (value == null) values[name] = null;
    else if (target === undefined)
      values[name] = attribute.kind === 'json' ? JSON.stringify(value) : (value as Values[string]);
    else {
      const key = keys.get(target)?.get(String(value));
      if (key === undefined)
        throw new Error(`${entity.table} ${id}, ${name}: there is no ${target} ${String(value)}`);
      values[name] = key;
    }
  }
  Object.assign(values, textsOf(entity, values), { id, createdOn, updatedOn: createdOn });
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [attributeOf(entity, name).column, value]),
  );
}
