import { createHash } from 'node:crypto';
import { seed } from '../../seeders/rows';
import { entityOf } from '../../src/kernel/entity';
import { levels } from '../../src/kernel/levels';
import { keyOf, useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { expectActionError, expectCrudError } from '../support/envelopes';
import { seedMore } from '../support/fixture';

const app = useApp({ rows: 2 });
const withKey = (key: string, account: string | null = app.here.account): Caller =>
  app.nobody().with({ 'x-aether-api-key': key, ...(account !== null && { 'x-account-id': account }) });

const day = 86_400_000;
const at = (offset: number): string =>
  new Date(Date.now() + offset).toISOString().slice(0, 23).replace('T', ' ');

beforeAll(async () => {
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  const keys: Record<string, Record<string, unknown>> = {
    disabled: { enable: false },
    expired: { enableTo: at(-day) },
    early: { enableFrom: at(day) },
    current: { enableFrom: at(-day), enableTo: at(day) },
    bound: { accountId: app.here.account },
    platform: { accountId: app.here.account, administrative: true },
    strange: { level: 'no such level' },
    secret: { secretKey: digest('only-its-digest') },
    plain: { secretKey: 'plain-old-secret' },
  };
  await seed(
    app.services,
    Object.entries(keys).map(([name, values]) => ({
      type: 'api_key',
      id: `KeyTest-${name}-0`,
      values: { name, publicKey: `keytest-${name}-key`, level: 'trusted', ...values },
    })),
  );
});

/** A call is refused alike at every door. */
async function expectRefused(caller: Caller, status: number, code: string, reason: RegExp): Promise<void> {
  const crud = await caller.rest('GET', '/v3/crud/event/');
  if (status === 422) expect(crud.status).toBe(422);
  else expectCrudError(crud, status, status === 401 ? 'unauthenticated' : 'forbidden');
  expect(crud.meta.status_message).toMatch(reason);
  expectActionError(
    await caller.rest('GET', '/v3/action/idaa/novi_member/11111111-1111-4111-8111-111111111111'),
    status,
  );
  const graphql = await caller.graphql('{ viewer { level } }');
  expect(graphql).toMatchObject({ status, code, errors: [{ message: expect.stringMatching(reason) }] });
  expect(graphql.data ?? null).toBeNull();
}

describe('a key', () => {
  test('is needed', () => expectRefused(app.nobody(), 403, 'FORBIDDEN', /key is needed/));

  test.each([
    ['that nobody knows', 'not-a-known-key', /not known/],
    ['in another case', keyOf('trusted').toUpperCase(), /not known/],
    ['with a character more', `${keyOf('trusted')}x`, /not known/],
    ['beyond ASCII', 'ключ-ключ-ключ'.normalize(), /not known|characters/],
    ['that is SQL', "' OR '1'='1' --", /not known/],
    ['that is disabled', 'keytest-disabled-key', /disabled/],
    ['that has expired', 'keytest-expired-key', /expired/],
    ['that is not valid yet', 'keytest-early-key', /not valid yet/],
  ])('%s is refused', async (_what, key, reason) => {
    const sent = /^[\x20-\x7e]*$/.test(key) ? key : Buffer.from(key, 'utf8').toString('latin1');
    const caller = withKey(sent);
    const { status } = await caller.rest('GET', '/v3/crud/event/');
    await expectRefused(
      caller,
      status === 422 ? 422 : 403,
      status === 422 ? 'UNPROCESSABLE' : 'FORBIDDEN',
      reason,
    );
  });

  test.each(['x', 'ten-chars1', 'x'.repeat(23), 'x'.repeat(500)])('of the wrong length is 422: %s', (key) =>
    expectRefused(withKey(key), 422, 'UNPROCESSABLE', /11 to 22/),
  );

  test('that is valid now is let in', async () => {
    expect((await withKey('keytest-current-key').rest('GET', '/v3/crud/event/')).status).toBe(200);
  });

  test('may stand in the query, and the header wins', async () => {
    const account = { 'x-account-id': app.here.account };
    const inQuery = app.nobody().with(account);
    expect((await inQuery.rest('GET', `/v3/crud/event/?api_key=${keyOf('trusted')}`)).status).toBe(200);
    expect((await inQuery.rest('GET', '/v3/crud/event/?api_key=not-a-known-key')).status).toBe(403);
    expect(
      (await withKey('not-a-known-key').rest('GET', `/v3/crud/event/?api_key=${keyOf('trusted')}`)).status,
    ).toBe(403);
    expect((await app.staff().rest('GET', '/v3/crud/event/?api_key=not-a-known-key')).status).toBe(200);
  });

  test('may be the secret one, of which only a digest is kept', async () => {
    expect((await withKey('only-its-digest').rest('GET', '/v3/crud/person/')).status).toBe(200);
    expect((await withKey('plain-old-secret').rest('GET', '/v3/crud/person/')).status).toBe(200);
    const digest = createHash('sha256').update('only-its-digest').digest('hex');
    expect((await withKey(digest.slice(0, 22)).rest('GET', '/v3/crud/person/')).status).toBe(403);
    const kept = (await app.rowOf('api_key', 'KeyTest-plain-0'))!.secret_key;
    expect(kept).toBe(createHash('sha256').update('plain-old-secret').digest('hex'));
    app.services.viewers.forget();
    expect((await withKey('plain-old-secret').rest('GET', '/v3/crud/person/')).status).toBe(200);
  });

  test('is given a secret that is shown once, a new one in its place, and is taken back for good', async () => {
    const given = { level: 'trusted', enable: true, enableFrom: null, enableTo: null };
    const [made] = await seedMore(app.services, entityOf('api_key'), app.here, [given]);
    const issue = async (): Promise<string> => {
      const { issueApiKeySecret: issued } = await app
        .administrator()
        .ask(`mutation { issueApiKeySecret(id: "${made!.id}") { secretKey apiKey { id } } }`);
      expect(issued).toEqual({ secretKey: expect.stringMatching(/^[\w-]{22}$/), apiKey: { id: made!.id } });
      return issued.secretKey as string;
    };
    const statusOf = async (key: string) => (await withKey(key).rest('GET', '/v3/crud/event/')).status;
    const first = await issue();
    expect(await statusOf(first)).toBe(200);
    expect(JSON.stringify(await app.rowOf('api_key', made!.id))).not.toContain(first);
    const second = await issue();
    expect([await statusOf(first), await statusOf(second)]).toEqual([403, 200]);
    for (const caller of [app.staff(), app.otherAccount()])
      for (const what of ['issueApiKeySecret', 'revokeApiKey'])
        expect((await caller.graphql(`mutation { ${what}(id: "${made!.id}") { __typename } }`)).code).toBe(
          'FORBIDDEN',
        );
    expect(await statusOf(second)).toBe(200);
    const revoked = await app
      .administrator()
      .ask(`mutation { revokeApiKey(id: "${made!.id}") { id enable } }`);
    expect(revoked).toEqual({ revokeApiKey: { id: made!.id, enable: false } });
    expect([await statusOf(second), await statusOf(String(made!.values.publicKey))]).toEqual([403, 403]);
    expect(await app.rowOf('api_key', made!.id)).toMatchObject({ secret_key: null });
  });

  test('takes origins that are origins', async () => {
    const make = (origins: unknown) =>
      app.administrator().rest('POST', '/v3/crud/api_key/', {
        public_key: `origins-${String(Math.random()).slice(2, 12)}`,
        level: 'trusted',
        origins_json: origins,
      });
    for (const origins of [
      'https://example.org',
      {},
      ['example.org'],
      ['https://example.org/page'],
      [1],
      ['*'],
    ])
      expect({ origins, status: (await make(origins)).status }).toEqual({ origins, status: 400 });
    for (const origins of [null, [], ['https://example.org', 'http://localhost:5173']])
      expect((await make(origins)).status).toBe(200);
  });

  test("of a higher level than one's own is touched by nobody", async () => {
    const [made] = await seedMore(app.services, entityOf('api_key'), app.here, [{ level: 'manager' }]);
    const { id } = made!;
    const before = await app.rowOf('api_key', id);
    for (const document of [
      `updateApiKey(id: "${id}", input: { publicKey: "taken-over-key" })`,
      `updateApiKey(id: "${id}", input: { level: "trusted" })`,
      `removeApiKey(id: "${id}", method: DISABLE)`,
      `issueApiKeySecret(id: "${id}")`,
      `revokeApiKey(id: "${id}")`,
    ])
      expect((await app.administrator().graphql(`mutation { ${document} { __typename } }`)).code).toBe(
        'FORBIDDEN',
      );
    expect(await app.rowOf('api_key', id)).toEqual(before);
  });

  test('gives its level, and none when its level is not known', async () => {
    const levelOf = async (caller: Caller) => (await caller.ask('{ viewer { level } }')).viewer.level;
    for (const level of levels) expect(await levelOf(app.as(level))).toBe(level);
    expect(await levelOf(withKey('keytest-strange-key'))).toBe('anonymous');
  });

  test('that belongs to an account opens that one alone', async () => {
    const viewer = async (caller: Caller) =>
      (await caller.ask('{ viewer { account { id } key { name } } }')).viewer;
    expect(await viewer(withKey('keytest-bound-key', null))).toEqual({
      account: { id: app.here.account },
      key: { name: 'bound' },
    });
    expect(await viewer(withKey('keytest-bound-key'))).toMatchObject({ account: { id: app.here.account } });
    await expectRefused(withKey('keytest-bound-key', app.there.account), 403, 'FORBIDDEN', /another account/);
  });

  test('that is switched off works no more from that moment on', async () => {
    const [made] = await seedMore(app.services, entityOf('api_key'), app.here, [
      { level: 'trusted', enable: true, enableFrom: null, enableTo: null },
    ]);
    const { id } = made!;
    const key = String(made!.values.publicKey);
    expect((await withKey(key).rest('GET', '/v3/crud/event/')).status).toBe(200);
    await app.administrator().call('DELETE', `/v3/crud/api_key/${id}?method=disable`);
    expect((await withKey(key).rest('GET', '/v3/crud/event/')).status).toBe(403);
    await app.administrator().call('PATCH', `/v3/crud/api_key/${id}`, { enable: true });
    expect((await withKey(key).rest('GET', '/v3/crud/event/')).status).toBe(200);
  });

  test("of a higher level than one's own is made by nobody", async () => {
    const before = await app.countRows('api_key');
    const make = (caller: Caller, level: string) =>
      caller.rest('POST', '/v3/crud/api_key/', { public_key: `made-${level}-key`, level });
    expect((await make(app.administrator(), 'manager')).status).toBe(403);
    expect((await make(app.administrator(), 'super')).status).toBe(403);
    expect((await make(app.manager(), 'super')).status).toBe(403);
    expect((await make(app.administrator(), 'no such level')).status).toBe(400);
    expect(await app.countRows('api_key')).toBe(before);
    const { data } = await make(app.administrator(), 'administrator');
    const raise = (caller: Caller, level: string) =>
      caller.rest('PATCH', `/v3/crud/api_key/${String(data.id)}`, { level });
    expect((await raise(app.administrator(), 'super')).status).toBe(403);
    expect((await raise(app.administrator(), 'trusted')).status).toBe(200);
    const { code } = await app
      .administrator()
      .graphql(
        `mutation { updateApiKey(id: "${String(data.id)}", input: { level: "super" }) { apiKey { id } } }`,
      );
    expect(code).toBe('FORBIDDEN');
    expect(await app.rowOf('api_key', data.id)).toMatchObject({ level: 'trusted' });
  });
});

test("a user of a higher level than one's own is made by nobody", async () => {
  const before = await app.countRows('user');
  const make = (caller: Caller, flags: object) =>
    caller.rest('POST', '/v3/crud/user/', { username: `user-${String(Math.random())}`, ...flags });
  expect((await make(app.administrator(), { manager: true })).status).toBe(403);
  expect((await make(app.administrator(), { super: true })).status).toBe(403);
  expect((await make(app.manager(), { super: true })).status).toBe(403);
  expect(await app.countRows('user')).toBe(before);
  // False is what it would be anyway.
  const { status, data } = await make(app.administrator(), {
    super: false,
    manager: null,
    administrator: true,
  });
  expect(status).toBe(200);
  const path = `/v3/crud/user/${String(data.id)}`;
  expect((await app.administrator().rest('PATCH', path, { super: true })).status).toBe(403);
  expect(
    (await app.administrator().rest('PATCH', path, { super: false, email: 'a@example.org' })).status,
  ).toBe(200);
  expect((await app.manager().rest('PATCH', path, { manager: true })).status).toBe(200);
  // An administrator does not take a manager's level either.
  expect((await app.administrator().rest('PATCH', path, { manager: false })).status).toBe(403);
});

describe('an account', () => {
  test('that is not there is refused, whatever the header holds', async () => {
    for (const account of ['no-such-account', '1', '0', 'x', "' OR '1'='1", app.here.rows.event![0]!.id])
      await expectRefused(
        app.staff().with({ 'x-account-id': account }),
        403,
        'FORBIDDEN',
        /account is not known/,
      );
  });

  test('comes from the header, else from the token, else from nowhere', async () => {
    const accountOf = async (caller: Caller) =>
      (await caller.ask('{ viewer { account { id } } }')).viewer.account?.id ?? null;
    const token = await app.services.tokens.sign({ account_id: app.there.account, trusted: true }, 60);
    const bare = app.nobody().with({ 'x-aether-api-key': keyOf('anonymous') });
    expect(await accountOf(bare)).toBeNull();
    expect(await accountOf(bare.with({ 'x-account-id': app.here.account }))).toBe(app.here.account);
    expect(await accountOf(bare.with({ authorization: `Bearer ${token}` }))).toBe(app.there.account);
    expect(await accountOf(bare.with({ 'x-no-account-id': 'bypass' }))).toBeNull();
    const withToken = bare.with({ authorization: `Bearer ${token}`, 'x-account-id': app.here.account });
    await expectRefused(withToken, 403, 'FORBIDDEN', /another account/);
  });

  test('is not taken from a query parameter called key, nor from a token that is no credential', async () => {
    const bare = app
      .nobody()
      .with({ 'x-aether-api-key': keyOf('trusted'), 'x-aether-api-token': app.here.account });
    const { data, status } = await bare.rest(
      'GET',
      `/v3/crud/event/?key=${app.here.account}&account_id=${app.here.account}`,
    );
    expect({ data, status }).toEqual({ data: [], status: 200 });
  });
});

describe('a token', () => {
  const bearer = (token: string) => app.guest().with({ authorization: `Bearer ${token}` });
  const sign = (claims: object, seconds = 60) =>
    app.services.tokens.sign({ account_id: app.here.account, ...claims }, seconds);
  const levelOf = async (caller: Caller) => (await caller.ask('{ viewer { level } }')).viewer.level;

  test('that is malformed, forged or expired is 401, never a silent guest', async () => {
    const good = await sign({ trusted: true });
    const [head, body, signature] = good.split('.') as [string, string, string];
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
    const forged = [
      'x',
      'a.b.c',
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${encode({ ...claims, super: true })}.${signature}`,
      `${encode({ alg: 'none', typ: 'JWT' })}.${body}.`,
      `${encode({ alg: 'HS512', typ: 'JWT' })}.${body}.${signature}`,
      `${head}.${body}.${signature.slice(0, -2)}AA`,
    ];
    for (const token of forged) await expectRefused(bearer(token), 401, 'UNAUTHENTICATED', /not valid/);
    await expectRefused(bearer(await sign({ trusted: true }, -10)), 401, 'UNAUTHENTICATED', /expired/);
    await expectRefused(
      app.guest().with({ authorization: 'Basic dXNlcjpwYXNz' }),
      401,
      'UNAUTHENTICATED',
      /bearer/,
    );
    expect(await levelOf(bearer(good))).toBe('trusted');
  });

  test('may stand in the query, where headers cannot be set', async () => {
    const token = await sign({ trusted: true });
    expect((await app.guest().rest('GET', `/v3/crud/person/?jwt=${token}`)).status).toBe(200);
    expect((await app.guest().rest('GET', '/v3/crud/person/?jwt=nonsense')).status).toBe(401);
  });

  test('carries its expiry twice, for old programs', async () => {
    const token = await sign({ trusted: true }, 3600);
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<
      string,
      number
    >;
    expect(claims.exp).toBe(claims.eat);
    expect(claims.exp! - claims.iat!).toBe(3600);
  });

  test('of a passcode gives the level in it; roles that are not true give none', async () => {
    for (const level of levels) expect(await levelOf(bearer(await sign({ [level]: true })))).toBe(level);
    for (const claims of [{}, { super: 'true' }, { super: 1 }, { administrator: false }])
      expect(await levelOf(bearer(await sign(claims)))).toBe('anonymous');
    expect(await levelOf(bearer(await sign({ trusted: true, manager: true })))).toBe('manager');
  });

  test('of a user gives what the user is now, whatever the token says', async () => {
    const user = async (values: object): Promise<string> => {
      const flags = {
        super: false,
        manager: false,
        administrator: false,
        trusted: false,
        enable: true,
        enableFrom: null,
        enableTo: null,
      };
      const [made] = await seedMore(app.services, entityOf('user'), app.here, [{ ...flags, ...values }]);
      return made!.id;
    };
    const asUser = async (id: string, claims: object = {}) =>
      bearer(await sign({ user_id: id, super: true, ...claims }));
    expect(await levelOf(await asUser(await user({})))).toBe('authenticated');
    expect(await levelOf(await asUser(await user({ trusted: true })))).toBe('trusted');
    expect(await levelOf(await asUser(await user({ manager: true, trusted: true })))).toBe('manager');

    const id = await user({ administrator: true });
    expect(await levelOf(await asUser(id))).toBe('administrator');
    await app.manager().call('PATCH', `/v3/crud/user/${id}`, { administrator: false });
    expect(await levelOf(await asUser(id))).toBe('authenticated');
    await app.manager().call('DELETE', `/v3/crud/user/${id}?method=disable`);
    await expectRefused(await asUser(id), 401, 'UNAUTHENTICATED', /no longer active/);
    await expectRefused(await asUser('nobody-at-all'), 401, 'UNAUTHENTICATED', /no longer active/);
    const late = await user({ enableTo: '2020-01-01T00:00:00.000Z' });
    expect((await (await asUser(late)).rest('GET', '/v3/crud/event/')).status).toBe(403);
  });

  test('of a user of another account opens neither that account nor this one', async () => {
    const [stranger] = await seedMore(app.services, entityOf('user'), app.there, [
      { super: false, manager: true, enable: true, enableFrom: null, enableTo: null },
    ]);
    const token = await sign({ user_id: stranger!.id });
    await expectRefused(bearer(token), 403, 'FORBIDDEN', /another account/);
  });

  test('for an account that is not there is refused', async () => {
    const token = await app.services.tokens.sign({ account_id: 'no-such-account', trusted: true }, 60);
    const caller = app
      .nobody()
      .with({ 'x-aether-api-key': keyOf('anonymous'), authorization: `Bearer ${token}` });
    await expectRefused(caller, 403, 'FORBIDDEN', /account is not known/);
  });
});

test('super may cross into another account by id, and is logged; nobody else may', async () => {
  const { id } = app.there.rows.event![0]!;
  const read = await app.root().rest('GET', `/v3/crud/event/${id}`);
  expect(read).toMatchObject({ status: 200, data: { id, account_id: app.there.account } });
  for (const level of levels.filter((each) => each !== 'super'))
    expect((await app.as(level).rest('GET', `/v3/crud/event/${id}`)).status).toBe(403);
});

describe('who says that there is no account', () => {
  const bypass = { 'x-no-account-id': 'Nothing to See Here' };
  const accountOf = async (caller: Caller) =>
    (await caller.ask('{ viewer { account { id } } }')).viewer.account;

  test('is in the account of the key all the same, unless the key administers the platform', async () => {
    const administrative = withKey('keytest-platform-key', null);
    expect(await accountOf(withKey('keytest-bound-key', null).with(bypass))).toEqual({
      id: app.here.account,
    });
    expect(await accountOf(administrative)).toEqual({ id: app.here.account });
    expect(await accountOf(administrative.with(bypass))).toBeNull();
  });

  test('is told nothing of other accounts with a key of one', async () => {
    const there = app.there.rows.event_device![0]!.id;
    for (const name of ['bound', 'platform']) {
      const key = withKey(`keytest-${name}-key`, null).with(bypass);
      expect((await key.rest('GET', `/v3/crud/event_device/${there}`)).status).toBe(403);
    }
  });

  test('is where it says to be when it names an account after all', async () => {
    const caller = app.as('trusted').with(bypass);
    expect(await accountOf(caller)).toEqual({ id: app.here.account });
    const there = app.there.rows.event_device![0]!.id;
    expect((await caller.rest('GET', `/v3/crud/event_device/${there}`)).status).toBe(403);
  });
});
