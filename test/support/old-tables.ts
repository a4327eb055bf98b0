import { createHash } from 'node:crypto';
import type { Database, Dialect } from '../../src/database/database';
import { createTableSql } from '../../src/database/table-sql';
import type { ColumnSpec, TableSpec } from '../../src/database/tables';
import type { Entity } from '../../src/kernel/entity';
import { pick, type Values } from './factory';

/*
 * The tables as another program may have made them: in other orders of columns, of other types and character sets, some columns
 * missing, some that we do not know, other indexes. Made of what is declared, always in the same way. SQLite, which only ever had
 * tables of ours, differs in order, in what is missing, and in what is added.
 */

/** Tables that the other program did not have. */
const absent = new Set(['event_badge_template', 'event_track', 'post']);
const myisam = new Set(['event_location', 'contact']);
const latin1 = new Set(['event_presenter', 'organization', 'person', 'site']);
const utf8mb3 = new Set(['address', 'event_session', 'hosted_file']);
/** Without these no test could call. */
const needed = new Set(['api_key.account_id', 'api_key.level', 'person.external_person_id']);

export const oldTablesOf = (tables: readonly TableSpec[]): TableSpec[] =>
  tables.filter(({ name }) => !absent.has(name)).map(oldTable);

/** Makes the tables in an empty database, each with a row that has no public id and nothing else that it can be without. */
export async function makeOldTables(
  { dialect, sequelize }: Database,
  tables: readonly TableSpec[],
): Promise<void> {
  for (const table of tables) {
    const sql = dialect === 'mariadb' ? [mariadbSql(table)] : createTableSql(table, 'sqlite');
    for (const statement of [...sql, namelessRow(table, dialect)]) await sequelize.query(statement);
  }
}

/** What the old tables keep of the values of an object. */
export function keptByOldTables(
  tables: readonly TableSpec[],
  dialect: Dialect,
  entity: Entity,
  values: Values,
): Values {
  const table = tables.find(({ name }) => name === entity.table);
  if (!table) return values;
  const columns = new Map(Object.entries(table.columns).map(([name, spec]) => [name.toLowerCase(), spec]));
  const kept = Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const { column } = entity.attributes.get(name)!;
    const spec = columns.get(column);
    if (!spec) return [];
    if (dialect === 'sqlite' || value === null || value === undefined) return [[name, value]];
    const text = latin1.has(table.name) ? inLatin1(value) : value;
    return [[name, kindOf(table, column, spec).keeps?.(text) ?? text]];
  });
  return Object.fromEntries(kept);
}

const inLatin1 = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll('日本語', 'Nippon'));

function oldTable({ name, columns, indexes }: TableSpec): TableSpec {
  const kept = Object.entries(columns).filter(
    ([column, { nullable, default: fallback }]) =>
      !(nullable || fallback != null) ||
      needed.has(`${name}.${column}`) ||
      // What something belongs to is told by two columns.
      /^for_(type|id)$/.test(column) ||
      chance(name, column, 'missing') % 5 !== 0,
  );
  const all: [string, ColumnSpec][] = [
    ...kept.map(([column, { references, nullable, ...spec }]): [string, ColumnSpec] => {
      // Names of columns have no case.
      const shouted = column !== 'id' && chance(name, column, 'case') % 9 === 0;
      const loose = column === 'id_random' || (references && chance(name, column, 'null') % 2 === 0);
      return [shouted ? column.toUpperCase() : column, { ...spec, nullable: nullable || loose || undefined }];
    }),
    ['legacy_no', { type: 'int' }],
    ['legacy_word', { type: 'string', max: 50 }],
    ['legacy_note', { type: 'string', max: 50, default: 'kept' }],
    ['legacy_text', { type: 'text', nullable: true }],
  ];
  const single = indexes.filter((index) => index.unique && index.columns.length === 1);
  return {
    name,
    columns: Object.fromEntries(all.sort(([a], [b]) => chance(name, a) - chance(name, b))),
    indexes: [...single.filter(() => chance(name, 'unique') % 3 !== 0), { columns: ['legacy_no'] }],
  };
}

function namelessRow({ name, columns }: TableSpec, dialect: Dialect): string {
  // Without its strict mode MariaDB finds a value for every column.
  if (dialect === 'mariadb') return `INSERT IGNORE INTO \`${name}\` () VALUES ()`;
  const given = Object.entries(columns).filter(
    ([column, spec]) => column !== 'id' && !spec.nullable && spec.default == null,
  );
  const values = given.map(([, { type }]) => (type === 'int' ? '1' : "'old'"));
  return `INSERT INTO \`${name}\` (${given.map(([column]) => `\`${column}\``).join()}) VALUES (${values.join()})`;
}

/* ---- MariaDB ---- */

function mariadbSql(table: TableSpec): string {
  const { name, columns, indexes } = table;
  const lines = Object.entries(columns).map(([column, spec]) => {
    const { sql } = kindOf(table, column.toLowerCase(), spec);
    if (spec.nullable || sql.includes('NULL')) return `\`${column}\` ${sql}`;
    return `\`${column}\` ${sql} NOT NULL${spec.default == null ? '' : ` DEFAULT '${String(spec.default)}'`}`;
  });
  const keys = indexes.map(
    ({ columns: [column = ''], unique }) => `${unique ? 'UNIQUE ' : ''}KEY \`my_${column}\` (\`${column}\`)`,
  );
  const charset = latin1.has(name)
    ? 'latin1'
    : utf8mb3.has(name)
      ? 'utf8mb3'
      : `utf8mb4 COLLATE ${pick(['utf8mb4_general_ci', 'utf8mb4_unicode_520_ci'], chance(name))}`;
  const unknown = strangers.filter((_, i) => chance(name, i) % 2 === 0);
  return `CREATE TABLE \`${name}\` (${[...unknown, ...lines, 'PRIMARY KEY (`id`)', ...keys].join(', ')})
    ENGINE=${myisam.has(name) ? 'MyISAM' : 'InnoDB'} DEFAULT CHARSET=${charset} COMMENT='made by another'`;
}

/** Columns that nobody declared. */
const strangers = [
  "`legacy_kind` enum('a','b') NOT NULL",
  "`legacy_set` set('a','b') NOT NULL",
  '`legacy_on` datetime NOT NULL',
  '`legacy_day` date NOT NULL',
  '`legacy_time` time NOT NULL',
  '`legacy_year` year(4) NOT NULL',
  '`legacy_bits` bit(4) NOT NULL',
  '`legacy_bytes` varbinary(9) NOT NULL',
  '`legacy_amount` decimal(9,2) NOT NULL',
  '`legacy_place` point DEFAULT NULL',
  '`legacy_huge` bigint(20) unsigned DEFAULT 18446744073709551615',
  '`legacy_length` int(11) GENERATED ALWAYS AS (char_length(`legacy_note`)) STORED',
];

/** A type that a column may have instead, and what becomes of a value that is written to it. */
interface Kind {
  sql: string;
  keeps?: (value: unknown) => unknown;
}

function kindOf(table: TableSpec, column: string, spec: ColumnSpec): Kind {
  const isUnique = table.indexes.some((index) => index.unique && index.columns.includes(column));
  const kinds = isUnique
    ? plain[spec.type]
    : (particular.find(([name]) => name.test(column))?.[1] ?? kindsOf[spec.type]);
  return pick(kinds ?? kindsOf[spec.type], chance(table.name, column, 'kind'));
}

const choices = ['Opening', 'Coffee break', "O'Brien", 'Zürich'];

const toSeconds = (value: unknown): string => `${String(value).slice(0, 19)}.000Z`;
const seconds = (sql: string): Kind => ({ sql, keeps: toSeconds });
const same = (...types: string[]): Kind[] => types.map((sql) => ({ sql }));

const words: Kind[] = [
  ...same(
    'varchar(120)',
    'mediumtext',
    'varbinary(200)',
    "varchar(120) NOT NULL DEFAULT ''",
    'varchar(120) NOT NULL',
    'varchar(120) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
    'varchar(120) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci',
  ),
  {
    sql: `enum(${choices.map((choice) => `'${choice.replace("'", "''")}'`).join()})`,
    keeps: (value) => pick(choices, chance(value)),
  },
];

const kindsOf: Record<ColumnSpec['type'], Kind[]> = {
  id: same('int(11) NOT NULL AUTO_INCREMENT', 'bigint(20) NOT NULL AUTO_INCREMENT'),
  int: same('int(11)', 'bigint(20)', 'decimal(12,0)', 'varchar(20)', 'int(11) NOT NULL DEFAULT 0'),
  bigint: same('bigint(20)', 'bigint(20) unsigned', 'decimal(20,0)', 'double'),
  decimal: same('decimal(20,6)', 'double'),
  float: same('double', 'double NOT NULL DEFAULT 0'),
  bool: same('tinyint(1)', 'int(11)', 'bit(1)', 'char(1)', 'varchar(5)', 'tinyint(4) NOT NULL DEFAULT 0'),
  string: words,
  char: same('char(64)', 'varchar(64) CHARACTER SET latin1', 'varbinary(64)'),
  token: same('varchar(120)', 'varchar(200) CHARACTER SET latin1'),
  text: same('text', 'longtext', 'varchar(900)', 'blob', 'text NOT NULL'),
  longtext: same('mediumtext', 'longtext', 'longblob'),
  datetime: [
    seconds('datetime'),
    seconds('timestamp NULL DEFAULT NULL'),
    seconds("datetime NOT NULL DEFAULT '0000-00-00 00:00:00'"),
    { sql: 'date', keeps: (value) => `${String(value).slice(0, 10)}T00:00:00.000Z` },
    ...same('datetime(6)', 'datetime(3)', 'varchar(40)'),
  ],
  json: same('longtext', 'json', 'text', 'mediumblob', 'varchar(900)'),
};

const plain: Partial<Record<ColumnSpec['type'], Kind[]>> = { string: same('varchar(120)') };

/** What the names of columns tell. */
const particular: [RegExp, Kind[]][] = [
  [/^legacy_no$/, same('int(11)')],
  [/^legacy_/, same('varchar(50)')],
  [/^created_on$/, [seconds('timestamp NOT NULL DEFAULT current_timestamp()')]],
  [
    /^updated_on$/,
    [
      seconds('datetime'),
      seconds('timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp()'),
    ],
  ],
  [/^(level|.*_type)$/, same('varchar(100)')],
  [/_time$/, [{ sql: 'time', keeps: (value) => pick(['09:30:00', '14:00:00'], chance(value)) }]],
  [/_code$/, [...words, { sql: 'int(11)', keeps: (value) => String(chance(value) % 1000) }]],
  [/^other_|^ticket_/, same('varchar(20)')],
];

/** A number that is always the same for these words. */
const chance = (...parts: unknown[]): number =>
  parseInt(createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 8), 16);
