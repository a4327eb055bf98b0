import { entityOf } from '../../src/kernel/entity';
import { keepsRows, useApp } from '../support/app';
import { graph } from '../support/graph';

const app = useApp({ rows: 2 });
keepsRows(app);
const idOf = (type: string): string => app.here.rows[type]![0]!.id;

describe('what is no id', () => {
  const spelled = (id: string, pk: unknown): unknown[] => [
    ...[`1abc`, '01', '1', '0', '-1', '1.0', '1e0', '0x1', ' 1', '1 ', '+1', '١', '１', '1;', String(pk)],
    ...[
      ` ${id}`,
      `${id} `,
      `${id}\0`,
      `${id}%`,
      `${id}'`,
      `${id.slice(0, -1)}_`,
      `${id.slice(0, -1)}?`,
      '%'.repeat(11),
    ],
    ...[
      '_'.repeat(11),
      'x'.repeat(10_000),
      '١'.repeat(11),
      id.normalize('NFKD').replace(/./g, '$&\u0301'),
      'true',
    ],
    ...[
      'null',
      'undefined',
      'NaN',
      '[object Object]',
      '__proto__',
      'constructor',
      `["${id}"]`,
      `{"eq":"${id}"}`,
    ],
  ];
  const strange = (id: string, pk: unknown): unknown[] => [
    ...[
      1,
      0,
      -1,
      1.5,
      true,
      false,
      pk,
      [],
      {},
      [id],
      [[id]],
      { id },
      { eq: id },
      { $ne: null },
      { length: 11 },
    ],
    ...[{ toString: id }, [1], { 0: id }, [id, id]],
  ];
  let pk: unknown;
  const id = () => idOf('event');
  beforeAll(async () => {
    pk = (await app.rowOf('event', id()))!.id;
  });

  test('names nothing in a path', async () => {
    for (const wrong of spelled(id(), pk)) {
      const part = encodeURIComponent(String(wrong));
      for (const path of [`event/${part}`, `event/${part}/session/`, `event/${id()}/session/${part}`]) {
        const { status, data } = await app.root().rest('GET', `/v3/crud/${path}`);
        expect({ path, found: [404, 422, 431].includes(status) ? undefined : data }).toEqual({ path });
      }
      const { status } = await app.root().rest('GET', `/v3/action/hosted_file/${part}/download`);
      expect([404, 422, 431]).toContain(status);
    }
    for (const path of [`event/${id()}%00`, `event/%20${id()}`, `event/${id()}%0a`, `event//${id()}`])
      expect([404, 422]).toContain((await app.root().rest('GET', `/v3/crud/${path}`)).status);
  });

  test('names nothing in a body or a query, and writes nothing', async () => {
    for (const wrong of [...spelled(id(), pk), ...strange(id(), pk)]) {
      const made = await app.root().rest('POST', '/v3/crud/event_location/', { event_id: wrong });
      expect({ wrong, status: made.status }).toEqual({ wrong, status: 400 });
      const both = await app.root().rest('POST', '/v3/crud/event_location/', { event_id_random: wrong });
      expect({ wrong, status: both.status }).toEqual({ wrong, status: 400 });
      const search = await app.root().rest('POST', '/v3/crud/event_session/search', {
        and: [{ field: 'event_id', op: 'eq', value: wrong }],
      });
      // What has the form of an id, and is none, finds nothing.
      expect({ wrong, found: search.status === 200 ? search.data : [] }).toEqual({ wrong, found: [] });
      expect([200, 400]).toContain(search.status);
      const text = encodeURIComponent(typeof wrong === 'object' ? JSON.stringify(wrong) : String(wrong));
      const asked = await app
        .root()
        .rest('GET', `/v3/crud/event_session/?for_obj_type=event&for_obj_id=${text}`);
      expect({ wrong, found: asked.status === 200 ? asked.data : [] }).toEqual({ wrong, found: [] });
      expect([200, 400, 431]).toContain(asked.status);
      const signed = await app
        .guest()
        .rest('POST', '/v3/action/user/authenticate', { user_id: wrong, auth_key: 'x' });
      expect([403, 422, 429]).toContain(signed.status);
      const site = await app
        .guest()
        .rest('POST', '/v3/action/auth/authenticate_passcode', { site_id: wrong, passcode: 'x'.repeat(5) });
      expect([404, 422]).toContain(site.status);
    }
  });

  test('names nothing in the graph', async () => {
    const queries = [
      'query ($id: ID!) { found: event(id: $id) { id } }',
      'query ($id: ID!) { found: node(id: $id, type: event) { id } }',
      'query ($id: ID!) { found: nodes(ids: [$id], type: event) { id } }',
      'query ($id: [ID!]!) { found: nodes(ids: $id, type: event) { id } }',
      'query ($id: ID!) { found: events(filter: { id: { eq: $id } }) { nodes { id } } }',
      'query ($id: ID!) { found: eventSessions(filter: { eventId: { in: [$id] } }) { nodes { id } } }',
      'query ($id: ID!) { found: explainAccess(type: event, id: $id) { allowed } }',
      'query ($id: ID!) { found: keyUsage(keyId: $id) { uses { type } } }',
      'mutation ($id: ID!) { found: updateEvent(id: $id, input: { name: "taken" }) { event { id } } }',
      'mutation ($id: ID!) { found: removeEvents(filter: { id: { eq: $id } }, method: DELETE) { nodes { id } } }',
      'mutation ($id: ID!) { found: issueApiKeySecret(id: $id) { secretKey } }',
    ];
    for (const query of queries)
      for (const wrong of [...spelled(id(), pk), ...strange(id(), pk)]) {
        // Where a list is asked for, one id is a list of it.
        if (query.includes('[ID!]!') && Array.isArray(wrong) && wrong.every((each) => each === id()))
          continue;
        const { data, errors } = await app.root().graphql(query, { id: wrong });
        const codes = (errors ?? []).map(({ extensions }) => String(extensions.code));
        expect({
          query,
          wrong,
          found: [data?.found?.nodes ?? data?.found ?? []].flat().filter(Boolean),
        }).toEqual({
          ...{ query, wrong, found: [] },
        });
        for (const code of codes) expect(['NOT_FOUND', 'BAD_USER_INPUT']).toContain(code);
      }
    const ofAnother = await app
      .root()
      .graphql('query ($id: String!) { event(id: $id) { id } }', { id: id() });
    expect(ofAnother.code).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await app.rowOf('event', id())).toMatchObject({ id: pk });
  });
});

describe('operators in values', () => {
  const injections: unknown[] = [
    ...[{ $ne: null }, { $gt: '' }, { $regex: '.*' }, { like: '%' }, { ne: null }, { or: [] }, ['%'], [], {}],
    ...[{ toString: '%' }, { valueOf: 1 }, { length: 1, 0: '%' }, { '': '%' }, true, 0],
  ];

  test('sign nobody in, and find nobody', async () => {
    const before = await app.rowOf('user', idOf('user'));
    for (const value of injections)
      for (const [path, body] of [
        ['user/authenticate', { username: value, password: value }],
        ['user/authenticate', { username: app.here.rows.user![0]!.values.username, password: value }],
        ['user/authenticate', { user_id: idOf('user'), auth_key: value }],
        ['user/verify_password', { user_id: idOf('user'), password: value }],
        [`user/${idOf('user')}/change_password`, { password: 'new and long', current_password: value }],
        ['auth/authenticate_passcode', { site_id: idOf('site'), passcode: value }],
      ] as const)
        expect({
          path,
          value,
          status: (await app.guest().rest('POST', `/v3/action/${path}`, body)).status,
        }).toEqual({
          ...{ path, value, status: 422 },
        });
    expect(await app.rowOf('user', idOf('user'))).toEqual(before);
  });

  test('are no conditions in a search, and no values in a body', async () => {
    for (const value of injections.filter((each) => typeof each === 'object')) {
      for (const filter of [
        { field: 'name', value },
        { field: value },
        { field: 'name', op: value, value: 'x' },
        value,
      ])
        expect(
          (await app.staff().rest('POST', '/v3/crud/event/search', { and: [filter, filter] })).status,
        ).not.toBe(500);
      const found = await app
        .staff()
        .rest('POST', '/v3/crud/event/search', { and: [{ field: 'name', op: 'eq', value }] });
      expect({ value, status: found.status }).toEqual({ value, status: 400 });
      const changed = await app
        .root()
        .rest('PATCH', `/v3/crud/event/${idOf('event')}`, { name: value, sort: value });
      expect({ value, status: changed.status }).toEqual({ value, status: 400 });
      const { code } = await graph.list(app.root(), entityOf('event'), { filter: { name: { eq: value } } });
      expect({ value, code }).toEqual({ value, code: 'BAD_USER_INPUT' });
    }
  });

  test('of prototypes are data where data is kept, and poison nothing anywhere', async () => {
    const text =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}},"a":{"__proto__":{"level":"super"}}}';
    const poison = JSON.parse(text) as unknown;
    const path = `/v3/crud/event/${idOf('event')}`;
    const held = app.here.rows.event![0]!.values;
    for (const column of ['cfg_json', 'data_json', 'mod_badges_json'])
      for (const sent of [text, poison]) {
        const { data, status } = await app
          .administrator()
          .rest('PATCH', path, JSON.stringify({ [column]: 'x' }).replace('"x"', JSON.stringify(sent)));
        expect({ column, status, kept: JSON.stringify(data[column]) }).toEqual({
          column,
          status: 200,
          kept: text,
        });
      }
    const { errors, data } = await app
      .administrator()
      .graphql(
        `mutation ($data: JSON) { updateEvent(id: "${idOf('event')}", input: { cfgJson: { __proto__: { polluted: 3 }, constructor: 4 }, dataJson: $data }) { event { cfgJson dataJson } } }`,
        { data: poison },
      );
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data.updateEvent.event.dataJson)).toBe(text);
    for (const body of [
      '{"__proto__":{"name":"taken"}}',
      '{"constructor":{"prototype":{"name":"taken"}}}',
      '{"name":"x","__proto__":{"enable":false}}',
    ]) {
      expect((await app.administrator().rest('PATCH', path, body)).status).toBe(400);
      expect((await app.administrator().rest('POST', '/v3/crud/event/search', body)).status).toBe(400);
    }
    const filters = [
      '{"__proto__":{"id":{"isNotNull":true}}}',
      '{"constructor":{"eq":"x"}}',
      '{"name":{"__proto__":"x"}}',
    ];
    for (const filter of filters)
      expect(
        (
          await app.staff().graphql('query ($f: EventFilter) { events(filter: $f) { nodes { id } } }', {
            f: JSON.parse(filter) as unknown,
          })
        ).code,
      ).toBe('BAD_USER_INPUT');
    for (let turn = 0; turn < 7; turn += 1)
      expect(
        (
          await app
            .staff()
            .ask('{ __proto__: viewer { __proto__: level constructor: level toString: level } }')
        ).__proto__,
      ).toMatchObject({ toString: 'trusted' });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((await app.guest().ask('{ viewer { level } }')).viewer.level).toBe('anonymous');
    await graph.update(app.root(), entityOf('event'), idOf('event'), {
      cfgJson: held.cfgJson,
      dataJson: held.dataJson,
    });
  });
});
