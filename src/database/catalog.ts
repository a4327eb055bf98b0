import type { Database, Dialect } from './database';

/** Columns that a unique index holds for themselves, as `table.column`: no two rows have the same value there. */
export async function uniqueColumns(database: Database): Promise<Set<string>> {
  const rows = await database.select<{ place: string }>(uniqueColumnsSql[database.dialect]);
  return new Set(rows.map(({ place }) => place));
}

export async function tableNames(database: Database): Promise<Set<string>> {
  const rows = await database.select<{ name: string }>(tableNamesSql[database.dialect]);
  return new Set(rows.map(({ name }) => name));
}

const tableNamesSql = {
  mariadb: 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  sqlite: "SELECT name FROM sqlite_master WHERE type = 'table'",
} satisfies Record<Dialect, string>;

const uniqueColumnsSql = {
  mariadb: `SELECT CONCAT(MAX(table_name), '.', MAX(column_name)) AS place FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND non_unique = 0 GROUP BY table_name, index_name HAVING COUNT(*) = 1`,
  sqlite: `SELECT m.name || '.' || MAX(c.name) AS place
    FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
    WHERE m.type = 'table' AND i."unique" = 1 AND i.partial = 0 GROUP BY m.name, i.name HAVING COUNT(*) = 1`,
} satisfies Record<Dialect, string>;
