import { randomUUID } from 'node:crypto';
import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Caller, RestAnswer } from '../support/callers';
import { expectCrudError } from '../support/envelopes';
import { nextNumber, seedMore } from '../support/fixture';
import { target } from '../support/jest-target';

/* Two servers, as behind a load balancer: on MariaDB they share a Redis too. */
const app = useApp({ rows: 2 });
const other = useApp({ rows: 2, through: () => app.place });

const path = '/v3/crud/person/';
const post = (key: string, body: unknown, caller: Caller = app.staff(), at = path): Promise<RestAnswer> =>
  caller.rest('POST', at, body, { 'idempotency-key': key });
const newKey = (): string => randomUUID();
const people = () => app.countRows('person');

/** What of an answer is the same when it is given again. */
const told = ({ status, body }: RestAnswer) => ({ status, body });

test('the same again gets the first answer, and is done once', async () => {
  const key = newKey();
  const before = await people();
  const first = await post(key, { given_name: 'Ann' });
  expect(first.status).toBe(200);
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  // Changed meanwhile: it is the first answer, not a new one.
  await app.staff().call('PATCH', `${path}${first.data.id as string}`, { given_name: 'Bea' });
  for (const spelling of [key, `"${key}"`]) {
    const again = await post(spelling, { given_name: 'Ann' });
    expect(told(again)).toEqual(told(first));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
  }
  // With and without a slash it is the same path.
  expect(told(await post(key, { given_name: 'Ann' }, app.staff(), '/v3/crud/person'))).toEqual(told(first));
  expect(await people()).toBe(before + 1);
});

test('without a key, and with another one, it is done each time', async () => {
  const before = await people();
  for (let i = 0; i < 2; i += 1) {
    await app.staff().call('POST', path, { given_name: 'Ann' });
    expect((await post(newKey(), { given_name: 'Ann' })).status).toBe(200);
  }
  expect(await people()).toBe(before + 4);
});

test('another body under the same key is a conflict, and not done', async () => {
  const key = newKey();
  await post(key, { given_name: 'Ann' });
  const before = await people();
  expectCrudError(await post(key, { given_name: 'Bea' }), 409, 'validation');
  expectCrudError(await post(key, {}), 409, 'validation');
  expect(await people()).toBe(before);
});

test('a key means nothing to another program, account, person or level, and elsewhere', async () => {
  const key = newKey();
  const body = { given_name: 'Ann' };
  const first = await post(key, body);
  const callers = [
    app.administrator(),
    app.as('trusted', app.there.account),
    await app.signedIn('trusted', { person: app.here.rows.person![0]!.id }),
    await app.signedIn('trusted', { person: app.here.rows.person![1]!.id }),
  ];
  const answers = [];
  for (const caller of callers) answers.push(await post(key, body, caller));
  answers.push(await post(key, body, app.root(), `/v3/crud/account/${app.here.account}/person/`));
  for (const answer of answers) {
    expect({ status: answer.status, replayed: answer.headers.get('idempotent-replayed') }).toEqual({
      status: 200,
      replayed: null,
    });
  }
  expect(new Set([first, ...answers].map(({ data }) => data.id)).size).toBe(6);
});

test('what was refused for good is refused again in the same words', async () => {
  const key = newKey();
  const first = await post(key, { given_name: 5, nonsense: 1 });
  expectCrudError(first, 400);
  const again = await post(key, { given_name: 5, nonsense: 1 });
  expect(told(again)).toEqual(told(first));
  expect(again.headers.get('idempotent-replayed')).toBe('true');

  const broken = { event_id: 'AAAAAAAAAAA', name: 'x' };
  const [one, two] = [newKey(), newKey()];
  const refused = await post(one, broken, app.staff(), '/v3/crud/event_session/');
  expect(refused).toMatchObject({ status: 400, meta: { details: { code: 1452 } } });
  expect(told(await post(one, broken, app.staff(), '/v3/crud/event_session/'))).toEqual(told(refused));
  expect((await post(two, { name: 'x' }, app.guest())).status).toBe(403);
});

test('of many at once one is done; the others are told to wait, and then get its answer', async () => {
  const key = newKey();
  const before = await people();
  const answers = await Promise.all([...Array(12)].map(() => post(key, { given_name: 'Ann' })));
  expect(await people()).toBe(before + 1);
  for (const answer of answers) {
    if (answer.status === 200) continue;
    expectCrudError(answer, 409, 'validation');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  const done = answers.filter(({ status }) => status === 200);
  expect(new Set(done.map(({ data }) => data.id)).size).toBe(1);
  expect(told(await post(key, { given_name: 'Ann' }))).toEqual(told(done[0]!));
});

test('a failure of ours is not kept: the same again is tried again', async () => {
  const { services } = app;
  const { database } = services;
  const key = newKey();
  const before = await people();
  services.database = { ...database, transaction: () => Promise.reject(new Error('A bug.')) };
  try {
    expect((await post(key, { given_name: 'Ann' })).status).toBe(500);
  } finally {
    services.database = database;
  }
  expect(app.logged.splice(0)).not.toEqual([]);
  const again = await post(key, { given_name: 'Ann' });
  expect({ status: again.status, replayed: again.headers.get('idempotent-replayed') }).toEqual({
    status: 200,
    replayed: null,
  });
  expect(await people()).toBe(before + 1);
});

test('while the cache is away nothing is done that could be done twice', async () => {
  const { services } = app;
  const { cache } = services;
  const before = await people();
  const away = () => Promise.reject(Object.assign(new Error(), { code: 'UNAVAILABLE' }));
  services.cache = { ...cache, add: away };
  try {
    expect((await post(newKey(), { given_name: 'Ann' })).status).toBe(500);
  } finally {
    services.cache = cache;
  }
  app.logged.splice(0);
  expect(await people()).toBe(before);

  // What has been done is answered, even when it cannot be kept.
  services.cache = { ...cache, set: away };
  try {
    expect((await post(newKey(), { given_name: 'Ann' })).status).toBe(200);
  } finally {
    services.cache = cache;
  }
  expect(await people()).toBe(before + 1);
});

test('a key is a short text of printable characters', async () => {
  for (const key of ['x'.repeat(256), '""', '"'])
    if (key !== '"') expectCrudError(await post(key, { given_name: 'Ann' }), 400);
  expect((await post('x'.repeat(255), { given_name: 'Ann' })).status).toBe(200);
  expect((await post('with spaces, and "quotes"', { given_name: 'Ann' })).status).toBe(200);
});

test('below a parent it holds alike, for the path as it was written', async () => {
  const [event, another] = await seedMore(app.services, entityOf('event'), app.here, [{}, {}]);
  const key = newKey();
  const at = (id: string) => `/v3/crud/event/${id}/session/`;
  const body = { name: `Session ${String(nextNumber())}` };
  const first = await post(key, body, app.staff(), at(event!.id));
  expect(told(await post(key, body, app.staff(), at(event!.id)))).toEqual(told(first));
  const elsewhere = await post(key, body, app.staff(), at(another!.id));
  expect(elsewhere.data.id).not.toBe(first.data.id);
});

test('reading is not what it is for: a search is made each time, a check is no creation', async () => {
  const key = newKey();
  const search = () => post(key, { q: 'nobody' }, app.staff(), '/v3/crud/person/search');
  for (let i = 0; i < 2; i += 1) expect((await search()).headers.get('idempotent-replayed')).toBeNull();
  const body = { given_name: 'Ann' };
  expect((await post(key, body, app.staff(), '/v3/crud/person/validate')).data).toBe(true);
  expect((await post(key, body)).data.id).toEqual(expect.any(String));
});

test('another server knows the key, and what was answered', async () => {
  // On the embedded database each server has a cache of its own.
  if (target !== 'mariadb') return;
  const key = newKey();
  const before = await people();
  const [here, there] = [app.staff(), other.as('trusted', app.here.account)];
  const answers = await Promise.all(
    [...Array(10).keys()].map((n) => post(key, { given_name: 'Ann' }, n % 2 ? here : there)),
  );
  expect(new Set(answers.map(({ status }) => status)).has(200)).toBe(true);
  const first = answers.find(({ status }) => status === 200)!;
  for (const caller of [here, there])
    expect(told(await post(key, { given_name: 'Ann' }, caller))).toEqual(told(first));
  expectCrudError(await post(key, { given_name: 'Bea' }, there), 409);
  expect(await people()).toBe(before + 1);
});

describe('servers that share nothing but the database', () => {
  const one = useApp({ rows: 2, through: () => ({ ...app.place, redisUrl: undefined }) });
  const two = useApp({ rows: 2, through: () => ({ ...app.place, redisUrl: undefined }) });
  const callers = () => [one.staff(), two.staff()] as const;

  test('do it once all the same', async () => {
    const key = newKey();
    const before = await people();
    const [here, there] = callers();
    const first = await post(key, { given_name: 'Ann' }, here);
    await app.staff().call('PATCH', `${path}${first.data.id as string}`, { given_name: 'Bea' });
    const again = await post(key, { given_name: 'Ann' }, there);
    expect(told(again)).toEqual(told(first));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expectCrudError(await post(key, { given_name: 'Bea' }, there), 409, 'validation');
    expect(await people()).toBe(before + 1);
  });

  test('do it once when both are asked at the same moment', async () => {
    const key = newKey();
    const before = await people();
    const [here, there] = callers();
    const answers = await Promise.all(
      [here, there].map((caller) => post(key, { given_name: 'Ann' }, caller)),
    );
    for (const answer of answers) if (answer.status !== 200) expectCrudError(answer, 409, 'validation');
    expect(await people()).toBe(before + 1);
    const ids = await Promise.all([here, there].map((caller) => post(key, { given_name: 'Ann' }, caller)));
    expect(new Set(ids.map(({ data }) => data.id)).size).toBe(1);
  });

  test('answer with what was made when the first one died before it could', async () => {
    const [here, there] = callers();
    for (const query of ['', '?return_obj=false']) {
      const key = newKey();
      const first = await post(key, { given_name: 'Ann' }, here, `${path}${query}`);
      const before = await people();
      await app.services.database.transaction((tx) =>
        app.services.database.select('UPDATE write_receipt SET answer = NULL', [], tx),
      );
      const again = await post(key, { given_name: 'Ann' }, there, `${path}${query}`);
      expect(told(again)).toEqual(told(first));
      expect(await people()).toBe(before);
    }
  });

  test('forget it after a day', async () => {
    const key = newKey();
    const [here, there] = callers();
    const first = await post(key, { given_name: 'Ann' }, here);
    two.services.now = () => new Date(Date.now() + 25 * 3_600_000);
    const later = await post(key, { given_name: 'Ann' }, there);
    two.services.now = () => new Date();
    expect(later.status).toBe(200);
    expect(later.data.id).not.toBe(first.data.id);
  });
});
