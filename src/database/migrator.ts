import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from 'mariadb';
import { Umzug } from 'umzug';
import { unavailable } from '../kernel/errors';
import type { Bindable, Database } from './database';
import { translateDatabaseError } from './errors';
import { connectionOf } from './sqlite-module';
import { stepSql } from './table-sql';
import type { MigrationStep, TableSpec } from './tables';

/** One connection, for itself as long as migrations run. */
interface Session {
  rows<T>(sql: string, values?: readonly Bindable[]): Promise<T[]>;
  run(sql: string, values?: readonly Bindable[]): Promise<void>;
}

const lockWaitSeconds = 60;

/**
 * Runs the files `NNNN-name.json` of `folder` that this database has not seen, in their order, and answers their names. They
 * are remembered in the table `schema_migration`. One process at a time does this; others wait, and find nothing left to do.
 * A table that was there before stays as it is, whatever `createTable` says; so does a column.
 * @throws when a step fails. SQLite then keeps nothing of this run, MariaDB the steps before it: its DDL cannot be rolled back,
 * but the same file can be run again. AetherError UNAVAILABLE when the lock is not free within a minute.
 */
export async function migrate(database: Database, folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => /^\d{4}-.+\.json$/.test(name)).sort();
  return database.dialect === 'mariadb'
    ? inMariadbLock(database, (session) => runFiles(database, session, folder, files))
    : database.transaction((tx) => {
        const handle = connectionOf(tx);
        const session: Session = {
          rows: async <T>(sql: string, values: readonly Bindable[] = []) => handle.all(sql, values) as T[],
          run: async (sql, values = []) => {
            handle.run(sql, values);
          },
        };
        return runFiles(database, session, folder, files);
      });
}

async function runFiles(
  { dialect }: Database,
  session: Session,
  folder: string,
  files: string[],
): Promise<string[]> {
  await session.run(
    'CREATE TABLE IF NOT EXISTS schema_migration (name VARCHAR(190) NOT NULL PRIMARY KEY, run_on VARCHAR(30) NOT NULL)',
  );
  const umzug = new Umzug({
    logger: undefined,
    migrations: files.map((file) => ({
      name: file.replace(/\.json$/, ''),
      up: async () => {
        const steps = JSON.parse(await readFile(join(folder, file), 'utf8')) as MigrationStep[];
        for (const step of steps) {
          if (await isDone(session, dialect, step)) continue;
          for (const sql of stepSql(step, dialect)) await session.run(sql);
        }
      },
    })),
    storage: {
      executed: async () =>
        (await session.rows<{ name: string }>('SELECT name FROM schema_migration')).map(({ name }) => name),
      logMigration: ({ name }) =>
        session.run('INSERT INTO schema_migration (name, run_on) VALUES (?, ?)', [
          name,
          new Date().toISOString(),
        ]),
      unlogMigration: () => Promise.reject(new Error('Migrations only go forward.')),
    },
  });
  return (await umzug.up()).map(({ name }) => name);
}

/** True when the table or column that a step makes is there; indexes say so themselves. */
async function isDone(session: Session, dialect: Database['dialect'], step: MigrationStep): Promise<boolean> {
  if (!('createTable' in step) && !('addColumn' in step)) return false;
  const table = 'createTable' in step ? step.createTable.name : step.addColumn.table;
  const columns = (
    await session.rows<FoundColumn>(`${columnsSql[dialect]} AND ${tableNameSql[dialect]} = ?`, [table])
  ).map(({ name }) => name.toLowerCase());
  return 'createTable' in step ? columns.length > 0 : columns.includes(step.addColumn.name.toLowerCase());
}

async function inMariadbLock<T>(database: Database, work: (session: Session) => Promise<T>): Promise<T> {
  const manager = database.sequelize.connectionManager;
  let connection: Connection | undefined;
  try {
    const taken = (connection = (await manager.getConnection({ type: 'write' })) as Connection);
    const session: Session = {
      rows: (sql, values) => taken.query(sql, values),
      run: async (sql, values) => {
        await taken.query(sql, values);
      },
    };
    // Locks are the server's, so their names hold the database's; a digest keeps them short.
    const lockName = "CONCAT('migrate-', SHA1(DATABASE()))";
    const [lock] = await session.rows<{ got: number | null }>(`SELECT GET_LOCK(${lockName}, ?) AS got`, [
      lockWaitSeconds,
    ]);
    if (lock?.got !== 1) throw unavailable('Another process is still changing the tables of this database.');
    try {
      // Tables refer to each other in circles: none of them could come first.
      await session.run('SET SESSION FOREIGN_KEY_CHECKS = 0');
      return await work(session);
    } finally {
      await session.run('SET SESSION FOREIGN_KEY_CHECKS = 1');
      await session.run(`DO RELEASE_LOCK(${lockName})`);
    }
  } catch (error) {
    throw translateDatabaseError(error) ?? error;
  } finally {
    if (connection) manager.releaseConnection(connection);
  }
}

/* ---- what is there ---- */

interface FoundColumn {
  tableName: string;
  name: string;
}

const columnsSql = {
  mariadb:
    'SELECT table_name AS tableName, column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE()',
  sqlite:
    "SELECT m.name AS tableName, p.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'",
} satisfies Record<Database['dialect'], string>;

const tableNameSql = { mariadb: 'table_name', sqlite: 'm.name' } satisfies Record<
  Database['dialect'],
  string
>;

/** Columns of `tables` that the database lacks: all of a table's when it is not there. */
export async function missingColumns(
  database: Database,
  tables: readonly TableSpec[],
): Promise<{ table: string; column: string }[]> {
  const rows = await database.select<FoundColumn>(columnsSql[database.dialect]);
  const found = new Set(rows.map(({ tableName, name }) => `${tableName}.${name}`.toLowerCase()));
  return tables.flatMap(({ name: table, columns }) =>
    Object.keys(columns)
      .filter((column) => !found.has(`${table}.${column}`.toLowerCase()))
      .map((column) => ({ table, column })),
  );
}
