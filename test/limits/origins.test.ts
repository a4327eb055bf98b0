import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import { nextNumber, seedMore } from '../support/fixture';

const app = useApp({ rows: 2, env: { CORS_ORIGINS: 'sites, app://launcher' } });

const path = '/v3/crud/event/';

/** What a browser is told on a page of this origin: by a preflight, by an answer, and by a failure. */
async function allowed(origin: string): Promise<(string | null)[]> {
  const asked = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'x-aether-api-key',
  };
  const answers = await Promise.all([
    app.nobody().fetch('/graphql', { method: 'OPTIONS', headers: asked }),
    app.nobody().fetch(path, { method: 'OPTIONS', headers: asked }),
    app.staff().fetch(path, { headers: { origin } }),
    app.nobody().fetch(path, { headers: { origin } }),
    app.staff().fetch('/graphql', {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: '{"query":"{ viewer { level } }"}',
    }),
  ]);
  const statuses = answers.map(({ status }) => status);
  expect(statuses).toEqual([204, 204, 200, 403, 200]);
  for (const { headers } of answers) {
    expect(headers.get('vary')).toContain('Origin');
    expect(headers.get('set-cookie')).toBeNull();
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  }
  return [...new Set(answers.map(({ headers }) => headers.get('access-control-allow-origin')))];
}

async function newDomain(fqdn: string): Promise<string> {
  const site = await app.manager().call('POST', '/v3/crud/site/', { name: 'x', enable: true });
  const body = { fqdn, site_id: site.data.id, enable: true };
  return (await app.manager().call('POST', '/v3/crud/site_domain/', body)).data.id as string;
}

test('pages of the sites of all accounts may call, from the moment that they are there', async () => {
  const host = `Shop-${String(nextNumber())}.Example.org`;
  const origin = `https://${host.toLowerCase()}`;
  expect(await allowed(origin)).toEqual([null]);
  const id = await newDomain(host);
  expect(await allowed(origin)).toEqual([origin]);
  await app.administrator().call('DELETE', `/v3/crud/site_domain/${id}?method=disable`);
  expect(await allowed(origin)).toEqual([null]);
  await app.administrator().call('PATCH', `/v3/crud/site_domain/${id}`, { enable: true });
  expect(await allowed(origin)).toEqual([origin]);
  await app.administrator().call('DELETE', `/v3/crud/site_domain/${id}?method=delete`);
  expect(await allowed(origin)).toEqual([null]);
});

test('a port belongs to the host, and nothing that only looks like it', async () => {
  const host = `port-${String(nextNumber())}.example.org`;
  await newDomain(`${host}:8443`);
  expect(await allowed(`https://${host}:8443`)).toEqual([`https://${host}:8443`]);
  for (const origin of [
    `https://${host}`,
    `https://${host}:8444`,
    `https://x${host}:8443`,
    `https://${host}:8443.evil.example`,
    `ftp://${host}:8443`,
    'null',
    'https://',
  ])
    expect({ origin, allowed: await allowed(origin) }).toEqual({ origin, allowed: [null] });
});

test('others may where the server is told so, and pages of this machine outside production', async () => {
  expect(await allowed('app://launcher')).toEqual(['app://launcher']);
  for (const origin of ['http://localhost:5173', 'http://127.0.0.1:3000', 'http://demo.localhost'])
    expect(await allowed(origin)).toEqual([origin]);
  expect(await allowed('http://localhost.evil.example')).toEqual([null]);
});

describe('a key for some origins', () => {
  async function keyFor(originsJson: unknown) {
    const publicKey = `origin-${String(nextNumber())}-key`;
    await seedMore(app.services, entityOf('api_key'), app.here, [
      {
        publicKey,
        level: 'trusted',
        enable: true,
        enableFrom: null,
        enableTo: null,
        scopesJson: null,
        ratePerMinute: null,
        originsJson,
      },
    ]);
    const caller = app.nobody().with({ 'x-aether-api-key': publicKey, 'x-account-id': app.here.account });
    return async (origin?: string) =>
      (await caller.fetch(path, origin === undefined ? {} : { headers: { origin } })).status;
  }

  test('is refused on pages of others; programs that are no browsers name none', async () => {
    const ask = await keyFor(['https://shop.example.org', 'https://Desk.example.org:8443/']);
    expect(await ask()).toBe(200);
    expect(await ask('https://shop.example.org')).toBe(200);
    expect(await ask('https://SHOP.example.org')).toBe(200);
    expect(await ask('https://desk.example.org:8443')).toBe(200);
    for (const origin of [
      'http://shop.example.org',
      'https://shop.example.org:8443',
      'https://shop.example.org.evil.example',
      'http://localhost:5173',
      'null',
    ])
      expect({ origin, status: await ask(origin) }).toEqual({ origin, status: 403 });
  });

  test('none of which are named is for no page, and without a list for all', async () => {
    expect(await (await keyFor([]))('https://shop.example.org')).toBe(403);
    expect(await (await keyFor({ all: true }))('https://shop.example.org')).toBe(403);
    expect(await (await keyFor(null))('https://shop.example.org')).toBe(200);
  });
});
