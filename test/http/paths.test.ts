import { keepsRows, useApp } from '../support/app';
import { unknownId } from '../support/callers';
import { expectActionError, expectCrudError, expectHeaders } from '../support/envelopes';

const app = useApp();
const event = () => app.here.rows.event![0]!.id;
const session = () => app.here.rows.event_session![0]!.id;

keepsRows(app);

describe('a path', () => {
  test.each([
    'no_such_type',
    '__proto__',
    'constructor',
    'toString',
    'EventSession',
    'event_session;',
    "event' OR 1=1",
    'event%00',
  ])('to the type %j, which there is not, is 404', async (type) => {
    for (const [method, rest] of [
      ['GET', ''],
      ['POST', ''],
      ['POST', '/search'],
      ['GET', `/${event()}`],
      ['PATCH', `/${event()}`],
      ['DELETE', `/${event()}`],
      ['GET', `/${event()}/event_session`],
    ] as const) {
      const body = method === 'POST' || method === 'PATCH' ? {} : undefined;
      expectCrudError(await app.staff().rest(method, `/v3/crud/${type}${rest}`, body), 404, 'not_found');
    }
  });

  test.each([
    '1',
    '17',
    '0',
    '-1',
    'short',
    'a'.repeat(10),
    'a'.repeat(23),
    'a'.repeat(200),
    'has%20a%20space',
    'with.a.dot.in',
    "1'%20OR%20'1'='1",
    '%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4',
    '日本語日本語日本語日本語',
    '..%2F..%2Fetc%2Fpasswd',
    '%00%00%00%00%00%00%00%00%00%00%00',
  ])('with the id %s, which cannot be one, is 422', async (id) => {
    for (const [method, path, body] of [
      ['GET', `/v3/crud/event/${id}`],
      ['PATCH', `/v3/crud/event/${id}`, {}],
      ['DELETE', `/v3/crud/event/${id}?method=delete`],
      ['GET', `/v3/crud/event/${id}/session`],
      ['POST', `/v3/crud/event/${id}/session/search`, {}],
      ['GET', `/v3/crud/event/${event()}/session/${id}`],
    ] as const)
      expectCrudError(await app.administrator().rest(method, path, body), 422, 'validation');
  });

  test('with an id that nothing has is 404, in whatever case', async () => {
    const id = session();
    const otherCase = id === id.toUpperCase() ? id.toLowerCase() : id.toUpperCase();
    for (const unknown of [unknownId(), otherCase, `${id}a`.slice(0, 22)]) {
      if (unknown === id) continue;
      expectCrudError(await app.staff().rest('GET', `/v3/crud/event_session/${unknown}`), 404, 'not_found');
      expectCrudError(
        await app.staff().rest('PATCH', `/v3/crud/event_session/${unknown}`, {}),
        404,
        'not_found',
      );
    }
    // Asking in another case does not change what is answered afterwards.
    const { data } = await app.staff().call('GET', `/v3/crud/event_session/${id}`);
    expect(data.id).toBe(id);
  });

  test.each([
    '/v3/crud/event/%E0%A4%A',
    '/v3/crud/%',
    '/v3/crud/event/%GG',
    '/v3/crud/event/%C0%AF%C0%AF/session',
    '/v3/crud/event/?q=%E0%A4%A',
  ])('that is badly encoded is a mistake of the caller: %s', async (path) => {
    const answer = await app.staff().rest('GET', path);
    expectHeaders(answer);
    if (path.includes('?')) expect(answer.status).toBeLessThan(500);
    else expectCrudError(answer, 400, 'validation');
  });

  test('may end with a slash or not, is never redirected, and is not guessed', async () => {
    for (const path of ['/v3/crud/event', `/v3/crud/event/${event()}`, `/v3/crud/event/${event()}/session`]) {
      const plain = await app.staff().rest('GET', path);
      const slashed = await app.staff().rest('GET', `${path}/`);
      expect([plain.status, slashed.status]).toEqual([200, 200]);
      expect(slashed.data).toEqual(plain.data);
    }
    for (const path of [
      '/v3/crud',
      '/v3/crud/',
      '/v3/crud//',
      `/v3/crud/event/${event()}/session/${session()}/more`,
    ])
      expectCrudError(await app.staff().rest('GET', path), 404, 'not_found');
  });

  test('to nowhere is 404, in the form of actions', async () => {
    for (const path of ['/v3/action/no_such_action', '/v3/action/', '/v3/nothing', '/v3'])
      expectActionError(await app.staff().rest('GET', path), 404);
    for (const path of ['/nowhere', '/v2/crud', '/v1/crud/event', '/graphql/x', '/.env', '/../etc/passwd'])
      expectActionError(await app.nobody().rest('GET', path), 404);
  });
});

describe('a query parameter', () => {
  test.each([
    'limit=1&limit=2',
    'offset=0&offset=0',
    'enabled=all&enabled=all',
    'q=a&q=b',
    'order_by_li={}&order_by_li={}',
    'for_obj_type=event&for_obj_type=event',
    'enabled=perhaps',
    'hidden=1',
    'enabled=__proto__',
    'limit=-1',
    'limit=abc',
    'limit=1;DROP TABLE event',
    'limit=0x10',
    'offset=99999999999',
    'order_by_li=name',
    'order_by_li=[]',
    'order_by_li=null',
    'order_by_li="name"',
    'order_by_li={"name":"UP"}',
    'order_by_li={"name":null}',
    'order_by_li={"name":"ASC; DROP TABLE event"}',
    'order_by_li={"name":',
    'for_obj_type=event',
    'for_obj_id=abcdefghijk',
    'for_obj_type=event&for_obj_id=1',
    "for_obj_type=event&for_obj_id=1' OR '1'='1",
    'for_obj_type=journal&for_obj_id=abcdefghijk',
    'for_obj_type=__proto__&for_obj_id=abcdefghijk',
  ])('%s is refused', async (query) => {
    expectCrudError(await app.staff().rest('GET', `/v3/crud/event_session/?${encodeURI(query)}`), 400);
    expectCrudError(
      await app.staff().rest('POST', `/v3/crud/event_session/search?${encodeURI(query)}`, {}),
      400,
    );
  });

  test.each([
    'no_such_field',
    '__proto__',
    'constructor',
    'name; DROP TABLE event',
    'event_session.name',
    '(SELECT 1)',
    'pk',
    '',
  ])('that sorts by %j, which there is not, sorts by the rest, and says so', async (field) => {
    const order = encodeURIComponent(`{"${field}":"ASC","name":"DESC"}`);
    const answer = await app.staff().rest('GET', `/v3/crud/event_session/?order_by_li=${order}`);
    expect(answer.status).toBe(200);
    expect(answer.meta.warnings).toEqual([expect.stringContaining(field)]);
    const plain = await app.staff().call('GET', '/v3/crud/event_session/?order_by_li={"name":"DESC"}');
    expect(answer.data).toEqual(plain.data);
    expect(plain.meta.warnings).toBeUndefined();
  });

  test('that is not known is no reason to refuse', async () => {
    for (const query of [
      'utm_source=x',
      'limit[]=5',
      'a[b]=c',
      '__proto__[x]=1',
      'constructor=1',
      '=',
      '&&',
      'key=abc',
    ])
      expect({ query, status: (await app.staff().rest('GET', `/v3/crud/event/?${query}`)).status }).toEqual({
        query,
        status: 200,
      });
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test('return_obj=false answers the id alone', async () => {
    const { data } = await app
      .staff()
      .call('PATCH', `/v3/crud/event_session/${session()}?return_obj=false`, {});
    expect(data).toBe(session());
  });

  test('method must be one of three', async () => {
    for (const method of ['drop', 'DELETE', '__proto__', 'hide&method=hide'])
      expectCrudError(
        await app.administrator().rest('DELETE', `/v3/crud/event_session/${session()}?method=${method}`),
        400,
      );
  });
});

describe('text that looks like SQL', () => {
  const hostile = [
    "'; DROP TABLE session; --",
    '" OR ""="',
    "\\' OR 1=1 #",
    '%27%20OR%201',
    'x\u0000y',
    '1;SELECT SLEEP(5)',
    '$' + '{7*7}',
    '{{7*7}}',
    "'||(SELECT 1)||'",
  ];

  test.each(hostile)('%j is only text, wherever it stands', async (text) => {
    const encoded = encodeURIComponent(text);
    const list = await app.staff().rest('GET', `/v3/crud/event_session/?q=${encoded}`);
    expect({ status: list.status, data: list.data }).toEqual({ status: 200, data: [] });
    for (const op of ['eq', 'contains', 'startswith', 'endswith', 'like', 'gt']) {
      const found = await app
        .staff()
        .rest('POST', '/v3/crud/event_session/search', { and: [{ field: 'code', op, value: text }] });
      expect({ op, status: found.status }).toEqual({ op, status: 200 });
    }
    const within = await app
      .staff()
      .rest('POST', '/v3/crud/event_session/search', { and: [{ field: 'code', op: 'in', value: [text] }] });
    expect(within.data).toEqual([]);
    expect((await app.staff().rest('GET', `/v3/crud/event/${encoded}`)).status).toBe(422);
    const { code } = await app.staff().graphql('query ($id: ID!) { event(id: $id) { id } }', { id: text });
    expect(code).toBe('NOT_FOUND');
  });
});
