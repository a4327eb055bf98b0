import { isDeepStrictEqual } from 'node:util';

/** The shape of one column, in words that both dialects can be made from. */
export interface ColumnSpec {
  type:
    | 'id'
    | 'int'
    | 'bigint'
    | 'bool'
    | 'string'
    | 'char'
    | 'token'
    | 'text'
    | 'longtext'
    | 'datetime'
    | 'json'
    | 'decimal'
    | 'float';
  /** Length of `string`, `char` and `token` (ASCII, compared to the letter), in characters. */
  max?: number;
  /** Digits of a `decimal`: total and after the point. */
  digits?: [number, number];
  nullable?: boolean;
  default?: string | number | boolean | null;
  /** Name of the table whose `id` this column holds. */
  references?: string;
}

export interface IndexSpec {
  columns: string[];
  unique?: boolean;
  /** Of the words of a text, `columns: [account, text]`; on MariaDB alone, see full-text.ts. */
  words?: boolean;
}

/** A table as migrations make it. `id` is int unsigned, auto-increment, primary key. */
export interface TableSpec {
  name: string;
  columns: Record<string, ColumnSpec>;
  indexes: IndexSpec[];
}

/**
 * One step of a migration file; a file is a JSON list of them. Each is about one table. A `sql` step must be safe to run twice:
 * MariaDB keeps what a failed file did before it failed.
 */
export type MigrationStep =
  | { createTable: TableSpec }
  | { addColumn: { table: string; name: string; column: ColumnSpec } }
  | { addIndex: { table: string; index: IndexSpec } }
  | { sql: { table: string; mariadb: string[]; sqlite: string[] } };

/** The table that a step is about. */
export function tableOf(step: MigrationStep): string {
  if ('createTable' in step) return step.createTable.name;
  if ('addColumn' in step) return step.addColumn.table;
  return 'addIndex' in step ? step.addIndex.table : step.sql.table;
}

/**
 * The tables that migration steps lead to, in the order of their making; `sql` steps are not looked into.
 * @throws when a step makes a table twice, or changes one that is not there.
 */
export function foldSteps(steps: readonly MigrationStep[]): TableSpec[] {
  const tables = new Map<string, TableSpec>();
  const found = (name: string): TableSpec => {
    const table = tables.get(name);
    if (!table) throw new Error(`A migration changes table "${name}", which no earlier step makes.`);
    return table;
  };
  for (const step of steps) {
    if ('createTable' in step) {
      const { name, columns, indexes } = step.createTable;
      if (tables.has(name)) throw new Error(`Table "${name}" is made twice.`);
      tables.set(name, { name, columns: { ...columns }, indexes: [...indexes] });
    } else if ('addColumn' in step) {
      found(step.addColumn.table).columns[step.addColumn.name] = step.addColumn.column;
    } else if ('addIndex' in step) {
      found(step.addIndex.table).indexes.push(step.addIndex.index);
    }
  }
  return [...tables.values()];
}

/**
 * The steps that lead from one state to the other: new tables, then new columns and indexes of those that stay.
 * @throws naming every difference that cannot be reached by adding: a table, column or index that is gone, a column that became
 * another, a new column that rows already there could not fill.
 */
export function diffTables(before: readonly TableSpec[], after: readonly TableSpec[]): MigrationStep[] {
  const problems: string[] = [];
  const known = new Map(before.map((table) => [table.name, table]));
  const wanted = new Set(after.map(({ name }) => name));
  for (const { name } of before) if (!wanted.has(name)) problems.push(`table "${name}" is gone`);

  const created = after.filter(({ name }) => !known.has(name)).map((createTable) => ({ createTable }));
  const added = after.flatMap((table) => {
    const old = known.get(table.name);
    return old ? additions(old, table, problems) : [];
  });
  if (problems.length > 0)
    throw new Error(
      `Migrations only add. These changes do not:\n${problems.map((text) => `  - ${text}`).join('\n')}`,
    );
  return [...created, ...added];
}

function additions(old: TableSpec, table: TableSpec, problems: string[]): MigrationStep[] {
  const steps: MigrationStep[] = [];
  const { name: tableName } = table;
  for (const name of Object.keys(old.columns))
    if (!table.columns[name]) problems.push(`column "${tableName}.${name}" is gone`);
  for (const [name, column] of Object.entries(table.columns)) {
    const was = old.columns[name];
    if (was && !isDeepStrictEqual(shapeOf(was), shapeOf(column)))
      problems.push(
        `column "${tableName}.${name}" became ${JSON.stringify(column)}, it was ${JSON.stringify(was)}`,
      );
    if (was) continue;
    if (!column.nullable && column.default == null)
      problems.push(`new column "${tableName}.${name}" must be nullable or have a default`);
    steps.push({ addColumn: { table: tableName, name, column } });
  }
  for (const index of old.indexes)
    if (!table.indexes.some((other) => isSameIndex(index, other)))
      problems.push(`index (${index.columns.join(', ')}) of "${tableName}" is gone`);
  for (const index of table.indexes)
    if (!old.indexes.some((other) => isSameIndex(index, other)))
      steps.push({ addIndex: { table: tableName, index } });
  return steps;
}

/** A column with everything said that may be left out, so that two can be compared. */
const shapeOf = ({ type, max, digits, nullable, default: fallback, references }: ColumnSpec) => ({
  type,
  max: max ?? null,
  digits: digits ?? null,
  nullable: nullable ?? false,
  default: fallback ?? null,
  references: references ?? null,
});

const isSameIndex = (one: IndexSpec, other: IndexSpec): boolean =>
  (one.unique ?? false) === (other.unique ?? false) &&
  (one.words ?? false) === (other.words ?? false) &&
  isDeepStrictEqual(one.columns, other.columns);
