import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Database } from '../../src/database/database';
import { migrate, missingColumns } from '../../src/database/migrator';
import type { DatabaseOptions } from '../../src/database/open';
import type { MigrationStep, TableSpec } from '../../src/database/tables';
import { childTable, onBoth, parentTable } from './support';

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

  test('leave a table alone that was there before, and add what later steps add', async () => {
    const database = await bench.open();
    const old = isMariadb
      ? 'CREATE TABLE parent (legacy TEXT, code VARCHAR(10), id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, account_id INT)'
      : 'CREATE TABLE parent (legacy TEXT, code TEXT, id INTEGER PRIMARY KEY, account_id INT)';
    await database.sequelize.query(old);
    await write(
      database,
      "INSERT INTO parent (legacy, code, account_id) VALUES ('kept', 'a', 1), ('kept', 'a', 1)",
    );
    const indexes = async () =>
      isMariadb
        ? database.select(
            "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'parent'",
          )
        : database.select("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'parent'");
    const before = await indexes();
    await migrate(
      database,
      await bench.migrations(creating(parentTable, childTable), [
        { addColumn: { table: 'parent', name: 'LEGACY', column: { type: 'int', nullable: true } } },
        { addColumn: { table: 'parent', name: 'note', column: { type: 'string', max: 20, nullable: true } } },
      ]),
    );
    expect(await indexes()).toEqual(before);
    expect(await database.select('SELECT * FROM parent WHERE id = 1')).toEqual([
      { legacy: 'kept', code: 'a', id: 1, account_id: 1, note: null },
    ]);
    expect(await missingColumns(database, [parentTable, childTable, circle[0]!])).toEqual([
      { table: 'parent', column: 'amount' },
      { table: 'parent', column: 'seen_on' },
      { table: 'parent', column: 'settings' },
      { table: 'hen', column: 'id' },
      { table: 'hen', column: 'egg_id' },
    ]);
  });

  test('stop at a step that fails, and go on from its file when it is right', async () => {
    const database = await bench.open();
    const wrong = { sql: { mariadb: ['SELEC'], sqlite: ['SELEC'] } };
    const folder = await bench.migrations(
      creating(parentTable),
      [...creating(childTable), wrong],
      creating(...circle),
    );
    await expect(migrate(database, folder)).rejects.toThrow(/0002-step/);
    const lost = await missingColumns(database, [parentTable]);
    expect(lost.length === 0).toBe(isMariadb);
    expect(await missingColumns(database, circle)).toHaveLength(4);
    await writeFile(join(folder, '0002-step.json'), JSON.stringify(creating(childTable)));
    expect(await migrate(database, folder)).toEqual([
      ...(isMariadb ? [] : ['0001-step']),
      '0002-step',
      '0003-step',
    ]);
    expect(await missingColumns(database, [parentTable, childTable, ...circle])).toEqual([]);
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
        { sql: { mariadb: [unrepeatable], sqlite: [unrepeatable] } },
      ]);
      const processes = await Promise.all([1, 2, 3].map(() => start(place, folder)));
      const answers = await Promise.all(processes.map((go) => go()));
      expect(answers.sort()).toEqual([[], [], ['0001-step', '0002-step']]);
      const database = await bench.open(place);
      expect(await missingColumns(database, tables)).toEqual([]);
    });
  });
});
