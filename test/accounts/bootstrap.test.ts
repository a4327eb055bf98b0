import { entityOf } from '../../src/kernel/entity';
import { levels } from '../../src/kernel/levels';
import { keyOf, useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { seedMore } from '../support/fixture';
import { leakedKeys } from '../support/rest';

const app = useApp({ rows: 2 });
/** A browser before it knows anything: a key, and the wish for no account. */
const browser = () => app.nobody().with({ 'x-aether-api-key': keyOf('anonymous') });

const settings = {
  novi_idaa_api_key: 'novi-secret',
  novi_api_root_url: 'https://novi.example.org',
  smtp: { host: 'mail.example.org', password: 'smtp-secret', stripe_secret: 'sk_live' },
  lists: [{ name: 'desk', staff_passcode: '1234', access_token: 't' }],
  theme: 'dark',
};
const shownSettings = {
  novi_api_root_url: 'https://novi.example.org',
  smtp: { host: 'mail.example.org' },
  lists: [{ name: 'desk' }],
  theme: 'dark',
};

const shown = { enable: true, hide: false };
beforeAll(async () => {
  const [site, domain] = [entityOf('site'), entityOf('site_domain')];
  const codes = { accessCodeKvJson: { trusted: 'code-trusted', super: 'code-super' }, cfgJson: settings };
  const [open, keyed, off] = await seedMore(app.services, site, app.here, [
    { ...shown, ...codes, name: 'Open', accessKey: null },
    { ...shown, ...codes, name: 'Keyed', accessKey: 'site-key' },
    { ...shown, ...codes, name: 'Off', accessKey: null, enable: false },
  ]);
  await seedMore(app.services, domain, app.here, [
    { ...shown, fqdn: 'open.example.org', siteId: open!.id, accessKey: null },
    { ...shown, fqdn: 'localhost:5173', siteId: open!.id, accessKey: '' },
    { ...shown, fqdn: 'door.example.org', siteId: open!.id, accessKey: 'door-key' },
    { ...shown, fqdn: 'keyed.example.org', siteId: keyed!.id, accessKey: null },
    { ...shown, fqdn: 'both.example.org', siteId: keyed!.id, accessKey: 'door-key' },
    { ...shown, fqdn: 'disabled.example.org', siteId: open!.id, accessKey: null, enable: false },
    { ...shown, fqdn: 'off.example.org', siteId: off!.id, accessKey: null },
  ]);
});

const filter = (fqdn: unknown, ...keys: unknown[]) => ({
  and: [
    { field: 'fqdn', op: 'eq', value: fqdn },
    ...keys.map((value) => ({ field: 'access_key', op: 'eq', value })),
  ],
});
const search = (body: unknown, caller = browser()) =>
  caller.rest('POST', '/v3/crud/site_domain/search', body);

test('a browser finds its account, site and settings by its host name, with a key alone', async () => {
  for (const fqdn of ['open.example.org', 'localhost:5173']) {
    const { status, data, meta, body } = await search(filter(fqdn));
    expect(status).toBe(200);
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({
      fqdn,
      account_id: app.here.account,
      account_id_random: app.here.account,
      site_id: expect.stringMatching(/^[\w-]{11,22}$/),
      site_name: 'Open',
      site_cfg_json: shownSettings,
      site_access_key_set: false,
      site_domain_access_key_set: false,
    });
    expect(data[0].id).toBe(data[0].site_domain_id);
    expect(meta).toMatchObject({ success: true, count: 1, total: 1, limit: 100, offset: 0 });
    expect(leakedKeys(body)).toEqual([]);
  }
});

test('no secret of the site is in the answer, whoever asks', async () => {
  for (const caller of [browser(), app.guest(), app.staff(), app.administrator()]) {
    const { body } = await search(filter('keyed.example.org', 'site-key'), caller);
    expect(body.data).toHaveLength(1);
    expect(JSON.stringify(body)).not.toMatch(
      /novi-secret|smtp-secret|sk_live|1234|code-trusted|code-super|site-key|door-key/,
    );
    expect(body.data[0]).toMatchObject({ access_code_kv_json: null, access_key: null });
  }
});

test.each([
  ['empty groups', { or: [], q: '' }],
  ['nothing in its other parts', { or: null, not: null, q: null }],
])('a question with %s is the same', async (_name, parts) => {
  const answer = await search({ ...filter('keyed.example.org', 'site-key'), ...parts });
  expect(answer.body).toEqual((await search(filter('keyed.example.org', 'site-key'))).body);
  expect(answer.data).toHaveLength(1);
});

test('an operator may be in capitals, as in every search', async () => {
  const { data } = await search({ and: [{ field: 'fqdn', op: 'EQ', value: 'open.example.org' }] });
  expect(data).toHaveLength(1);
});

test('who has a level in another account, or in none, is a guest in the one that is found', async () => {
  const ask = (caller: Caller) =>
    caller.ask(
      `{ bootstrap(fqdn: "keyed.example.org", accessKey: "site-key") { account { name notes cfgJson }
         site { name notes accessKey accessCodeKvJson cfgJson } domain { fqdn accessKey siteCfgJson siteAccessCodeKvJson } } }`,
    );
  const guest = await ask(browser());
  for (const level of levels)
    for (const caller of [app.as(level, app.there.account), app.as(level, null)]) {
      expect({ level, ...(await ask(caller)) }).toEqual({ level, ...guest });
      const { data } = await search(filter('keyed.example.org', 'site-key'), caller);
      expect(data).toMatchObject([
        { access_key: null, access_code_kv_json: null, site_cfg_json: shownSettings },
      ]);
    }
  expect(await ask(app.manager())).toMatchObject({
    bootstrap: { site: { accessKey: 'site-key', cfgJson: settings } },
  });
});

test('an unknown host is an empty list, and no error', async () => {
  for (const fqdn of [
    'unknown.example.org',
    '',
    'open.example.org.',
    'disabled.example.org',
    'off.example.org',
    "' OR '1'='1",
    '%',
    'open.example.or_',
  ]) {
    const { status, data, meta } = await search(filter(fqdn));
    expect({ fqdn, status, data }).toEqual({ fqdn, status: 200, data: [] });
    expect(meta).toMatchObject({ success: true, count: 0, total: 0 });
  }
});

test.each([
  ['keyed.example.org', 'site-key', true],
  ['keyed.example.org', 'Site-Key', false],
  ['keyed.example.org', 'wrong', false],
  ['keyed.example.org', '', false],
  ['keyed.example.org', null, false],
  ['keyed.example.org', undefined, false],
  ['keyed.example.org', 'site-key ', false],
  ['both.example.org', 'site-key', true],
  ['both.example.org', 'door-key', false],
  ['door.example.org', 'door-key', true],
  ['door.example.org', undefined, false],
  ['open.example.org', '', true],
  ['open.example.org', undefined, true],
  ['open.example.org', 'any key', true],
])('%s with the key %j: %p', async (fqdn, key, opens) => {
  const { status, data } = await search(key === undefined ? filter(fqdn) : filter(fqdn, key));
  expect({ status, found: data.length }).toEqual({ status: 200, found: opens ? 1 : 0 });
  const graphql = await browser().graphql(
    'query ($fqdn: String!, $key: String) { bootstrap(fqdn: $fqdn, accessKey: $key) { account { id } site { id name } domain { fqdn } } }',
    { fqdn, key },
  );
  expect(graphql.errors).toBeUndefined();
  if (opens)
    expect(graphql.data.bootstrap).toMatchObject({ account: { id: app.here.account }, domain: { fqdn } });
  else expect(graphql.data.bootstrap).toBeNull();
});

test('the headers that callers send with it make no difference', async () => {
  const plain = await search(filter('keyed.example.org', 'site-key'));
  const several: Record<string, string>[] = [
    { 'x-no-account-id': 'bypass' },
    { 'x-no-account-id': 'Nothing to See Here' },
    { 'x-account-id': app.there.account },
    { 'x-account-id': app.here.account },
  ];
  for (const headers of several) {
    const answer = await search(filter('keyed.example.org', 'site-key'), browser().with(headers));
    expect({ headers, status: answer.status, data: answer.data }).toEqual({
      headers,
      status: 200,
      data: plain.data,
    });
  }
});

test('a key is needed all the same', async () => {
  const answer = await search(filter('open.example.org'), app.nobody());
  expect(answer).toMatchObject({ status: 403, data: false });
});

test('any other search of domains is an ordinary one, inside the account', async () => {
  const all = await search({}, app.guest());
  expect(all.data.every((each: { account_id: string }) => each.account_id === app.here.account)).toBe(true);
  const like = await search({ and: [{ field: 'fqdn', op: 'contains', value: 'example.org' }] });
  expect(like).toMatchObject({ status: 200, data: [] });
  const either = await search({ or: [{ field: 'fqdn', op: 'eq', value: 'keyed.example.org' }] });
  expect(either).toMatchObject({ status: 200, data: [] });
  const byKey = await search({ and: [{ field: 'access_key', op: 'eq', value: 'site-key' }] }, app.guest());
  expect(byKey.status).toBe(403);
});

test('one question reads it all through the graph, and nothing of it is a secret', async () => {
  const { bootstrap } = await browser().ask(
    `{ bootstrap(fqdn: "open.example.org") { account { id name timezone notes cfgJson } site { id accessKey accessCodeKvJson cfgJson }
       domain { id siteName siteCfgJson siteAccessCodeKvJson accessKey } } }`,
  );
  expect(bootstrap).toMatchObject({
    account: { id: app.here.account, notes: null, cfgJson: null },
    site: { accessKey: null, accessCodeKvJson: null, cfgJson: shownSettings },
    domain: { siteName: 'Open', siteCfgJson: shownSettings, siteAccessCodeKvJson: null, accessKey: null },
  });
});
