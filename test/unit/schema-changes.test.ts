import { breakingChanges } from '../../src/schema-changes';

const graph =
  'enum Kind { ONE TWO } type Query { thing(id: ID!, kind: Kind): String, other: Int!, count: Int }';
const paths = { '/things': { get: {}, post: {} }, '/things/{id}': { get: {} } };
const files = (sdl: string, rest: object = paths) =>
  new Map([
    ['schema.graphql', sdl],
    ['openapi.json', JSON.stringify({ paths: rest })],
  ]);
const before = files(graph);

test('what stays, and what is added, breaks nothing', () => {
  expect(breakingChanges(before, before)).toEqual([]);
  expect(breakingChanges(new Map(), before)).toEqual([]);
  const more = graph.replace('ID!,', 'ID!, more: Int,').replace('TWO', 'TWO THREE');
  expect(breakingChanges(before, files(more, { ...paths, '/more': { get: {} } }))).toEqual([]);
});

test.each([
  ['a field that is gone', 'other: Int!', '', 'Query.other was removed.'],
  ['a field of another type', 'other: Int!', 'other: Int', 'Query.other changed type from Int! to Int.'],
  [
    'an argument that has become needed',
    'kind: Kind)',
    'kind: Kind!)',
    'Query.thing arg kind has changed type from Kind to Kind!.',
  ],
  ['a value that is gone', 'ONE TWO', 'ONE', 'TWO was removed from enum type Kind.'],
])('%s is named', (_what, from, to, expected) => {
  expect(breakingChanges(before, files(graph.replace(from, to)))).toEqual([expected]);
});

test('an operation of REST that is gone is named', () => {
  const rest = { '/things': { get: {} } };
  expect(breakingChanges(before, files(graph, rest))).toEqual([
    'POST /things was removed.',
    'GET /things/{id} was removed.',
  ]);
});
