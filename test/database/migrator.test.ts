import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Database } from '../../src/database/database';
import { migrate } from '../../src/database/migrator';
import type { DatabaseOptions } from '../../src/database/open';
import type { MigrationStep, TableSpec } from '../../src/database/tables';
import { childTable, definitions, hasTable, onBoth, parentTable } from './support';

const root = join(__dirname, '../..');

/** Two tables, each with a reference to the other. */
const circle: TableSpec[] = [
  {
    name: 'hen',
    columns: { id: { type: 'id' }, egg_id: { type: 'int', references: 'egg', nullable: true } },
    indexes: [{ columns: ['egg_id'] }],
  },
  {
    name: 'egg',
    columns: { id: { type: 'id' }, hen_id: { type: 'int', references: 'hen', nullable: true } },
    indexes: [{ columns: ['hen_id'], unique: true }],
  },
];
const creating = (...tables: TableSpec[]): MigrationStep[] => tables.map((createTable) => ({ createTable }));

/** Nothing is other than declared. */
const same = { missing: [], filled: [], nameless: [], unindexed: [] };

onBoth('Migrations', (bench, isMariadb) => {
  const write = (database: Database, sql: string) =>
    database.transaction((tx) => database.select(sql, [], tx)).then(() => undefined);

  test('run in order, once, and are remembered', async () => {
    const place = await bench.place();
    const folder = await bench.migrations(
      creating(parentTable),
      [
        ...creating(childTable),
        { addColumn: { table: 'parent', name: 'kind', column: { type: 'string', max: 9, default: "it's" } } },
        {
          addColumn: {
            table: 'parent',
            name: 'child_id',
            column: { type: 'int', references: 'child', nullable: true },
          },
        },
        { addIndex: { table: 'parent', index: { columns: ['kind'] } } },
      ],
      [
        {
          sql: {
            table: 'parent',
            mariadb: ["INSERT INTO parent (account_id, code) VALUES (1, 'a')"],
            sqlite: ["INSERT INTO parent (account_id, code) VALUES (1, 'a')"],
          },
        },
      ],
    );
    const database = await bench.open(place);
    expect(await migrate(database, folder)).toEqual(['0001-step', '0002-step', '0003-step']);
    expect(await migrate(database, folder)).toEqual([]);
    expect(await migrate(await bench.open(place), folder)).toEqual([]);
    expect(await database.select('SELECT name FROM schema_migration ORDER BY name')).toEqual(
      ['0001-step', '0002-step', '0003-step'].map((name) => ({ name })),
    );
    expect(await database.select('SELECT id, code, kind FROM parent')).toEqual([
      { id: 1, code: 'a', kind: "it's" },
    ]);
    await expect(write(database, 'UPDATE parent SET child_id = 9')).rejects.toMatchObject({
      code: 'DATABASE_CONSTRAINT',
    });
  });

  test('make tables that refer to each other in a circle, with references that hold', async () => {
    const database = await bench.openWith(...circle);
    await expect(write(database, 'INSERT INTO hen (egg_id) VALUES (1)')).rejects.toMatchObject({
      code: 'DATABASE_CONSTRAINT',
    });
    await write(database, 'INSERT INTO hen (id, egg_id) VALUES (1, NULL)');
    await write(database, 'INSERT INTO egg (id, hen_id) VALUES (1, 1)');
    await expect(write(database, 'INSERT INTO egg (id, hen_id) VALUES (2, 1)')).rejects.toMatchObject({
      code: 'DATABASE_DUPLICATE',
    });
  });

  describe('on a database with tables of others', () => {
    const old = isMariadb
      ? 'CREATE TABLE parent (legacy TEXT, code VARCHAR(10), id INT AUTO_INCREMENT PRIMARY KEY, account_id INT) ENGINE=MyISAM CHARSET=latin1'
      : 'CREATE TABLE parent (legacy TEXT, code TEXT, id INTEGER PRIMARY KEY, account_id INT)';
    const spoil = 'ALTER TABLE parent ADD COLUMN spoilt INT';
    const first: MigrationStep[] = creating(parentTable, childTable);
    const later: MigrationStep[] = [
      { addColumn: { table: 'parent', name: 'more', column: { type: 'string', max: 20, nullable: true } } },
      { addIndex: { table: 'parent', index: { columns: ['code'], unique: true } } },
      { sql: { table: 'parent', mariadb: [spoil], sqlite: [spoil] } },
      {
        addColumn: {
          table: 'child',
          name: 'other_parent_id',
          column: { type: 'int', references: 'parent', nullable: true },
        },
      },
      { addIndex: { table: 'child', index: { columns: ['other_parent_id'] } } },
      ...creating(...circle),
    ];

    async function oldDatabase(place?: DatabaseOptions): Promise<Database> {
      const database = await bench.open(place);
      await database.sequelize.query(old);
      await write(
        database,
        "INSERT INTO parent (legacy, code, account_id) VALUES ('kept', 'a', 1), ('kept', 'a', 1)",
      );
      return database;
    }

    test('leave them as they are, now and later, and make what is missing without a tie to them', async () => {
      const database = await oldDatabase();
      const [before] = await definitions(database, 'parent');
      expect(await migrate(database, await bench.migrations(first))).toEqual(['0001-step']);
      expect(await definitions(database, 'parent')).toEqual([before]);
      expect(await migrate(database, await bench.migrations(first, later))).toEqual(['0002-step']);
      expect(await migrate(database, await bench.migrations(first, later))).toEqual([]);
      expect(await definitions(database, 'parent')).toEqual([before]);
      expect(await database.select('SELECT * FROM parent WHERE id = 1')).toEqual([
        { legacy: 'kept', code: 'a', id: 1, account_id: 1 },
      ]);
      await write(database, 'INSERT INTO child (parent_id, other_parent_id) VALUES (99, 99)');
      await write(database, 'DELETE FROM parent');
      await expect(write(database, 'INSERT INTO hen (egg_id) VALUES (1)')).rejects.toMatchObject({
        code: 'DATABASE_CONSTRAINT',
      });
    });

    test('go on with a table of their own that a crash left half made', async () => {
      const database = await oldDatabase();
      const folder = await bench.migrations(creating(parentTable, childTable), later);
      // As MariaDB leaves it: the table is there, the file is not remembered.
      await migrate(database, await bench.migrations([]));
      await write(database, 'DELETE FROM schema_migration');
      await write(database, "INSERT INTO schema_table (name) VALUES ('child')");
      await database.sequelize.query(
        isMariadb
          ? 'CREATE TABLE child (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, parent_id INT)'
          : 'CREATE TABLE child (id INTEGER PRIMARY KEY AUTOINCREMENT, parent_id INTEGER)',
      );
      expect(await migrate(database, folder)).toEqual(['0001-step', '0002-step']);
      expect((await definitions(database, 'child'))[0]).toContain('other_parent_id');
    });
  });

  test('stop at a step that fails, and go on from its file when it is right', async () => {
    const database = await bench.open();
    const wrong = { sql: { table: 'child', mariadb: ['SELEC'], sqlite: ['SELEC'] } };
    const folder = await bench.migrations(
      creating(parentTable),
      [...creating(childTable), wrong],
      creating(...circle),
    );
    await expect(migrate(database, folder)).rejects.toThrow(/0002-step/);
    expect(await hasTable(database, 'parent')).toBe(isMariadb);
    expect(await hasTable(database, 'hen')).toBe(false);
    await writeFile(join(folder, '0002-step.json'), JSON.stringify(creating(childTable)));
    expect(await migrate(database, folder)).toEqual([
      ...(isMariadb ? [] : ['0001-step']),
      '0002-step',
      '0003-step',
    ]);
    expect(await database.fit([parentTable, childTable, ...circle])).toEqual(same);
  });

  describe('in several processes', () => {
    let built: string;
    beforeAll(async () => {
      built = await mkdtemp(join(tmpdir(), 'aether-built-'));
      const config = {
        extends: join(root, 'tsconfig.json'),
        compilerOptions: { rootDir: root, outDir: built, typeRoots: [join(root, 'node_modules/@types')] },
        include: [],
        files: ['src/database/open.ts', 'src/database/migrator.ts'].map((file) => join(root, file)),
      };
      await writeFile(join(built, 'tsconfig.json'), JSON.stringify(config));
      await promisify(execFile)(process.execPath, [join(root, 'node_modules/tsc7/bin/tsc'), '-p', built]);
    });
    afterAll(() => rm(built, { recursive: true }));

    /** Starts a process that opens the database, and migrates when told to. */
    async function start(place: DatabaseOptions, folder: string) {
      const script = `
        const { openDatabase } = require(${JSON.stringify(join(built, 'src/database/open'))});
        const { migrate } = require(${JSON.stringify(join(built, 'src/database/migrator'))});
        openDatabase(${JSON.stringify(place)}).then(async (database) => {
          await database.ping();
          process.send('ready');
          process.once('message', async () => {
            const answer = await migrate(database, ${JSON.stringify(folder)}).catch((error) => error.message);
            await database.close();
            process.send(answer, () => process.exit());
          });
        });`;
      const child = spawn(process.execPath, ['-e', script], {
        env: { ...process.env, NODE_PATH: join(root, 'node_modules') },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      await once(child, 'message');
      return async () => {
        const answer = once(child, 'message');
        child.send('go');
        return ((await answer) as [unknown])[0];
      };
    }

    test('that open and close new databases at once find none of them locked', async () => {
      const places = await Promise.all(Array.from({ length: 8 }, () => bench.place()));
      const script = `
        const { openDatabase } = require(${JSON.stringify(join(built, 'src/database/open'))});
        (async () => {
          for (const place of ${JSON.stringify(places)}) {
            const database = await openDatabase(place);
            await database.ping();
            await database.close();
          }
        })();`;
      const env = { ...process.env, NODE_PATH: join(root, 'node_modules') };
      const run = () => promisify(execFile)(process.execPath, ['-e', script], { env });
      await Promise.all(Array.from({ length: 5 }, run));
    });

    test('that start at once run every file exactly once', async () => {
      const place = await bench.place();
      const columns = Object.fromEntries(
        Array.from({ length: 20 }, (_, i) => [
          `c_${i}`,
          { type: 'string', max: 20, nullable: true } as const,
        ]),
      );
      const tables = Array.from({ length: 15 }, (_, i): TableSpec => ({
        name: `t_${i}`,
        columns: { id: { type: 'id' }, ...columns },
        indexes: [{ columns: ['c_1'] }],
      }));
      const unrepeatable = 'INSERT INTO t_1 (id) VALUES (1)';
      const folder = await bench.migrations(creating(...tables), [
        { sql: { table: 't_1', mariadb: [unrepeatable], sqlite: [unrepeatable] } },
      ]);
      const processes = await Promise.all([1, 2, 3].map(() => start(place, folder)));
      const answers = await Promise.all(processes.map((go) => go()));
      expect(answers.sort()).toEqual([[], [], ['0001-step', '0002-step']]);
      const database = await bench.open(place);
      expect(await database.fit(tables)).toEqual(same);
    });
  });
});
