import { entityOf } from '../../src/kernel/entity';
import { keyOf, useApp } from '../support/app';
import { unknownId, type Caller } from '../support/callers';
import { seedMore } from '../support/fixture';
import { behindProxy, claimsOf, elsewhere } from './support';

const app = useApp({ rows: 2, ...behindProxy });
const path = '/v3/action/auth/authenticate_passcode';
const codes = {
  super: 'code-super',
  manager: 'code-manager',
  administrator: 'code-administrator',
  trusted: 'code-trusted',
  public: 'code-public',
  authenticated: 'code-authenticated',
};
const visitor = () => elsewhere(app.nobody().with({ 'x-aether-api-key': keyOf('anonymous') }));

const makeSite = async (accessCodeKvJson: unknown, values: object = {}, tenant = app.here) => {
  const [site] = await seedMore(app.services, entityOf('site'), tenant, [
    { accessCodeKvJson, enable: true, hide: false, ...values },
  ]);
  return site!.id;
};

test.each([
  ['super', 8],
  ['manager', 24],
  ['administrator', 48],
  ['trusted', 48],
  ['public', 24],
  ['authenticated', 12],
] as const)('the passcode of level %s opens it for %i hours, without an account', async (level, hours) => {
  const site = await makeSite(codes);
  const { status, data } = await visitor().rest('POST', path, { site_id: site, passcode: codes[level] });
  expect({ status, data }).toEqual({
    status: 200,
    data: {
      jwt: expect.any(String),
      level,
      account_id: app.here.account,
      site_id: site,
      eat: expect.any(Number),
    },
  });
  const claims = claimsOf(data.jwt);
  expect(claims).toMatchObject({
    account_id: app.here.account,
    user_id: null,
    person_id: null,
    [level]: true,
  });
  expect(JSON.parse(claims.json_str)).toMatchObject({ auth_type: 'passcode' });
  expect([claims.exp - claims.iat, claims.eat]).toEqual([hours * 3600, data.eat]);
  const caller = visitor().with({ authorization: `Bearer ${data.jwt}` });
  expect(await caller.ask('{ viewer { level account { id } } }')).toEqual({
    viewer: { level, account: { id: app.here.account } },
  });
});

test('a passcode that is changed or taken away ends what it has opened, and no more', async () => {
  const site = await makeSite(codes);
  const enter = async (level: keyof typeof codes, of = codes) => {
    const { data } = await visitor().rest('POST', path, { site_id: site, passcode: of[level] });
    return visitor().with({ authorization: `Bearer ${data.jwt}` });
  };
  const status = async (caller: Caller) => (await caller.rest('GET', '/v3/crud/event/')).status;
  const save = (access_code_kv_json: object) =>
    app.manager().call('PATCH', `/v3/crud/site/${site}`, { access_code_kv_json });
  const [trusted, manager] = [await enter('trusted'), await enter('manager')];
  expect([await status(trusted), await status(manager)]).toEqual([200, 200]);
  const changed = { ...codes, trusted: 'another-code' };
  await save(changed);
  expect([await status(trusted), await status(manager)]).toEqual([401, 200]);
  expect(await status(await enter('trusted', changed))).toBe(200);
  await save({ trusted: codes.manager });
  expect(await status(manager)).toBe(401);
  const again = await visitor().rest('POST', path, { site_id: site, passcode: codes.manager });
  expect(again.data.level).toBe('trusted');
  await app.manager().call('DELETE', `/v3/crud/site/${site}?method=disable`);
  expect(await status(visitor().with({ authorization: `Bearer ${again.data.jwt}` }))).toBe(401);
});

test('the older path does the same, and names its successor', async () => {
  const site = await makeSite(codes);
  const { data, headers } = await visitor().rest('POST', '/api/authenticate_passcode', {
    site_id: site,
    passcode: codes.trusted,
  });
  expect(data.level).toBe('trusted');
  expect(headers.get('deprecation')).toMatch(/^@\d+$/);
  expect(headers.get('link')).toContain(`<${path}>; rel="successor-version"`);
  expect((await visitor().rest('GET', '/api/authenticate_passcode')).status).toBe(405);
});

test('in the graph answers the site and its account as that level reads them', async () => {
  const site = await makeSite(codes);
  const text = `mutation ($passcode: String!) { signInWithPasscode(siteId: "${site}", passcode: $passcode) {
    jwt level expiresOn site { id accessCodeKvJson } account { id } } }`;
  const manager = await visitor().ask(text, { passcode: codes.manager });
  expect(manager.signInWithPasscode).toMatchObject({
    level: 'manager',
    site: { id: site, accessCodeKvJson: codes },
    account: { id: app.here.account },
  });
  const trusted = await visitor().ask(text, { passcode: codes.trusted });
  expect(trusted.signInWithPasscode.site).toEqual({ id: site, accessCodeKvJson: null });
});

test('a wrong passcode is 403, a short one 422, an unknown, closed or foreign site 404; none tells a code', async () => {
  const site = await makeSite(codes);
  const closed = await makeSite(codes, { enable: false });
  const enter = (body: object, caller = visitor()) => caller.rest('POST', path, body);
  const passcode = codes.trusted;
  const answers = [
    [403, await enter({ site_id: site, passcode: 'wrong-code' })],
    [403, await enter({ site_id: site, passcode: codes.trusted.toUpperCase() })],
    [403, await enter({ site_id: await makeSite(null), passcode })],
    [403, await enter({ site_id: await makeSite('code-trusted'), passcode })],
    [
      403,
      await enter({
        site_id: await makeSite({ anonymous: passcode, king: passcode, trusted: '' }),
        passcode,
      }),
    ],
    [422, await enter({ site_id: site, passcode: 'code' })],
    [422, await enter({ site_id: site })],
    [422, await enter({ passcode })],
    [422, await enter({ site_id: site, passcode: { $ne: '' } })],
    [404, await enter({ site_id: unknownId(), passcode })],
    [404, await enter({ site_id: '1', passcode })],
    [404, await enter({ site_id: closed, passcode })],
    [404, await enter({ site_id: site, passcode }, elsewhere(app.otherAccount()))],
  ] as const;
  for (const [status, answer] of answers) {
    expect([answer.status, answer.body.detail]).toEqual([status, expect.anything()]);
    expect(JSON.stringify(answer.body)).not.toContain('code-');
  }
});

test('a passcode that is a number in old settings is entered as text', async () => {
  const site = await makeSite({ public: 12345 });
  expect((await visitor().rest('POST', path, { site_id: site, passcode: '12345' })).data.level).toBe(
    'public',
  );
});

test('a site whose levels share a code is not saved', async () => {
  const shared = { trusted: 'same-code', manager: 'same-code', public: 'other-code' };
  const manager = app.manager();
  const site = await makeSite(codes);
  const made = await manager.rest('POST', '/v3/crud/site/', { name: 'x', access_code_kv_json: shared });
  expect([made.status, made.body.meta.details]).toEqual([400, { access_code_kv_json: expect.any(String) }]);
  const changed = await manager.rest('PATCH', `/v3/crud/site/${site}`, {
    access_code_kv_json: JSON.stringify(shared),
  });
  expect(changed.status).toBe(400);
  expect(JSON.stringify([made.body, changed.body])).not.toContain('same-code');
  const bulk = await manager.graphql(
    'mutation ($id: ID!, $codes: JSON) { updateSites(filter: { id: { eq: $id } }, input: { accessCodeKvJson: $codes }) { count } }',
    { id: site, codes: shared },
  );
  expect(bulk.data?.updateSites?.count ?? 0).toBe(0);
  const { access_code_kv_json: kept } = (await manager.call('GET', `/v3/crud/site/${site}`)).data;
  expect(kept).toEqual(codes);
  await manager.call('PATCH', `/v3/crud/site/${site}`, {
    access_code_kv_json: { trusted: '', public: '', manager: 'abcde' },
  });
});
