import { setTimeout as sleep } from 'node:timers/promises';
import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { expectActionError, expectCrudError, expectHeaders } from '../support/envelopes';
import { nextNumber, seedMore } from '../support/fixture';
import { target } from '../support/jest-target';
import { lineTo, type Line } from '../support/proxy';

const app = useApp({ rows: 1, env: { RATE_PER_MINUTE_KEY: '5000', RATE_PER_MINUTE_VIEWER: '7' } });
const guarded = useApp({
  rows: 1,
  env: { RATE_PER_MINUTE_ADDRESS: '20', TRUST_PROXY: '127.0.0.1' },
});
const plain = useApp({ rows: 1, env: { RATE_PER_MINUTE_ADDRESS: '20' } });

/** Beside the first, on the same databases; its way to Redis can be cut. */
let cache: Line | undefined;
const other = useApp({
  rows: 1,
  through: async () => {
    if (app.place.redisUrl) cache = await lineTo(app.place.redisUrl);
    return { ...app.place, redisUrl: cache?.url };
  },
});
afterAll(() => cache?.cut());

async function keyWith(values: Record<string, unknown>): Promise<Caller> {
  const publicKey = `rates-${String(nextNumber())}-key`;
  const always = { enable: true, enableFrom: null, enableTo: null, scopesJson: null, originsJson: null };
  await seedMore(app.services, entityOf('api_key'), app.here, [
    { level: 'trusted', ...always, ...values, publicKey },
  ]);
  return app.nobody().with({ 'x-aether-api-key': publicKey, 'x-account-id': app.here.account });
}

/** The parts of the two headers, by policy. */
function ratesOf({ headers }: { headers: Headers }) {
  const read = (name: string) =>
    Object.fromEntries(
      (headers.get(name) ?? '')
        .split(', ')
        .filter(Boolean)
        .map((part) => {
          const [, policy, one, two] = /^"(\w+)";[qr]=(\d+);[wt]=(\d+)$/.exec(part)!;
          return [policy!, [Number(one), Number(two)]];
        }),
    );
  return { policy: read('ratelimit-policy'), left: read('ratelimit') };
}

const viewer = '{ viewer { level } }';
const path = '/v3/crud/event/';
const action = '/v3/action/hosted_file/hash/none/download';

test('a key with a rate of its own has so many calls a minute, at all doors together', async () => {
  const caller = await keyWith({ ratePerMinute: 4 });
  const first = await caller.graphql(viewer);
  expect(ratesOf(first).policy).toEqual({ key: [4, 60] });
  expect(ratesOf(first).left).toEqual({ key: [3, expect.any(Number)] });
  expect((await caller.rest('GET', path)).status).toBe(200);
  expect((await caller.rest('GET', action)).status).toBe(422);
  expect(ratesOf(await caller.rest('GET', path)).left.key![0]).toBe(0);

  const crud = await caller.rest('GET', path);
  expectCrudError(crud, 429, 'rate_limited');
  const acted = await caller.rest('GET', action);
  expectActionError(acted, 429);
  const asked = await caller.graphql(viewer);
  expect(asked).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
  expect(asked.data).toBeUndefined();
  for (const answer of [crud, acted, asked]) {
    expectHeaders(answer);
    const seconds = Number(answer.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(ratesOf(answer).left.key).toEqual([0, seconds]);
  }
  // Another key has calls of its own.
  expect((await (await keyWith({ ratePerMinute: 4 })).rest('GET', path)).status).toBe(200);
});

test('a refused call does nothing', async () => {
  const caller = await keyWith({ ratePerMinute: 1 });
  await caller.graphql(viewer);
  const before = await app.countRows('person');
  const made = await caller.rest('POST', '/v3/crud/person/', { given_name: 'Ann' });
  expectCrudError(made, 429, 'rate_limited');
  const { code } = await caller.graphql(
    'mutation { createPerson(input: { givenName: "Ann" }) { person { id } } }',
  );
  expect(code).toBe('RATE_LIMITED');
  expect(await app.countRows('person')).toBe(before);
});

test('a key without a rate of its own has that of the server', async () => {
  const { policy } = ratesOf(await app.staff().rest('GET', path));
  expect(policy).toEqual({ key: [5000, 60] });
});

test('a person has so many calls, whatever the key and the token', async () => {
  const person = app.here.rows.person![0]!.id;
  const statuses = [];
  for (let n = 0; n < 9; n += 1) {
    const caller = await app.signedIn('authenticated', { person });
    statuses.push((await caller.rest('GET', path)).status);
  }
  expect(statuses).toEqual([...Array<number>(7).fill(200), 429, 429]);
  const another = await app.signedIn('authenticated', { person: app.there.rows.person![0]!.id });
  expect((await another.rest('GET', path)).status).toBe(200);
});

describe('an address has so many calls', () => {
  test('and no header that a caller sends moves it', async () => {
    const statuses = [];
    for (let n = 0; n < 22; n += 1) {
      const headers = {
        'x-forwarded-for': `203.0.113.${String(n)}`,
        forwarded: `for=203.0.113.${String(n)}`,
        'x-real-ip': `203.0.113.${String(n)}`,
        'x-request-id': `n${String(n)}`,
      };
      // With no key and a bad one too: guessing counts.
      const caller =
        n % 2 === 0
          ? plain.nobody()
          : plain.nobody().with({ 'x-aether-api-key': `guessed-key-${String(n)}` });
      const answer = await caller.with(headers).rest('GET', path);
      expect(ratesOf(answer).policy).toEqual({ address: [20, 60] });
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([...Array<number>(20).fill(403), 429, 429]);
    expect((await plain.staff().graphql(viewer)).code).toBe('RATE_LIMITED');
    expectActionError(await plain.staff().rest('GET', '/nowhere'), 429);
    for (const health of ['/health', '/readyz', '/metrics'])
      expect((await plain.nobody().rest('GET', health)).status).toBe(200);
  });

  test('which a trusted proxy tells, by the last that it was told by', async () => {
    const from = (address: string) => guarded.nobody().with({ 'x-forwarded-for': address }).rest('GET', path);
    for (let n = 0; n < 20; n += 1)
      expect((await from(`198.51.100.${String(n)}, 203.0.113.5`)).status).toBe(403);
    expect((await from('198.51.100.99, 203.0.113.5')).status).toBe(429);
    expect((await from('::ffff:203.0.113.5')).status).toBe(429);
    expect((await from('203.0.113.6')).status).toBe(403);
    // A network of IPv6 is one caller.
    for (let n = 0; n < 20; n += 1) expect((await from(`2001:db8:0:1::${n.toString(16)}`)).status).toBe(403);
    expect((await from('2001:db8:0:1:ffff:ffff:ffff:ffff')).status).toBe(429);
    expect((await from('2001:0DB8::0001:5:6:7:8')).status).toBe(429);
    expect((await from('2001:db8:0:2::1')).status).toBe(403);
  });
});

test('what one server has counted the other knows of, where there is Redis', async () => {
  const caller = await keyWith({ ratePerMinute: 6 });
  for (let n = 0; n < 5; n += 1) expect((await caller.rest('GET', path)).status).toBe(200);
  await sleep(1500);
  const there = other.nobody().with(caller.headers);
  const statuses = [(await there.rest('GET', path)).status];
  await sleep(1500);
  for (let n = 0; n < 2; n += 1) statuses.push((await there.rest('GET', path)).status);
  expect(statuses).toEqual(target === 'mariadb' ? [200, 429, 429] : [200, 200, 200]);
});

test('while Redis is away each server goes on by itself', async () => {
  const caller = await keyWith({ ratePerMinute: 3 });
  const there = other.nobody().with(caller.headers);
  await cache?.cut();
  try {
    const started = performance.now();
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await there.rest('GET', path)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(performance.now() - started).toBeLessThan(1500);
    await sleep(1500);
    expect((await there.rest('GET', path)).status).toBe(429);
    expect((await caller.rest('GET', path)).status).toBe(200);
  } finally {
    await cache?.mend();
  }
});

test('without limits nothing is counted', async () => {
  const { policy, left } = ratesOf(await other.staff().rest('GET', path));
  expect({ policy, left }).toEqual({ policy: {}, left: {} });
});
