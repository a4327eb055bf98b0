import type { Bindable, Database, Dialect } from './database';
import { indexedWords } from './full-text';
import { literal, quoted } from './table-sql';
import type { ColumnSpec, IndexSpec, TableSpec } from './tables';

/** How the tables that are there differ from those declared. */
export interface Differences {
  /** Columns that are not there, or hold what cannot be read: they read as null, or their default, and keep nothing. */
  missing: string[];
  /** Columns that are not declared and must have a value: new rows get an empty one, as outside MariaDB's strict mode. */
  filled: string[];
  /** Tables in which there are rows without a public id. */
  nameless: string[];
  /** Indexes that are not there: what they are for is slow, or not kept unique. */
  unindexed: string[];
}

/** Names every column that is missing and that no row can do without. */
export class UnusableTablesError extends Error {}

/** How to read and write a table as it was declared. */
export interface Shape {
  /** A select that answers what the table was declared to hold, where the table itself does not. */
  view: string | undefined;
  /** Columns that take no value: missing ones, and those that the database makes itself. */
  unkept: ReadonlySet<string>;
  /** What stands for null in columns that were declared to take it, and do not. */
  empty: ReadonlyMap<string, Bindable>;
  /** Values of columns that a new row cannot be without. */
  fill: ReadonlyMap<string, Bindable>;
  /** Columns in which no two rows should have the same value, and no index keeps them from it. */
  repeatable: ReadonlySet<string>;
}

/**
 * Compares the tables that are there with those declared. Answers how they differ, and the shapes of those that do.
 * @throws UnusableTablesError
 */
export async function compareTables(
  database: Database,
  tables: readonly TableSpec[],
): Promise<{ differences: Differences; shapes: Map<string, Shape> }> {
  const { dialect } = database;
  const found = byTable(await database.select<FoundColumn>(columnsSql[dialect]));
  const indexes = byTable(await database.select<FoundIndex>(indexesSql[dialect]));
  const differences: Differences = { missing: [], filled: [], nameless: [], unindexed: [] };
  const shapes = new Map<string, Shape>();
  const needed: string[] = [];
  const mayBeNameless: string[] = [];
  for (const table of tables) {
    const { name } = table;
    const full = (column: string): string => `${name}.${column}`;
    const { shape: columns, ...compared } = compareTable(dialect, table, found.get(name) ?? []);
    const lacking = unindexed(dialect, table, columns, indexes.get(name) ?? []);
    const single = lacking.filter((index) => index.unique && index.columns.length === 1);
    const shape = { ...columns, repeatable: new Set(single.flatMap((index) => index.columns)) };
    const { view, unkept, empty, fill, repeatable } = shape;
    if (view ?? unkept.size + empty.size + fill.size + repeatable.size) shapes.set(name, shape);
    needed.push(...compared.needed.map(full));
    differences.missing.push(...compared.missing.map(full));
    differences.filled.push(...compared.filled.map(full));
    if (compared.nameless) mayBeNameless.push(name);
    differences.unindexed.push(
      ...lacking.map((index) => `${name} (${index.columns.join(', ')})${index.unique ? ' unique' : ''}`),
    );
  }
  if (needed.length > 0)
    throw new UnusableTablesError(
      `The database lacks columns that no row can do without:\n${needed.map((name) => `  - ${name}`).join('\n')}`,
    );
  if (mayBeNameless.length > 0) {
    const nameless = mayBeNameless.map(
      (name) =>
        `SELECT '${name}' AS name WHERE EXISTS (SELECT 1 FROM ${quoted(name)} WHERE id_random IS NULL OR id_random = '')`,
    );
    const rows = await database.select<{ name: string }>(nameless.join(' UNION ALL '));
    differences.nameless = rows.map(({ name }) => name);
  }
  return { differences, shapes };
}

function compareTable(dialect: Dialect, { name, columns }: TableSpec, found: FoundColumn[]) {
  const there = new Map(found.map((column) => [column.name.toLowerCase(), column]));
  const [needed, missing, filled]: [string[], string[], string[]] = [[], [], []];
  const unkept = new Set<string>();
  const empty = new Map<string, Bindable>();
  const fill = new Map<string, Bindable>();
  const read: string[] = [];
  for (const [column, spec] of Object.entries(columns)) {
    const is = there.get(column);
    const c = quoted(column);
    const sql = is && (dialect === 'sqlite' ? c : readingOf(spec, is, c));
    read.push(sql === c ? c : `${sql ?? absent(spec, dialect)} AS ${c}`);
    if (sql === undefined) (spec.nullable || spec.default != null ? missing : needed).push(column);
    if (sql === undefined || is?.generated) unkept.add(column);
    else if (is && !is.nullable && spec.nullable) empty.set(column, emptyOf(is, spec));
  }
  for (const is of found) {
    const spec = columns[is.name.toLowerCase()];
    if (is.nullable || is.hasDefault || is.generated || (spec && !spec.nullable)) continue;
    fill.set(spec ? is.name.toLowerCase() : is.name, emptyOf(is, spec));
    if (!spec) filled.push(is.name);
  }
  const id = columns.id_random && there.get('id_random');
  const nameless = Boolean(id?.nullable) || Boolean(id?.hasDefault);
  const asDeclared = Object.keys(columns).every((column, i) => read[i] === quoted(column));
  const view = `SELECT ${read.join(', ')} FROM ${dialect === 'sqlite' ? 'main.' : ''}${quoted(name)}`;
  const shape = { view: asDeclared ? undefined : view, unkept, empty, fill };
  return { shape, needed, missing, filled, nameless };
}

/** What a column that is not there reads as. A typed null, for MariaDB compares text with nothing else. */
function absent({ type, nullable, default: fallback }: ColumnSpec, dialect: Dialect): string {
  if (fallback != null && (type === 'bool' || !nullable)) return literal(fallback, dialect);
  return dialect === 'mariadb' && ['text', 'json'].includes(groups[type]) ? 'CAST(NULL AS CHAR)' : 'NULL';
}

/** Indexes that do for one that was declared begin with its columns; a unique one has no others. */
function unindexed(
  dialect: Dialect,
  { indexes }: TableSpec,
  { unkept }: Pick<Shape, 'unkept'>,
  found: FoundIndex[],
): IndexSpec[] {
  const there = new Map<string, { columns: string[]; unique: boolean }>();
  for (const { indexName, columnName, nonUnique } of found) {
    const index = there.get(indexName) ?? { columns: [], unique: !nonUnique };
    there.set(indexName, index);
    index.columns.push(columnName?.toLowerCase() ?? '');
  }
  return indexes
    .filter(
      ({ columns, words }) =>
        !columns.some((column) => unkept.has(column)) && !(words && dialect === 'sqlite'),
    )
    .map((index) => (index.words ? { ...index, columns: [indexedWords(index.columns.at(-1) ?? '')] } : index))
    .filter(
      ({ columns, unique }) =>
        ![...there.values()].some(
          (index) =>
            columns.every((column, i) => index.columns[i] === column) &&
            (!unique || (index.unique && index.columns.length === columns.length)),
        ),
    );
}

/* ---- what columns hold ---- */

type Group = 'whole' | 'fraction' | 'bool' | 'text' | 'datetime' | 'json';

const groups: Record<ColumnSpec['type'], Group> = {
  id: 'whole',
  int: 'whole',
  bigint: 'whole',
  bool: 'bool',
  string: 'text',
  char: 'text',
  token: 'text',
  text: 'text',
  longtext: 'text',
  datetime: 'datetime',
  json: 'json',
  decimal: 'fraction',
  float: 'fraction',
};

type Held = 'whole' | 'fraction' | 'bit' | 'text' | 'choice' | 'bytes' | 'moment' | 'day' | 'other' | 'shape';

/** What a column of MariaDB holds, by the end of its type's name: `mediumint`, `longtext`, `varbinary`. */
const held: readonly (readonly [RegExp, Held])[] = [
  [/point|line|polygon|geometry|collection/, 'shape'],
  [/int(?:eger)?$/, 'whole'],
  [/^(?:decimal|float|double)$/, 'fraction'],
  [/^bit$/, 'bit'],
  [/(?:char|text)$/, 'text'],
  [/^(?:enum|set)$/, 'choice'],
  [/(?:binary|blob)$/, 'bytes'],
  [/^(?:datetime|timestamp)$/, 'moment'],
  [/^date$/, 'day'],
];

const heldBy = ({ dataType }: FoundColumn): Held =>
  held.find(([pattern]) => pattern.test(dataType))?.[1] ?? 'other';

type Reading = (column: string) => string;

const asIs: Reading = (c) => c;
const asWhole: Reading = (c) => `CAST(${c} AS SIGNED)`;
const asText: Reading = (c) => `CAST(${c} AS CHAR)`;
const asMoment: Reading = (c) => `CAST(${c} AS DATETIME(3))`;
const decoded: Reading = (c) => `CONVERT(${c} USING utf8mb4)`;
const digits: Reading = (c) => `CASE WHEN ${c} REGEXP '^-?[0-9]{1,9}$' THEN CAST(${c} AS SIGNED) END`;
const flag: Reading = (c) => `(${c} IN ('1', 'y', 'yes', 't', 'true', 'on'))`;

/** How a column that holds something else is read as what was declared; what is not here cannot be, or would not take it. */
const readings: Record<Group, Partial<Record<Held, Reading>>> = {
  whole: { whole: asIs, fraction: asWhole, bit: asWhole, text: digits },
  fraction: { whole: asIs, fraction: asIs },
  bool: { whole: asIs, fraction: asIs, bit: asWhole, text: flag },
  text: {
    whole: asText,
    fraction: asText,
    text: asIs,
    // Sorted by its number, an enum would be compared by its text.
    choice: asText,
    bytes: decoded,
    moment: asText,
    day: asText,
    other: asText,
  },
  datetime: { moment: asIs, day: asMoment, text: asMoment },
  json: { text: asIs, bytes: decoded },
};

function readingOf({ type, nullable }: ColumnSpec, there: FoundColumn, c: string): string | undefined {
  const kind = heldBy(there);
  // Where null cannot stand, the zero date stands for it.
  const hasZero = (kind === 'moment' || kind === 'day') && nullable && !there.nullable && !there.isNow;
  return readings[groups[type]][kind]?.(hasZero ? `NULLIF(${c}, 0)` : c);
}

const empties: Record<Held, Bindable> = {
  whole: 0,
  fraction: 0,
  bit: 0,
  text: '',
  choice: 1,
  bytes: '',
  moment: '0000-00-00 00:00:00',
  day: '0000-00-00',
  other: '',
  shape: '',
};

/** The value that MariaDB itself takes where one is missing, outside its strict mode. */
function emptyOf(column: FoundColumn, spec?: ColumnSpec): Bindable {
  if (spec?.type === 'json') return 'null';
  if (column.dataType === 'time' || column.dataType === 'year') return 0;
  return column.dataType === 'set' ? '' : empties[heldBy(column)];
}

/* ---- what is there ---- */

interface FoundColumn {
  tableName: string;
  name: string;
  /** In lower case, without length. */
  dataType: string;
  nullable: 0 | 1;
  hasDefault: 0 | 1;
  /** Is the default the moment of writing? */
  isNow: 0 | 1;
  generated: 0 | 1;
}

const columnsSql = {
  mariadb: `SELECT table_name AS tableName, column_name AS name, data_type AS dataType, is_nullable = 'YES' AS nullable,
      column_default IS NOT NULL OR extra LIKE '%auto_increment%' AS hasDefault,
      COALESCE(column_default LIKE 'current_timestamp%', 0) AS isNow, extra LIKE '%generated%' AS generated
    FROM information_schema.columns WHERE table_schema = DATABASE()`,
  sqlite: `SELECT m.name AS tableName, p.name AS name,
      SUBSTR(LOWER(p.type), 1, INSTR(p.type || '(', '(') - 1) AS dataType, p."notnull" = 0 AS nullable,
      p.dflt_value IS NOT NULL OR p.pk > 0 AS hasDefault, 0 AS isNow, p.hidden IN (2, 3) AS generated
    FROM sqlite_master m JOIN pragma_table_xinfo(m.name) p WHERE m.type = 'table'`,
} satisfies Record<Dialect, string>;

interface FoundIndex {
  tableName: string;
  indexName: string;
  nonUnique: 0 | 1;
  /** None for an expression. */
  columnName: string | null;
}

const indexesSql = {
  mariadb: `SELECT table_name AS tableName, index_name AS indexName, non_unique AS nonUnique, column_name AS columnName
    FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index`,
  sqlite: `SELECT m.name AS tableName, l.name AS indexName, 1 - l."unique" AS nonUnique, i.name AS columnName
    FROM sqlite_master m JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i
    WHERE m.type = 'table' ORDER BY m.name, l.name, i.seqno`,
} satisfies Record<Dialect, string>;

function byTable<T extends { tableName: string }>(rows: T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const row of rows) {
    const known = found.get(row.tableName);
    if (known) known.push(row);
    else found.set(row.tableName, [row]);
  }
  return found;
}
