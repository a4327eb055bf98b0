import { keepsRows, useApp } from '../support/app';

const limit = 50_000;
const app = useApp({ rows: 2, env: { GRAPHQL_MAX_COST: String(limit) } });

keepsRows(app);

type Asked = [query: string, variables?: Record<string, unknown>];

async function costOf(...[query, variables]: Asked): Promise<number> {
  const { errors, extensions } = await app.administrator().graphql(query, variables);
  expect(errors).toBeUndefined();
  expect(extensions!.cost).toEqual({ requested: expect.any(Number), limit });
  return extensions!.cost.requested as number;
}

async function expectRefused(...[query, variables]: Asked): Promise<number> {
  const { data, errors, status } = await app.administrator().graphql(query, variables);
  expect({ data: data ?? null, status, errors }).toEqual({
    data: null,
    status: 200,
    errors: [
      expect.objectContaining({
        message: expect.stringContaining(String(limit)),
        extensions: { code: 'LIMIT_EXCEEDED', requested: expect.any(Number), limit },
      }),
    ],
  });
  return errors![0]!.extensions.requested as number;
}

const sessions =
  'query ($n: Int, $m: Int) { events(first: $n) { nodes { id sessions(first: $m) { nodes { id event { id } } } } } }';

describe('the cost of a query', () => {
  test.each<[string, number, Asked]>([
    ['nothing of the database', 0, ['{ __typename }']],
    ['a page is its objects', 10, ['{ events(first: 10) { nodes { id name } } }']],
    ['a page without a size is the usual one', 100, ['{ events { nodes { id } } }']],
    ['a page from the end is its objects too', 7, ['{ events(last: 7) { nodes { id } } }']],
    ['edges are no other objects', 10, ['{ events(first: 10) { edges { cursor node { id } } } }']],
    ['a count is worth the page', 20, ['{ events(first: 10) { totalCount nodes { id } } }']],
    ['so is a search', 20, ['{ events(first: 10, q: "care") { nodes { id } } }']],
    ['what is inside counts each time', 10 + 10 * 5 * 2, [sessions, { n: 10, m: 5 }]],
    ['variables that are missing are their defaults', 100 + 100 * 3 * 2, [sessions, { m: 3 }]],
    ['null is no size', 100 + 100 * 2, [sessions, { n: null, m: 1 }]],
    [
      'each alias counts',
      30,
      ['{ a: events(first: 10) { nodes { id } } b: events(first: 20) { nodes { id } } }'],
    ],
    [
      'fragments count where they stand',
      20,
      [
        'query { a: events(first: 10) { ...page } b: events(first: 10) { ...page } } fragment page on EventConnection { nodes { id } }',
      ],
    ],
    ['many ids are many objects', 3, ['{ nodes(ids: ["a", "b", "c"], type: event) { id } }']],
    ['changes are pages', 50, ['{ changes(first: 50) { nodes { node { id } } } }']],
  ])('%s', async (_what, expected, asked) => {
    // The compiled one costs what the first costs.
    for (let turn = 0; turn < 7; turn += 1) expect(await costOf(...asked)).toBe(expected);
  });

  test('changes with the variables of one document', async () => {
    for (const [n, m] of [
      [1, 1],
      [10, 5],
      [2, 100],
      [1, 1],
    ] as const)
      expect(await costOf(sessions, { n, m })).toBe(n + n * m * 2);
    const query =
      'query ($ids: [ID!]!, $q: String, $more: Boolean!) { nodes(ids: $ids, type: event) { id } events(first: 10, q: $q) @include(if: $more) { nodes { id } } }';
    expect(await costOf(query, { ids: ['a', 'b'], more: false })).toBe(2);
    expect(await costOf(query, { ids: ['a', 'b', 'c'], more: true })).toBe(13);
    expect(await costOf(query, { ids: ['a'], more: true, q: 'care' })).toBe(21);
  });

  test('above the limit is refused before anything is read', async () => {
    await costOf('{ viewer { level } }');
    const statements = await app.statementsOf(async () => {
      expect(await expectRefused(sessions, { n: 200, m: 200 })).toBe(200 + 200 * 200 * 2);
    });
    expect(statements).toBe(0);
    expect(await costOf(sessions, { n: 100, m: 200 })).toBe(40_100);
    const shared = `query { ${[...Array(60).keys()].map((n) => `...f${String(n)}`).join(' ')} } ${[
      ...Array(60).keys(),
    ]
      .map((n) => `fragment f${String(n)} on Query { a${String(n)}: events(first: 1000) { nodes { id } } }`)
      .join(' ')}`;
    expect(await expectRefused(shared)).toBe(60_000);
  });

  test('is no way to learn that variables are wrong', async () => {
    for (let turn = 0; turn < 7; turn += 1) {
      const { code, extensions } = await app.staff().graphql(sessions, { n: 'ten' });
      expect({ code, extensions }).toEqual({ code: 'BAD_USER_INPUT', extensions: undefined });
      expect((await app.staff().graphql(sessions, { n: -5 })).code).toBe('BAD_REQUEST');
    }
  });
});

describe('the cost of a mutation', () => {
  const remove =
    'mutation ($n: Int!) { removeEvents(filter: { name: { eq: "nobody" } }, maxAffected: $n) { nodes { id } } }';

  test('is that of what it may write', async () => {
    expect(await costOf('mutation { validateEvent(input: { name: "x" }) }')).toBe(100);
    expect(await costOf(remove, { n: 10 })).toBe(10 * 101);
    expect(
      await costOf(
        'mutation ($inputs: [CreateEventInput!]!) { createEvents(inputs: $inputs, dryRun: true) { count } }',
        { inputs: [{ name: 'x' }, { name: 'y' }] },
      ),
    ).toBe(200);
  });

  test('counts each alias of a bulk mutation: above the limit nothing is written', async () => {
    const ids = app.here.rows.event!.map(({ id }) => id);
    const names = [...Array(60).keys()].map((n) => `a${String(n)}`);
    const many = `mutation ($filter: EventFilter!) { ${names
      .map(
        (name) =>
          `${name}: updateEvents(filter: $filter, input: { name: "changed" }, maxAffected: 10) { count }`,
      )
      .join(' ')} }`;
    expect(await expectRefused(many, { filter: { id: { in: ids } } })).toBe(60_000);
    for (const id of ids) expect((await app.rowOf('event', id))!.name).not.toBe('changed');
    await expectRefused(remove, { n: 1000 });
  });
});

test('an operation has at most so many root fields, in fragments too', async () => {
  const fields = (n: number) => Array.from({ length: n }, () => 'viewer { level }').join(' ');
  expect((await app.staff().graphql(`{ ${fields(100)} }`)).errors).toBeUndefined();
  const inside = `query { ...a ...a } fragment a on Query { ${fields(51)} }`;
  for (const query of [`{ ${fields(101)} }`, inside]) {
    const { code, data } = await app.staff().graphql(query);
    expect({ code, data: data ?? null }).toEqual({ code: 'LIMIT_EXCEEDED', data: null });
  }
});

test('REST is not limited in rows: its documents are our own', async () => {
  const answer = await app.staff().rest('GET', '/v3/crud/event_session/?limit=999999&enabled=all&hidden=all');
  expect(answer.status).toBe(200);
  expect(answer.data.length).toBe(app.here.rows.event_session!.length);
});
