import { setTimeout as sleep } from 'node:timers/promises';
import { useApp } from '../support/app';
import type { RestAnswer } from '../support/callers';
import { expectActionError, expectCrudError } from '../support/envelopes';
import { target } from '../support/jest-target';
import { lineTo, type Line } from '../support/proxy';

let database: Line | undefined;
let cache: Line | undefined;
const app = useApp({
  rows: 2,
  through: async ({ dataDir, databaseUrl, redisUrl }) => {
    if (databaseUrl) database = await lineTo(databaseUrl);
    if (redisUrl) cache = await lineTo(redisUrl);
    return { dataDir, databaseUrl: database?.url, redisUrl: cache?.url };
  },
});
afterAll(async () => {
  await database?.cut();
  await cache?.cut();
});

/** What goes wrong here is logged as an error, and rightly so. */
const provoked = () => app.logged.splice(0);

const event = () => app.here.rows.event![0]!.id;
const calls = (): [string, () => Promise<RestAnswer>][] => [
  ['a list', () => app.staff().rest('GET', '/v3/crud/event/')],
  ['an object', () => app.staff().rest('GET', `/v3/crud/event/${event()}`)],
  ['a search', () => app.staff().rest('POST', '/v3/crud/event/search', { q: 'x' })],
  ['children', () => app.staff().rest('GET', `/v3/crud/event/${event()}/session/`)],
  ['a new object', () => app.staff().rest('POST', '/v3/crud/person/', { given_name: 'Ann' })],
  ['a change', () => app.administrator().rest('PATCH', `/v3/crud/event/${event()}`, { name: 'new' })],
  ['a removal', () => app.administrator().rest('DELETE', `/v3/crud/event/${event()}?method=delete`)],
];

async function expectGone(): Promise<void> {
  for (const [name, call] of calls()) {
    const started = Date.now();
    const answer = await call();
    expect({ name, status: answer.status }).toEqual({ name, status: 503 });
    expectCrudError(answer, 503, 'unavailable');
    expect(answer.meta.details.recoverable).toBe(true);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Date.now() - started).toBeLessThan(15_000);
  }
  const action = await app.staff().rest('GET', `/v3/action/hosted_file/${event()}/download`);
  expectActionError(action, 503);
  const graphql = await app.staff().graphql('{ events { nodes { id } } }');
  expect(graphql).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
  expect(Number(graphql.headers.get('retry-after'))).toBeGreaterThan(0);
  const health = await app.nobody().rest('GET', '/health');
  expect(health).toMatchObject({ status: 503, body: { status: 'down', database: 'down', cache: 'ok' } });
  expect(health.headers.get('retry-after')).not.toBeNull();
}

async function expectBack(): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const { status } = await app.nobody().rest('GET', '/health');
    if (status === 200) break;
    if (tries > 50) throw new Error('The database does not come back.');
    await sleep(100);
  }
  expect((await app.staff().rest('GET', '/v3/crud/event/')).status).toBe(200);
  expect((await app.staff().rest('POST', '/v3/crud/person/', { given_name: 'Ann' })).status).toBe(200);
}

if (target === 'mariadb') {
  test('without the database every call is 503 with a time to come back, never an empty list, and all is well when it is back', async () => {
    const people = await app.countRows('person');
    expect((await app.staff().rest('GET', '/v3/crud/event/')).status).toBe(200);
    await database!.cut();
    await expectGone();
    await database!.mend();
    await expectBack();
    expect(await app.countRows('person')).toBe(people + 1);
    provoked();
  }, 120_000);

  test('without Redis everything goes on, and health tells', async () => {
    await cache!.cut();
    expect((await app.staff().rest('GET', '/v3/crud/event/')).status).toBe(200);
    expect(
      (await app.administrator().rest('PATCH', `/v3/crud/event/${event()}`, { name: 'without' })).status,
    ).toBe(200);
    const key = app.here.rows.api_key![0]!.id;
    expect(
      (await app.administrator().rest('PATCH', `/v3/crud/api_key/${key}`, { name: 'without' })).status,
    ).toBe(200);
    expect(await app.nobody().rest('GET', '/health')).toMatchObject({
      status: 200,
      body: { status: 'degraded', database: 'ok', cache: 'down' },
    });
    await cache!.mend();
    for (let tries = 0; tries < 50; tries += 1) {
      const { body } = await app.nobody().rest('GET', '/health');
      if (body.status === 'ok') break;
      await sleep(100);
    }
    expect((await app.nobody().rest('GET', '/health')).body.status).toBe('ok');
    provoked();
  });
} else {
  test('without the database every call is 503 with a time to come back, and never an empty list', async () => {
    expect((await app.staff().rest('GET', '/v3/crud/event/')).status).toBe(200);
    await app.services.database.close();
    await expectGone();
    provoked();
  });
}
