import { randomInt } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import { Redis } from 'ioredis';
import { createAttempts, type Attempts } from '../../src/auth/attempts';
import { entityOf } from '../../src/kernel/entity';
import { keyOf, useApp } from '../support/app';
import { unknownId, type Caller } from '../support/callers';
import { describeWithRedis, redisServer } from '../support/jest-target';
import { seedMore } from '../support/fixture';
import { behindProxy, elsewhere, makeUser } from './support';

const password = 'correct horse';
const makeOne = async () =>
  makeUser(app, { passwordHash: await hash(password, { memoryCost: 1024, timeCost: 1 }) });
const signIn = async (caller: Caller, username: string, guess: string) =>
  caller.rest('POST', '/v3/action/user/authenticate', { username, password: guess });
const times = <T>(n: number, work: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: n }, (_, i) => work(i)));

const app = useApp({ rows: 2, ...behindProxy });

test('after ten wrong passwords a user is locked, from everywhere and for the right one too', async () => {
  const [user, other] = [await makeOne(), await makeOne()];
  for (let i = 0; i < 10; i += 1)
    expect((await signIn(elsewhere(app.guest()), user.username, 'no')).status).toBe(403);
  const locked = await signIn(elsewhere(app.guest()), user.username.toUpperCase(), password);
  expect([locked.status, locked.body]).toEqual([429, { detail: expect.any(String) }]);
  const wait = Number(locked.headers.get('retry-after'));
  expect(wait > 200 && wait <= 300).toBe(true);
  const ways = [
    ['authenticate', { user_id: user.id, auth_key: 'x' }],
    ['verify_password', { user_id: user.id, password }],
  ] as const;
  for (const [way, body] of ways)
    expect((await elsewhere(app.guest()).rest('POST', `/v3/action/user/${way}`, body)).status).toBe(429);
  const { code, headers } = await elsewhere(app.guest()).graphql(
    `mutation { verifyPassword(username: "${user.username}", password: "${password}") }`,
  );
  expect([code, Number(headers.get('retry-after')) > 200]).toEqual(['RATE_LIMITED', true]);
  expect((await signIn(elsewhere(app.guest()), other.username, password)).status).toBe(200);
});

test('an unknown user is locked like a known one', async () => {
  const statuses = [];
  const name = unknownId();
  for (let i = 0; i < 11; i += 1) statuses.push((await signIn(elsewhere(app.guest()), name, 'no')).status);
  expect(statuses).toEqual([...Array<number>(10).fill(403), 429]);
});

test('guesses that come at once are counted like those that come one after another', async () => {
  // A digest that takes its time: all have come before the first is compared.
  const user = await makeUser(app, { passwordHash: await hash(password, { timeCost: 20 }) });
  const answers = await times(30, () => signIn(elsewhere(app.guest()), user.username, 'no'));
  expect(answers.filter(({ status }) => status === 403)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(20);
});

test('many users behind one address sign in at once', async () => {
  const users = await times(15, makeOne);
  const caller = elsewhere(app.guest());
  const answers = await Promise.all(users.map(({ username }) => signIn(caller, username, password)));
  expect(answers.map(({ status }) => status)).toEqual(users.map(() => 200));
});

test('after ten wrong passwords for whomever an address is locked, and headers do not move it', async () => {
  const user = await makeOne();
  const caller = elsewhere(app.guest());
  const address = caller.headers['x-forwarded-for']!;
  for (let i = 0; i < 10; i += 1) await signIn(caller, unknownId(), 'no');
  for (const headers of [
    {},
    { 'x-forwarded-for': `9.9.9.9, ${address}` },
    { 'x-real-ip': '9.9.9.9' },
    { forwarded: 'for=9.9.9.9' },
    { 'x-client-ip': '9.9.9.9', 'cf-connecting-ip': '9.9.9.9', 'true-client-ip': '9.9.9.9' },
    { 'user-agent': 'another', 'x-request-id': 'another' },
    { 'x-aether-api-key': keyOf('trusted') },
  ])
    expect(
      (await signIn(caller.with(headers as Record<string, string>), user.username, password)).status,
    ).toBe(429);
  expect((await signIn(elsewhere(app.guest()), user.username, password)).status).toBe(200);
});

test('a network of IPv6 is one address', async () => {
  const network = `2001:db8:${randomInt(2 ** 16).toString(16)}`;
  const from = (address: string) => elsewhere(app.guest(), address);
  const user = await makeOne();
  for (let i = 0; i < 10; i += 1) await signIn(from(`${network}:2::${i}`), unknownId(), 'no');
  expect((await signIn(from(`${network}:2:ffff::1`), user.username, password)).status).toBe(429);
  expect((await signIn(from(`${network}:3::1`), user.username, password)).status).toBe(200);
});

test('ten wrong passcodes lock a site for their address, and for no other', async () => {
  const [site, other] = (
    await seedMore(app.services, entityOf('site'), app.here, [
      { accessCodeKvJson: { trusted: 'right-code' }, enable: true },
      { accessCodeKvJson: { trusted: 'right-code' }, enable: true },
    ])
  ).map(({ id }) => id);
  const enter = (caller: Caller, site_id: string | undefined, passcode: string) =>
    caller.rest('POST', '/v3/action/auth/authenticate_passcode', { site_id, passcode });
  const caller = elsewhere(app.guest());
  const wrong = await times(15, (i) => enter(caller, site, `wrong-${i}`));
  expect(wrong.filter(({ status }) => status === 403)).toHaveLength(10);
  const locked = await enter(caller, site, 'right-code');
  expect([locked.status, Number(locked.headers.get('retry-after')) > 200]).toEqual([429, true]);
  expect((await enter(caller, other, 'right-code')).status).toBe(200);
  expect((await enter(elsewhere(app.guest()), site, 'right-code')).status).toBe(200);
});

describe('wrong tries are counted', () => {
  const guess = (attempts: Attempts, name: string) =>
    attempts
      .guess([name], () => Promise.resolve(undefined))
      .then(
        () => 'wrong',
        ({ code }: { code: string }) => code,
      );
  const eleven = async (attempts: readonly Attempts[]) => {
    const name = unknownId();
    const answers = [];
    for (let i = 0; i < 11; i += 1) answers.push(await guess(attempts[i % attempts.length]!, name));
    expect(answers).toEqual([...Array<string>(10).fill('wrong'), 'RATE_LIMITED']);
  };

  describeWithRedis('by all processes', () => {
    test('together', async () => {
      const connections = [1, 2, 3].map(() => new Redis(redisServer!));
      await Promise.all(connections.map((redis) => redis.ping()));
      await eleven(connections.map((redis) => createAttempts(redis)));
      for (const redis of connections) redis.disconnect();
    });
  });

  test('by the process alone, while Redis is away', async () => {
    const away = new Redis('redis://127.0.0.1:1', { maxRetriesPerRequest: 0, commandTimeout: 500 });
    away.on('error', () => undefined);
    await eleven([createAttempts(away)]);
    away.disconnect();
  });
});

describe('without a proxy that is trusted', () => {
  // Nor with the Redis of other tests, who would all be at this address.
  const bare = useApp({ rows: 1, through: (place) => ({ ...place, redisUrl: undefined }) });
  test('no header says where a caller is', async () => {
    for (let i = 0; i < 10; i += 1) await signIn(elsewhere(bare.guest()), unknownId(), 'no');
    expect((await signIn(elsewhere(bare.guest()), unknownId(), 'no')).status).toBe(429);
  });
});
