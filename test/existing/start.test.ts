import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { readConfig } from '../../src/config';
import type { Database } from '../../src/database/database';
import { migrate } from '../../src/database/migrator';
import { openDatabase } from '../../src/database/open';
import type { MigrationStep, TableSpec } from '../../src/database/tables';
import type { Services } from '../../src/kernel/context';
import { allEntities } from '../../src/kernel/entity';
import { tablesOf } from '../../src/kernel/registry';
import { openServices } from '../../src/services';
import { definitions } from '../database/support';
import type { Place } from '../support/app';
import { mariadbServer, target } from '../support/jest-target';
import { makeOldTables, oldTablesOf } from '../support/old-tables';
import { freshDatabase } from '../support/servers';

/* How the server starts on tables that another program made. */

const declared = tablesOf();
const old = oldTablesOf(declared);
const names = old.map(({ name }) => name);

const folders: string[] = [];
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'aether-old-'));
  folders.push(path);
  return path;
}

/** A database of another program: where it is, and a look at its tables. */
async function oldDatabase(tables: readonly TableSpec[]) {
  const place: Place = {
    dataDir: await folder(),
    ...(target === 'mariadb' && { databaseUrl: await freshDatabase(mariadbServer!) }),
  };
  const database = await openDatabase({ url: place.databaseUrl, dataDir: place.dataDir, poolMax: 2 });
  closing.push(() => database.close());
  await makeOldTables(database, tables);
  return { place, database, tables: () => definitions(database, ...names) };
}

type Line = Record<string, unknown> & { level: number; msg: string };

/** Opens what a server stands on; answers what it logged. */
async function start({ dataDir, databaseUrl }: Place): Promise<{ services: Services; warnings: Line[] }> {
  const lines: Line[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
  const env = { NODE_ENV: 'test', DATA_DIR: dataDir, ...(databaseUrl && { DATABASE_URL: databaseUrl }) };
  const services = await openServices(readConfig(env), log);
  closing.push(() => services.close());
  return { services, warnings: lines };
}

const columnsOf = async (database: Database, table: string): Promise<string[]> => {
  const [row] = await database.select(`SELECT * FROM \`${table}\``);
  return Object.keys(row ?? {});
};

test('it says once and for all what is missing, and makes the tables that are not there', async () => {
  const { place, database, tables } = await oldDatabase(old);
  const before = await tables();
  const { warnings } = await start(place);
  const said = (what: string) => warnings.filter((line) => what in line).map((line) => line[what]);
  const missing = old.flatMap(({ name, columns }) => {
    const has = Object.keys(columns).map((column) => column.toLowerCase());
    const wanted = Object.keys(declared.find((table) => table.name === name)!.columns);
    return wanted.filter((column) => !has.includes(column)).map((column) => `${name}.${column}`);
  });
  expect(missing.length).toBeGreaterThan(50);
  expect(said('missing').map((list) => [...(list as string[])].sort())).toEqual([missing.sort()]);
  expect(said('nameless')).toEqual([names]);
  expect(said('filled')).toEqual([expect.arrayContaining(['event.legacy_no', 'event.legacy_word'])]);
  expect(said('unindexed')).toEqual([expect.arrayContaining(['event_session (event_id)'])]);
  expect(warnings).toHaveLength(4);
  expect(await tables()).toEqual(before);

  const made = allEntities()
    .map(({ table }) => table)
    .filter((table) => !names.includes(table));
  expect(made.length).toBeGreaterThan(0);
  for (const table of made) expect(await columnsOf(database, table)).toEqual([]);
});

test('two that start at once, and again later, change no table', async () => {
  const { place, tables } = await oldDatabase(old);
  const before = await tables();
  const [one, other] = await Promise.all([start(place), start(place)]);
  expect(one.warnings.map(({ msg }) => msg)).toEqual(other.warnings.map(({ msg }) => msg));
  expect((await start(place)).warnings.map(({ missing }) => missing)).toEqual(
    one.warnings.map(({ missing }) => missing),
  );
  expect(await tables()).toEqual(before);
});

test('a later version adds nothing to tables of others, and all of it to ours', async () => {
  const { place, database, tables } = await oldDatabase(old);
  const before = await tables();
  await start(place);
  const steps = declared.flatMap(({ name }): MigrationStep[] => [
    {
      addColumn: { table: name, name: 'newer', column: { type: 'int', references: 'event', nullable: true } },
    },
    { addIndex: { table: name, index: { columns: ['id_random', 'account_id'] } } },
  ]);
  const migrations = await folder();
  const withAccount = steps.filter((step) => !('addIndex' in step) || step.addIndex.table !== 'account');
  await writeFile(join(migrations, '9999-newer.json'), JSON.stringify(withAccount));
  expect(await migrate(database, migrations)).toEqual(['9999-newer']);
  expect(await tables()).toEqual(before);
  const ours = declared.map(({ name }) => name).filter((name) => !names.includes(name));
  for (const definition of await definitions(database, ...ours)) {
    expect(definition).toContain('newer');
    expect(definition).not.toMatch(/REFERENCES .event. /);
  }
});

test('without what no row can do without it does not start, and names all of it', async () => {
  const without = old.map((table) => {
    const lost =
      table.name === 'site'
        ? /^(id_random|account_id)$/i
        : table.name === 'event_session'
          ? /^event_id$/i
          : /^$/;
    const columns = Object.entries(table.columns).filter(([column]) => !lost.test(column));
    return {
      ...table,
      columns: Object.fromEntries(columns),
      indexes: table.indexes.filter(({ columns: [column] }) => !lost.test(column!)),
    };
  });
  const { place } = await oldDatabase(without);
  await expect(start(place)).rejects.toThrow(
    /columns that no row can do without:[^]*- site.id_random[^]*- site.account_id[^]*- event_session.event_id/,
  );
});
