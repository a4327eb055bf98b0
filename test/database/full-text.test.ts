import { indexQuestion, tablesWithIndexedWords } from '../../src/database/full-text';
import { migrate } from '../../src/database/migrator';
import { diffTables, type MigrationStep, type TableSpec } from '../../src/database/tables';
import { onBoth } from './support';

const bare = (name: string): TableSpec => ({
  name,
  columns: {
    id: { type: 'id' },
    account_id: { type: 'int' },
    words: { type: 'text', nullable: true },
  },
  indexes: [],
});
const index = { columns: ['account_id', 'words'], words: true };

onBoth('An index of words', (bench, isMariadb) => {
  const texts: [account: number, words: string | null][] = [
    [1, 'grace hopper'],
    [1, 'the a o brien'],
    [11, 'grace the'],
    [11, 'hopper'],
    [1, null],
    [1, `${'x'.repeat(60)} 東京 grace東京`],
  ];
  const openWithTexts = async (...files: MigrationStep[][]) => {
    const database = await bench.open();
    const [first = [], ...rest] = files;
    await migrate(database, await bench.migrations(first));
    await database.transaction(async (tx) => {
      for (const [account, words] of texts)
        await database.select('INSERT INTO one (account_id, words) VALUES (?, ?)', [account, words], tx);
    });
    if (rest.length > 0) await migrate(database, await bench.migrations(first, ...rest));
    return database;
  };

  test.each([
    ['is made with its table', [[{ createTable: { ...bare('one'), indexes: [index] } }]]],
    [
      'is added to a table that has rows',
      [[{ createTable: bare('one') }], [{ addIndex: { table: 'one', index } }]],
    ],
    [
      'is added once',
      [
        [{ createTable: bare('one') }],
        [{ addIndex: { table: 'one', index } }],
        [{ addIndex: { table: 'one', index } }],
      ],
    ],
  ] satisfies [string, MigrationStep[][]][])('%s, where the database has such', async (_, files) => {
    const database = await openWithTexts(...files);
    expect(await tablesWithIndexedWords(database, 'words')).toEqual(new Set(isMariadb ? ['one'] : []));
    expect(await tablesWithIndexedWords(database, 'other')).toEqual(new Set());
    // Nothing of it is seen in the rows.
    const [row] = await database.select('SELECT * FROM one WHERE id = 1');
    expect(row).toEqual({ id: 1, account_id: 1, words: 'grace hopper' });
    if (!isMariadb) return;

    const found = async (account: number, ...words: string[]) => {
      const rows = await database.select<{ id: number }>(
        'SELECT id FROM one WHERE MATCH (words_words) AGAINST (? IN BOOLEAN MODE) ORDER BY id',
        [indexQuestion(account, words) ?? ''],
      );
      return rows.map(({ id }) => id);
    };
    // Of one account; however short, common or long the word is, and whatever follows it.
    expect(await found(1, 'grace')).toEqual([1, 6]);
    expect(await found(11, 'grace')).toEqual([3]);
    expect(await found(1, 'h', 'gr')).toEqual([1]);
    expect(await found(1, 'the', 'a', 'o')).toEqual([2]);
    expect(await found(1, 'x'.repeat(60))).toEqual([6]);
    await database.transaction((tx) => database.select("UPDATE one SET words = 'ada' WHERE id = 1", [], tx));
    expect([await found(1, 'hopper'), await found(1, 'ad')]).toEqual([[], [1]]);
  });
});

test('the index is asked for what it holds beyond doubt, the longest words first', () => {
  expect(indexQuestion(17, ['a', 'grace', 'hopper'])).toBe('+17xhopper* +17xgrace* +17xa*');
  expect(indexQuestion(17, ['москва', 'tokyo東', 'b2'])).toBe('+17xb2*');
  expect(indexQuestion(17, ['москва'])).toBeUndefined();
  expect(
    indexQuestion(
      1,
      Array.from({ length: 12 }, (_, n) => `w${String(n)}`),
    )?.split(' '),
  ).toHaveLength(8);
});

test('another kind of index is another index', () => {
  const [plain, words] = [
    { ...bare('one'), indexes: [{ columns: index.columns }] },
    { ...bare('one'), indexes: [{ columns: index.columns }, index] },
  ];
  expect(diffTables([plain], [words])).toEqual([{ addIndex: { table: 'one', index } }]);
  expect(diffTables([words], [words])).toEqual([]);
});
