import type { Bindable, Database } from '../../src/database/database';
import { openDatabase } from '../../src/database/open';
import { createTableSql } from '../../src/database/table-sql';
import type { ColumnSpec, TableSpec } from '../../src/database/tables';
import type { Attribute } from '../../src/kernel/attributes';
import { tablesOf } from '../../src/kernel/registry';
import type { Place } from './app';

/** Makes every table as an old database may have it: the same columns, and next to nothing that keeps a value out of them. */
export async function looseTables(place: Place): Promise<Place> {
  const { dataDir, databaseUrl: url } = place;
  const database = await openDatabase({ url, dataDir, poolMax: 1 });
  const { dialect } = database;
  await database.unchecked(async (session) => {
    for (const table of tablesOf())
      for (const sql of createTableSql(loosened(table, dialect), dialect)) await session.run(sql);
  });
  await database.close();
  return place;
}

/** SQLite keeps any value in any column once it looks at no checks. */
function loosened({ name, columns, indexes }: TableSpec, dialect: Database['dialect']): TableSpec {
  const loose = Object.entries(columns).map(([column, spec]): [string, ColumnSpec] => {
    if (spec.type === 'id') return [column, spec];
    const type = dialect === 'mariadb' ? (wider[spec.type] ?? spec.type) : spec.type;
    return [column, { ...spec, type, nullable: true, references: undefined }];
  });
  return {
    name,
    columns: Object.fromEntries(loose),
    // MariaDB has no index over a whole text, and needs none here.
    indexes:
      dialect === 'mariadb'
        ? []
        : indexes.map(({ columns: indexed }) => ({ columns: indexed, unique: false })),
  };
}

const wider: Partial<Record<ColumnSpec['type'], ColumnSpec['type']>> = {
  string: 'longtext',
  char: 'longtext',
  token: 'longtext',
  text: 'longtext',
  json: 'longtext',
};

/** Puts values into columns of the row with this key, whatever they are. */
export const plant = (
  database: Database,
  table: string,
  pk: number,
  values: Record<string, Bindable>,
): Promise<void> =>
  database.unchecked((session) =>
    session.run(
      `UPDATE \`${table}\` SET ${Object.keys(values)
        .map((column) => `\`${column}\` = ?`)
        .join()} WHERE id = ?`,
      [...Object.values(values), pk],
    ),
  );

/** What such tables may hold in a column of this kind. */
export function corruptions({ kind, max = 255 }: Attribute, dialect: Database['dialect']): Bindable[] {
  const any = dialect === 'sqlite';
  const huge = '1152921504606846977';
  switch (kind) {
    case 'id':
      return [null, '', '0', '12', 'not an id!', 'x'.repeat(40), ...(any ? [new Uint8Array([1, 2])] : [])];
    case 'json':
      return ['{broken', '', 'undefined', "{'single': 1}", ...(any ? [new Uint8Array([123, 255])] : [])];
    case 'datetime':
      return [
        '0000-00-00 00:00:00.000',
        '2026-00-10 00:00:00.000',
        '2026-02-30 10:00:00.000',
        ...(any ? ['tomorrow', '2026-13-45 99:99:99.000', 5, new Uint8Array([0])] : []),
      ];
    case 'bool':
      return any ? ['yes', new Uint8Array([1])] : [];
    case 'int':
      return any ? [2 ** 40, huge, 'many', 1.5, new Uint8Array([1])] : [];
    case 'bigint':
      return [huge, ...(any ? ['many', 1.5, new Uint8Array([1])] : [])];
    case 'float':
    case 'decimal':
      return any ? ['many', new Uint8Array([1])] : [];
    case 'ref':
    case 'anyId':
      return [999_999_999, ...(any ? ['many', huge, new Uint8Array([1])] : [])];
    case 'anyType':
      return ['no_such_type', '', 'x'.repeat(max + 10)];
    default:
      return any ? [new Uint8Array([255, 254, 0])] : [];
  }
}
