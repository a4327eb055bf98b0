import { getIntrospectionQuery } from 'graphql';
import { entityOf } from '../../src/kernel/entity';
import { keepsRows, useApp } from '../support/app';
import { expectHeaders } from '../support/envelopes';

const app = useApp({ rows: 2 });

keepsRows(app);

/** What is sent as it is. */
async function send(body: string, headers: Record<string, string> = {}, method = 'POST', search = '') {
  const response = await app.staff().fetch(`/graphql${search}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method !== 'GET' && method !== 'HEAD' && { body }),
  });
  const text = await response.text();
  expectHeaders(response);
  expect(text).not.toMatch(/SELECT |SQLITE|conn:|node_modules|\.ts:\d/);
  return { status: response.status, headers: response.headers, text };
}

const deep = (levels: number): string => {
  const inside = (left: number): string =>
    left <= 0
      ? 'id'
      : left % 2 === 0
        ? `sessions { nodes { ${inside(left - 1)} } }`
        : `event { ${inside(left - 1)} }`;
  return `{ events { nodes { ${inside(levels)} } } }`;
};

describe('a document', () => {
  test.each([
    ['that is none', '{', 'GRAPHQL_PARSE_FAILED'],
    ['that is empty', ' ', 'GRAPHQL_PARSE_FAILED'],
    ['with an unknown field', '{ events { nodes { pk } } }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'with a secret in its filter',
      '{ users(filter: { passwordHash: { eq: "x" } }) { nodes { id } } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'with a secret in its order',
      '{ users(orderBy: [{ field: PASSWORD_HASH }]) { nodes { id } } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['with __proto__ as a field', '{ events { nodes { __proto__ { id } } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['with constructor as a field', '{ events { nodes { constructor } } }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'with an order that is made up',
      '{ events(orderBy: [{ field: SLEEP }]) { nodes { id } } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'with an unknown type',
      '{ node(id: "abcdefghijk", type: __proto__) { id } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['with a directive that is not there', '{ events { nodes { id @upper } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['that is too deep', deep(12), 'LIMIT_EXCEEDED'],
    [
      'that is too deep by fragments',
      `query { events { nodes { ...a } } } fragment a on Event { sessions { nodes { ...b } } } fragment b on EventSession { event { sessions { nodes { event { sessions { nodes { event { sessions { nodes { event { sessions { nodes { id } } } } } } } } } } } } }`,
      'LIMIT_EXCEEDED',
    ],
    [
      'that goes round in circles',
      'query { events { nodes { ...a } } } fragment a on Event { id ...b } fragment b on Event { id ...a }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'with too many aliases',
      `{ ${[...Array(101).keys()].map((n) => `a${String(n)}: viewer { level }`).join(' ')} }`,
      'LIMIT_EXCEEDED',
    ],
    [
      'with too many aliases of its own making',
      `{ events { nodes { ${[...Array(101).keys()].map((n) => `name_${String(n)}: name`).join(' ')} } } }`,
      'LIMIT_EXCEEDED',
    ],
    [
      'with too many directives',
      `{ viewer { level ${'@include(if: true) '.repeat(60)} } }`,
      'LIMIT_EXCEEDED',
    ],
    ['with too many tokens', `{ viewer { ${'level '.repeat(4001)} } }`, 'GRAPHQL_PARSE_FAILED'],
    [
      'of several operations without a choice',
      'query a { viewer { level } } query b { viewer { level } }',
      undefined,
    ],
  ])('%s is refused', async (_what, query, code) => {
    const answer = await app.staff().graphql(query);
    expect(answer.status).toBeLessThan(500);
    expect(answer.data ?? null).toBeNull();
    expect(answer.errors!.length).toBeGreaterThan(0);
    if (code) expect(answer.errors!.map(({ extensions }) => extensions.code)).toContain(code);
    expect(answer.errors!.map(({ extensions }) => extensions.code)).not.toContain('INTERNAL');
  });

  test('that a screen needs is not too much', async () => {
    expect((await app.staff().graphql(deep(4))).errors).toBeUndefined();
    expect((await app.staff().graphql(getIntrospectionQuery())).errors).toBeUndefined();
    // Fields in snake_case, as documents of REST have them, are no second reading of anything.
    const badge = entityOf('event_badge');
    const spelled = [...badge.attributes.values()]
      .flatMap(({ name, column, kind }) => [
        `${column}: ${name}`,
        ...(kind === 'ref' ? [`${column}_random: ${name}`] : []),
      ])
      .join(' ');
    expect((await app.staff().graphql(`{ eventBadges { nodes { ${spelled} } } }`)).errors).toBeUndefined();
    const many = [...Array(100).keys()].map((n) => `a${String(n)}: viewer { level }`).join(' ');
    expect((await app.staff().graphql(`{ ${many} }`)).errors).toBeUndefined();
  });

  test('is refused again and again, the compiled one like the first', async () => {
    for (let times = 0; times < 4; times += 1) {
      const { code } = await app.staff().graphql('query ($id: ID!) { event(id: $id) { id } }', {});
      expect(code).toBe('BAD_USER_INPUT');
    }
  });
});

describe('a variable', () => {
  const create =
    'mutation ($input: CreateEventSessionInput!) { createEventSession(input: $input) { eventSession { id } } }';
  const event = () => app.here.rows.event![0]!.id;

  test.each([
    ['a number for text', () => ({ eventId: event(), name: 5 })],
    ['text for a number', () => ({ eventId: event(), sort: '7' })],
    ['too large a number', () => ({ eventId: event(), sort: 2 ** 31 })],
    ['a broken number', () => ({ eventId: event(), sort: 1.5 })],
    ['text for a flag', () => ({ eventId: event(), priority: 'true' })],
    ['no moment', () => ({ eventId: event(), startDatetime: 'tomorrow' })],
    ['no object', () => 'text'],
    ['an unknown field', () => ({ eventId: event(), pk: 5 })],
    ['what the server keeps', () => ({ eventId: event(), accountId: app.there.account })],
    ['its own id', () => ({ eventId: event(), id: 'my-own-id-01' })],
    ['nothing that is needed', () => ({ name: 'x' })],
    ['null for what is needed', () => ({ eventId: null })],
    ['too long a text', () => ({ eventId: event(), name: 'x'.repeat(256) })],
    ['a NUL character', () => ({ eventId: event(), name: 'a\0b' })],
    [
      'JSON that nests too deep',
      () => ({ eventId: event(), cfgJson: JSON.parse(`${'['.repeat(300)}${']'.repeat(300)}`) as unknown }),
    ],
  ])('with %s is refused, and nothing is written', async (_what, input) => {
    for (let times = 0; times < 3; times += 1) {
      const { status, code, data } = await app.staff().graphql(create, { input: input() });
      expect({
        status,
        known: ['BAD_USER_INPUT', 'VALIDATION'].includes(String(code)),
        data: data?.createEventSession ?? null,
      }).toEqual({
        status: 200,
        known: true,
        data: null,
      });
    }
  });

  test('filter that is too deep or too long is refused', async () => {
    const list = 'query ($filter: EventFilter) { events(filter: $filter) { nodes { id } } }';
    const nested = (depth: number): object =>
      depth === 0 ? { name: { isNull: false } } : { not: nested(depth - 1) };
    expect((await app.staff().graphql(list, { filter: nested(8) })).errors).toBeUndefined();
    for (const depth of [11, 50, 500])
      expect((await app.staff().graphql(list, { filter: nested(depth) })).code).toBe('LIMIT_EXCEEDED');
    const related = (depth: number): object =>
      depth === 0 ? {} : { sessions: { some: { event: related(depth - 1) } } };
    expect((await app.staff().graphql(list, { filter: related(6) })).code).toBe('LIMIT_EXCEEDED');
    const wide = { or: Array(201).fill({ name: { eq: 'x' } }) };
    expect((await app.staff().graphql(list, { filter: wide })).code).toBe('LIMIT_EXCEEDED');
    const order = Array(21).fill({ field: 'NAME' });
    const sorted = 'query ($order: [EventOrder!]) { events(orderBy: $order) { nodes { id } } }';
    expect((await app.staff().graphql(sorted, { order })).code).toBe('BAD_REQUEST');
  });
});

describe('a request', () => {
  test.each([
    ['no JSON', '{"query":', {}],
    ['JSON that is no object', '[]', {}],
    ['a batch', '[{"query":"{ viewer { level } }"}]', {}],
    ['null', 'null', {}],
    ['text', '"{ viewer { level } }"', {}],
    ['no query', '{}', {}],
    ['a query that is no text', '{"query":5}', {}],
    ['variables that are text', '{"query":"{ viewer { level } }","variables":"x"}', {}],
    ['variables that are a list', '{"query":"{ viewer { level } }","variables":[]}', {}],
    ['an operation that is not there', '{"query":"query a { viewer { level } }","operationName":"b"}', {}],
    ['extensions that are text', '{"query":"{ viewer { level } }","extensions":"x"}', {}],
    ['plain text', '{"query":"{ viewer { level } }"}', { 'content-type': 'text/plain' }],
    ['a form', 'query=%7Bviewer%7Blevel%7D%7D', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['an unknown encoding', '{"query":"{ viewer { level } }"}', { 'content-encoding': 'rot13' }],
  ])('that holds %s is a mistake of the caller', async (_what, body, headers) => {
    const { status, text } = await send(body, headers);
    expect({ status: status >= 400 && status < 500, text }).toMatchObject({ status: true });
    const { errors, data } = JSON.parse(text) as { errors?: unknown[]; data?: unknown };
    expect(errors?.length).toBeGreaterThan(0);
    expect(data ?? null).toBeNull();
  });

  test.each(['PUT', 'PATCH', 'DELETE'])('with the verb %s is 405, and Allow tells why', async (verb) => {
    const { status, headers } = await send('{}', {}, verb);
    expect(status).toBe(405);
    expect(headers.get('allow')).toMatch(/GET.*POST/);
  });

  test('by GET asks, but changes nothing, and not from a page of another origin', async () => {
    const query = `?query=${encodeURIComponent('{ viewer { level } }')}`;
    const plain = await app.staff().fetch(`/graphql${query}`);
    expect(plain.status).toBe(400);
    await plain.text();
    const asked = await send('', { 'apollo-require-preflight': '1' }, 'GET', query);
    expect(JSON.parse(asked.text)).toMatchObject({ data: { viewer: { level: 'trusted' } } });
    const mutation = `?query=${encodeURIComponent(`mutation { removeEvent(id: "${app.here.rows.event![0]!.id}") { event { id } } }`)}`;
    const refused = await send('', { 'apollo-require-preflight': '1' }, 'GET', mutation);
    expect(refused.status).toBe(405);
    const row = await app.rowOf('event', app.here.rows.event![0]!.id);
    expect(Boolean(row!.hide)).toBe(app.here.rows.event![0]!.values.hide);
  });

  test('that is compressed is understood, or refused as such', async () => {
    const { status } = await send('{"query":"{ viewer { level } }"}', { 'content-encoding': 'gzip' });
    expect([400, 415]).toContain(status);
  });
});

test('hostile ids find nothing, and break nothing', async () => {
  const hostile = [
    '',
    '1',
    "' OR 1=1 --",
    'ä'.repeat(12),
    '日本語日本語日本語日本語',
    'x'.repeat(5000),
    '\0\0\0\0\0\0\0\0\0\0\0',
  ];
  for (const id of hostile) {
    const { code } = await app.staff().graphql('query ($id: ID!) { event(id: $id) { id } }', { id });
    expect({ id: id.slice(0, 20), code }).toEqual({ id: id.slice(0, 20), code: 'NOT_FOUND' });
    const list = 'query ($f: EventSessionFilter) { eventSessions(filter: $f) { nodes { id } totalCount } }';
    for (const f of [{ id: { eq: id } }, { eventId: { in: [id] } }, { event: { id: { eq: id } } }]) {
      const { data, errors } = await app.staff().graphql(list, { f });
      expect(errors).toBeUndefined();
      expect(data.eventSessions).toEqual({ nodes: [], totalCount: 0 });
    }
  }
});
