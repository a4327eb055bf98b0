import 'reflect-metadata';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataTypes, type ModelStatic, type Model } from 'sequelize';
import { Column, Model as ClassModel, Table } from 'sequelize-typescript';
import type { Database } from '../../src/database/database';
import { openDatabase } from '../../src/database/open';
import type { TableSpec } from '../../src/database/tables';
import { onBoth, onMariadb, onSqlite, parentTable, type Bench } from './support';

const everyType: TableSpec = {
  name: 'every_type',
  columns: {
    id: { type: 'id' },
    whole: { type: 'int', nullable: true },
    big: { type: 'bigint', nullable: true },
    yes: { type: 'bool', default: false },
    word: { type: 'string', max: 50, nullable: true },
    digest: { type: 'char', max: 8, nullable: true },
    story: { type: 'longtext', nullable: true },
    moment: { type: 'datetime', nullable: true },
    data: { type: 'json', nullable: true },
    price: { type: 'decimal', digits: [10, 2], nullable: true },
    ratio: { type: 'float', nullable: true },
  },
  indexes: [{ columns: ['word'] }],
};

const everyTypeModel = (database: Database): ModelStatic<Model> =>
  database.sequelize.define(
    'every_type',
    {
      whole: DataTypes.INTEGER,
      big: DataTypes.BIGINT,
      yes: DataTypes.BOOLEAN,
      word: DataTypes.STRING,
      digest: DataTypes.CHAR(8),
      story: DataTypes.TEXT('long'),
      moment: DataTypes.DATE(3),
      data: DataTypes.JSON,
      price: DataTypes.DECIMAL(10, 2),
      ratio: DataTypes.DOUBLE,
    },
    { timestamps: false, freezeTableName: true },
  );

const hostileTexts = [
  "it's",
  'a "quoted" word',
  'back\\slash',
  "\\'; DROP TABLE every_type; -- ",
  '`tick`',
  '100% _ under',
  'Ünïcödé 日本語 😀',
  'line\nbreak\ttab',
  '?',
  '$1 :name',
  ' blanks ',
];

onBoth('The database', (bench, isMariadb) => {
  let database: Database;
  let rows: ModelStatic<Model>;
  beforeAll(async () => {
    database = await bench.openWith(everyType);
    rows = everyTypeModel(database);
  });

  const count = async () =>
    (await database.select<{ n: number }>('SELECT COUNT(*) AS n FROM every_type'))[0]?.n;

  test('gives back every type that a model wrote, as selected rows and as instances', async () => {
    const moment = new Date('2026-01-31T09:00:00.120Z');
    const written = await rows.create({
      whole: -5,
      big: 9007199254740991,
      yes: true,
      word: 'Zoë',
      digest: 'aB01cD02',
      story: 'x'.repeat(100_000),
      moment,
      data: { list: [1, 'two', null], text: '1.0' },
      price: '12.50',
      ratio: 0.1,
    });
    const [row] = await database.select('SELECT * FROM every_type WHERE id = ?', [Number(written.get('id'))]);
    expect(row).toStrictEqual({
      id: written.get('id'),
      whole: -5,
      big: 9007199254740991,
      yes: 1,
      word: 'Zoë',
      digest: 'aB01cD02',
      story: 'x'.repeat(100_000),
      moment: '2026-01-31 09:00:00.120',
      data: '{"list":[1,"two",null],"text":"1.0"}',
      price: 12.5,
      ratio: 0.1,
    });
    const found = await rows.findByPk(Number(written.get('id')));
    expect(found?.get('moment')).toEqual(moment);
    expect(found?.get('data')).toEqual({ list: [1, 'two', null], text: '1.0' });
    expect(found?.get('yes')).toBe(true);
  });

  test.each(['1.0', '5', '"text"', 'null', '[1e3]'])(
    'keeps the JSON text %s as it was written',
    async (text) => {
      const [row] = await database.transaction(async (tx) => {
        await database.select('DELETE FROM every_type WHERE word = ?', ['json'], tx);
        await database.select('INSERT INTO every_type (word, data) VALUES (?, ?)', ['json', text], tx);
        return database.select('SELECT data FROM every_type WHERE word = ?', ['json'], tx);
      });
      expect(row).toEqual({ data: text });
    },
  );

  test('answers null, true and false as null, 1 and 0', async () => {
    const [row] = await database.select('SELECT ? AS a, ? AS b, ? AS c, ? AS d', [null, true, false, 1.5]);
    expect(row).toEqual({ a: null, b: 1, c: 0, d: 1.5 });
  });

  test.each(hostileTexts)('stores and finds the text %j, bound or written by a model', async (word) => {
    const { id } = (await rows.create({ word, data: { word } })).toJSON<{ id: number }>();
    const query = 'SELECT id, word, data FROM every_type WHERE word = ? AND id = ?';
    expect(await database.select(query, [word, id])).toEqual([{ id, word, data: JSON.stringify({ word }) }]);
    expect(await rows.count({ where: { word, id } })).toBe(1);
    // More values than are sent by a prepared statement.
    const list = [...hostileTexts, ...hostileTexts];
    const long = `SELECT id FROM every_type WHERE id = ? AND word IN (${list.map(() => '?').join()})`;
    expect(await database.select(long, [id, ...list])).toEqual([{ id }]);
  });

  test('compares moments with bound text, to the millisecond and in order', async () => {
    const texts = ['2026-03-01 10:00:00.000', '2026-03-01 10:00:00.001', '2026-03-01 10:00:01.000'];
    for (const text of texts)
      await rows.create({ word: 'order', moment: new Date(`${text.replace(' ', 'T')}Z`) });
    const query = 'SELECT moment FROM every_type WHERE word = ? AND moment > ? ORDER BY moment DESC';
    expect(await database.select(query, ['order', '2026-03-01 10:00:00.000'])).toEqual([
      { moment: texts[2] },
      { moment: texts[1] },
    ]);
    expect(await rows.count({ where: { word: 'order', moment: new Date('2026-03-01T10:00:00.001Z') } })).toBe(
      1,
    );
  });

  test('ignores case in comparisons, in LIKE also beyond ASCII, but not in digests', async () => {
    await rows.create({ word: 'Straße ÄÖ', digest: 'abcdEFGH' });
    const found = (where: string, ...values: string[]) =>
      database.select(`SELECT word FROM every_type WHERE digest = 'abcdEFGH' AND ${where}`, values);
    expect(await found('word = ?', 'STRAßE ÄÖ')).toHaveLength(1);
    expect(await found('word LIKE ?', '%äö')).toHaveLength(1);
    expect(await found('word LIKE ?', 'stra_e%')).toHaveLength(1);
    expect(await found('word LIKE ?', '%x%')).toHaveLength(0);
    expect(await database.select('SELECT id FROM every_type WHERE digest = ?', ['ABCDefgh'])).toEqual([]);
  });

  test.each([
    ['100%', '100\\%', '\\', 1],
    ['1000', '100\\%', '\\', 0],
    ['a_b', 'a!_b', '!', 1],
    ['axb', 'a!_b', '!', 0],
    ['abcabd', 'a%b%d', '!', 1],
    ['abcabd', 'a%bd%', '!', 1],
    ['abab', 'ab%bab', '!', 0],
    ['', '%', '!', 1],
    ['', '_', '!', 0],
    ['😀', '_', '!', 1],
  ])('matches %j LIKE %j ESCAPE %j as %d', async (text, pattern, escape, matches) => {
    // MariaDB takes the escape from the statement's text alone.
    const written = escape === '\\' && isMariadb ? '\\\\' : escape;
    const [row] = await database.select(`SELECT ? LIKE ? ESCAPE '${written}' AS matches`, [text, pattern]);
    expect(row).toEqual({ matches });
  });

  test('answers an integer that JavaScript cannot hold as what is no safe integer, and the rest as it is', async () => {
    const rows = await database.select('SELECT 9007199254740993 AS huge, 1 AS n UNION ALL SELECT 2, 3');
    expect(rows).toEqual([
      { huge: expect.anything(), n: 1 },
      { huge: 2, n: 3 },
    ]);
    expect(Number.isSafeInteger(rows[0]!.huge)).toBe(false);
  });

  test('shows what a transaction wrote inside of it, and to others when it ends', async () => {
    const before = await count();
    await database.transaction(async (tx) => {
      await rows.create({ word: 'inside' }, { transaction: tx });
      const [inside] = await database.select<{ n: number }>('SELECT COUNT(*) AS n FROM every_type', [], tx);
      expect(inside?.n).toBe(before! + 1);
      expect(await count()).toBe(before);
    });
    expect(await count()).toBe(before! + 1);
  });

  test('undoes a transaction whose work throws, and throws the same', async () => {
    const before = await count();
    const failure = new Error('no');
    const work = database.transaction(async (tx) => {
      await rows.create({ word: 'undone' }, { transaction: tx });
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    expect(await count()).toBe(before);
  });

  test('does not lend the connection of a transaction that has ended', async () => {
    const ended = await database.transaction(async (tx) => tx);
    await expect(database.select('SELECT 1', [], ended)).rejects.toThrow('has ended');
  });

  test('lets twenty transactions read and then write the same row, none lost', async () => {
    const { id } = (await rows.create({ whole: 0 })).toJSON<{ id: number }>();
    const lock = isMariadb ? ' FOR UPDATE' : '';
    const add = () =>
      database.transaction(async (tx) => {
        const sql = `SELECT whole FROM every_type WHERE id = ?${lock}`;
        const [row] = await database.select<{ whole: number }>(sql, [id], tx);
        await sleep(1);
        await rows.update({ whole: row!.whole + 1 }, { where: { id }, transaction: tx });
      });
    await Promise.all(Array.from({ length: 20 }, add));
    expect(await database.select('SELECT whole FROM every_type WHERE id = ?', [id])).toEqual([{ whole: 20 }]);
  });

  test('counts statements, its own and those of models', async () => {
    const before = database.statements;
    await database.select('SELECT 1');
    await rows.findAll({ limit: 1, raw: true });
    expect(database.statements - before).toBe(2);
  });

  test('counts a row as found by an update that changes nothing', async () => {
    const { id } = (await rows.create({ word: 'same' })).toJSON<{ id: number }>();
    expect(await rows.update({ word: 'same' }, { where: { id } })).toEqual([1]);
  });

  test('takes models after it was opened', async () => {
    @Table({ tableName: 'every_type', timestamps: false })
    class Late extends ClassModel {
      @Column(DataTypes.STRING)
      declare word: string;
    }
    database.sequelize.addModels([Late]);
    await Late.create({ word: 'late' });
    expect(await Late.count({ where: { word: 'late' } })).toBe(1);
  });

  test('closes twice without harm, and is unavailable afterwards', async () => {
    const other = await bench.open();
    await other.ping();
    await other.close();
    await other.close();
    await expect(other.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(other.transaction(async () => 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

onMariadb('Under load and failure the database', (bench) => {
  const openPair = async () => {
    const database = await bench.openWith(parentTable);
    for (const code of ['a', 'b'])
      await database.select('INSERT INTO parent (account_id, code) VALUES (1, ?)', [code]);
    return database;
  };

  test('shows a transaction what others have written since it began', async () => {
    const database = await openPair();
    await database.transaction(async (tx) => {
      const amounts = () => database.select('SELECT amount FROM parent WHERE id = 1', [], tx);
      expect(await amounts()).toEqual([{ amount: null }]);
      await database.select('UPDATE parent SET amount = 7 WHERE id = 1');
      expect(await amounts()).toEqual([{ amount: 7 }]);
    });
  });

  test('runs the loser of a deadlock again, and both succeed', async () => {
    const database = await openPair();
    let runs = 0;
    const change = (first: number, second: number) =>
      database.transaction(async (tx) => {
        runs += 1;
        const update = 'UPDATE parent SET amount = COALESCE(amount, 0) + 1 WHERE id = ?';
        await database.select(update, [first], tx);
        await sleep(100);
        await database.select(update, [second], tx);
      });
    await Promise.all([change(1, 2), change(2, 1)]);
    expect(runs).toBe(3);
    expect(await database.select('SELECT amount FROM parent')).toEqual([{ amount: 2 }, { amount: 2 }]);
  });

  test('runs the loser again when a model met the deadlock', async () => {
    const database = await openPair();
    const parents = database.sequelize.define(
      'parent',
      { code: DataTypes.STRING, amount: DataTypes.INTEGER },
      { timestamps: false, freezeTableName: true },
    );
    const change = (first: number, second: number, amount: number) =>
      database.transaction(async (tx) => {
        await parents.update({ amount }, { where: { id: first }, transaction: tx });
        await sleep(100);
        await parents.update({ amount }, { where: { id: second }, transaction: tx });
      });
    await Promise.all([change(1, 2, 1), change(2, 1, 2)]);
    const [one, two] = await database.select<{ amount: number }>('SELECT amount FROM parent');
    expect(one).toEqual(two);
  });

  test('is unavailable for a while when all connections stay taken', async () => {
    const database = await bench.open({ ...(await bench.place()), poolMax: 1 });
    await database.transaction(async () => {
      await expect(database.select('SELECT 1')).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        details: { retryAfter: 2 },
      });
    });
    await database.ping();
  });

  test('works again after its connections were killed', async () => {
    const database = await bench.open({ ...(await bench.place()), poolMax: 2 });
    const killer = await bench.open();
    const [{ id }] = (await database.select<{ id: number }>('SELECT CONNECTION_ID() AS id')) as [
      { id: number },
    ];
    await killer.sequelize.query(`KILL ${id}`);
    await sleep(50);
    await database.ping();
  });

  test('says unavailable for a statement whose connection was killed under it', async () => {
    const database = await bench.open({ ...(await bench.place()), poolMax: 1 });
    const killer = await bench.open();
    const [{ id }] = (await database.select<{ id: number }>('SELECT CONNECTION_ID() AS id')) as [
      { id: number },
    ];
    const slow = expect(database.select('SELECT SLEEP(5)')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await sleep(50);
    await killer.sequelize.query(`KILL ${id}`);
    await slow;
    await database.ping();
  });
});

test('MariaDB that is not there is unavailable within two seconds', async () => {
  const database = await openDatabase({ url: 'mariadb://root@127.0.0.1:1/none', dataDir: '/', poolMax: 2 });
  const start = Date.now();
  await expect(database.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { retryAfter: 2 } });
  await expect(database.transaction(async () => 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(Date.now() - start).toBeLessThan(2000);
  await database.close();
});

onSqlite('The embedded file', (bench) => {
  const handlesOn = (folder: string) =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === `${folder}/aether.sqlite`;
      } catch {
        return false;
      }
    }).length;

  const openWithParent = async (place: Awaited<ReturnType<Bench['place']>>) => {
    const database = await bench.open(place);
    await database.sequelize.query('CREATE TABLE parent (id INTEGER PRIMARY KEY, amount INTEGER)');
    return database;
  };

  test('is held by four handles at most, however many transactions run', async () => {
    const place = await bench.place();
    const database = await openWithParent(place);
    const add = () =>
      database.transaction((tx) => database.select('INSERT INTO parent (amount) VALUES (1)', [], tx));
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 10 }, add));
    expect(await database.select('SELECT COUNT(*) AS n FROM parent')).toEqual([{ n: 100 }]);
    expect(handlesOn(place.dataDir)).toBeLessThanOrEqual(4);
  });

  test('lets a plain write wait for the transaction that is open', async () => {
    const database = await openWithParent(await bench.place());
    const order: string[] = [];
    const long = database.transaction(async (tx) => {
      await database.select('INSERT INTO parent (amount) VALUES (1)', [], tx);
      await sleep(100);
      order.push('transaction');
    });
    await sleep(20);
    const plain = database.sequelize
      .query('INSERT INTO parent (amount) VALUES (2)')
      .then(() => order.push('plain'));
    await Promise.all([long, plain]);
    expect(order).toEqual(['transaction', 'plain']);
  });

  test('lets another opener of the same file wait, while the event loop goes on', async () => {
    const place = await bench.place();
    const [one, two] = [await openWithParent(place), await bench.open(place)];
    let ticks = 0;
    const ticker = setInterval(() => (ticks += 1), 5);
    const long = one.transaction(async () => sleep(300));
    await sleep(20);
    await two.transaction((tx) => two.select('INSERT INTO parent (amount) VALUES (1)', [], tx));
    await long;
    clearInterval(ticker);
    expect(ticks).toBeGreaterThan(3);
    expect(await one.select('SELECT COUNT(*) AS n FROM parent')).toEqual([{ n: 1 }]);
  });

  test('fails a write that waits for its own transaction, and keeps the transaction', async () => {
    const database = await openWithParent(await bench.place());
    await database.transaction(async (tx) => {
      await database.select('INSERT INTO parent (amount) VALUES (1)', [], tx);
      await expect(database.sequelize.query('INSERT INTO parent (amount) VALUES (2)')).rejects.toThrow(
        'SQLITE_BUSY',
      );
    });
    expect(await database.select('SELECT amount FROM parent')).toEqual([{ amount: 1 }]);
  }, 15_000);

  test('refuses a write that is sent as a read outside of a transaction', async () => {
    const database = await openWithParent(await bench.place());
    await expect(database.select('INSERT INTO parent (amount) VALUES (1)')).rejects.toThrow(
      'SQLITE_READONLY',
    );
    expect(await database.select('SELECT * FROM parent')).toEqual([]);
  });

  test('keeps what was written when it is opened again', async () => {
    const place = await bench.place();
    const first = await openWithParent(place);
    await first.transaction((tx) => first.select('INSERT INTO parent (amount) VALUES (7)', [], tx));
    await first.close();
    const second = await bench.open(place);
    expect(await second.select('SELECT amount FROM parent')).toEqual([{ amount: 7 }]);
  });
});

onMariadb('a statement that takes too long', (bench) => {
  test('is ended, and its connection goes on', async () => {
    const database = await bench.open();
    await database.ping();
    await database.limit(200);
    const slow = 'SELECT COUNT(*) AS n FROM seq_1_to_1000000 a JOIN seq_1_to_1000000 b';
    await expect(database.select(slow)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      details: { retryAfter: 1 },
    });
    await expect(database.transaction((tx) => database.select(slow, [], tx))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await expect(database.select('SELECT 1 AS n')).resolves.toEqual([{ n: 1 }]);
  });
});
