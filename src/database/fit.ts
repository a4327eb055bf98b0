import type { QueryOptions } from 'sequelize';
import type { Sequelize } from 'sequelize-typescript';
import type { Dialect, StoredRow } from './database';
import type { Shape } from './existing';

/** What makes statements fit tables that are not as they were declared. */
export interface Fit {
  /** The statement, in which tables that differ stand for what they should be. */
  read(sql: string): string;
  /** Values as the table takes them. */
  row(table: string, values: StoredRow, use: { isNew: boolean }): StoredRow;
  /** Has the table a column to keep such a value in? */
  keeps(table: string, column: string): boolean;
  /** May several rows of the table have one value there, although the column was declared unique? */
  repeats(table: string, column: string): boolean;
}

export function fitTo(dialect: Dialect, shapes: ReadonlyMap<string, Shape>): Fit {
  const viewed = [...shapes].flatMap(([name, { view }]) => (view === undefined ? [] : [name]));
  const names = new RegExp(`\\b(?:${viewed.join('|')})\\b`, 'g');
  // SQLite would write down what is named twice.
  const hint = dialect === 'sqlite' ? ' NOT MATERIALIZED' : '';
  return {
    read(sql) {
      if (viewed.length === 0 || !/^\s*SELECT\b/i.test(sql)) return sql;
      const named = [...new Set(sql.match(names))];
      if (named.length === 0) return sql;
      // MariaDB locks what the innermost statement reads.
      const lock = /\sFOR UPDATE\b[\w\s]*$/i.exec(sql)?.[0] ?? '';
      const views = named.map((name) => `\`${name}\` AS${hint} (${shapes.get(name)?.view ?? ''}${lock})`);
      return `WITH ${views.join(', ')} ${sql}`;
    },

    row(table, values, { isNew }) {
      const shape = shapes.get(table);
      if (!shape) return values;
      const row: StoredRow = isNew ? Object.fromEntries(shape.fill) : {};
      for (const [column, value] of Object.entries(values))
        if (!shape.unkept.has(column)) row[column] = value ?? shape.empty.get(column) ?? null;
      return row;
    },

    keeps: (table, column) => !shapes.get(table)?.unkept.has(column),

    repeats: (table, column) => shapes.get(table)?.repeatable.has(column) ?? false,
  };
}

/** By the Sequelize that a transaction is of: a model belongs to the one opened last, whosever transaction it works in. */
const fits = new WeakMap<object, Fit>();

/** Makes what models do in this database fit; `undefined` lets it be. */
export function fitModels(sequelize: Sequelize, fit: Fit | undefined): void {
  if (fit) fits.set(sequelize, fit);
  else fits.delete(sequelize);
}

/** Lets what models do pass by {@link fitModels}. */
export function watchModels(sequelize: Sequelize): void {
  const queries = sequelize.getQueryInterface();
  const insert = queries.insert.bind(queries);
  const bulkInsert = queries.bulkInsert.bind(queries);
  const bulkUpdate = queries.bulkUpdate.bind(queries);
  const query = sequelize.query.bind(sequelize) as Query;

  const fitFor = (options?: QueryOptions): Fit | undefined =>
    fits.get((options?.transaction as { sequelize?: object } | undefined)?.sequelize ?? sequelize);
  const rowFor = (table: unknown, values: object, isNew: boolean, options?: QueryOptions): object =>
    fitFor(options)?.row(String(table), values as StoredRow, { isNew }) ?? values;

  queries.insert = (instance, table, values, options) =>
    insert(instance, table, rowFor(table, values, true, options), options);
  queries.bulkInsert = (table, rows, options, attributes) =>
    bulkInsert(
      table,
      rows.map((row) => rowFor(table, row, true, options)),
      options,
      attributes,
    );
  queries.bulkUpdate = async (table, values, where, options, attributes) => {
    const row = rowFor(table, values, false, options);
    return Object.keys(row).length > 0 ? bulkUpdate(table, row, where, options, attributes) : nothingChanged;
  };
  sequelize.query = ((sql, options) => {
    const fit = typeof sql === 'string' ? fitFor(options) : undefined;
    return query(fit ? fit.read(sql as string) : sql, options);
  }) as Query as typeof sequelize.query;
}

type Query = (sql: unknown, options?: QueryOptions) => Promise<unknown>;

/** Sequelize answers how many rows an update has found, and declares an object. */
const nothingChanged = 0 as unknown as object;
