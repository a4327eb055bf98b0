import 'reflect-metadata';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataTypes, type Model, type ModelStatic } from 'sequelize';
import { Column, Model as ClassModel, Table } from 'sequelize-typescript';
import type { Database } from '../../src/database/database';
import { migrate } from '../../src/database/migrator';
import { openDatabase } from '../../src/database/open';
import type { ColumnSpec, TableSpec } from '../../src/database/tables';
import { tablesOf } from '../../src/kernel/registry';
import '../../src/resolvers';
import { onBoth, onMariadb } from './support';

const declared: TableSpec = {
  name: 'thing',
  columns: {
    id: { type: 'id' },
    id_random: { type: 'token', max: 22 },
    owner_id: { type: 'int', references: 'owner', nullable: true },
    name: { type: 'string', max: 100, nullable: true },
    enable: { type: 'bool', nullable: true, default: true },
    level: { type: 'string', max: 20, default: 'low' },
    count: { type: 'int', nullable: true, default: 7 },
    moment: { type: 'datetime', nullable: true },
    data: { type: 'json', nullable: true },
  },
  indexes: [{ columns: ['id_random'], unique: true }, { columns: ['name'] }],
};

const modelOf = ({ sequelize }: Database): ModelStatic<Model> =>
  sequelize.define(
    'thing',
    {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      idRandom: { type: DataTypes.STRING, field: 'id_random' },
      ownerId: { type: DataTypes.INTEGER, field: 'owner_id' },
      name: DataTypes.STRING,
      enable: DataTypes.BOOLEAN,
      level: DataTypes.STRING,
      count: DataTypes.INTEGER,
      moment: DataTypes.STRING,
      data: DataTypes.TEXT,
    },
    { timestamps: false, freezeTableName: true },
  );

const nothing = { missing: [], filled: [], nameless: [], unindexed: [] };

onBoth('Tables that differ from those declared', (bench, isMariadb) => {
  const key = isMariadb ? 'id BIGINT AUTO_INCREMENT PRIMARY KEY' : 'id INTEGER PRIMARY KEY';

  async function databaseWith(...columns: string[]): Promise<Database> {
    const database = await bench.open();
    await database.sequelize.query(`CREATE TABLE thing (${[...columns, key].join()})`);
    return database;
  }

  test('are found to be the same where we made them', async () => {
    const database = await bench.open();
    await migrate(database, join(__dirname, '../../schema/migrations'));
    expect(await database.fit(tablesOf())).toEqual(nothing);
    expect(database.keeps('event', 'name')).toBe(true);
  });

  test('lack columns: these read as null, or their default, and keep nothing', async () => {
    const database = await databaseWith('extra VARCHAR(9)', 'id_random VARCHAR(40)');
    const things = modelOf(database);
    expect(await database.fit([declared])).toEqual({
      missing: ['owner_id', 'name', 'enable', 'level', 'count', 'moment', 'data'].map(
        (name) => `thing.${name}`,
      ),
      filled: [],
      nameless: [],
      unindexed: ['thing (id_random) unique'],
    });
    expect([database.keeps('thing', 'id_random'), database.keeps('thing', 'name')]).toEqual([true, false]);
    await database.transaction(async (transaction) => {
      await things.build({ idRandom: 'a', name: 'x', enable: false, count: 1 }).save({ transaction });
      await things.update({ name: 'y' }, { where: { idRandom: 'a' }, transaction });
      await things.update({ name: 'y', idRandom: 'b' }, { where: { idRandom: 'a' }, transaction });
      const found = await things.findAll({ where: { ownerId: [1] }, raw: true, transaction });
      expect(found).toEqual([]);
    });
    await database.sequelize
      .getQueryInterface()
      .bulkInsert('thing', [{ id_random: 'c', name: 'z', data: '1' }]);
    expect(await database.select('SELECT t.* FROM thing t ORDER BY t.name, (t.count IS NULL), t.id')).toEqual(
      ['b', 'c'].map((id_random, i) => ({
        id: i + 1,
        id_random,
        owner_id: null,
        name: null,
        enable: 1,
        level: 'low',
        count: null,
        moment: null,
        data: null,
      })),
    );
    const found = (where: string) => database.select(`SELECT t.id FROM \`thing\` t WHERE ${where}`);
    for (const where of [
      "t.name = 'x'",
      "t.name LIKE '%' ESCAPE '!'",
      't.owner_id IN (1, 2)',
      "t.data LIKE '%a%'",
    ])
      expect(await found(where)).toEqual([]);
    for (const where of ['t.name IS NULL', 't.enable = 1', "t.level = 'low'", 'NOT (t.count IS NOT NULL)'])
      expect(await found(where)).toHaveLength(2);
    const [counted] = await database.select(
      'SELECT (SELECT COUNT(*) FROM thing c WHERE c.name IS NULL AND c.id <> t.id) AS n FROM thing t WHERE t.id = ?',
      [1],
    );
    expect(counted).toEqual({ n: 1 });
  });

  test('lack columns that no row can do without: all of these are named', async () => {
    const database = await databaseWith('name VARCHAR(9)');
    const other: TableSpec = { name: 'other', columns: { must: { type: 'int' } }, indexes: [] };
    await expect(database.fit([declared, other])).rejects.toThrow(/thing\.id_random[^]*other\.must/);
  });

  test('hold rows without a public id, which are told of', async () => {
    const database = await databaseWith('id_random VARCHAR(40)', 'name VARCHAR(9)');
    await database.sequelize.query(
      "INSERT INTO thing (id_random, name) VALUES (NULL, 'none'), ('', 'empty'), ('abc', 'some')",
    );
    expect((await database.fit([declared])).nameless).toEqual(['thing']);
    expect(await database.select('SELECT name FROM thing ORDER BY id')).toEqual([
      { name: 'none' },
      { name: 'empty' },
      { name: 'some' },
    ]);
  });

  test('have columns of their own, which are left alone, and filled where a row cannot be without', async () => {
    const database = await databaseWith(
      'id_random VARCHAR(40) NOT NULL',
      'NAME VARCHAR(9) NOT NULL',
      'count INT NOT NULL',
      "mine VARCHAR(9) NOT NULL DEFAULT 'kept'",
      'free VARCHAR(9)',
      'number INT NOT NULL',
      'word VARCHAR(9) NOT NULL',
    );
    expect((await database.fit([declared])).filled).toEqual(['thing.number', 'thing.word']);
    const things = modelOf(database);
    const { id } = (await things.create({ idRandom: 'a', name: null })).toJSON<{ id: number }>();
    const raw = async () =>
      (await things.findAll({ attributes: ['name', 'count'], where: { id }, raw: true }))[0];
    expect(await raw()).toEqual({ name: '', count: 0 });
    await things.update({ name: 'x', count: 3 }, { where: { id } });
    expect(await raw()).toEqual({ name: 'x', count: 3 });
    await things.update({ name: null, count: null }, { where: { id } });
    expect(await raw()).toEqual({ name: '', count: 0 });
    await database.fit([]);
    const [row] = await database.select('SELECT mine, free, number, word FROM thing');
    expect(row).toEqual({ mine: 'kept', free: null, number: 0, word: '' });
  });

  test('make some values themselves: these are read, and not written', async () => {
    const database = await databaseWith(
      'id_random VARCHAR(40) NOT NULL',
      "name VARCHAR(99) GENERATED ALWAYS AS (CONCAT(id_random, '!'))".replace(
        /CONCAT\((.*), ('!')\)/,
        isMariadb ? 'CONCAT($1, $2)' : '$1 || $2',
      ),
    );
    expect((await database.fit([declared])).missing).not.toContain('thing.name');
    expect(database.keeps('thing', 'name')).toBe(false);
    const things = modelOf(database);
    await things.create({ idRandom: 'a', name: 'x' });
    await things.update({ idRandom: 'b', name: 'x' }, { where: { idRandom: 'a' } });
    expect(await database.select('SELECT name FROM thing')).toEqual([{ name: 'b!' }]);
  });

  test('differ from one database to the other: each is written to as it is, whichever was opened last', async () => {
    @Table({ tableName: 'thing', timestamps: false })
    class Thing extends ClassModel {
      @Column(DataTypes.STRING)
      declare id_random: string;

      @Column(DataTypes.STRING)
      declare name: string;
    }
    const databases: Database[] = [];
    for (const columns of [
      'id_random VARCHAR(9), name VARCHAR(9)',
      'id_random VARCHAR(9), need INT NOT NULL',
    ]) {
      const database = await openDatabase(await bench.place(), [Thing]);
      databases.push(database);
      await database.sequelize.query(`CREATE TABLE thing (${columns}, ${key})`);
      await database.fit([declared]);
    }
    for (const database of databases.toReversed())
      await database.transaction((transaction) =>
        Thing.create({ id_random: 'a', name: 'x' }, { transaction }),
      );
    const names = databases.map((database) => database.select('SELECT name FROM thing'));
    expect(await Promise.all(names)).toEqual([[{ name: 'x' }], [{ name: null }]]);
    await Promise.all(databases.map((database) => database.close()));
  });

  test('lock the row that is read to be changed', async () => {
    const database = await databaseWith('id_random VARCHAR(40)', 'count INT');
    await database.fit([declared]);
    const things = modelOf(database);
    await things.create({ idRandom: 'a', count: 0 });
    const add = () =>
      database.transaction(async (transaction) => {
        const [row] = await database.select<{ count: number; name: null }>(
          `SELECT t.count, t.name FROM thing t WHERE t.id_random = ?${isMariadb ? ' FOR UPDATE' : ''}`,
          ['a'],
          transaction,
        );
        await sleep(1);
        await things.update({ count: row!.count + 1 }, { where: { idRandom: 'a' }, transaction });
      });
    await Promise.all(Array.from({ length: 10 }, add));
    expect(await database.select('SELECT count FROM thing')).toEqual([{ count: 10 }]);
  });
});

onMariadb('Columns of other types', (bench) => {
  /** What is read of a column of this type as if it were the one declared, and of null. */
  async function reading(sql: string, spec: ColumnSpec, literal: string): Promise<unknown[]> {
    const database = await bench.open();
    await database.sequelize.query(`CREATE TABLE one (value ${sql}, id INT AUTO_INCREMENT PRIMARY KEY)`);
    await database.sequelize.query(`INSERT INTO one (value) VALUES (${literal}), (NULL)`);
    const { missing } = await database.fit([
      { name: 'one', columns: { value: { nullable: true, ...spec } }, indexes: [] },
    ]);
    if (missing.length > 0) return ['cannot be read'];
    const rows = await database.select<{ value: unknown }>('SELECT t.value FROM one t');
    return rows.map(({ value }) => value);
  }

  test.each<[string, ColumnSpec, string, unknown]>([
    ['bigint', { type: 'int' }, '5', 5],
    ['decimal(10,0)', { type: 'int' }, '5', 5],
    ['varchar(9)', { type: 'int' }, "'-5'", -5],
    ['varchar(9)', { type: 'int' }, "'5 apples'", null],
    ['double', { type: 'bigint' }, '8589934593', 8589934593],
    ['bit(1)', { type: 'bool' }, "b'1'", 1],
    ['bit(1)', { type: 'bool' }, "b'0'", 0],
    ['char(1)', { type: 'bool' }, "'Y'", 1],
    ['char(1)', { type: 'bool' }, "'0'", 0],
    ['int', { type: 'decimal' }, '5', 5],
    ['int', { type: 'string' }, '5', '5'],
    ['time', { type: 'string' }, "'09:30'", '09:30:00'],
    [
      'uuid',
      { type: 'string' },
      "'123e4567-e89b-12d3-a456-426655440000'",
      '123e4567-e89b-12d3-a456-426655440000',
    ],
    ["enum('b','a')", { type: 'string' }, "'a'", 'a'],
    ['blob', { type: 'text' }, "'Zürich'", 'Zürich'],
    ['varchar(20) CHARACTER SET latin1', { type: 'string' }, "'Zürich'", 'Zürich'],
    ['datetime', { type: 'datetime' }, "'2026-01-31 09:00'", '2026-01-31 09:00:00'],
    ['timestamp NULL', { type: 'datetime' }, "'2026-01-31 09:00'", '2026-01-31 09:00:00'],
    ['date', { type: 'datetime' }, "'2026-01-31'", '2026-01-31 00:00:00.000'],
    ['varchar(30)', { type: 'datetime' }, "'2026-01-31T09:00:00.5'", '2026-01-31 09:00:00.500'],
    ['varchar(30)', { type: 'datetime' }, "'soon'", null],
    ['text', { type: 'json' }, `'{"a": "é"}'`, '{"a": "é"}'],
    ['blob', { type: 'json' }, `'{"a": "é"}'`, '{"a": "é"}'],
    ['point', { type: 'string' }, 'Point(1, 1)', 'cannot be read'],
    ['varchar(9)', { type: 'float' }, "'1.5'", 'cannot be read'],
    ["enum('0','1')", { type: 'bool' }, "'1'", 'cannot be read'],
    ['int', { type: 'datetime' }, '1700000000', 'cannot be read'],
  ])('%s is read as %j: %s', async (sql, spec, literal, value) => {
    expect((await reading(sql, spec, literal))[0]).toEqual(value);
  });

  test('what cannot be null there is null all the same: the zero date', async () => {
    const database = await bench.open();
    await database.sequelize.query(
      "CREATE TABLE one (at DATETIME NOT NULL DEFAULT '0000-00-00', day DATE NOT NULL, id INT AUTO_INCREMENT PRIMARY KEY)",
    );
    const moment: ColumnSpec = { type: 'datetime', nullable: true };
    const columns: TableSpec['columns'] = { id: { type: 'id' }, at: moment, day: moment };
    await database.fit([{ name: 'one', columns, indexes: [] }]);
    const queries = database.sequelize.getQueryInterface();
    await queries.bulkInsert('one', [{ at: '2026-01-31 09:00:00.000' }]);
    await queries.bulkInsert('one', [{ at: null }]);
    expect(
      await database.select('SELECT at, day FROM one WHERE at IS NULL OR at > ?', [
        '2026-01-01 00:00:00.000',
      ]),
    ).toEqual([
      { at: '2026-01-31 09:00:00', day: null },
      { at: null, day: null },
    ]);
  });

  test.each([
    'int',
    'decimal(9,2)',
    'double',
    'bit(4)',
    'year',
    'date',
    'time',
    'datetime',
    'char(5)',
    'longtext',
    'varbinary(5)',
    'blob',
    "enum('a','b')",
    "set('a','b')",
  ])('a new row gets of %s what MariaDB itself takes outside its strict mode', async (sql) => {
    const database = await bench.open();
    await database.sequelize.query(
      `CREATE TABLE one (word VARCHAR(9), strange ${sql} NOT NULL, id INT AUTO_INCREMENT PRIMARY KEY)`,
    );
    await database.sequelize.query("INSERT IGNORE INTO one (word) VALUES ('theirs')");
    const columns: TableSpec['columns'] = { id: { type: 'id' }, word: { type: 'string', nullable: true } };
    await database.fit([{ name: 'one', columns, indexes: [] }]);
    await database.sequelize.getQueryInterface().bulkInsert('one', [{ word: 'ours' }]);
    const [theirs, ours] = await database.select<{ strange: unknown }>('SELECT strange FROM one');
    expect(ours).toEqual(theirs);
  });

  test('indexes are used as if nothing were missing', async () => {
    const database = await bench.open();
    await database.sequelize.query(
      'CREATE TABLE thing (id INT AUTO_INCREMENT PRIMARY KEY, id_random VARCHAR(22) UNIQUE, owner_id INT, KEY (owner_id))',
    );
    await database.sequelize.query(
      "INSERT INTO thing (id_random, owner_id) SELECT CONCAT('id-', seq), seq % 100 FROM seq_1_to_2000",
    );
    await database.fit([declared]);
    const values = ['id-7', 7];
    const scanned = await database.transaction(async (tx) => {
      await database.select('FLUSH STATUS', [], tx);
      const sql = `SELECT t.name, (SELECT COUNT(*) FROM thing c WHERE c.owner_id = t.id AND c.name IS NULL) AS n FROM thing t
        WHERE t.id_random = ? AND EXISTS (SELECT 1 FROM thing o WHERE o.id = ? AND o.enable = 1) ORDER BY t.count, t.name`;
      expect(await database.select(sql, values, tx)).toEqual([{ name: null, n: 20 }]);
      return database.select("SHOW STATUS LIKE 'Handler_read_rnd_next'", [], tx);
    });
    expect(scanned).toEqual([{ Variable_name: 'Handler_read_rnd_next', Value: '0' }]);
  });
});
