import { legacyRoutes, migrationPage, nameOf, operationOf } from '../../src/legacy/routes';
import { behindProxy, elsewhere, makeUser } from '../auth/support';
import { keyOf, useApp } from '../support/app';
import { unknownId } from '../support/callers';
import { pathOf } from '../support/legacy';

const app = useApp({ rows: 2, logLevel: 'info', ...behindProxy });
const ids = () => ({ type: 'event', id: app.here.rows.event![0]!.id });

/** What was logged of old routes since it was last asked. */
let asked = 0;
async function told(): Promise<Record<string, any>[]> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const lines = app.lines.slice(asked).map((line) => JSON.parse(line) as Record<string, any>);
  asked = app.lines.length;
  return lines.filter(({ msg }) => msg === '!!! DEPRECATED ROUTE ACCESSED');
}

const metrics = async () => (await app.nobody().fetch('/metrics')).text();

async function countOf(route: string, key: string): Promise<number> {
  const line = (await metrics())
    .split('\n')
    .find((each) => each.startsWith(`aether_legacy_requests_total{route="${route}",key="${key}"}`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

const bodyOf = (method: string) => (method === 'POST' || method === 'PATCH' ? {} : undefined);

describe.each(legacyRoutes.map((route) => [nameOf(route), route] as const))('%s', (name, route) => {
  const { method, path, deprecated, sunset, becomes, generation } = route;
  const url = () => pathOf(route, ids());

  test('tells in its answer since when it is deprecated, until when it stays, and what replaces it', async () => {
    for (const caller of [app.staff(), app.guest(), app.nobody()]) {
      const { headers } = await caller.rest(method, url(), bodyOf(method));
      expect(headers.get('deprecation')).toBe(`@${deprecated.getTime() / 1000}`);
      expect(new Date(headers.get('sunset')!).getTime()).toBe(sunset.getTime());
      const successor = pathOf({ path: becomes.split(' ')[1]! }, ids());
      expect(headers.get('link')!.split(', ')).toEqual([
        `<${successor}>; rel="successor-version"`,
        '</graphql>; rel="successor-version"',
        `<${migrationPage}>; rel="deprecation"; type="text/html"`,
      ]);
      expect(headers.get('access-control-expose-headers')).toMatch(/Link,Deprecation,Sunset/);
    }
  });

  test('is logged once a call, with what leads to its caller, and counted by route and key', async () => {
    await told();
    const before = await countOf(name, 'test trusted');
    const caller = elsewhere(app.staff(), '198.51.100.7').with({
      'user-agent': 'old kiosk/1.2',
      origin: 'https://kiosk.example.org',
      'x-request-id': 'quoted-by-the-caller',
    });
    const { status } = await caller.rest(method, `${url()}?secret=s3cr3t`, bodyOf(method));
    const type = path.includes('{type}') ? 'event' : undefined;
    const [line, ...more] = await told();
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      level: 40,
      requestId: 'quoted-by-the-caller',
      route: name,
      generation,
      key: 'test trusted',
      keyId: 'TestKey-trusted',
      account: app.here.account,
      address: '198.51.100.7',
      agent: 'old kiosk/1.2',
      page: 'https://kiosk.example.org',
      status,
      replacement: becomes,
      ...(type && { type }),
      ...(route.operation && { operation: operationOf(route, type) }),
    });
    expect(await countOf(name, 'test trusted')).toBe(before + 1);
  });

  test('is logged and counted when nobody is found behind it, too', async () => {
    await told();
    const before = await countOf(name, 'unknown');
    const caller = app.nobody().with({ 'x-aether-api-key': 'unknown-key-00', 'user-agent': 'stranger' });
    await caller.rest(method, url(), bodyOf(method));
    const [line, ...more] = await told();
    expect(more).toEqual([]);
    expect(line).toMatchObject({ route: name, status: 403, agent: 'stranger', address: expect.any(String) });
    expect(line).not.toHaveProperty('key');
    expect(await countOf(name, 'unknown')).toBe(before + 1);
  });

  test('is no call when something is asked of its path alone', async () => {
    await told();
    const options = await app.nobody().fetch(url(), { method: 'OPTIONS' });
    expect(options.status).toBe(204);
    expect(options.headers.get('allow')!.split(', ')).toEqual(expect.arrayContaining([method, 'OPTIONS']));
    const wrong = await app.staff().rest('PUT', url(), {});
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')!.split(', ')).toContain(method);
    expect(await told()).toEqual([]);
  });
});

test('newer routes tell of none of this', async () => {
  await told();
  for (const path of ['/v3/crud/event/', `/v3/crud/event/${ids().id}`, '/health', '/docs']) {
    const { headers } = await app.staff().fetch(path);
    expect([headers.get('deprecation'), headers.get('sunset')]).toEqual([null, null]);
  }
  await app.staff().ask('{ events { totalCount } }');
  expect(await told()).toEqual([]);
});

test('a call of a user tells who it was', async () => {
  const { id } = await makeUser(app, { trusted: true });
  await told();
  const caller = await app.signedIn('trusted', { user: id });
  await caller.call('GET', '/event/list');
  expect((await told())[0]).toMatchObject({ user: id, key: 'test anonymous' });
});

test('no password, key or token of a query, a header or a body is written anywhere', async () => {
  const { id, username } = await makeUser(app, { trusted: true });
  const secrets = Array.from({ length: 8 }, (_, i) => `S3cret-${String(i)}-${unknownId()}`);
  const [a, b, c, d, e, f, g, h] = secrets as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const query = (values: Record<string, string>) => new URLSearchParams(values).toString();
  const caller = elsewhere(app.guest());
  await caller.rest('GET', `/user/authenticate?${query({ username, password: a })}`);
  await caller.rest('GET', `/user/authenticate?${query({ user_id: id, auth_key: b })}`);
  await caller.rest('POST', `/user/verify_password?${query({ username, password: c })}`);
  await caller.rest('POST', '/user/verify_password', { username, password: d });
  await app.manager().rest('PATCH', `/user/${id}/change_password?${query({ password: e })}`);
  await caller.rest('GET', `/event/list?${query({ jwt: f, api_key: keyOf('anonymous') })}`);
  await caller.rest('GET', `/event/list?${query({ jp: JSON.stringify({ name: g }) })}`, undefined, {
    referer: `https://kiosk.example.org/?password=${h}`,
  });
  const { data } = await app.manager().call('GET', `/user/${id}/new_auth_key`);
  const signedIn = await caller.rest(
    'GET',
    `/user/authenticate?${query({ user_id: id, auth_key: data.auth_key })}`,
  );
  expect(signedIn.status).toBe(200);
  await caller.rest('GET', `/api/temp_token?${query({ jwt: signedIn.data.jwt })}`);
  await told();
  await app.services.notes.flush();
  await app.services.usage.flush();

  const written = [app.lines.join('\n'), await metrics()];
  for (const table of ['activity_log', 'key_usage', 'data_change'])
    written.push(
      JSON.stringify(await app.services.database.select(`SELECT * FROM ${table}`).catch(() => [])),
    );
  expect(written[0]).toContain('/user/authenticate');
  expect(written[2]).toContain(id);
  for (const secret of [...secrets, data.auth_key, signedIn.data.jwt])
    for (const text of written) expect(text).not.toContain(secret);
});
