import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { entityOf } from '../../src/kernel/entity';
import { levels } from '../../src/kernel/levels';
import { startFakeNovi } from '../../src/novi/fake-server';
import { makeUser } from '../auth/support';
import { keepsRows, keyOf, useApp } from '../support/app';
import { unknownId, type Caller } from '../support/callers';
import { nextNumber, seedMore } from '../support/fixture';

// Wrong tries are not counted with those of other tests.
const app = useApp({ rows: 3, through: (place) => ({ ...place, redisUrl: undefined }) });
const rows = keepsRows(app);
const idOf = (type: string, tenant = app.here): string => tenant.rows[type]![0]!.id;

async function keyWith(values: Record<string, unknown>): Promise<Caller> {
  const publicKey = `attack-${nextNumber()}-key`;
  const always = { enable: true, enableFrom: null, enableTo: null, ratePerMinute: null, originsJson: null };
  await seedMore(app.services, entityOf('api_key'), app.here, [{ ...always, ...values, publicKey }]);
  await rows.settle();
  return app.nobody().with({ 'x-aether-api-key': publicKey, 'x-account-id': app.here.account });
}

describe('a token that is none', () => {
  /** Ids stand in braces, by the type of their object. */
  const doors = (
    [
      ['GET /v3/crud/event/'],
      ['GET /v3/crud/event/{event}'],
      ['HEAD /v3/crud/event/{event}'],
      ['GET /v3/crud/event/schema'],
      ['GET /v3/crud/event/?explain=graphql'],
      ['GET /v3/crud/event/{event}/session/'],
      ['POST /v3/crud/event_location/', { event_id: '{event}', name: 'by nobody' }],
      ['POST /v3/crud/event_location/validate', { event_id: '{event}' }],
      ['POST /v3/crud/site_domain/search', { and: [{ field: 'fqdn', op: 'eq', value: 'x' }] }],
      ['PATCH /v3/crud/event_location/{event_location}', { name: 'by nobody' }],
      ['DELETE /v3/crud/event_location/{event_location}?method=disable'],
      ['GET /v3/action/idaa/novi_member/11111111-1111-4111-8111-111111111111'],
      ['POST /v3/action/auth/authenticate_passcode', { site_id: '{site}', passcode: 'wrong' }],
      ['POST /api/authenticate_passcode', { site_id: '{site}', passcode: 'wrong' }],
      ['POST /v3/action/user/authenticate', { username: 'x', password: 'y' }],
      ['GET /v3/action/user/{user}/new_auth_key'],
      ['POST /v3/action/event_file/upload', {}],
      ['GET /v3/action/hosted_file/{hosted_file}/download'],
      ['GET /v3/action/event_file/{event_file}/download'],
      [`GET /v3/action/hosted_file/hash/${'0'.repeat(64)}/download`],
      ['POST /graphql', { query: '{ viewer { level } }' }],
      ['POST /graphql', { query: 'mutation { refreshToken { jwt } }' }],
      ['GET /graphql?query=%7Bviewer%7Blevel%7D%7D'],
    ] satisfies [door: string, body?: object][]
  ).map(([door, body]) => ({ door, body }));
  const withIds = (text: string): string => text.replace(/\{([a-z_]+)\}/g, (_, type: string) => idOf(type));

  test.each(doors)('opens nothing at $door, whatever the key', async ({ door, body }) => {
    const good = await app.services.tokens.sign({ account_id: app.here.account, trusted: true }, 60);
    const [method, path] = withIds(door).split(' ') as [string, string];
    const sent = body && withIds(JSON.stringify(body));
    const statusOf = async (caller: Caller, url: string): Promise<number> =>
      (await caller.with({ 'apollo-require-preflight': '1' }).rest(method, url, sent)).status;
    const spellings = [
      ...[
        'Bearer',
        'Bearer null',
        'Bearer undefined',
        'bearer x',
        `Bearer ${good}x`,
        `Bearer Bearer ${good}`,
      ],
      ...[`Bearer ${good}, Bearer ${good}`, `Token ${good}`, good, 'Basic dHJ1c3RlZDo=', 'null'],
    ];
    for (const level of ['anonymous', 'super'] as const)
      for (const authorization of spellings)
        expect({
          authorization,
          status: await statusOf(app.as(level).with({ authorization }), path),
        }).toEqual({
          ...{ authorization, status: 401 },
        });
    for (const jwt of ['', 'null', 'a.b.c', `${good}x`])
      expect({
        jwt,
        status: await statusOf(app.root(), `${path}${path.includes('?') ? '&' : '?'}jwt=${jwt}`),
      }).toEqual({
        ...{ jwt, status: 401 },
      });
  });
});

describe('nothing is done for who may not, before they are told so', () => {
  const password = 'correct horse';

  test('a key whose scopes leave users out signs nobody in, uses no key up and gives none', async () => {
    const { hashPassword } = await import('../../src/auth/password');
    const user = await makeUser(app, { passwordHash: await hashPassword(password) });
    const caller = await keyWith({ level: 'administrator', scopesJson: ['event:*', 'account:read'] });
    const { authKey } = (
      await app.administrator().ask(`mutation { newAuthKey(userId: "${user.id}") { authKey } }`)
    ).newAuthKey;
    const before = await app.rowOf('user', user.id);
    for (const mutation of [
      `signIn(username: "${user.username}", password: "${password}") { jwt }`,
      `signIn(userId: "${user.id}", authKey: "${authKey}") { jwt }`,
      `newAuthKey(userId: "${user.id}") { authKey }`,
      `changePassword(userId: "${user.id}", password: "another one")`,
      `verifyPassword(userId: "${user.id}", password: "${password}")`,
      `signOutEverywhere(userId: "${user.id}")`,
      `sendSignInLink(userId: "${user.id}", rootUrl: "https://example.org/")`,
      `signInWithPasscode(siteId: "${idOf('site')}", passcode: "wrong") { jwt }`,
    ]) {
      const { code, data } = await caller.graphql(`mutation { ${mutation} }`);
      expect({ mutation, data: data ?? null }).toEqual({ mutation, data: null });
      expect(['FORBIDDEN', 'UNPROCESSABLE']).toContain(code);
    }
    expect(await app.rowOf('user', user.id)).toEqual(before);
    const reader = await keyWith({ level: 'administrator', scopesJson: ['user:read'] });
    for (const mutation of [
      `newAuthKey(userId: "${user.id}") { authKey }`,
      `changePassword(userId: "${user.id}", password: "another one")`,
      `signOutEverywhere(userId: "${user.id}")`,
    ])
      expect((await reader.graphql(`mutation { ${mutation} }`)).code).toBe('FORBIDDEN');
    expect(await app.rowOf('user', user.id)).toEqual(before);
    const { data } = await app
      .guest()
      .graphql(`mutation { signIn(userId: "${user.id}", authKey: "${authKey}") { user { id } } }`);
    expect(data.signIn.user.id).toBe(user.id);
  });

  test('a file that may not be where it is sent to is neither stored nor linked', async () => {
    const stored = () => readdir(join(app.folder, 'files'), { recursive: true });
    const before = await stored();
    const form = (type: string, id: string) => {
      const data = new FormData();
      data.append('for_type', type);
      data.append('for_id', id);
      data.append('file', new Blob([`%PDF-1.4 ${id}`], { type: 'application/pdf' }), 'slides.pdf');
      return data;
    };
    const targets: [string, string][] = [
      ['event', idOf('event', app.there)],
      ['event_session', idOf('event_session', app.there)],
      ['event_session', unknownId()],
      ['user', idOf('user')],
      ['__proto__', idOf('event')],
    ];
    for (const [type, id] of targets) {
      const answer = await app
        .staff()
        .fetch('/v3/action/event_file/upload', { method: 'POST', body: form(type, id) });
      expect({ type, refused: answer.status >= 400 && answer.status < 500 }).toEqual({ type, refused: true });
      await answer.text();
    }
    expect(await stored()).toEqual(before);
  });
});

describe('what a site says of another server', () => {
  test('is asked at public addresses alone, however they are spelled, and never with the key of the operator', async () => {
    const novi = await startFakeNovi({ apiKey: 'key-of-the-site' });
    const told = await startFakeNovi({ apiKey: 'key-of-the-operator' });
    const grace = '11111111-1111-4111-8111-111111111111';
    const hosts = [
      ...['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', 'localhost', 'LOCALHOST', '[::1]'],
      ...['[::ffff:127.0.0.1]', '0', '0.0.0.0', '①②⑦.⓪.⓪.①', 'user:password@127.0.0.1', '127.0.0.1.'],
    ];
    const others = [
      'http://169.254.169.254/latest',
      'http://10.0.0.1',
      'http://[fd00::1]',
      'http://100.64.0.1',
    ];
    const strange = [
      'file:///etc/passwd',
      'gopher://127.0.0.1',
      '//127.0.0.1',
      '127.0.0.1',
      'javascript:1',
      'http://',
    ];
    const ask = () => app.guest().rest('GET', `/v3/action/idaa/novi_member/${grace}`);
    try {
      for (const root of [...hosts.map((host) => `http://${host}:${novi.port}`), ...others, ...strange]) {
        await app.manager().call('PATCH', `/v3/crud/site/${idOf('site')}`, {
          enable: true,
          cfg_json: { novi_api_root_url: root, novi_idaa_api_key: 'key-of-the-site' },
        });
        app.services.noviSettings = { apiKey: 'key-of-the-operator' };
        const { status, body } = await ask();
        expect({ root, status }).toEqual({ root, status: 503 });
        expect(JSON.stringify(body)).not.toContain('127');
      }
      expect(novi.requests).toEqual([]);
      // What the operator names may be anywhere.
      app.services.noviSettings = { rootUrl: told.url, apiKey: 'key-of-the-operator' };
      expect((await ask()).status).toBe(200);
      expect([novi.requests.length, told.requests.length]).toEqual([0, 1]);
    } finally {
      await Promise.all([novi.close(), told.close()]);
      app.services.noviSettings = {};
    }
  });
});

describe('headers', () => {
  const limited = useApp({
    rows: 1,
    env: { RATE_PER_MINUTE_ADDRESS: '20', INTROSPECTION: 'administrators' },
  });

  test('that change with each call move no rate, whatever the door', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 30; n += 1) {
      const address = `10.0.${n}.1`;
      const caller = limited.guest().with({
        'x-forwarded-for': `${address}, 10.1.1.${n}`,
        'x-real-ip': address,
        'x-client-ip': address,
        'cf-connecting-ip': address,
        'true-client-ip': address,
        'fastly-client-ip': address,
        'x-cluster-client-ip': address,
        'x-original-forwarded-for': address,
        forwarded: `for=${address};by=${address}`,
        via: `1.1 proxy-${n}`,
        'user-agent': `agent ${n}`,
        'x-request-id': `request-${n}`,
        'x-aether-api-key': keyOf(levels[n % levels.length]!),
        'x-account-id': n % 2 === 0 ? limited.here.account : limited.there.account,
      });
      const door = ['/v3/crud/event/', '/graphql', '/v3/action/x', '/openapi.json', '/nowhere'][n % 5]!;
      statuses.push(
        (await caller.rest(n % 5 === 1 ? 'POST' : 'GET', door, n % 5 === 1 ? {} : undefined)).status,
      );
    }
    expect(statuses.slice(0, 20)).not.toContain(429);
    expect(new Set(statuses.slice(20))).toEqual(new Set([429]));
  });
});

describe('with the schema closed', () => {
  const closed = useApp({ rows: 1, env: { INTROSPECTION: 'administrators' } });

  test('nothing of it is told by GET, by fragments, by other names, or by what REST explains', async () => {
    const session = closed.here.rows.event_session![0]!.id;
    const described = await closed.guest().rest('GET', '/v3/crud/event/schema?explain=graphql');
    const questions = [
      '{ __schema { types { name fields { name } } } }',
      '{ x: __type(name: "User") { fields { name } } }',
      'query { ...a } fragment a on Query { ... on Query { __schema { directives { name } } } }',
      'query ($no: Boolean = true) { __schema @include(if: $no) { queryType { name } } }',
      'query a { viewer { level } } query b { __schema { queryType { name } } }',
      '{ _service { sdl } }',
      String(described.data.operation),
    ];
    for (const query of questions) {
      const answers = [
        await closed.guest().graphql(query, {}, query.startsWith('query a') ? 'b' : undefined),
        await closed
          .guest()
          .with({ 'apollo-require-preflight': '1' })
          .rest(
            'GET',
            `/graphql?query=${encodeURIComponent(query)}&operationName=${query.startsWith('query a') ? 'b' : ''}`,
          ),
      ];
      for (const answer of answers)
        expect(answer.data?.x ?? answer.data?.__schema ?? answer.data?.type).toBeUndefined();
    }
    const calls: [string, string, unknown?][] = [
      ['GET', '/v3/crud/evnt/'],
      ['GET', '/v3/crud/event/?order_by_li={"nmae":"ASC"}'],
      ['GET', `/v3/crud/event/${session}/sesion/`],
      ['POST', '/v3/crud/event/search', { and: [{ field: 'nmae', value: 'x' }] }],
      [
        'PATCH',
        `/v3/crud/event_session/${session}`,
        { nmae: 'x', start_datetime: 'soon', sort: 1.5, passcode: {} },
      ],
      ['GET', '/v3/crud/event/?enabled=alll'],
      ['POST', '/v3/action/user/authenticat', {}],
    ];
    for (const [method, path, body] of calls)
      expect(JSON.stringify((await closed.staff().rest(method, path, body)).body)).not.toMatch(
        /did you mean/i,
      );
  });
});
