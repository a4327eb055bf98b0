import { createHash } from 'node:crypto';
import type { Dialect } from './database';
import { indexedWords, indexedWordsSql } from './full-text';
import type { ColumnSpec, IndexSpec, MigrationStep, TableSpec } from './tables';

const maxNameLength = 64;

/**
 * Statements that make a table with its indexes. References name tables that need not be there yet: on MariaDB, run them with
 * `FOREIGN_KEY_CHECKS` off.
 */
export function createTableSql(table: TableSpec, dialect: Dialect): string[] {
  const { name, columns, indexes } = table;
  const lines = Object.entries(columns).map(([column, spec]) => `  ${columnSql(column, spec, dialect)}`);
  if (dialect === 'sqlite')
    return [
      `CREATE TABLE IF NOT EXISTS ${quoted(name)} (\n${lines.join(',\n')}\n)`,
      ...indexes.flatMap((index) => createIndexSql(name, index, dialect)),
    ];

  const keys = [
    '  PRIMARY KEY (`id`)',
    ...indexes.flatMap((index) => {
      if (index.words) return wordsSql(name, index).map((line) => `  ${line}`);
      const kind = index.unique ? 'UNIQUE KEY' : 'KEY';
      return `  ${kind} ${quoted(indexName(name, index))} (${list(index.columns)})`;
    }),
    ...Object.entries(columns).flatMap(([column, { references }]) =>
      references ? [`  ${foreignKeySql(name, column, references)}`] : [],
    ),
  ];
  return [
    `CREATE TABLE IF NOT EXISTS ${quoted(name)} (\n${[...lines, ...keys].join(',\n')}\n)` +
      ' ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci',
  ];
}

/** Statements of one step, for a database that does not have its table, column or index yet. */
export function stepSql(step: MigrationStep, dialect: Dialect): string[] {
  if ('createTable' in step) return createTableSql(step.createTable, dialect);
  if ('addIndex' in step) return createIndexSql(step.addIndex.table, step.addIndex.index, dialect);
  if ('sql' in step) return step.sql[dialect];

  const { table, name, column } = step.addColumn;
  const add = `ALTER TABLE ${quoted(table)} ADD COLUMN ${columnSql(name, column, dialect)}`;
  if (dialect === 'sqlite' || !column.references) return [add];
  return [`${add}, ADD ${foreignKeySql(table, name, column.references)}`];
}

function createIndexSql(table: string, index: IndexSpec, dialect: Dialect): string[] {
  if (index.words)
    return dialect === 'sqlite'
      ? []
      : [
          `ALTER TABLE ${quoted(table)} ${wordsSql(table, index, 'IF NOT EXISTS ')
            .map((line) => `ADD ${line}`)
            .join(', ')}`,
        ];
  return [
    `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX IF NOT EXISTS ${quoted(indexName(table, index))}` +
      ` ON ${quoted(table)} (${list(index.columns)})`,
  ];
}

/** A column that MariaDB keeps by itself and shows to nobody, and its index. */
function wordsSql(table: string, index: IndexSpec, unlessThere = ''): string[] {
  const [account = '', text = ''] = index.columns.map(quoted);
  const column = quoted(indexedWords(index.columns[1] ?? ''));
  return [
    `${unlessThere}${column} mediumtext GENERATED ALWAYS AS (${indexedWordsSql(account, text)}) STORED INVISIBLE`,
    `FULLTEXT KEY ${unlessThere}${quoted(indexName(table, index))} (${column})`,
  ];
}

/** Columns stand after `__`: the message about a duplicate is made from them. */
const indexName = (table: string, { columns, unique, words }: IndexSpec): string =>
  shortened(`${unique ? 'uq' : words ? 'ft' : 'ix'}_${[table, ...columns].join('__')}`);

const foreignKeySql = (table: string, column: string, references: string): string =>
  `CONSTRAINT ${quoted(shortened(`fk_${table}__${column}`))} FOREIGN KEY (${quoted(column)})` +
  ` REFERENCES ${quoted(references)} (\`id\`) ON DELETE NO ACTION`;

/** MariaDB refuses longer names; a digest keeps those apart that begin alike. */
function shortened(name: string): string {
  if (name.length <= maxNameLength) return name;
  const digest = createHash('sha1').update(name).digest('hex').slice(0, 8);
  return `${name
    .slice(0, maxNameLength - 9)
    .replace(/_+$/, '')
    .replaceAll('__', '_')}_${digest}`;
}

/** @throws on names that would need care in every statement that uses them. */
export function quoted(name: string): string {
  if (!/^[a-z_][a-z0-9_]*$/i.test(name))
    throw new Error(`"${name}" cannot be the name of a table, column or index.`);
  return `\`${name}\``;
}

const list = (columns: string[]): string => columns.map(quoted).join(', ');

function columnSql(name: string, column: ColumnSpec, dialect: Dialect): string {
  if (column.type === 'id' && !column.references)
    return dialect === 'mariadb'
      ? `${quoted(name)} int unsigned NOT NULL AUTO_INCREMENT`
      : `${quoted(name)} INTEGER PRIMARY KEY AUTOINCREMENT`;
  const parts = [
    quoted(name),
    column.references ? referenceType[dialect] : columnType(column, dialect),
    column.nullable ? 'NULL' : 'NOT NULL',
  ];
  if (column.default != null) parts.push(`DEFAULT ${literal(column.default, dialect)}`);
  if (dialect === 'sqlite') parts.push(...checksSql(name, column));
  return parts.join(' ');
}

const referenceType = { mariadb: 'int unsigned', sqlite: 'INTEGER' } satisfies Record<Dialect, string>;

/**
 * SQLite gives a column its way of storing by words in its type ("TEXT", "INT"), and Sequelize its parser by the same type:
 * `JSON TEXT` keeps the text `1.0` from becoming a number.
 */
function columnType({ type, max = 255, digits = [10, 2] }: ColumnSpec, dialect: Dialect): string {
  const mariadb = dialect === 'mariadb';
  switch (type) {
    case 'id':
      return referenceType[dialect];
    case 'int':
      return mariadb ? 'int' : 'INTEGER';
    case 'bigint':
      return mariadb ? 'bigint' : 'BIGINT';
    case 'bool':
      return mariadb ? 'tinyint(1)' : 'TINYINT(1)';
    case 'string':
      return mariadb ? `varchar(${max})` : `VARCHAR(${max}) COLLATE NOCASE`;
    case 'char':
      return mariadb ? `char(${max}) COLLATE utf8mb4_bin` : `CHAR(${max})`;
    case 'token':
      return mariadb ? `varchar(${max}) CHARACTER SET ascii COLLATE ascii_bin` : `VARCHAR(${max})`;
    case 'text':
    case 'longtext':
      return mariadb ? type : 'TEXT COLLATE NOCASE';
    case 'datetime':
      return mariadb ? 'datetime(3)' : 'DATETIME(3)';
    case 'json':
      return mariadb ? 'json' : 'JSON TEXT';
    case 'decimal':
      return mariadb ? `decimal(${digits.join(',')})` : `DECIMAL(${digits.join(',')})`;
    case 'float':
      return mariadb ? 'double' : 'DOUBLE';
  }
}

/**
 * What MariaDB refuses, SQLite must be told to refuse. A check is named by the number that MariaDB gives, and its column: from
 * that errors.ts makes the same error.
 */
function checksSql(name: string, { type, max = 255, references }: ColumnSpec): string[] {
  const column = quoted(name);
  const check = (number: number, condition: string) => [
    `CONSTRAINT \`${number} ${name}\` CHECK (${condition})`,
  ];
  if (references || type === 'id')
    return [
      ...check(1366, `typeof(${column}) IN ('integer', 'null')`),
      ...(references ? [`REFERENCES ${quoted(references)} (\`id\`) ON DELETE NO ACTION`] : []),
    ];
  switch (type) {
    case 'string':
    case 'char':
    case 'token':
      return check(1406, `length(${column}) <= ${max}`);
    case 'text':
      return check(1406, `octet_length(${column}) <= 65535`);
    case 'int':
      return check(1264, `${column} BETWEEN -2147483648 AND 2147483647`);
    case 'bool':
      return check(1264, `${column} BETWEEN -128 AND 127`);
    case 'bigint':
    case 'decimal':
    case 'float':
      return check(1366, `typeof(${column}) IN ('integer', 'real', 'null')`);
    case 'datetime':
      // Compared as text, so all must be written alike.
      return check(
        1292,
        `${column} GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]'`,
      );
    case 'json':
      return check(4025, `json_valid(${column})`);
    case 'longtext':
      return [];
  }
}

/** A value as it stands in a statement. */
export function literal(value: string | number | boolean, dialect: Dialect): string {
  if (typeof value !== 'string') return String(Number(value));
  const text = value.replaceAll("'", "''");
  return `'${dialect === 'mariadb' ? text.replaceAll('\\', '\\\\') : text}'`;
}
