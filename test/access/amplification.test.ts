import { getNamedType, isEnumType, isInputObjectType, parse, print, type GraphQLArgument } from 'graphql';
import { makeSchema } from '../../src/graphql/schema';
import { resolvers } from '../../src/resolvers';
import { keepsRows, useApp } from '../support/app';
import { unknownId } from '../support/callers';

const app = useApp({ rows: 2 });
keepsRows(app);
const event = (): string => app.here.rows.event![0]!.id;

describe('many in one', () => {
  /** How long a document takes to be refused, in milliseconds. */
  async function refused(query: string, code: string): Promise<number> {
    const started = performance.now();
    const answer = await app.staff().graphql(query);
    expect({ code: answer.code, data: answer.data ?? null }).toEqual({ code, data: null });
    return performance.now() - started;
  }

  test.each([
    [
      'end nowhere',
      (last: string) => ` fragment ${last} on Query { ...nothing }`,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'end where they began',
      (last: string) => ` fragment ${last} on Query { ...f0 }`,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['end in a field', (last: string) => ` fragment ${last} on Query { viewer { level } }`, 'LIMIT_EXCEEDED'],
  ])('fragments that double at each step and %s are refused at once', async (_what, last, code) => {
    const steps = [...Array(99).keys()].map((n) => ` fragment f${n} on Query { ...f${n + 1} ...f${n + 1} }`);
    expect(await refused(`query { ...f0 }${steps.join('')}${last('f99')}`, code)).toBeLessThan(3000);
  });

  test('lists in lists are priced through fragments that double', async () => {
    const steps = [...Array(30).keys()].map((n) => ` fragment f${n} on Event { ...f${n + 1} ...f${n + 1} }`);
    const inside = 'fragment f30 on Event { sessions { nodes { id } } }';
    await refused(`{ events { nodes { ...f0 } } }${steps.join('')} ${inside}`, 'LIMIT_EXCEEDED');
  });

  test('an argument that is null where there is none is no way past the price', async () => {
    const rest =
      'events(first: 1000) { nodes { id sessions(first: 1000) { nodes { id presentations(first: 1000) { nodes { id } } } } } }';
    const documents = [
      `query ($x: ID = "${unknownId()}") { event(id: $x) { id } ${rest} }`,
      `query ($x: [ID!] = []) { nodes(ids: $x, type: event) { id } ${rest} }`,
      `query ($x: EnabledFilter) { eventLocations(enabled: $x) { nodes { id } } ${rest} }`,
      `query ($x: OrderDirection) { eventLocations(orderBy: [{ field: NAME, direction: $x }]) { nodes { id } } ${rest} }`,
      `query ($x: ObjectType = event) { node(id: "${unknownId()}", type: $x) { id } ${rest} }`,
      `query ($x: Int) { changes(first: $x) { endCursor } ${rest} }`,
      `query ($x: Boolean = true) { viewer @include(if: $x) { level } ${rest} }`,
    ];
    for (const query of documents)
      for (let turn = 0; turn < 7; turn += 1) {
        const answer = await app.staff().graphql(query, { x: null });
        expect({ query, code: answer.code, data: answer.data ?? null }).toEqual({
          ...{ query, code: 'BAD_REQUEST', data: null },
        });
        expect(answer.errors![0]!.message).toMatch(/null|invalid/);
      }
  });

  test('a document of more fragments than anybody writes is refused before they are compared', async () => {
    const chain = (n: number, last: string) =>
      `query { ...f0 } ${[...Array(n).keys()].map((i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`).join(' ')} ${last}`;
    for (const last of [
      '',
      'fragment f300 on Query { ...f0 }',
      'fragment f300 on Query { viewer { level } }',
    ]) {
      const query = chain(300, last);
      expect((await app.guest().graphql(query)).code).toBe('LIMIT_EXCEEDED');
      const asked = await app
        .guest()
        .rest('GET', `/graphql?query=${encodeURIComponent(chain(150, last))}`, undefined, {
          'apollo-require-preflight': '1',
        });
      expect(asked.body.errors[0].extensions.code).toBe('LIMIT_EXCEEDED');
    }
    // Commas and remarks part words as blanks do.
    for (const between of [',', '#\n', '\uFEFF'])
      expect(
        (await app.guest().graphql(chain(300, '').replaceAll('fragment f', `fragment${between}f`))).code,
      ).toBe('LIMIT_EXCEEDED');
    const many = `{ ...f0 } ${[...Array(90).keys()].map((i) => `fragment f${i} on Query { viewer { level } ${i < 89 ? `...f${i + 1}` : ''} }`).join(' ')}`;
    expect((await app.guest().ask(many)).viewer.level).toBe('anonymous');
  });

  test('no operation takes two secrets, under whatever names', async () => {
    const secret = /password|passcode|authKey|accessKey|secret/i;
    const schema = makeSchema(resolvers);
    const found = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
      Object.values(type.getFields())
        .filter(({ args }) =>
          args.some(({ name, type: of }) => secret.test(name) && !isInputObjectType(getNamedType(of))),
        )
        .map((field) => ({ field, kind: type === schema.getQueryType() ? 'query' : 'mutation' })),
    );
    expect(found.map(({ field }) => field.name)).toEqual(
      expect.arrayContaining([
        'signIn',
        'signInWithPasscode',
        'verifyPassword',
        'changePassword',
        'bootstrap',
      ]),
    );
    const given = ({ name, type }: GraphQLArgument) => {
      const named = getNamedType(type);
      return `${name}: ${isEnumType(named) ? named.getValues()[0]!.name : `"guess-${name}"`}`;
    };
    for (const { field, kind } of found) {
      const call = `${field.name}(${field.args.map(given).join(', ')})`;
      const body = /Boolean/.test(String(field.type)) ? '' : '{ __typename }';
      for (const query of [
        `${kind} { a: ${call} ${body} b: ${call} ${body} }`,
        `${kind} { ${call} ${body} ...f } fragment f on ${kind === 'query' ? 'Query' : 'Mutation'} { b: ${call} ${body} }`,
        `${kind} { ... { a: ${call} ${body} } ... { ... { b: ${call} ${body} } } }`,
      ]) {
        const { errors, data } = await app.guest().graphql(print(parse(query)));
        expect({ query, codes: errors?.map(({ extensions }) => extensions.code) }).toEqual({
          query,
          codes: errors?.map(() => 'LIMIT_EXCEEDED'),
        });
        expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([]);
      }
    }
    const batch = [1, 2].map(() => ({ query: 'mutation { verifyPassword(username: "x", password: "y") }' }));
    expect((await app.guest().rest('POST', '/graphql', batch)).status).toBe(400);
  });

  test('a body that nests without end is refused at every door, and no function runs out of stack', async () => {
    const nested = (depth: number, open: string, inside: string, close: string) =>
      `${open.repeat(depth)}${inside}${close.repeat(depth)}`;
    const caller = app.root();
    for (const depth of [600, 5000, 50_000]) {
      const list = nested(depth, '[', '', ']');
      const object = nested(depth, '{"not":', '{}', '}');
      const bodies: [string, string, string][] = [
        ['POST', '/v3/crud/event/', `{"name":"deep","cfg_json":${list}}`],
        ['POST', '/v3/crud/event/', list],
        ['POST', '/v3/crud/event/search', object],
        ['POST', '/v3/crud/event/search', `{"and":${list}}`],
        ['PATCH', `/v3/crud/event/${event()}`, `{"cfg_json":${object}}`],
        ['POST', '/v3/action/user/authenticate', `{"username":${list}}`],
        ['POST', '/graphql', `{"query":"{ viewer { level } }","variables":${object}}`],
        ['POST', '/graphql', `{"query":"{ viewer { level } }","extensions":{"a":${list}}}`],
        [
          'POST',
          '/graphql',
          `{"query":"query ($f: EventFilter) { events(filter: $f) { nodes { id } } }","variables":{"f":${object}}}`,
        ],
      ];
      for (const [method, path, body] of bodies) {
        const answer = await caller.rest(method, path, body, { 'idempotency-key': unknownId() });
        expect({ path, depth, status: answer.status }).toEqual({ path, depth, status: 400 });
        expect(JSON.stringify(answer.body)).toMatch(/nests at most/);
      }
    }
    const order = encodeURIComponent(`{"name":${nested(2000, '[', '', ']')}}`);
    expect((await caller.rest('GET', `/v3/crud/event/?order_by_li=${order}`)).status).toBe(400);
    expect((await caller.rest('GET', '/v3/crud/event/?order_by_li={"name":{"toString":1}}')).status).toBe(
      400,
    );
  });
});
