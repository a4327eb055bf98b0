import { tableNames } from '../database/catalog';
import type { Bindable, Database } from '../database/database';
import type { Attribute } from '../kernel/attributes';
import { allEntities, findEntity, type Entity } from '../kernel/entity';
import { maxText } from '../kernel/input';
import { isPublicId, newPublicId } from '../kernel/public-id';
import { tablesOf, targetsOf } from '../kernel/registry';
import { readers } from '../kernel/stored';
import type { Finding, Problem } from './problems';
import { isReference, References, type RawRow } from './references';

const pageSize = 500;

/** How far it has come. */
export interface Progress {
  table: string;
  /** Rows of it that were looked at. */
  rows: number;
  of: number;
}

/** A finding, and the value that mends it where one follows. */
interface Suspicion extends Omit<Finding, 'repair'> {
  mended?: Bindable;
}

/** Looks at every row of the declared types. Reads only, and locks nothing. */
export class Examination {
  private constructor(
    private readonly database: Database,
    /** The declared types that have a table here. */
    private readonly there: Entity[],
    /** Those of them that are looked at. */
    private readonly entities: Entity[],
    /** What about the tables themselves an operator should know. */
    readonly notes: string[],
  ) {}

  /**
   * Examines what has a table here, or these types of it.
   * @throws UnusableTablesError when a table lacks what no row can do without; Error when there is nothing to look at.
   */
  static async of(database: Database, types?: readonly string[]): Promise<Examination> {
    const unknown = types?.find((type) => !findEntity(type));
    if (unknown !== undefined) throw new Error(`There is no type "${unknown}".`);
    const names = await tableNames(database);
    const wanted = allEntities().filter(({ table }) => types?.includes(table) ?? true);
    const there = allEntities().filter(({ table }) => names.has(table));
    const entities = wanted.filter((entity) => there.includes(entity));
    if (entities.length === 0) throw new Error('This database has none of the tables of this product.');
    const others = wanted.filter((entity) => !there.includes(entity));
    const { missing } = await database.fit(tablesOf(there));
    const unguarded = entities.filter(({ table }) => database.repeats(table, 'id_random'));
    const notes = [
      ...others.map(({ table }) => `There is no table ${table}: it was left out.`),
      ...missing.map((place) => `${place} is not there, or is no column for such values: it was left out.`),
      ...unguarded.map(
        ({ table }) => `${table}.id_random has no unique index: nothing keeps new rows from sharing an id.`,
      ),
    ];
    return new Examination(database, there, entities, notes);
  }

  /**
   * What is wrong, page by page, in as much memory as a page takes. A row that others change meanwhile may be told of that is sound
   * before and after.
   */
  async *findings(told: (progress: Progress) => void): AsyncGenerator<Finding[]> {
    for (const entity of this.entities) {
      yield* this.valuesOf(entity, told);
      for (const { columns, unique } of tablesOf([entity])[0]?.indexes ?? [])
        if (unique && !columns.includes('id_random')) yield* this.repeated(entity, columns);
    }
  }

  private async *valuesOf(entity: Entity, told: (progress: Progress) => void): AsyncGenerator<Finding[]> {
    const { table } = entity;
    const [count] = await this.database.select<{ n: number }>(`SELECT COUNT(*) AS n FROM \`${table}\``);
    let [after, rows] = [0, 0];
    for (;;) {
      told({ table, rows, of: count?.n ?? 0 });
      const page = await this.read(entity, `t.id > ? ORDER BY t.id LIMIT ${String(pageSize)}`, [after]);
      const last = page.at(-1);
      if (!last) return;
      after = last.$pk;
      rows += page.length;
      yield await this.withRepairs(entity, await this.suspicions(entity, page));
    }
  }

  private read(entity: Entity, where: string, values: readonly Bindable[]): Promise<RawRow[]> {
    const columns = stored(entity).flatMap(columnsOf).join(', ');
    return this.database.select<RawRow>(
      `SELECT t.id AS \`$pk\`, ${columns} FROM \`${entity.table}\` t WHERE ${where}`,
      values,
    );
  }

  private async suspicions(entity: Entity, page: RawRow[]): Promise<Suspicion[]> {
    const plain = stored(entity).filter((attribute) => !isReference(attribute));
    const found = page.flatMap((row) => plain.flatMap((attribute) => judge(entity, attribute, row) ?? []));
    const references = new References(this.database, this.there);
    const pending = page.flatMap((row) =>
      stored(entity)
        .filter(isReference)
        .map(async (attribute): Promise<Suspicion[]> => {
          const { value, held, problem } = await references.settle(entity, row, attribute);
          if (problem === undefined) return [];
          return [
            suspicion(entity, attribute, row, problem, value === held ? undefined : (value as Bindable)),
          ];
        }),
    );
    found.push(...(await Promise.all(pending)).flat());
    if (this.database.repeats(entity.table, 'id_random')) found.push(...(await this.sharedIds(entity, page)));
    return found;
  }

  /** Rows whose id an older row has. */
  private async sharedIds(entity: Entity, page: RawRow[]): Promise<Suspicion[]> {
    const ids = page.map(({ id }) => id).filter(isPublicId);
    if (ids.length === 0) return [];
    const rows = await this.database.select<{ pk: number; id: string }>(
      `SELECT id AS pk, id_random AS id FROM \`${entity.table}\` WHERE id_random IN (${placeholders(ids)}) ORDER BY pk DESC`,
      ids,
    );
    const oldest = new Map(rows.map(({ pk, id }) => [id, pk]));
    const attribute = entity.attributes.get('id') as Attribute;
    return page
      .filter(({ id, $pk }) => isPublicId(id) && oldest.get(id) !== $pk)
      .map((row) => suspicion(entity, attribute, row, 'id-shared', newPublicId()));
  }

  /**
   * What was there is taken from the tables as they are, and looked at once more afterwards: a value that somebody sets right
   * meanwhile is never taken for the broken one.
   */
  private async withRepairs(entity: Entity, found: Suspicion[]): Promise<Finding[]> {
    const { database } = this;
    const { table } = entity;
    const mendable = found.filter(({ mended }) => mended !== undefined);
    if (mendable.length === 0) return found;
    const suspects = new Set(mendable.map(({ pk }) => pk));
    const pks = [...suspects];
    const columns = [...new Set(mendable.map(({ column }) => `\`${column}\``))].join(', ');
    const held = new Map(
      (
        await database.stored<Record<string, Bindable> & { $pk: number }>(
          `SELECT id AS \`$pk\`, ${columns} FROM \`${table}\` WHERE id IN (${placeholders(pks)})`,
          pks,
        )
      ).map(({ $pk, ...row }) => [$pk, lowerCased(row)]),
    );
    const rows = await this.read(entity, `t.id IN (${placeholders(pks)})`, pks);
    const again = await this.suspicions(entity, rows);
    return [
      ...found.filter(({ pk }) => !suspects.has(pk)),
      ...again.map(({ mended, ...finding }): Finding => {
        const before = held.get(finding.pk)?.[finding.column];
        const after =
          mended === undefined
            ? undefined
            : database.row(table, { [finding.column]: mended })[finding.column];
        const repairs = before !== undefined && after !== undefined && before !== after && isExact(before);
        return repairs ? { ...finding, repair: { before, after } } : finding;
      }),
    ];
  }

  /** Rows that have together what only one should have; all but the oldest. */
  private async *repeated({ table }: Entity, columns: string[]): AsyncGenerator<Finding[]> {
    const list = columns.map((column) => `\`${column}\``);
    const given = list.map((column) => `${column} IS NOT NULL`).join(' AND ');
    const same = list.map((column) => `d.${column} = t.${column}`).join(' AND ');
    for (let after = 0; ;) {
      const rows = await this.database.select<{ pk: number }>(
        `SELECT t.id AS pk FROM \`${table}\` t JOIN (SELECT ${list.join()}, MIN(id) AS oldest FROM \`${table}\`
           WHERE ${given} GROUP BY ${list.join()} HAVING COUNT(*) > 1) d ON ${same}
         WHERE t.id <> d.oldest AND t.id > ? ORDER BY t.id LIMIT ${String(pageSize)}`,
        [after],
      );
      const last = rows.at(-1);
      if (!last) return;
      after = last.pk;
      yield rows.map(({ pk }) => ({ table, pk, column: columns.join(', '), problem: 'not-unique' }));
    }
  }
}

const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join();

const stored = ({ attributes }: Entity): Attribute[] => [...attributes.values()].filter(({ sql }) => !sql);

/** Names of columns have no case. */
const lowerCased = (row: Record<string, Bindable>): Record<string, Bindable> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));

/** Long texts are not read, only measured; their first character tells whether they are text. */
const columnsOf = ({ name, column, kind }: Attribute): string[] =>
  kind === 'text' || kind === 'longtext'
    ? [`SUBSTR(t.\`${column}\`, 1, 1) AS \`${name}\``, `OCTET_LENGTH(t.\`${column}\`) AS \`$length ${name}\``]
    : [`t.\`${column}\` AS \`${name}\``];

/** What is wrong with a value that is no reference. */
function judge(entity: Entity, attribute: Attribute, row: RawRow): Suspicion | undefined {
  const { name, kind, nullable, max } = attribute;
  const held = row[name] ?? null;
  const suspected = (problem: Problem, mended?: Bindable): Suspicion =>
    suspicion(entity, attribute, row, problem, mended);
  if (kind === 'id') return isPublicId(held) ? undefined : suspected('id-broken', newPublicId());
  if (held === null) {
    if (nullable) return undefined;
    // What is neither counts as off: saying so changes nothing.
    return kind === 'bool' ? suspected('flag-unset', 0) : suspected('missing');
  }
  const read = readers[kind](held);
  if (read === undefined) {
    // Bytes may be text in another encoding, which somebody can read.
    if (readers[kind] === readers.text) return suspected('unreadable');
    return suspected('unreadable', nullable ? null : kind === 'bool' ? 0 : undefined);
  }
  if (kind === 'bool') return held === 0 || held === 1 ? undefined : suspected('flag-odd', Number(read));
  if (kind === 'anyType') {
    const reference = stored(entity).find(({ any }) => any?.typeAttribute === name);
    const known = reference && targetsOf(reference).some(({ table }) => table === held);
    return known ? undefined : suspected('type-unknown');
  }
  const tooLong =
    kind === 'text'
      ? Number(row[`$length ${name}`]) > maxText
      : max !== undefined && [...String(held)].length > max;
  return tooLong ? suspected('too-long') : undefined;
}

const suspicion = (
  { table }: Entity,
  { column }: Attribute,
  { $pk: pk }: RawRow,
  problem: Problem,
  mended?: Bindable,
): Suspicion => ({ table, pk, column, problem, ...(mended !== undefined && { mended }) });

/** Was it read as it is? What is repaired must be there to be put back: integers beyond 2^53 are rounded, broken UTF-8 is replaced. */
const isExact = (value: Bindable): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
    : typeof value !== 'string' || !value.includes('\uFFFD');
