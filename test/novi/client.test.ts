import { createServer } from 'node:net';
import type { Redis } from 'ioredis';
import pino from 'pino';
import type { Cache } from '../../src/cache';
import { AetherError } from '../../src/kernel/errors';
import { createNoviClient, type NoviClientOptions } from '../../src/novi/client';
import { startFakeNovi, type FakeNovi } from '../../src/novi/fake-server';

const apiKey = 'raw+key/with=signs==';
const grace = '11111111-1111-4111-8111-111111111111';
const ada = '22222222-2222-4222-8222-222222222222';
const nobody = '33333333-3333-4333-8333-333333333333';
const limited = '44444444-4444-4444-8444-444444444444';
const broken = '55555555-5555-4555-8555-555555555555';
const silent = '66666666-6666-4666-8666-666666666666';
const badJson = '77777777-7777-4777-8777-777777777777';
const redirected = '88888888-8888-4888-8888-888888888888';
const huge = '99999999-9999-4999-8999-999999999999';
const reset = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const trickling = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
const oddTypes = 'cccccccc-cccc-4ccc-8ccc-cccccccccccc';
const unknown = 'dddddddd-dddd-4ddd-8ddd-dddddddddddd';

let novi: FakeNovi;
let site: { siteId: string; rootUrl: string; apiKey: string; anywhere: boolean };

beforeAll(async () => {
  novi = await startFakeNovi({ apiKey });
  site = { siteId: 'site-1', rootUrl: novi.url, apiKey, anywhere: true };
});
beforeEach(() => novi.reset());
afterAll(() => novi.close());

describe('a member', () => {
  test('is shown as first name and initial, with the space of the address as a plus', async () => {
    const { client } = setUp();
    expect(await client.verify(grace, site)).toEqual({
      verified: true,
      fullName: 'Grace H.',
      email: 'grace+hopper@example.org',
    });
  });

  test('is asked for with the key as it is', async () => {
    const { client } = setUp();
    await client.verify(grace, { ...site, rootUrl: `${novi.url}/api/v1//`, apiKey: ` ${apiKey}\n` });
    expect(novi.requests).toEqual([
      { method: 'GET', path: `/api/v1/customers/${grace}`, authorization: `Basic ${apiKey}` },
    ]);
  });

  test('without first and last name is shown by Name', async () => {
    const { client } = setUp();
    expect(await client.verify(ada, site)).toMatchObject({
      fullName: 'Ada Lovelace',
      email: 'ada@example.org',
    });
  });

  test('with fields of odd types is known by what is left', async () => {
    const { client } = setUp();
    expect(await client.verify(oddTypes, site)).toEqual({
      verified: true,
      fullName: '',
      email: 'katherine@example.org',
    });
  });

  test.each([
    [{ FirstName: 'Ann', LastName: '𝒵eta' }, 'Ann 𝒵.'],
    [{ FirstName: ' Ann ', LastName: '  ', Name: ' Ann Only ' }, 'Ann Only'],
    [{ FirstName: '', LastName: 'Zeta', Name: 'The Zeta Group' }, 'The Zeta Group'],
  ])('%j is shown as %s', async (upstream, fullName) => {
    const { client } = setUp({ fetch: answering(200, JSON.stringify(upstream)) });
    expect(await client.verify(ada, site)).toMatchObject({ fullName });
  });

  test('is the same one in upper case', async () => {
    const { client, values } = setUp();
    await client.verify(oddTypes.toUpperCase(), site);
    await client.verify(oddTypes, site);
    expect(novi.requests.map(({ path }) => path)).toEqual([`/customers/${oddTypes}`]);
    expect([...values.keys()]).toEqual([`idaa:novi_member:${oddTypes}`]);
  });
});

describe('no member', () => {
  test.each([
    ['an unknown uuid', unknown],
    ['a 200 without any identity', nobody],
  ])('%s is NOT_FOUND, and asked again the next time', async (_, uuid) => {
    const { client, values } = setUp();
    await expectError(client.verify(uuid, site), 'NOT_FOUND');
    await expectError(client.verify(uuid, site), 'NOT_FOUND');
    expect(novi.requests).toHaveLength(2);
    expect(values.size).toBe(0);
  });

  test('null is a 200 without any identity', async () => {
    const { client } = setUp({ fetch: answering(200, 'null') });
    await expectError(client.verify(grace, site), 'NOT_FOUND');
  });

  test.each(['', 'grace', grace.slice(1), `${grace}0`, `{${grace}}`, `${grace}\n`, `../${grace.slice(3)}`])(
    '%j is UNPROCESSABLE without a call',
    async (uuid) => {
      const { client } = setUp();
      await expectError(client.verify(uuid, site), 'UNPROCESSABLE');
      expect(novi.requests).toHaveLength(0);
    },
  );
});

describe('a failure of Novi', () => {
  test.each([
    ['a 500', broken],
    ['broken JSON', badJson],
    ['a reset connection', reset],
    ['a body without bounds', huge],
  ])('%s is UNAVAILABLE for a few seconds, and not remembered', async (_, uuid) => {
    const { client, values } = setUp();
    await expectError(client.verify(uuid, site), 'UNAVAILABLE', 3);
    expect(values.size).toBe(0);
  });

  test.each(['[]', '"Grace"', '7', ''])('the answer %j is UNAVAILABLE', async (body) => {
    const { client } = setUp({ fetch: answering(200, body) });
    await expectError(client.verify(grace, site), 'UNAVAILABLE');
  });

  test.each([
    ['before the headers', silent],
    ['within the body', trickling],
  ])('a wait %s ends with the timeout', async (_, uuid) => {
    const { client, logged } = setUp({ timeoutMs: 150 });
    const started = Date.now();
    await expectError(client.verify(uuid, site), 'UNAVAILABLE', 3);
    expect(Date.now() - started).toBeLessThan(1_000);
    expect(logged()).toContain('TIMED_OUT');
  });

  test('an unreachable Novi is UNAVAILABLE', async () => {
    const { client, logged } = setUp();
    await expectError(client.verify(grace, { ...site, rootUrl: await deadUrl() }), 'UNAVAILABLE', 3);
    expect(logged()).toContain('ECONNREFUSED');
  });

  test('a redirect is not followed, so that the key goes nowhere else', async () => {
    const { client } = setUp();
    await expectError(client.verify(redirected, site), 'UNAVAILABLE');
    expect(novi.requests).toHaveLength(1);
  });

  test.each([401, 403])('a key refused with %i is UNAVAILABLE, and an error in the log', async (status) => {
    const { client, entries } = setUp({ fetch: answering(status, '{}') });
    await expectError(client.verify(grace, site), 'UNAVAILABLE', 60);
    expect(entries()).toEqual([expect.objectContaining({ level: 50, siteId: 'site-1', status })]);
  });

  test.each([
    ['no root', { rootUrl: null }],
    ['no key', { apiKey: '' }],
    ['a root that is no URL', { rootUrl: 'novi' }],
    ['a root of another kind', { rootUrl: 'file:///etc' }],
    ['a key that fits no header', { apiKey: 'a\r\nb' }],
    ['a setting of another type', { apiKey: 7 as unknown as string }],
  ])('%s is UNAVAILABLE without a call', async (_, wrong) => {
    const { client } = setUp();
    await expectError(client.verify(grace, { ...site, ...wrong }), 'UNAVAILABLE', 60);
    expect(novi.requests).toHaveLength(0);
  });
});

describe('Retry-After', () => {
  test('of a 429 is passed on', async () => {
    const { client } = setUp();
    await expectError(client.verify(limited, site), 'RATE_LIMITED', 7);
  });

  test.each([
    [undefined, 10],
    ['', 10],
    ['soon', 10],
    ['-5', 10],
    ['0', 1],
    [' 30 ', 30],
    ['99999999999', 3_600],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 1],
    [() => new Date(Date.now() + 20_000).toUTCString(), 20],
  ])('%s becomes %i s', async (given, seconds) => {
    const header = typeof given === 'function' ? given() : given;
    const { client } = setUp({
      fetch: answering(429, '', header === undefined ? {} : { 'retry-after': header }),
    });
    const error = await expectError(client.verify(grace, site), 'RATE_LIMITED');
    // A date has no fractions of a second.
    expect(Math.abs((error.details.retryAfter ?? 0) - seconds)).toBeLessThanOrEqual(
      given instanceof Function ? 1 : 0,
    );
  });

  test('of a 503 is passed on', async () => {
    const { client } = setUp({ fetch: answering(503, '', { 'retry-after': '25' }) });
    await expectError(client.verify(grace, site), 'UNAVAILABLE', 25);
  });
});

describe('the cache', () => {
  test('remembers three fields and the site for four hours', async () => {
    const { client, values, lifetimes } = setUp();
    await client.verify(grace, site);
    await client.verify(grace, site);
    expect(novi.requests).toHaveLength(1);
    const key = `idaa:novi_member:${grace}`;
    expect(lifetimes.get(key)).toBe(14_400);
    expect(JSON.parse(values.get(key) ?? '')).toEqual({
      verified: true,
      full_name: 'Grace H.',
      email: 'grace+hopper@example.org',
      site_id: 'site-1',
      api_root_url: novi.url,
    });
  });

  test('keeps a member verified through an outage', async () => {
    const { client } = setUp();
    const passing = await startFakeNovi({ apiKey });
    const there = { ...site, rootUrl: passing.url };
    const before = await client.verify(grace, there);
    await passing.close();
    expect(await client.verify(grace, there)).toEqual(before);
    await expectError(client.verify(ada, there), 'UNAVAILABLE');
  });

  test.each([
    ['another site', { siteId: 'site-2' }],
    ['another Novi of the same site', { rootUrl: 'other' }],
  ])('of %s is a miss', async (_, change) => {
    const { client } = setUp();
    const other = { ...site, ...change };
    if (other.rootUrl === 'other') other.rootUrl = `${novi.url}/other`;
    await client.verify(grace, site);
    await client.verify(grace, other);
    expect(novi.requests).toHaveLength(2);
  });

  test.each([
    ['without its site', '{"verified":true,"full_name":"Grace H.","email":"g@example.org"}'],
    ['that is broken', '{"verified":tr'],
    ['that is empty', ''],
    ['that is no object', 'null'],
    [
      'that is not verified',
      '{"verified":false,"full_name":"","email":"","site_id":"site-1","api_root_url":""}',
    ],
  ])('with a value %s is a miss, and written anew', async (_, value) => {
    const { client, values } = setUp();
    values.set(`idaa:novi_member:${grace}`, value);
    expect(await client.verify(grace, site)).toMatchObject({ fullName: 'Grace H.' });
    expect(novi.requests).toHaveLength(1);
    expect(values.get(`idaa:novi_member:${grace}`)).toContain('site-1');
  });

  test.each<[string, () => Promise<never>]>([
    ['down', () => Promise.reject(new Error('connection lost'))],
    ['hanging', () => new Promise(() => undefined)],
  ])('may be %s while Novi is up', async (_, fail) => {
    const { cache } = mapCache();
    const { client, entries } = setUp({ cache: { ...cache, get: fail, set: fail } });
    expect(await client.verify(grace, site)).toMatchObject({ verified: true });
    expect(entries().map(({ level }) => level)).toEqual([40, 40]);
  });
});

describe('many callers at once', () => {
  test('for one member make one call', async () => {
    const { client } = setUp({ limits: { perSecond: 1, perMinute: 1, perDay: 1 } });
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.verify(grace, site)));
    expect(new Set(answers.map(({ fullName }) => fullName))).toEqual(new Set(['Grace H.']));
    expect(novi.requests).toHaveLength(1);
  });

  test('share a failure, and the next caller tries anew', async () => {
    const { client } = setUp();
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => client.verify(broken, site)));
    expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
    expect(novi.requests).toHaveLength(1);
    await expectError(client.verify(broken, site), 'UNAVAILABLE');
    expect(novi.requests).toHaveLength(2);
  });

  test('of two sites make a call each', async () => {
    const { client } = setUp();
    await Promise.all([client.verify(grace, site), client.verify(grace, { ...site, siteId: 'site-2' })]);
    expect(novi.requests).toHaveLength(2);
  });
});

describe('our own limits', () => {
  test('refuse with the time until the next turn', async () => {
    const { client } = setUp({ limits: { perSecond: 2, perMinute: 600, perDay: 100_000 } });
    await client.verify(grace, site);
    await client.verify(ada, site);
    await expectError(client.verify(oddTypes, site), 'RATE_LIMITED', 1);
    expect(novi.requests).toHaveLength(2);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    await client.verify(oddTypes, site);
  });

  test('are 20 a second when nothing else is said', async () => {
    const { client } = setUp();
    const answers = await Promise.allSettled(
      Array.from({ length: 25 }, (_, i) =>
        client.verify(`dddddddd-dddd-4ddd-8ddd-${String(i).padStart(12, '0')}`, site),
      ),
    );
    const codes = answers.map((answer) =>
      answer.status === 'rejected' ? (answer.reason as AetherError).code : '',
    );
    expect(codes.filter((code) => code === 'NOT_FOUND')).toHaveLength(20);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(5);
  });

  test.each([
    ['minute', { perSecond: 20, perMinute: 1, perDay: 100 }, 60],
    ['day', { perSecond: 20, perMinute: 600, perDay: 1 }, 3_600],
  ])('hold for a %s, with a Retry-After of an hour at most', async (_, limits, seconds) => {
    const { client } = setUp({ limits });
    await client.verify(grace, site);
    await expectError(client.verify(ada, site), 'RATE_LIMITED', seconds);
  });

  test('are not used up by remembered members', async () => {
    const { client } = setUp({ limits: { perSecond: 20, perMinute: 2, perDay: 100 } });
    await client.verify(grace, site);
    for (let i = 0; i < 30; i += 1) await client.verify(grace, site);
    await client.verify(ada, site);
    await expectError(client.verify(oddTypes, site), 'RATE_LIMITED');
  });

  test('of the day are not used up by calls that the second refused', async () => {
    const { client } = setUp({ limits: { perSecond: 1, perMinute: 600, perDay: 2 } });
    await client.verify(grace, site);
    for (let i = 0; i < 5; i += 1) await expectError(client.verify(ada, site), 'RATE_LIMITED', 1);
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    await client.verify(ada, site);
  });

  test('are counted for each Novi configuration', async () => {
    const { client } = setUp({ limits: { perSecond: 1, perMinute: 1, perDay: 1 } });
    await client.verify(grace, site);
    await client.verify(grace, { ...site, rootUrl: `${novi.url}/other` });
    await expectError(client.verify(ada, { ...site, siteId: 'site-2' }), 'RATE_LIMITED');
  });

  test.each([
    ['not connected', { status: 'reconnecting', defineCommand: (): void => undefined }],
    [
      'failing',
      { status: 'ready', defineCommand: () => undefined, rlflxIncr: () => Promise.reject(new Error('lost')) },
    ],
    [
      'hanging',
      { status: 'ready', defineCommand: () => undefined, rlflxIncr: () => new Promise(() => undefined) },
    ],
  ])('are counted by this process while Redis is %s', async (_, redis) => {
    const limits = { perSecond: 20, perMinute: 1, perDay: 100 };
    const { client } = setUp({ limits, redis: redis as unknown as Redis });
    await client.verify(grace, site);
    await expectError(client.verify(ada, site), 'RATE_LIMITED');
  });

  test('are shared by processes that share a Redis', async () => {
    const counts = new Map<string, number>();
    const redis = {
      status: 'ready',
      defineCommand: (): void => undefined,
      rlflxIncr: ([key, points, seconds]: [string, string, string]) => {
        counts.set(key, (counts.get(key) ?? 0) + Number(points));
        return Promise.resolve([counts.get(key), Number(seconds) * 1_000]);
      },
    } as unknown as Redis;
    const limits = { perSecond: 20, perMinute: 1, perDay: 100 };
    await setUp({ limits, redis }).client.verify(grace, site);
    await expectError(setUp({ limits, redis }).client.verify(ada, site), 'RATE_LIMITED', 60);
    expect([...counts.keys()].join()).not.toContain(apiKey);
  });
});

test('neither the key nor a member is ever logged, nor said in an error', async () => {
  const { cache } = mapCache();
  const fail = () => Promise.reject(new Error(`lost ${apiKey}`));
  const { client, logged } = setUp({ cache: { ...cache, get: fail, set: fail }, timeoutMs: 100 });
  const said: string[] = [];
  for (const uuid of [
    grace,
    ada,
    nobody,
    limited,
    broken,
    silent,
    badJson,
    redirected,
    huge,
    reset,
    trickling,
    unknown,
  ])
    await client.verify(uuid, site).catch((error: AetherError) => said.push(inspectAll(error)));
  for (const wrong of [
    { apiKey: `${apiKey}\u2603` },
    { apiKey: `${apiKey}x` },
    { rootUrl: `http://${apiKey}@[` },
  ])
    await client
      .verify(grace, { ...site, ...wrong })
      .catch((error: AetherError) => said.push(inspectAll(error)));

  expect(said).toHaveLength(13);
  const everything = [logged(), ...said].join('\n');
  for (const secret of [apiKey, 'Grace', 'Hopper', 'Lovelace', 'Katherine', 'example.org', 'grace+'])
    expect(everything).not.toContain(secret);
});

function setUp(options: Partial<NoviClientOptions> = {}) {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const memory = mapCache();
  return {
    ...memory,
    client: createNoviClient({ cache: memory.cache, log, ...options }),
    logged: () => lines.join(''),
    entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

function mapCache() {
  const values = new Map<string, string>();
  const lifetimes = new Map<string, number>();
  const nothing = () => Promise.resolve();
  const cache: Cache = {
    kind: 'memory',
    get: (key) => Promise.resolve(values.get(key) ?? null),
    set: (key, value, seconds) => {
      values.set(key, value);
      lifetimes.set(key, seconds);
      return Promise.resolve();
    },
    add: () => Promise.resolve(true),
    delete: nothing,
    publish: nothing,
    subscribe: nothing,
    ping: nothing,
    close: nothing,
  };
  return { cache, values, lifetimes };
}

function answering(status: number, body: string, headers: Record<string, string> = {}): typeof fetch {
  return () => Promise.resolve(new Response(body, { status, headers }));
}

async function expectError(call: Promise<unknown>, code: string, retryAfter?: number): Promise<AetherError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AetherError)) throw new Error(`Expected ${code}, got ${String(error)}`);
  expect(error.code).toBe(code);
  if (retryAfter !== undefined) expect(error.details.retryAfter).toBe(retryAfter);
  return error;
}

/** What a careless log line would show of an error, its causes included. */
function inspectAll(error: AetherError): string {
  return [
    error.message,
    error.stack,
    JSON.stringify(error),
    String(error.originalError),
    String(error.cause),
  ].join();
}

/** An address on which surely nobody listens. */
async function deadUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
