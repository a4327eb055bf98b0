import fc from 'fast-check';
import { allEntities, entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import { unknownId, type Caller, type RestAnswer } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { graph } from '../support/graph';
import { oldBases } from '../support/legacy';
import { filterOf, orderBy, orderByLi, ordersOf, questionsOf, searchOf, seed } from '../support/questions';
import { readWorld, type World } from '../support/reference';
import { bodyOf, recordOf } from '../support/rest';

const app = useApp({ rows: 12 });
const types = allEntities().map(({ table }) => table);
/** Questions over all types and all old paths. */
const runs = Math.ceil(400 / types.length);

let world: World;
beforeAll(async () => {
  world = await readWorld(app);
});

const idsOf = (list: Values[]) => list.map(({ id }) => id);

/** What an answer is to its caller; each write has a moment of its own. */
const seen = ({ status, body, headers }: RestAnswer): Values => ({
  status,
  body: JSON.parse(
    JSON.stringify(body ?? null, (key, value: unknown) => (key === 'updated_on' ? null : value)),
  ),
  etag: headers.get('etag') !== null,
});

/** Sends both calls, and makes sure that they are answered alike. */
async function alike(
  caller: Caller,
  method: string,
  old: string,
  successor: [method: string, path: string, body?: unknown],
  { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<RestAnswer> {
  const answer = await caller.rest(method, old, body, headers);
  const twin = await caller.rest(...successor);
  expect({ method, old, ...seen(answer) }).toEqual({ method, old, ...seen(twin) });
  return answer;
}

describe.each(types)('%s at the old paths', (type) => {
  const entity = entityOf(type);
  const v3 = `/v3/crud/${type}`;
  const id = () => app.here.rows[type]![0]!.id;
  const body = () => bodyOf(entity, valuesFor(entity, app.here, nextNumber()));
  const change = entity.attributes.has('name') ? { name: 'renamed' } : {};

  test('lists answer the same question as the search that replaces them, and as the graph', async () => {
    const question = fc.record({
      base: fc.constantFrom(...oldBases),
      question: questionsOf(entity, world),
      order: ordersOf(entity, 2),
      enabled: fc.constantFrom('enabled', 'not_enabled', 'all'),
      hidden: fc.constantFrom('not_hidden', 'hidden', 'all'),
      limit: fc.integer({ min: 0, max: 15 }),
      offset: fc.integer({ min: 0, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ base, question: asked, order, enabled, hidden, limit, offset }) => {
        const query = new URLSearchParams({ enabled, hidden, limit: String(limit), offset: String(offset) });
        const sort = orderByLi(order);
        const search = { and: [searchOf(asked)] };
        const old = new URLSearchParams([...query, ['jp', JSON.stringify(search)]]);
        if (order.length > 0) query.set('order_by_li', sort);
        const { data } = await alike(
          app.root(),
          'GET',
          `${base}/${type}/list?${old.toString()}`,
          ['POST', `${v3}/search?${query.toString()}`, search],
          { headers: order.length > 0 ? { order_by_li: sort } : {} },
        );
        const answer = await graph.list(
          app.root(),
          entity,
          {
            filter: filterOf(asked),
            orderBy: orderBy(order),
            enabled: enabled.toUpperCase(),
            hidden: hidden.toUpperCase(),
            first: limit,
            offset,
          },
          'nodes { id }',
        );
        expect(answer.errors).toBeUndefined();
        expect(idsOf(data)).toEqual(idsOf(answer.data.list.nodes));
      }),
      { numRuns: runs, seed },
    );
  });

  test('a record is read as the graph has it', async () => {
    const { data } = await graph.read(app.root(), entity, id());
    for (const base of oldBases) {
      const answer = await alike(app.root(), 'GET', `${base}/${type}/${id()}`, ['GET', `${v3}/${id()}`]);
      expect(answer.data).toEqual(recordOf(entity, data.object));
      await alike(app.root(), 'GET', `${base}/${type}/${id()}/`, ['GET', `${v3}/${id()}`]);
    }
  });

  test('a record is made, changed and removed', async () => {
    if (entity.access.create === 'never') return;
    for (const base of oldBases) {
      const made = await app.root().rest('POST', `${base}/${type}`, body());
      expect(made.status).toBe(200);
      const { id: made_id } = made.data;
      expect(made.data).toEqual((await app.root().call('GET', `${v3}/${made_id}`)).data);

      const changed = await app.root().rest('PATCH', `${base}/${type}/${made_id}`, change);
      expect(changed.status).toBe(200);
      expect(changed.data).toMatchObject(change);
      expect(changed.data).toEqual((await app.root().call('GET', `${v3}/${made_id}`)).data);

      // A file alone is removed otherwise there.
      const stays = type === 'hosted_file' && (base === '' || base === '/api');
      const removed = await app.root().rest('DELETE', `${base}/${type}/${made_id}?method=delete`);
      expect(removed.status).toBe(stays ? 405 : 200);
      expect((await app.root().rest('GET', `${v3}/${made_id}`)).status).toBe(stays ? 200 : 404);
    }
  });

  test('whoever calls is told what the newer path tells, and no more', async () => {
    const callers: Caller[] = [
      app.nobody(),
      app.guest(),
      app.as('authenticated'),
      app.staff(),
      app.as('manager', null),
      app.otherAccount(),
      app.staff().with({ 'x-aether-api-key': 'unknown-key-00' }),
      app.staff().with({ authorization: 'Bearer nonsense' }),
      await app.signedIn('trusted', { account: app.there.account }),
    ];
    const base = oldBases[types.indexOf(type) % oldBases.length]!;
    for (const caller of callers) {
      await alike(caller, 'GET', `${base}/${type}/list`, ['GET', `${v3}/`]);
      await alike(caller, 'GET', `${base}/${type}/${id()}`, ['GET', `${v3}/${id()}`]);
      const jp = encodeURIComponent(JSON.stringify({ id: id() }));
      await alike(caller, 'GET', `${base}/${type}/list?jp=${jp}`, [
        'POST',
        `${v3}/search`,
        { and: [{ field: 'id', op: 'eq', value: id() }] },
      ]);
      await alike(caller, 'PATCH', `${base}/${type}/${id()}`, ['PATCH', `${v3}/${id()}`, {}], { body: {} });
    }
    // What callers may not do they do not do here.
    const before = await app.rowOf(type, id());
    for (const caller of [app.guest(), app.otherAccount(), app.nobody()]) {
      const refused = await caller.rest('DELETE', `/v2/crud/${type}/${id()}?method=delete`);
      expect([401, 403]).toContain(refused.status);
      expect((await caller.rest('PATCH', `/crud/${type}/${id()}`, change)).status).toBe(403);
    }
    for (const caller of [app.guest(), app.nobody(), app.as('manager', null)])
      await alike(caller, 'POST', `/${type}`, ['POST', `${v3}/`, {}], { body: {} });
    expect(await app.rowOf(type, id())).toEqual(before);
  });
});

describe('parameters of the old paths', () => {
  const session = () => app.here.rows.event_session![0]!;
  const event = () => app.here.rows.event![0]!.id;
  const list = '/v3/crud/event_session/';

  test.each([
    'tbl_alt=alt',
    'mdl_alt=x',
    'use_alt_tbl=1',
    'use_alt_mdl=true',
    'use_alt_table=yes',
    'use_alt_base=True',
  ])('%s is the view "alt"', async (query) => {
    for (const base of oldBases) {
      await alike(app.staff(), 'GET', `${base}/event_session/list?${query}`, ['GET', `${list}?view=alt`]);
      await alike(app.staff(), 'GET', `${base}/event_session/${session().id}?${query}`, [
        'GET',
        `${list}${session().id}?view=alt`,
      ]);
    }
    const plain = await app.staff().call('GET', `${list}${session().id}`);
    const alt = await app.staff().call('GET', `/v2/crud/event_session/${session().id}?${query}`);
    expect(Object.keys(alt.data).length).toBeLessThan(Object.keys(plain.data).length);
  });

  test.each([
    'tbl_alt=default',
    'mdl_alt=',
    'use_alt_tbl=0',
    'use_alt_mdl=false',
    'use_alt_table=no',
    'nothing=1',
  ])('%s is the usual one', (query) =>
    alike(app.staff(), 'GET', `/v2/crud/event_session/list?${query}`, ['GET', list]),
  );

  test.each([
    'enabled=all&hidden=all',
    'limit=3&offset=2',
    'q=opening',
    'inc_file_count=true',
    'inc_event=true&inc_nothing=1',
    'view=detail',
    'limit=x',
    'enabled=perhaps',
    'for_obj_type=event',
    'explain=graphql',
    'order_by_li={"name":"DESC"}',
    'order_by_li={"nothing":"DESC"}',
  ])('%s means what it means in /v3/crud', async (query) => {
    for (const base of oldBases)
      await alike(app.staff(), 'GET', `${base}/event_session/list?${query}`, ['GET', `${list}?${query}`]);
  });

  test('for_obj_type and for_obj_id find what belongs to an object', async () => {
    const query = `for_obj_type=event&for_obj_id=${String(session().values.eventId)}&enabled=all&hidden=all`;
    const { data } = await alike(app.staff(), 'GET', `/crud/event_session/list?${query}`, [
      'GET',
      `${list}?${query}`,
    ]);
    expect(data.length).toBeGreaterThan(0);
  });

  test('the header order_by_li sorts, unless the query does', async () => {
    const headers = { order_by_li: '{"name":"DESC","id":"ASC"}' };
    const sorted = ['GET', `${list}?order_by_li=${headers.order_by_li}`] as [string, string];
    await alike(app.staff(), 'GET', '/v2/crud/event_session/list', sorted, { headers });
    const other = 'order_by_li={"id":"ASC"}';
    await alike(app.staff(), 'GET', `/event_session/list?${other}`, ['GET', `${list}?${other}`], { headers });
    await alike(app.staff(), 'GET', '/event_session/list', ['GET', `${list}?order_by_li=name`], {
      headers: { order_by_li: 'name' },
    });
  });

  test('jp is the body of a search, or fields with their values', async () => {
    const { name, code } = session().values;
    const search = `${list}search`;
    const eq = (field: string, value: unknown) => ({ field, op: 'eq', value });
    for (const [jp, body] of [
      [{ name }, { and: [eq('name', name)] }],
      [{ name, code }, { and: [eq('name', name), eq('code', code)] }],
      [{ event_id_random: event() }, { and: [eq('event_id', event())] }],
      [{ event_id: [event()] }, { and: [{ field: 'event_id', op: 'in', value: [event()] }] }],
      [{ sort: null }, { and: [eq('sort', null)] }],
      [{ enable: 'true' }, { and: [eq('enable', true)] }],
      [{ q: 'opening' }, { q: 'opening' }],
      [{ and: [eq('name', name)] }, { and: [eq('name', name)] }],
      [{ not: { or: [eq('name', name)] } }, { not: { or: [eq('name', name)] } }],
      [{}, {}],
      // These are wrong, and told of in the same way.
      [{ colour: 'red' }, { and: [eq('colour', 'red')] }],
      [{ name, q: 'x' }, { and: [eq('name', name), eq('q', 'x')] }],
      [{ and: 1 }, { and: 1 }],
      [{ event_id: 'short' }, { and: [eq('event_id', 'short')] }],
      [{ __proto__: null, constructor: 'x' }, { and: [eq('constructor', 'x')] }],
    ] as const)
      for (const base of oldBases) {
        const query = `jp=${encodeURIComponent(JSON.stringify(jp))}`;
        await alike(app.staff(), 'GET', `${base}/event_session/list?${query}`, ['POST', search, body]);
      }
  });

  test.each(['name', '[]', 'null', '"text"', '{"name":', '5'])(
    'jp that is no JSON object is refused: %s',
    async (jp) => {
      const { status, meta } = await app
        .staff()
        .rest('GET', `/v2/crud/event_session/list?jp=${encodeURIComponent(jp)}`);
      expect({ status, details: meta.details }).toEqual({ status: 400, details: { jp: expect.any(String) } });
    },
  );

  test('a browser finds its tenant by the host, with a key alone', async () => {
    const { fqdn } = app.here.rows.site_domain![0]!.values;
    const jp = encodeURIComponent(JSON.stringify({ fqdn }));
    const body = { and: [{ field: 'fqdn', op: 'eq', value: fqdn }] };
    await alike(app.as('anonymous', null), 'GET', `/v2/crud/site_domain/list?jp=${jp}`, [
      'POST',
      '/v3/crud/site_domain/search',
      body,
    ]);
  });

  test('versions, keys of a call, the id alone, and unknown fields are as in /v3/crud', async () => {
    const path = `/v2/crud/event_session/${session().id}`;
    const { headers } = await app.staff().rest('GET', path);
    const etag = headers.get('etag')!;
    expect((await app.staff().rest('GET', path, undefined, { 'if-none-match': etag })).status).toBe(304);
    expect((await app.staff().rest('PATCH', path, {}, { 'if-match': '"another"' })).status).toBe(412);
    expect((await app.staff().call('PATCH', `${path}?return_obj=false`, {})).data).toBe(session().id);
    expect((await app.staff().rest('PATCH', path, { colour: 'red' })).status).toBe(400);
    const ignoring = { 'x-ae-ignore-extra-fields': 'true' };
    expect((await app.staff().rest('PATCH', path, { colour: 'red' }, ignoring)).status).toBe(200);

    const key = { 'idempotency-key': unknownId() };
    const body = { name: 'Once', event_id: event() };
    const first = await app.staff().rest('POST', '/event_session', body, key);
    const again = await app.staff().rest('POST', '/v3/crud/event_session/', body, key);
    expect(again.data.id).toBe(first.data.id);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });
});

describe('paths', () => {
  const event = () => app.here.rows.event![0]!.id;

  test('at the root and under /api are those of the types that there are alone', async () => {
    for (const path of [
      '/nothing/list',
      `/nothing/${event()}`,
      '/api/nothing/list',
      '/list',
      '/api/list',
      '/api',
    ])
      expect((await app.staff().rest('GET', path)).body).toEqual({ detail: `There is nothing at ${path}.` });
    for (const base of ['/v2/crud', '/crud']) {
      const { status, body } = await app.staff().rest('GET', `${base}/nothing/list`);
      expect({ status, data: body.data, category: body.meta.details.category }).toEqual({
        status: 404,
        data: false,
        category: 'not_found',
      });
    }
  });

  test('of newer things are theirs', async () => {
    for (const [path, type] of [
      ['/', 'application/json'],
      ['/health', 'application/json'],
      ['/docs', 'text/html'],
      ['/openapi.json', 'application/json'],
      ['/v3/crud/event/', 'application/json'],
    ] as const) {
      const { status, headers } = await app.staff().rest('GET', path);
      expect({ path, status, old: headers.get('deprecation') }).toEqual({ path, status: 200, old: null });
      expect(headers.get('content-type')).toContain(type);
    }
    // No type may be named as one of them, or its records could not be reached.
    const taken =
      'api assets crud docs graphiql graphql health healthz metrics openapi.json readyz util v2 v3 ws'.split(
        ' ',
      );
    expect(types.filter((type) => taken.includes(type))).toEqual([]);
  });

  test('that are no id of a record are refused, and never the name of something else', async () => {
    for (const [method, id] of [
      ['GET', 'search'],
      ['PATCH', 'validate'],
      ['GET', 'schema'],
      ['DELETE', 'short'],
      ['GET', 'a'.repeat(23)],
    ] as const)
      for (const base of oldBases) {
        const body = method === 'PATCH' ? {} : undefined;
        const { status, meta } = await app.staff().rest(method, `${base}/event/${id}`, body);
        expect({ base, id, status, success: meta.success }).toEqual({
          base,
          id,
          status: 422,
          success: false,
        });
      }
    for (const path of ['/v2/crud//list', '/crud/', '/v2/crud', '/api//list', `/event//${event()}`])
      expect((await app.staff().rest('GET', path)).status).toBe(404);
    expect((await app.staff().rest('GET', '/event/%GG')).status).toBe(400);
  });

  test('are answered with a slash at the end, and to HEAD', async () => {
    for (const base of oldBases) {
      for (const path of [`${base}/event/list`, `${base}/event/${event()}`]) {
        const plain = await app.staff().rest('GET', path);
        const slashed = await app.staff().rest('GET', `${path}/`);
        expect(slashed.body).toEqual(plain.body);
        const head = await app.staff().fetch(path, { method: 'HEAD' });
        expect([head.status, await head.text()]).toEqual([200, '']);
        expect(head.headers.get('content-length')).toBe(plain.headers.get('content-length'));
      }
      const made = await app
        .staff()
        .rest('POST', `${base}/event_location/`, { name: 'A', event_id: event() });
      expect(made.status).toBe(200);
    }
  });
});
