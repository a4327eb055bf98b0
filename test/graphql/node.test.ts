import { allEntities, entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import { unknownId } from '../support/callers';

const app = useApp({ rows: 3 });
const idsOf = (type: string) => app.here.rows[type]!.map(({ id }) => id);

test.each(allEntities().map(({ table }) => table))('node and nodes find a %s by its id', async (type) => {
  const { name, attributes } = entityOf(type);
  const field = attributes.has('name') ? 'name' : 'createdOn';
  const ids = idsOf(type);
  const query = `query ($id: ID!, $ids: [ID!]!) {
    node(id: $id, type: ${type}) { __typename id ... on ${name} { ${field} } ...created }
    nodes(ids: $ids, type: ${type}) { ... on ${name} { id ${field} } }
  } fragment created on ${name} { createdOn }`;
  const wanted = [...ids, unknownId(), ids[0]!, 'x'];
  // The same whether graphql-js answers, as the first time, or the compiled operation.
  for (let times = 0; times < 3; times += 1) {
    const { node, nodes } = await app.manager().ask(query, { id: ids[0], ids: wanted });
    expect(node).toEqual({
      __typename: name,
      id: ids[0],
      [field]: field === 'name' ? app.here.rows[type]![0]!.values.name : expect.any(String),
      createdOn: expect.any(String),
    });
    expect(nodes.map((each: { id: string } | null) => each?.id ?? null)).toEqual([
      ...ids,
      null,
      ids[0],
      null,
    ]);
  }
});

test('a node that is not there is an error with a code, at its place alone', async () => {
  const { data, errors } = await app
    .staff()
    .graphql(
      `{ none: node(id: "no-such-node-1", type: event) { id } one: node(id: "${idsOf('event')[0]!}", type: event) { id } }`,
    );
  expect(data).toEqual({ none: null, one: { id: idsOf('event')[0] } });
  expect(errors).toEqual([expect.objectContaining({ path: ['none'], extensions: { code: 'NOT_FOUND' } })]);
});

test('nodes takes a hundred ids, in one statement', async () => {
  const ids = Array<string>(100).fill(idsOf('event')[1]!);
  const query = 'query ($ids: [ID!]!) { nodes(ids: $ids, type: event) { id } }';
  await app.staff().ask(query, { ids });
  expect(await app.statementsOf(() => app.staff().ask(query, { ids }))).toBeLessThanOrEqual(2);
  expect((await app.staff().graphql(query, { ids: [...ids, ids[0]] })).code).toBe('BAD_REQUEST');
});

test('the viewer is told who it is', async () => {
  const query = '{ viewer { level key { id name } account { id name } person { id givenName } } }';
  const { viewer } = await app.staff().ask(query);
  expect(viewer).toEqual({
    level: 'trusted',
    key: { id: 'TestKey-trusted', name: 'test trusted' },
    account: { id: app.here.account, name: 'Account here' },
    person: null,
  });
  const [person] = app.here.rows.person!;
  const member = await app.signedIn('authenticated', { person: person!.id });
  expect((await member.ask(query)).viewer).toMatchObject({
    level: 'authenticated',
    person: { id: person!.id, givenName: person!.values.givenName },
  });
  expect((await app.guest().ask(query)).viewer).toMatchObject({ level: 'anonymous', person: null });
});
