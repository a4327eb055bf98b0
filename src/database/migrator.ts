import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from 'mariadb';
import { Umzug } from 'umzug';
import { unavailable } from '../kernel/errors';
import { tablesSql } from './catalog';
import type { Bindable, Database, Session } from './database';
import { translateDatabaseError } from './errors';
import { connectionOf } from './sqlite-module';
import { stepSql } from './table-sql';
import { tableOf, type ColumnSpec, type MigrationStep } from './tables';

const lockWaitSeconds = 60;

/**
 * Runs the files `NNNN-name.json` of `folder` that this database has not seen, in their order, and answers their names. They
 * are remembered in the table `schema_migration`, and the tables that they make in `schema_table`: any other table stays as it
 * is, whatever steps say, and nothing that is made refers to it. One process at a time does this; others wait, and find nothing
 * left to do.
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
  const names = async (sql: string): Promise<string[]> =>
    (await session.rows<{ name: string }>(sql)).map(({ name }) => name);
  for (const sql of ownTables) await session.run(sql);
  const there = new Set(await names(tablesSql[dialect]));
  const made = new Set(await names('SELECT name FROM schema_table'));
  const isForeign = (table: string): boolean => there.has(table) && !made.has(table);

  async function runStep(step: MigrationStep): Promise<void> {
    const table = tableOf(step);
    if (isForeign(table)) return;
    if ('createTable' in step && !made.has(table)) {
      // Before it is made: what is found half made after a crash is still ours.
      await session.run('INSERT INTO schema_table (name) VALUES (?)', [table]);
      made.add(table);
    }
    if ('addColumn' in step && (await hasColumn(session, dialect, table, step.addColumn.name))) return;
    for (const sql of stepSql(untied(step, isForeign), dialect)) await session.run(sql);
  }

  const umzug = new Umzug({
    logger: undefined,
    migrations: files.map((file) => ({
      name: file.replace(/\.json$/, ''),
      up: async () => {
        const steps = JSON.parse(await readFile(join(folder, file), 'utf8')) as MigrationStep[];
        for (const step of steps) await runStep(step);
      },
    })),
    storage: {
      executed: () => names('SELECT name FROM schema_migration'),
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

/** The step without references to tables of others: these may be of any kind, and must not find rows tied to theirs. */
function untied(step: MigrationStep, isForeign: (table: string) => boolean): MigrationStep {
  const free = (column: ColumnSpec): ColumnSpec =>
    column.references !== undefined && isForeign(column.references)
      ? { ...column, references: undefined }
      : column;
  if ('addColumn' in step) return { addColumn: { ...step.addColumn, column: free(step.addColumn.column) } };
  if (!('createTable' in step)) return step;
  const { createTable } = step;
  const columns = Object.entries(createTable.columns).map(([name, column]) => [name, free(column)] as const);
  return { createTable: { ...createTable, columns: Object.fromEntries(columns) } };
}

const ownTables = [
  'CREATE TABLE IF NOT EXISTS schema_migration (name VARCHAR(190) NOT NULL PRIMARY KEY, run_on VARCHAR(30) NOT NULL)',
  'CREATE TABLE IF NOT EXISTS schema_table (name VARCHAR(64) NOT NULL PRIMARY KEY)',
];

async function hasColumn(
  session: Session,
  dialect: Database['dialect'],
  table: string,
  column: string,
): Promise<boolean> {
  const columns = await session.rows<{ name: string }>(
    dialect === 'mariadb'
      ? 'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?'
      : 'SELECT name FROM pragma_table_info(?)',
    [table],
  );
  return columns.some(({ name }) => name.toLowerCase() === column.toLowerCase());
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
