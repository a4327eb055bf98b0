import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../src/database/database';
import { migrate } from '../../src/database/migrator';
import { openDatabase, type DatabaseOptions } from '../../src/database/open';
import type { MigrationStep, TableSpec } from '../../src/database/tables';
import { describeWithMariadb, mariadbServer } from '../support/jest-target';
import { freshDatabase } from '../support/servers';

/** Opens and closes databases for one suite; everything is gone after it. */
export interface Bench {
  /** Where a new, empty database is; it can be opened several times. */
  place(): Promise<DatabaseOptions>;
  /** Opens what is at the place, or at a new one. */
  open(place?: DatabaseOptions): Promise<Database>;
  /** A folder of migration files, one for each list of steps. */
  migrations(...files: MigrationStep[][]): Promise<string>;
  /** Opens a new database that has these tables. */
  openWith(...tables: TableSpec[]): Promise<Database>;
}

/** Runs a suite on the embedded database, and on MariaDB where there is one. */
export function onBoth(title: string, suite: (bench: Bench, isMariadb: boolean) => void): void {
  onSqlite(title, (bench) => suite(bench, false));
  onMariadb(title, (bench) => suite(bench, true));
}

export function onSqlite(title: string, suite: (bench: Bench) => void): void {
  describe(`${title} (on SQLite)`, () => suite(makeBench(false)));
}

export function onMariadb(title: string, suite: (bench: Bench) => void): void {
  describeWithMariadb(title, () => suite(makeBench(true)));
}

function makeBench(isMariadb: boolean): Bench {
  const folders: string[] = [];
  const opened: Database[] = [];
  afterAll(async () => {
    await Promise.all(opened.map((database) => database.close()));
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
  });

  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), 'aether-test-'));
    folders.push(path);
    return path;
  };
  const bench: Bench = {
    place: async () => ({
      url: isMariadb ? await freshDatabase(mariadbServer!) : undefined,
      dataDir: await folder(),
      poolMax: 5,
    }),
    open: async (place) => {
      const database = await openDatabase(place ?? (await bench.place()));
      opened.push(database);
      return database;
    },
    migrations: async (...files) => {
      const path = await folder();
      for (const [i, steps] of files.entries())
        await writeFile(join(path, `${String(i + 1).padStart(4, '0')}-step.json`), JSON.stringify(steps));
      return path;
    },
    openWith: async (...tables) => {
      const database = await bench.open();
      await migrate(database, await bench.migrations(tables.map((createTable) => ({ createTable }))));
      return database;
    },
  };
  return bench;
}

/** Tables for tests: a parent that must have a unique code, and children. */
export const parentTable: TableSpec = {
  name: 'parent',
  columns: {
    id: { type: 'id' },
    account_id: { type: 'int' },
    code: { type: 'string', max: 20 },
    note: { type: 'string', max: 255, nullable: true },
    amount: { type: 'int', nullable: true },
    seen_on: { type: 'datetime', nullable: true },
    settings: { type: 'json', nullable: true },
  },
  indexes: [{ columns: ['account_id', 'code'], unique: true }],
};

export const childTable: TableSpec = {
  name: 'child',
  columns: { id: { type: 'id' }, parent_id: { type: 'int', references: 'parent', nullable: true } },
  indexes: [{ columns: ['parent_id'] }],
};

/** How the tables are defined, to the letter; the next key of MariaDB, which is no part of it, is left out. */
export async function definitions(database: Database, ...tables: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const table of tables)
    if (database.dialect === 'mariadb') {
      const [row] = await database.select(`SHOW CREATE TABLE \`${table}\``);
      found.push(String(row!['Create Table']).replace(/ AUTO_INCREMENT=\d+/, ''));
    } else {
      const rows = await database.select('SELECT sql FROM sqlite_master WHERE tbl_name = ?', [table]);
      found.push(rows.map(({ sql }) => String(sql)).join(';\n'));
    }
  return found;
}

export const hasTable = async (database: Database, table: string): Promise<boolean> => {
  const rows = await database.select(
    database.dialect === 'mariadb'
      ? 'SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?'
      : "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
    [table],
  );
  return rows.length > 0;
};
