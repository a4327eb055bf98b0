import '../../src/resolvers';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accessText } from '../../src/docs/access';
import { allEntities } from '../../src/kernel/entity';
import { packageRoot } from '../../src/paths';

const text = accessText();
const [, rights = '', fields = ''] = text.split('\n## ');
const cellsOf = (table: string, type: string): string[][] =>
  table
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, name]) => name === type)
    .map((cells) => cells.slice(1, -1));

describe('the table of who may do what', () => {
  test('has a row for every type', () => {
    for (const { table } of allEntities())
      expect({ table, rows: cellsOf(rights, table).length }).toEqual({ table, rows: 1 });
  });

  test('tells of each verb from which level on it is allowed', () => {
    expect(cellsOf(rights, 'event_session')).toEqual([
      ['event_session', 'read', '', '', 'create; update', 'delete', '', ''],
    ]);
    expect(cellsOf(rights, 'post')).toEqual([
      ['post', '', 'read; create own; update own', '', 'create all; update all', 'delete', '', ''],
    ]);
    expect(cellsOf(rights, 'event_badge')).toEqual([
      [
        'event_badge',
        'read one; find 15 by 3 letters; some fields of own',
        '',
        'list',
        'find all; create; update all',
        'delete',
        '',
        '',
      ],
    ]);
  });

  test('names every field that is secret, masked, or set by few', () => {
    for (const { table, attributes } of allEntities())
      for (const { read, column } of attributes.values())
        if (read) expect(cellsOf(fields, table).map(([, name]) => name)).toContain(column);
    expect(cellsOf(fields, 'event_badge')).toContainEqual([
      'event_badge',
      'email',
      'trusted',
      'a mask',
      'trusted',
    ]);
    expect(cellsOf(fields, 'user')).toContainEqual(['user', 'password_hash', 'nobody', 'null', 'the server']);
  });

  test('is the one that is committed', () => {
    expect(readFileSync(join(packageRoot, 'schema/access.md'), 'utf8')).toBe(text);
  });
});
