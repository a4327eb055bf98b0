import type { Transaction } from 'sequelize';
import type { Bindable, Database } from '../database/database';
import type { Attribute, Json } from './attributes';
import type { Entity } from './entity';
import { expression } from './filter';
import { maxText, type Values } from './input';
import { feedsOf } from './registry';
import { wordsOf } from './search-words';
import type { UnitOfWork } from './unit-of-work';

/*
 * The texts that the server keeps of an object: the words that `q` searches (`default_qry_str`), of its own attributes and of rows
 * below it, and texts made of its JSON. They follow from what can be seen elsewhere: a change of them alone is none of the object.
 */

/** The texts that the server keeps of a row with these values; of a longer one it takes the beginning. */
export function textsOf({ attributes }: Entity, values: Values): Values {
  const texts: Values = {};
  for (const { name, textOf } of attributes.values())
    if (textOf) texts[name] = cut(textsIn(parsed(values[textOf])).join(' ').replace(/\s+/g, ' '));
  const all = { ...values, ...texts };
  const searched = [...attributes.values()]
    .filter(({ search }) => search)
    .map(({ name }) => String(all[name] ?? '').slice(0, maxText));
  if (attributes.has('defaultQryStr')) texts.defaultQryStr = cut(wordsOf(searched.join(' ')));
  return texts;
}

function parsed(json: Values[string] | undefined): Json {
  try {
    return typeof json === 'string' ? (JSON.parse(json) as Json) : null;
  } catch {
    return null;
  }
}

function textsIn(json: Json): string[] {
  if (typeof json === 'string' || typeof json === 'number') return [String(json)];
  return json !== null && typeof json === 'object' ? Object.values(json).flatMap(textsIn) : [];
}

/** A text may be as long as the column itself; what is cut off at its end is not found. */
const cut = (text: string): string | null =>
  Buffer.from(text)
    .subarray(0, maxText)
    .toString('utf8')
    .replace(/\uFFFD$/, '')
    .trim() || null;

/* ---- when rows change ---- */

/**
 * Called before rows are made (none yet), changed or removed (no values): notes whose texts are to be brought up to date at the end
 * of the unit, those of the rows themselves, unless the values hold them, and those of the objects that gather from them. These
 * objects are locked: others that write below them wait, and then see what was written here.
 */
export async function noteTexts(
  unit: UnitOfWork,
  entity: Entity,
  pks: number[],
  values?: Values,
): Promise<void> {
  const { database } = unit.ctx.services;
  const changes = ({ name }: Attribute): boolean => values === undefined || values[name] !== undefined;
  if (values && values.defaultQryStr === undefined && sourcesOf(entity).some(changes))
    note(unit, entity, pks);
  for (const { parent, by, texts } of feedsOf(entity)) {
    if (![by, ...texts].some(changes)) continue;
    const parents = await keysIn(database, entity, by, pks, unit.tx);
    const next = values?.[by.name];
    if (typeof next === 'number') parents.push(next);
    const fresh = parents.filter((pk) => !unit.texts.get(parent)?.has(pk));
    await lock(database, parent, fresh, unit.tx);
    note(unit, parent, fresh);
  }
}

/** What the texts of a row are made of, but for the rows below it. */
const sourcesOf = ({ attributes }: Entity): Attribute[] => {
  const kept = [...attributes.values()].map(({ textOf }) => textOf);
  return [...attributes.values()].filter(({ search, sql, name }) => (search && !sql) || kept.includes(name));
};

function note({ texts }: UnitOfWork, entity: Entity, pks: number[]): void {
  const noted = texts.get(entity) ?? new Set<number>();
  for (const pk of pks) noted.add(pk);
  texts.set(entity, noted);
}

async function keysIn(
  database: Database,
  { table }: Entity,
  { column }: Attribute,
  pks: number[],
  tx: Transaction,
): Promise<number[]> {
  const keys = new Set<number>();
  for (const some of chunks(pks, 10_000)) {
    const rows = await database.select<{ pk: number | null }>(
      `SELECT DISTINCT \`${column}\` AS pk FROM \`${table}\` WHERE id IN (${placeholders(some)})`,
      some,
      tx,
    );
    for (const { pk } of rows) if (pk !== null) keys.add(pk);
  }
  return [...keys];
}

/** SQLite has one writer at a time, and no locks of rows. */
async function lock(database: Database, { table }: Entity, pks: number[], tx: Transaction): Promise<void> {
  if (database.dialect !== 'mariadb') return;
  for (const some of chunks(pks, 10_000))
    await database.select(
      `SELECT id FROM \`${table}\` WHERE id IN (${placeholders(some)}) ORDER BY id FOR UPDATE`,
      some,
      tx,
    );
}

/** Brings up to date what was noted, at the end of the unit; what has gone by then is not found. */
export async function keepTexts({ ctx, tx, texts }: UnitOfWork): Promise<void> {
  for (const [entity, pks] of texts) await refreshTexts(ctx.services.database, entity, [...pks], tx);
}

/* ---- bringing texts up to date ---- */

/** Rows that are read at a time: a text may have 64 KiB. */
const pageSize = 100;

/** Writes the texts of those of these rows that have others than they should, which are locked. */
export async function refreshTexts(
  database: Database,
  entity: Entity,
  pks: number[],
  tx: Transaction,
): Promise<void> {
  for (const some of chunks(pks, pageSize)) {
    const rows = await readTexts(database, entity, `t.id IN (${placeholders(some)})`, some, tx);
    await writeTexts(database, entity, rows.filter(isStale), tx);
  }
}

interface Kept {
  pk: number;
  held: Values;
  due: Values;
}

const isStale = ({ held, due }: Kept): boolean =>
  Object.entries(due).some(([name, text]) => (held[name] ?? null) !== text);

async function readTexts(
  database: Database,
  entity: Entity,
  where: string,
  values: readonly Bindable[],
  tx?: Transaction,
): Promise<Kept[]> {
  const sources = sourcesOf(entity);
  const attributes = [...entity.attributes.values()].filter(
    (attribute) => attribute.name === 'defaultQryStr' || attribute.search || sources.includes(attribute),
  );
  const columns = attributes.map((attribute) => {
    const sql = expression(attribute, 't');
    const part = attribute.kind === 'longtext' ? `SUBSTR(${sql}, 1, ${String(maxText)})` : sql;
    return `${part} AS \`${attribute.name}\``;
  });
  const rows = await database.select<Values & { $pk: number }>(
    `SELECT t.id AS \`$pk\`, ${columns.join(', ')} FROM \`${entity.table}\` t WHERE ${where}`,
    values,
    tx,
  );
  return rows.map((row) => {
    const kept = Object.entries(textsOf(entity, row)).filter(([name]) => keeps(database, entity, name));
    return { pk: row.$pk, held: row, due: Object.fromEntries(kept) };
  });
}

/** Tables that others made may have no column for it. */
const keeps = (database: Database, { table, attributes }: Entity, name: string): boolean =>
  database.keeps(table, attributes.get(name)?.column ?? '');

async function writeTexts(database: Database, entity: Entity, rows: Kept[], tx: Transaction): Promise<void> {
  const { table, attributes } = entity;
  const [first] = rows;
  if (!first) return;
  const values: Bindable[] = [];
  const sets = Object.keys(first.due).map((name) => {
    for (const { pk, due } of rows) values.push(pk, due[name] ?? null);
    return `\`${attributes.get(name)?.column ?? ''}\` = CASE id ${rows.map(() => 'WHEN ? THEN ?').join(' ')} END`;
  });
  // Tables of older servers may set it by themselves.
  if (attributes.has('updatedOn') && keeps(database, entity, 'updatedOn'))
    sets.push('updated_on = updated_on');
  const pks = rows.map(({ pk }) => pk);
  await database.select(
    `UPDATE \`${table}\` SET ${sets.join(', ')} WHERE id IN (${placeholders(pks)})`,
    [...values, ...pks],
    tx,
  );
}

/**
 * Goes through all rows of a type, page by page, and brings texts up to date unless it is only to `check`. Answers after each page
 * how many rows it read, and how many of these were out of date. Servers may go on writing meanwhile, and it may be
 * stopped at any time: what is up to date is left alone the next time.
 */
export async function* rebuildTexts(
  database: Database,
  entity: Entity,
  { check }: { check: boolean },
): AsyncGenerator<{ read: number; stale: number }> {
  for (let last = 0; ;) {
    const rows = await readTexts(database, entity, `t.id > ? ORDER BY t.id LIMIT ${String(pageSize)}`, [
      last,
    ]);
    const stale = rows.filter(isStale).map(({ pk }) => pk);
    if (stale.length > 0 && !check)
      await database.transaction(async (tx) => {
        // What was read may have changed since; under its lock it does not.
        await lock(database, entity, stale, tx);
        await refreshTexts(database, entity, stale, tx);
      });
    yield { read: rows.length, stale: stale.length };
    if (rows.length < pageSize) return;
    last = rows.at(-1)?.pk ?? last;
  }
}

const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join();

function* chunks<T>(list: T[], size: number): Generator<T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}
