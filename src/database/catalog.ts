import type { Database, Dialect } from './database';

/** Names of the tables and views that are there. */
export const tablesSql = {
  mariadb: 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  sqlite: "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
} satisfies Record<Dialect, string>;

export async function tableNames(database: Database): Promise<Set<string>> {
  const rows = await database.select<{ name: string }>(tablesSql[database.dialect]);
  return new Set(rows.map(({ name }) => name));
}
