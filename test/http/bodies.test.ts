import { gzipSync } from 'node:zlib';
import { keepsRows, useApp } from '../support/app';
import { expectCrudError } from '../support/envelopes';

const app = useApp({ env: { BODY_MAX_BYTES: '200000' } });
const path = '/v3/crud/event_session/';
const eventId = () => app.here.rows.event![0]!.id;
const session = () => app.here.rows.event_session![0]!.id;

const rows = keepsRows(app);

describe('a body that is no record', () => {
  test.each(['{"name":', '{name:1}', "{'name':'x'}", '{"name":"x"} trailing', '\u0000', '{"a":1,}'])(
    'is refused when it is no JSON: %j',
    async (body) => {
      const answer = await app.staff().rest('POST', path, body);
      expectCrudError(answer, 400, 'validation');
      expect(answer.meta.status_message).toMatch(/JSON/);
    },
  );

  test.each(['[]', '[{"name":"x"}]', '"text"', '5', 'true', 'null'])(
    'is refused when it is no object: %s',
    async (body) => {
      for (const [method, url] of [
        ['POST', path],
        ['PATCH', `${path}${session()}`],
        ['POST', `/v3/crud/event/${eventId()}/session`],
      ] as const)
        expectCrudError(await app.staff().rest(method, url, body), 400);
    },
  );

  test('names what is missing, in the words of the caller', async () => {
    for (const body of ['{}', '', { name: 'no event' }]) {
      const answer = await app.staff().rest('POST', path, body);
      expectCrudError(answer, 400);
      expect(answer.meta.details).toEqual({ event_id: expect.any(String) });
    }
  });
});

describe('a value of the wrong type', () => {
  test.each(
    [
      ['name', 5],
      ['name', { a: 1 }],
      ['name', ['x']],
      ['name', true],
      ['name', 'x'.repeat(256)],
      ['name', 'a\u0000b'],
      ['external_id', 'x'.repeat(101)],
      ['description', 'é'.repeat(32_768)],
      ['sort', 'abc'],
      ['sort', 1.5],
      ['sort', 2 ** 31],
      ['sort', -(2 ** 31) - 1],
      ['sort', '99999999999'],
      ['sort', true],
      ['priority', 'maybe'],
      ['priority', 2],
      ['priority', []],
      ['start_datetime', 'tomorrow'],
      ['start_datetime', '2026-02-30T00:00:00Z'],
      ['start_datetime', '2026-13-01'],
      ['start_datetime', 1_700_000_000],
      ['cfg_json', '{not json'],
      ['cfg_json', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
      ['event_location_id', 5],
      ['event_location_id_random', 'short'],
      ['no_such_field', 1],
      ['__proto__x', 1],
      ['constructor', 'x'],
      ['toString', 'x'],
      ['id; DROP TABLE event', 'x'],
      ['', 'x'],
    ].map(([field, value]) => ({ field: String(field), value, shown: JSON.stringify(value).slice(0, 40) })),
  )('$field: $shown', async ({ field, value }) => {
    const shown = (answer: { meta?: { details: unknown } }) => Object.keys(answer.meta?.details as object);
    const created = await app.staff().rest('POST', path, { event_id: eventId(), [field]: value });
    expectCrudError(created, 400);
    expect(shown(created)).toEqual([field]);
    const row = await app.rowOf('event_session', session());
    const patched = await app
      .staff()
      .rest('PATCH', `${path}${session()}`, { name: 'changed', [field]: value });
    expectCrudError(patched, 400);
    expect(shown(patched)).toEqual([field]);
    expect(await app.rowOf('event_session', session())).toEqual(row);
  });

  test('several at once are all told', async () => {
    const answer = await app
      .staff()
      .rest('POST', path, { event_id: 'x', sort: 'y', nowhere: 1, start_datetime: 'z' });
    expectCrudError(answer, 400);
    expect(Object.keys(answer.meta.details).sort()).toEqual([
      'event_id',
      'nowhere',
      'sort',
      'start_datetime',
    ]);
  });

  test('a key called __proto__ is an unknown field, and poisons nothing', async () => {
    const body = `{"event_id":"${eventId()}","__proto__":{"polluted":true},"cfg_json":{"__proto__":{"polluted":true}}}`;
    expectCrudError(await app.staff().rest('POST', path, body), 400);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('what a body may hold', () => {
  afterEach(rows.settle);

  test('unknown fields, when the caller asks to ignore them', async () => {
    const body = { event_id: eventId(), name: 'kept', nonsense: 1, tmp_sort_1: 'x' };
    const ignoring = { 'x-ae-ignore-extra-fields': 'true' };
    const created = await app.staff().rest('POST', path, body, ignoring);
    expect(created).toMatchObject({ status: 200, data: { name: 'kept' } });
    const patched = await app
      .staff()
      .rest('PATCH', `${path}${created.data.id}`, { nonsense: 2, name: 'new' }, ignoring);
    expect(patched).toMatchObject({ status: 200, data: { name: 'new' } });
    expect(JSON.stringify(patched.data)).not.toContain('nonsense');
  });

  test('numbers, flags and moments in the spellings of old programs', async () => {
    const spellings: [Record<string, unknown>, Record<string, unknown>][] = [
      [
        { sort: '7', priority: '1', alert: 0 },
        { sort: 7, priority: true, alert: false },
      ],
      [
        { sort: -2, priority: 'false', alert: 'true' },
        { sort: -2, priority: false, alert: true },
      ],
      [
        { priority: 'True', alert: 'FALSE' },
        { priority: true, alert: false },
      ],
      [
        { sort: '', alert: null, priority: null, name: '' },
        { sort: null, alert: null, priority: false, name: '' },
      ],
      [{ start_datetime: '2026-05-01' }, { start_datetime: '2026-05-01T00:00:00.000Z' }],
      [{ start_datetime: '2026-05-01 09:30' }, { start_datetime: '2026-05-01T09:30:00.000Z' }],
      [{ start_datetime: '2026-05-01 09:30:01.5' }, { start_datetime: '2026-05-01T09:30:01.500Z' }],
      [{ start_datetime: '2026-05-01T09:30:00+02:00' }, { start_datetime: '2026-05-01T07:30:00.000Z' }],
      [{ start_datetime: '' }, { start_datetime: null }],
      [{ cfg_json: '{"a":[1]}' }, { cfg_json: { a: [1] } }],
      [{ cfg_json: { a: [1] } }, { cfg_json: { a: [1] } }],
      [{ cfg_json: '"text"' }, { cfg_json: 'text' }],
      [{ cfg_json: 'null' }, { cfg_json: null }],
      [{ cfg_json: '' }, { cfg_json: null }],
      [
        { cfg_json: `${'['.repeat(31)}${']'.repeat(31)}` },
        { cfg_json: JSON.parse(`${'['.repeat(31)}${']'.repeat(31)}`) as unknown },
      ],
      [{ name: '😀'.repeat(255) }, { name: '😀'.repeat(255) }],
      [{ description: 'x'.repeat(65_535) }, { description: 'x'.repeat(65_535) }],
      [{ name: "Robert'); DROP TABLE event;--" }, { name: "Robert'); DROP TABLE event;--" }],
    ];
    for (const [sent, read] of spellings)
      expect(await app.staff().rest('PATCH', `${path}${session()}`, sent)).toMatchObject({
        status: 200,
        data: read,
      });
  });

  test('any encoding of HTTP that is understood', async () => {
    const body = gzipSync(JSON.stringify({ name: 'zipped' }));
    const response = await app.staff().fetch(`${path}${session()}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json; charset=utf-8', 'content-encoding': 'gzip' },
      body,
    });
    expect(await response.json()).toMatchObject({ data: { name: 'zipped' } });
  });
});

describe('a body in another form', () => {
  test.each([
    ['text/plain', '{"name":"x"}'],
    ['application/x-www-form-urlencoded', 'name=x'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['application/json; charset=klingon', '{"name":"x"}'],
    ['application/xml', '<name>x</name>'],
  ])('%s is refused with 415', async (type, body) => {
    for (const [method, url] of [
      ['POST', path],
      ['POST', `${path}search`],
      ['PATCH', `${path}${session()}`],
    ] as const)
      expectCrudError(await app.staff().rest(method, url, body, { 'content-type': type }), 415, 'validation');
  });

  test('one that does not say what it is, is JSON', async () => {
    // Bytes, for which fetch makes no header.
    const send = (method: string, url: string, body: string) =>
      app.staff().fetch(url, { method, body: Buffer.from(body) });
    const found = await send('POST', `${path}search`, '{"and":[{"field":"name","op":"in","value":[]}]}');
    expect({ status: found.status, body: await found.json() }).toMatchObject({
      status: 200,
      body: { data: [] },
    });
    const changed = await send('PATCH', `${path}${session()}`, '{"alert_msg":"without a type"}');
    expect(await changed.json()).toMatchObject({ data: { alert_msg: 'without a type' } });
    expect((await send('PATCH', `${path}${session()}`, 'alert_msg=x')).status).toBe(400);
  });

  test('an unknown content-encoding is refused with 415', async () => {
    expectCrudError(
      await app.staff().rest('POST', path, '{}', { 'content-encoding': 'rot13' }),
      415,
      'validation',
    );
  });

  test('what says it is compressed and is not, is refused', async () => {
    expectCrudError(
      await app.staff().rest('POST', path, '{"name":1}', { 'content-encoding': 'gzip' }),
      400,
      'validation',
    );
  });

  test('too large a body is refused with 413, compressed or not', async () => {
    const large = JSON.stringify({ event_id: eventId(), description: 'x'.repeat(300_000) });
    expectCrudError(await app.staff().rest('POST', path, large), 413, 'validation');
    expectCrudError(await app.staff().rest('POST', `${path}search`, large), 413, 'validation');
    const response = await app.staff().fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync(large),
    });
    expect(response.status).toBe(413);
    await response.text();
    const graphql = await app.staff().fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ viewer { level } }', variables: { x: 'x'.repeat(300_000) } }),
    });
    expect(graphql.status).toBe(413);
    expect(await graphql.json()).toMatchObject({ errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }] });
  });
});

describe('a search', () => {
  const search = (body: unknown) => app.staff().rest('POST', `${path}search`, body);
  const filter = (field: string, op: unknown, value?: unknown) => ({ and: [{ field, op, value }] });

  test.each([
    ['[]', []],
    ['text', '"text"'],
    ['an unknown key', { filter: [] }],
    ['and that is no list', { and: { field: 'name', op: 'eq', value: 'x' } }],
    ['an item that is no object', { and: ['name'] }],
    ['an item that is null', { and: [null] }],
    ['a filter with more', { and: [{ field: 'name', op: 'eq', value: 'x', extra: 1 }] }],
    ['an unknown operator', filter('name', 'regexp', 'x')],
    ['an operator that is no text', filter('name', ['eq'], 'x')],
    ['an inherited operator', filter('name', 'constructor', 'x')],
    ['__proto__ as operator', filter('name', '__proto__', 'x')],
    ['q that is no text', { q: ['x'] }],
    ['q below the top that is no text', { and: [{ q: 5, and: [] }] }],
    ['a list without a list', filter('name', 'in', 'x')],
    ['a list that holds null', filter('name', 'in', [null])],
    ['a number for text', filter('name', 'eq', 5)],
    ['text for a number', filter('sort', 'gt', 'x')],
    ['contains on a number', filter('sort', 'contains', '1')],
    ['greater for a flag', filter('enable', 'gt', true)],
    ['is_null of nonsense', filter('name', 'is_null', 'perhaps')],
    ['no moment', filter('start_datetime', 'lt', 'yesterday')],
    ['no id', filter('event_id', 'eq', '1')],
    ['an id that is SQL', filter('event_id', 'eq', "1' OR '1'='1")],
    ['not that is a list', { not: [{ field: 'name', op: 'eq', value: 'x' }] }],
    ['null compared by size', filter('name', 'gt', null)],
  ])('of %s is refused', async (_what, body) => {
    expectCrudError(await search(body), 400);
  });

  test.each([
    'nowhere',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'name; DROP TABLE event',
    't.name',
    '`name`',
    'pk',
    'id.x',
    '',
    'NAME',
  ])('by the field %j, which there is not, is refused as unknown', async (field) => {
    const answer = await search(filter(field, 'eq', 'x'));
    expectCrudError(answer, 400, 'database_schema');
    expect(answer.meta.details.code).toBe(1054);
  });

  test('may nest ten deep, and not more', async () => {
    const nested = (depth: number): string =>
      `${'{"and":['.repeat(depth)}{"field":"name","op":"is_not_null"}${']}'.repeat(depth)}`;
    expect((await search(nested(10))).status).toBe(200);
    for (const depth of [11, 12, 40, 60, 5000]) expectCrudError(await search(nested(depth)), 400);
  });

  test('may hold two hundred conditions, and not more', async () => {
    const conditions = (n: number) => ({ or: Array(n).fill({ field: 'name', op: 'is_not_null' }) });
    expect((await search(conditions(200))).status).toBe(200);
    expectCrudError(await search(conditions(201)), 400, 'validation');
    expectCrudError(await search({ q: 'word '.repeat(51) }), 400, 'validation');
  });

  test('may list thousands of values, and is told when they are too many', async () => {
    const ids = (n: number) => [...Array(n).keys()].map((i) => String(i).padStart(11, 'x'));
    for (const field of ['id', 'event_id', 'code']) {
      const found = await search(filter(field, 'in', [...ids(5000), session()]));
      expect({ field, status: found.status, count: found.data.length }).toEqual({
        field,
        status: 200,
        count: field === 'id' ? 1 : 0,
      });
      expect((await search(filter(field, 'not_in', ids(5000)))).status).toBe(200);
    }
    const many = { or: Array(4).fill({ field: 'code', op: 'in', value: ids(9000).map(() => 'x') }) };
    expectCrudError(await search(many), 400, 'validation');
  });

  test('with empty groups finds everything, with an empty list nothing', async () => {
    const all = await search({});
    for (const body of [{ and: [] }, { or: [] }, { and: [], or: [], q: '' }, { q: null }, ''])
      expect((await search(body)).data).toEqual(all.data);
    expect((await search(filter('name', 'in', []))).data).toEqual([]);
    expect((await search(filter('id', 'in', []))).data).toEqual([]);
    expect((await search({ not: { or: [] } })).data).toEqual([]);
  });

  test('may look for words in any of its groups', async () => {
    const ids = async (body: unknown) => (await search(body)).data.map(({ id }: { id: string }) => id).sort();
    const all = await ids({});
    const opening = await ids({ q: 'opening' });
    const coffee = await ids({ q: 'break coffee' });
    const texts = await ids(filter('default_qry_str', 'is_not_null'));
    expect(opening.length * coffee.length).toBeGreaterThan(0);
    expect(await ids({ or: [{ q: 'opening' }, { q: 'coffee break' }] })).toEqual(
      [...new Set([...opening, ...coffee])].sort(),
    );
    expect(await ids({ not: { q: 'opening' } })).toEqual(texts.filter((id: string) => !opening.includes(id)));
    expect(await ids({ and: [{ q: 'opening', or: [{ field: 'id', value: opening[0] }] }] })).toEqual([
      opening[0],
    ]);
    expect(await ids({ and: [{ q: ' ' }] })).toEqual(all);
    expectCrudError(
      await app.staff().rest('POST', '/v3/crud/hosted_file_link/search', { and: [{ q: 'x', or: [] }] }),
      400,
    );
  });

  test('holds together with every parameter of the query', async () => {
    const ids = async (query: string, body: unknown) =>
      (await app.staff().call('POST', `${path}search?enabled=all&hidden=all&${query}`, body)).data.map(
        ({ id }: { id: string }) => id,
      );
    const named = filter('name', 'contains', 'o');
    const both = await ids('', named);
    const words = await ids('q=o', {});
    expect(await ids('q=o', named)).toEqual(both.filter((id: string) => words.includes(id)));
    expect(await ids('q=o', { q: 'e', ...named })).toEqual(
      (await ids('q=o%20e', named)).filter((id: string) => both.includes(id)),
    );
    const below = await ids(`for_obj_type=event&for_obj_id=${eventId()}`, {});
    expect(await ids(`for_obj_type=event&for_obj_id=${eventId()}`, named)).toEqual(
      both.filter((id: string) => below.includes(id)),
    );
    expect(await ids(`for_obj_type=event&for_obj_id=${eventId()}`, { or: [named, {}] })).toEqual(below);
    expect(
      (
        await app
          .staff()
          .call('POST', `${path}search?enabled=not_enabled&hidden=all`, filter('enable', 'eq', true))
      ).data,
    ).toEqual([]);
  });

  test('takes match for contains, and any case of an operator', async () => {
    const contains = await search(filter('name', 'contains', 'o'));
    expect(contains.data.length).toBeGreaterThan(0);
    for (const op of ['match', 'CONTAINS', 'Match'])
      expect((await search(filter('name', op, 'o'))).data).toEqual(contains.data);
    expect((await search({ and: [{ field: 'enable', value: true }] })).status).toBe(200);
  });
});
