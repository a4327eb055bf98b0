import { createTableSql } from '../../src/database/table-sql';
import { diffTables, foldSteps, type MigrationStep, type TableSpec } from '../../src/database/tables';
import { childTable, parentTable } from './support';

const table = (changes: Partial<TableSpec>): TableSpec => ({ ...parentTable, ...changes });
const withColumns = (columns: TableSpec['columns']) =>
  table({ columns: { ...parentTable.columns, ...columns } });

test('what a difference adds, folded onto what was, gives what is wanted', () => {
  const before = [parentTable];
  const after = [
    table({
      columns: { ...parentTable.columns, kind: { type: 'string', max: 9, default: 'x' } },
      indexes: [...parentTable.indexes, { columns: ['kind'] }],
    }),
    childTable,
  ];
  const steps = diffTables(before, after);
  expect(steps).toEqual([
    { createTable: childTable },
    { addColumn: { table: 'parent', name: 'kind', column: { type: 'string', max: 9, default: 'x' } } },
    { addIndex: { table: 'parent', index: { columns: ['kind'] } } },
  ]);
  const made: MigrationStep[] = [{ createTable: parentTable }, ...steps];
  expect(foldSteps(made)).toEqual(after);
  expect(diffTables(foldSteps(made), after)).toEqual([]);
});

test('saying the default of a shape is no difference, nor is another order of columns', () => {
  const same = withColumns({ code: { type: 'string', max: 20, nullable: false, default: null } });
  const reversed = table({ columns: Object.fromEntries(Object.entries(parentTable.columns).reverse()) });
  expect(diffTables([parentTable], [same])).toEqual([]);
  expect(diffTables([parentTable], [reversed])).toEqual([]);
});

test('everything that is not an addition is refused, and all of it named', () => {
  const { note: _note, ...columns } = parentTable.columns;
  const changed: TableSpec = {
    ...parentTable,
    columns: { ...columns, amount: { type: 'string', max: 10, nullable: true }, must: { type: 'int' } },
    indexes: [{ columns: ['account_id', 'code'] }],
  };
  const difference = () => diffTables([parentTable, childTable], [changed]);
  expect(difference).toThrow('table "child" is gone');
  expect(difference).toThrow('column "parent.note" is gone');
  expect(difference).toThrow('column "parent.amount" became');
  expect(difference).toThrow('new column "parent.must" must be nullable or have a default');
  expect(difference).toThrow('index (account_id, code) of "parent" is gone');
});

test('a step on a table that no step made is refused, and making one twice', () => {
  expect(() => foldSteps([{ addIndex: { table: 'parent', index: { columns: ['code'] } } }])).toThrow(
    '"parent"',
  );
  expect(() => foldSteps([{ createTable: parentTable }, { createTable: parentTable }])).toThrow('twice');
});

test('a name that needs care is refused on both dialects', () => {
  for (const dialect of ['mariadb', 'sqlite'] as const) {
    expect(() => createTableSql(table({ name: 'a`b' }), dialect)).toThrow('cannot be the name');
    expect(() => createTableSql(withColumns({ 'a b': { type: 'int' } }), dialect)).toThrow(
      'cannot be the name',
    );
  }
});

test('names of indexes stay within what MariaDB takes, and apart from each other', () => {
  const long = 'a_rather_long_name_of_a_table_that_somebody_made';
  const indexes = [{ columns: ['account_id', 'code'] }, { columns: ['account_id', 'note'] }];
  const sql = createTableSql(table({ name: long, indexes }), 'sqlite')
    .slice(1)
    .join('\n');
  const names = [...sql.matchAll(/INDEX IF NOT EXISTS `([^`]+)`/g)].map(([, name]) => name!);
  expect(new Set(names).size).toBe(2);
  expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(64);
});
