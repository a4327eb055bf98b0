import { useApp } from '../support/app';

const app = useApp({ rows: 3 });

/** Documents in steady use are compiled: what they answer must not depend on it. */
const documents: [string, string, Record<string, unknown>?][] = [
  [
    'a nested query',
    '{ events { totalCount nodes { id name sessions(first: 2) { nodes { id event { id } } edges { cursor } } } } }',
  ],
  [
    'aliases and __typename',
    '{ a: events(first: 1) { nodes { __typename x: id y: id } } b: viewer { level } }',
  ],
  [
    'fragments',
    'query { events(first: 2) { ...page } } fragment page on EventConnection { nodes { ... on Event { ...named } } } fragment named on Event { id name }',
  ],
  [
    '@skip and @include, on',
    'query ($yes: Boolean!) { events { nodes { id @skip(if: $yes) name @include(if: $yes) } } }',
    { yes: true },
  ],
  [
    '@skip and @include, off',
    'query ($yes: Boolean!) { events { nodes { id @skip(if: $yes) name @include(if: $yes) } } }',
    { yes: false },
  ],
  [
    'a filter in a variable',
    'query ($filter: EventSessionFilter, $order: [EventSessionOrder!]) { eventSessions(filter: $filter, orderBy: $order, hidden: ALL) { nodes { id } } }',
    {
      filter: {
        or: [{ name: { isNull: false } }, { not: { event: { name: { eq: 'x' } } } }],
        createdOn: { gte: '2020-01-01T00:00:00.000Z' },
      },
      order: [{ field: 'NAME', direction: 'DESC' }],
    },
  ],
  [
    'a filter in the text',
    '{ eventSessions(filter: { name: { contains: "e" }, enable: { eq: true } }, enabled: ALL) { nodes { id } } }',
  ],
  ['a variable that is missing', 'query ($id: ID!) { event(id: $id) { id } }'],
  ['a variable of the wrong type', 'query ($n: Int) { events(first: $n) { nodes { id } } }', { n: 'two' }],
  [
    'an unknown field in an input',
    'query ($filter: EventFilter) { events(filter: $filter) { nodes { id } } }',
    { filter: { nope: 1 } },
  ],
  ['an error at the root', '{ event(id: "unknown-event-1") { id } viewer { level } }'],
  ['an error deep inside', '{ events(first: 1) { nodes { id sessions(first: -1) { nodes { id } } } } }'],
  ['introspection', '{ __schema { queryType { name } } __type(name: "Event") { fields { name } } }'],
  [
    'an interface',
    '{ eventFiles(first: 3) { nodes { for { __typename id ... on EventSession { name } } } } }',
  ],
  [
    'fields asked for twice',
    `{ events(first: 2) { nodes { id } } events(first: 2) { nodes { name sessions(first: 1) { nodes { id } } } ...more } }
     fragment more on EventConnection { nodes { sessions(first: 1) { nodes { name event { id } } edges { node { code } } } } }`,
  ],
  [
    'one connection under two names',
    '{ events(first: 2) { nodes { a: sessions(first: 1) { nodes { id } } b: sessions(first: 3, hidden: ALL) { nodes { id name } totalCount } } } }',
  ],
  [
    'values that stand for lists of one',
    '{ events(orderBy: { field: NAME }, filter: { id: { in: "no-such-id-1" }, and: { name: { isNull: false } } }) { nodes { id } } }',
  ],
  [
    'defaults of variables',
    'query ($n: Int = 1, $hidden: HiddenFilter = ALL) { events(first: $n, hidden: $hidden) { nodes { id } } }',
  ],
  [
    'null for what may be left out',
    'query ($n: Int, $f: EventFilter) { events(first: $n, filter: $f, orderBy: null, q: null) { nodes { id } } }',
    { n: null, f: null },
  ],
  [
    'nested directives',
    'query ($no: Boolean!) { events(first: 1) { nodes { id ... @skip(if: $no) { name sessions @include(if: $no) { totalCount } } } } }',
    { no: false },
  ],
  [
    'a mutation that is refused',
    'mutation { a: removeEvent(id: "no-such-event") { event { id } } b: updateEvent(id: "no-such-event", input: {}) { event { id } } }',
  ],
  [
    'an unknown enum value',
    'query ($o: [EventOrder!]) { events(orderBy: $o) { nodes { id } } }',
    { o: [{ field: 'NOWHERE' }] },
  ],
];

test.each(documents)('%s: the tenth answer is the first', async (_name, query, variables = {}) => {
  const first = await app.staff().graphql(query, variables);
  let last = first;
  for (let times = 0; times < 9; times += 1) last = await app.staff().graphql(query, variables);
  expect({ status: last.status, data: last.data, errors: last.errors }).toEqual({
    status: first.status,
    data: first.data,
    errors: first.errors,
  });
});
