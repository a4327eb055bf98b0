import { DataTypes, type Model, type ModelStatic } from 'sequelize';
import type { Bindable, Database } from '../../src/database/database';
import { translateDatabaseError } from '../../src/database/errors';
import type { AetherError } from '../../src/kernel/errors';
import { childTable, onBoth, parentTable } from './support';

onBoth('An error of the database', (bench, isMariadb) => {
  let database: Database;
  let parents: ModelStatic<Model>;
  beforeAll(async () => {
    database = await bench.openWith(parentTable, childTable);
    parents = database.sequelize.define(
      'parent',
      {
        account_id: DataTypes.INTEGER,
        code: DataTypes.STRING,
        note: DataTypes.STRING,
        amount: DataTypes.INTEGER,
        settings: DataTypes.TEXT,
      },
      { timestamps: false, freezeTableName: true },
    );
    await parents.create({ account_id: 1, code: "it's; 'secret'" });
    await database.transaction((tx) => database.select('INSERT INTO child (parent_id) VALUES (1)', [], tx));
  });

  /** The error of a statement inside a transaction, with nothing in it that callers may not see. */
  async function failure(sql: string, values: Bindable[] = []): Promise<AetherError> {
    const error = await database
      .transaction((tx) => database.select(sql, values, tx))
      .then(
        () => undefined,
        (thrown: unknown) => thrown as AetherError,
      );
    expect(error?.message).not.toMatch(/INSERT|UPDATE|SELECT|DELETE|secret/i);
    return error!;
  }

  test('names the columns of a duplicate', async () => {
    const error = await failure('INSERT INTO parent (account_id, code) VALUES (?, ?)', [1, "IT'S; 'SECRET'"]);
    expect(error.code).toBe('DATABASE_DUPLICATE');
    expect(error.message).toBe('There is already a row with the same account_id, code.');
    expect(error.details).toEqual({
      fields: { account_id: 'is already taken', code: 'is already taken' },
      databaseCode: 1062,
    });
  });

  test('names the id when that is the duplicate', async () => {
    const error = await failure("INSERT INTO parent (id, account_id, code) VALUES (1, 2, 'x')");
    expect(error).toMatchObject({
      code: 'DATABASE_DUPLICATE',
      details: { fields: { id: 'is already taken' } },
    });
  });

  test('is the same when a model met it', async () => {
    const error: unknown = await parents
      .create({ account_id: 1, code: "it's; 'secret'" })
      .catch((thrown) => thrown);
    expect(translateDatabaseError(error)).toMatchObject({
      code: 'DATABASE_DUPLICATE',
      message: 'There is already a row with the same account_id, code.',
      details: { databaseCode: 1062 },
    });
  });

  test('tells a row in use from a reference to nothing', async () => {
    expect(await failure('DELETE FROM parent WHERE id = 1')).toMatchObject({
      code: 'DATABASE_CONSTRAINT',
      message: isMariadb
        ? 'The row is still used by rows of "child".'
        : 'The row is still used by other rows.',
      details: { databaseCode: 1451 },
    });
    expect(await failure('INSERT INTO child (parent_id) VALUES (99)')).toMatchObject({
      code: 'DATABASE_CONSTRAINT',
      message: `${isMariadb ? 'parent_id' : 'A reference'} points to a row that does not exist.`,
      details: { databaseCode: 1452 },
    });
    expect(await failure('UPDATE child SET parent_id = 99')).toMatchObject({
      details: { databaseCode: 1452 },
    });
    const removal = parents.destroy({ where: { id: 1 } });
    const error: unknown = await removal.catch((thrown: unknown) => thrown);
    expect(translateDatabaseError(error)).toMatchObject({ details: { databaseCode: 1451 } });
  });

  test.each([
    ['SELECT wrong FROM parent', 'There is no column "wrong".', 1054],
    ['SELECT parent.wrong FROM parent', /^There is no column "(parent\.)?wrong"\.$/, 1054],
    ['INSERT INTO parent (wrong) VALUES (1)', 'There is no column "wrong".', 1054],
    ['SELECT 1 FROM wrong', 'There is no table "wrong".', 1146],
  ])('tells what is not there: %s', async (sql, message, databaseCode) => {
    const error = await failure(sql);
    expect(error).toMatchObject({ code: 'DATABASE_SCHEMA', details: { databaseCode } });
    expect(error.message).toMatch(message);
  });

  const insert = (column: string) => `INSERT INTO parent (account_id, code, ${column}) VALUES (2, 'x', ?)`;
  const overlong = "for column 'secret' at row 1".padEnd(256, 'x');
  test.each<[string, string, Bindable, string, number]>([
    ['a null', 'UPDATE parent SET code = ?', null, 'code: must not be null', 1048],
    ['a text that is too long', insert('note'), overlong, 'note: is too long', 1406],
    ['a number that is too large', insert('amount'), 3_000_000_000, 'amount: is out of range', 1264],
    [
      'a moment that is none',
      insert('seen_on'),
      "no 'secret' date",
      'seen_on: is not a value of this column',
      1292,
    ],
    ['a text that is not JSON', insert('settings'), '{secret', 'settings: is not valid', 4025],
  ])('names the column of %s', async (_what, sql, value, message, databaseCode) => {
    const error = await failure(sql, [value]);
    expect(error.code).toBe('VALIDATION');
    expect(error.message).toBe(message);
    const [column, text] = message.split(': ') as [string, string];
    expect(error.details).toEqual({ fields: { [column]: text }, databaseCode });
  });

  test('names the column of a text where a number belongs', async () => {
    const error = await failure(insert('amount'), ['many']);
    expect(error).toMatchObject({ code: 'VALIDATION', details: { databaseCode: isMariadb ? 1366 : 1264 } });
    expect(Object.keys(error.details.fields!)).toEqual(['amount']);
  });

  if (isMariadb)
    test('is not at a loss with what others have made of the tables', async () => {
      await database.sequelize.query('CREATE TABLE older (name VARCHAR(9) CHARACTER SET latin1)');
      await database.sequelize.query(
        "CREATE TRIGGER refuses BEFORE INSERT ON older FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'secret'",
      );
      expect(await failure('SELECT 1 FROM older WHERE name = ?', ['日本'])).toMatchObject({
        code: 'VALIDATION',
        message: 'A value cannot be compared with what is stored.',
        details: { databaseCode: 1267 },
      });
      expect(await failure('INSERT INTO older (name) VALUES (?)', ['x'])).toMatchObject({
        code: 'VALIDATION',
        message: 'A value is refused by a rule of the database.',
        details: { databaseCode: 1644 },
      });
    });

  test('names the fields that a model refuses itself', async () => {
    const strict = database.sequelize.define('strict', {
      name: { type: DataTypes.STRING, allowNull: false },
    });
    const error: unknown = await strict.create({}).catch((thrown: unknown) => thrown);
    expect(translateDatabaseError(error)).toMatchObject({
      code: 'VALIDATION',
      details: { fields: { name: expect.any(String) } },
    });
  });

  test('has no meaning for callers when the statement itself is wrong', async () => {
    const error: unknown = await database.select('SELEC 1').catch((thrown: unknown) => thrown);
    expect(translateDatabaseError(error)).toBeUndefined();
    expect(translateDatabaseError(new Error('other'))).toBeUndefined();
  });

  test('leaves the database as it was', async () => {
    expect(await database.select('SELECT COUNT(*) AS n FROM parent')).toEqual([{ n: 1 }]);
  });
});
