import { hash } from '@node-rs/argon2';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT, type JWK } from 'jose';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importKeys } from '../../src/auth/key-set';
import { createTokens } from '../../src/auth/token';
import { ConfigError, readConfig } from '../../src/config';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { behindProxy, claimsOf, elsewhere, makeUser, signInText } from './support';

const password = 'correct horse';
const makeOne = async (values: object = {}) =>
  makeUser(app, { passwordHash: await hash(password, { memoryCost: 1024, timeCost: 1 }), ...values });
const bearer = (jwt: string): Caller => elsewhere(app.guest().with({ authorization: `Bearer ${jwt}` }));
const tokenOf = async (username: string): Promise<string> =>
  (await elsewhere(app.guest()).ask(signInText, { username, password })).signIn.jwt;
const level = async (caller: Caller) => {
  const { status, data } = await caller.graphql('{ viewer { level } }');
  return status === 200 ? data.viewer.level : status;
};

const app = useApp({ rows: 2, ...behindProxy });

const folder = mkdtempSync(join(tmpdir(), 'aether-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fileOf = (name: string, content: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};
const makeKey = async (alg: 'EdDSA' | 'RS256', kid: string): Promise<JWK> => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid };
};
const publicOf = ({ kty, crv, x, n, e, kid }: JWK): JWK =>
  JSON.parse(JSON.stringify({ kty, crv, x, n, e, kid })) as JWK;

describe('refreshing a token', () => {
  const refresh = (caller: Caller) =>
    caller.graphql('mutation { refreshToken { jwt expiresOn level user { id } } }');
  const at = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
    const { now } = app.services;
    app.services.now = () => new Date(Date.now() + ms);
    return work().finally(() => {
      app.services.now = now;
    });
  };

  test('gives a new one for a user, as the user is now', async () => {
    const user = await makeOne({ trusted: true });
    const caller = bearer(await tokenOf(user.username));
    await app.administrator().call('PATCH', `/v3/crud/user/${user.id}`, { trusted: false });
    const { data } = await refresh(caller);
    expect(data.refreshToken).toMatchObject({ level: 'authenticated', user: { id: user.id } });
    expect(claimsOf(data.refreshToken.jwt)).toMatchObject({ trusted: false, user_id: user.id });
    expect(await level(bearer(data.refreshToken.jwt))).toBe('authenticated');
  });

  test('goes on for 30 days after the sign-in, and not beyond', async () => {
    const { id } = await makeOne();
    const day = 86_400;
    const now = Math.floor(Date.now() / 1000);
    const claims = { account_id: app.here.account, user_id: id };
    const sign = (ageInDays: number) =>
      app.services.tokens.sign({ ...claims, auth_time: now - ageInDays * day }, 3600);
    const { data } = await refresh(bearer(await sign(29.9)));
    const { exp, auth_time } = claimsOf(data.refreshToken.jwt);
    expect(auth_time).toBe(now - 29.9 * day);
    expect(exp - auth_time).toBe(30 * day);
    expect((await refresh(bearer(await sign(30)))).code).toBe('UNAUTHENTICATED');
    await at(0, async () => expect((await refresh(bearer(await sign(1)))).errors).toBeUndefined());
  });

  test('is for users: a passcode is entered again', async () => {
    const passcode = { account_id: app.here.account, manager: true, json_str: '{"auth_type":"passcode"}' };
    const token = await app.services.tokens.sign(passcode, 60);
    expect((await refresh(bearer(token))).code).toBe('UNAUTHENTICATED');
    expect((await refresh(app.administrator())).code).toBe('UNAUTHENTICATED');
    expect((await refresh(bearer('nonsense'))).status).toBe(401);
  });
});

describe('what has changed of a user takes effect at once', () => {
  test('when they sign out everywhere', async () => {
    const user = await makeOne();
    const [one, two] = [await tokenOf(user.username), await tokenOf(user.username)];
    expect(await bearer(one).ask('mutation { signOutEverywhere }')).toEqual({ signOutEverywhere: true });
    expect([await level(bearer(one)), await level(bearer(two))]).toEqual([401, 401]);
    expect(await level(bearer(await tokenOf(user.username)))).toBe('authenticated');
  });

  test('when an administrator signs them out, who may do so up to their own level', async () => {
    const [user, above] = [await makeOne(), await makeOne({ manager: true })];
    const [token, higher] = [await tokenOf(user.username), await tokenOf(above.username)];
    const out = (caller: Caller, userId: string) =>
      caller.graphql('mutation ($userId: ID) { signOutEverywhere(userId: $userId) }', { userId });
    expect((await out(app.staff(), user.id)).code).toBe('FORBIDDEN');
    expect((await out(app.administrator(), above.id)).code).toBe('FORBIDDEN');
    expect((await out(app.otherAccount(), user.id)).code).toBe('NOT_FOUND');
    expect((await app.guest().graphql('mutation { signOutEverywhere }')).code).toBe('UNAUTHENTICATED');
    expect([await level(bearer(token)), await level(bearer(higher))]).toEqual(['authenticated', 'manager']);
    expect((await out(app.administrator(), user.id)).errors).toBeUndefined();
    expect(await level(bearer(token))).toBe(401);
  });

  test('when they are disabled, or lowered', async () => {
    const user = await makeOne({ trusted: true });
    const caller = bearer(await tokenOf(user.username));
    expect(await level(caller)).toBe('trusted');
    await app.administrator().call('PATCH', `/v3/crud/user/${user.id}`, { trusted: false });
    expect(await level(caller)).toBe('authenticated');
    await app.administrator().call('DELETE', `/v3/crud/user/${user.id}?method=disable`);
    expect(await level(caller)).toBe(401);
  });
});

describe('a key set', () => {
  test.each(['EdDSA', 'RS256'] as const)(
    'signs by its first key (%s), and all of it verifies',
    async (alg) => {
      const [old, next] = [await makeKey('RS256', 'old'), await makeKey(alg, 'next')];
      const secret = 'a secret of the server, 32 bytes or more';
      const tokens = async (...keys: JWK[]) => createTokens(secret, () => new Date(), await importKeys(keys));
      const [before, during, after] = [await tokens(old), await tokens(next, old), await tokens(next)];
      const early = await before.sign({ user_id: 'x' }, 60);
      const late = await during.sign({ user_id: 'x' }, 60);
      const [head] = late.split('.');
      expect(JSON.parse(Buffer.from(head!, 'base64url').toString())).toEqual({
        alg,
        kid: 'next',
        typ: 'JWT',
      });
      for (const verifier of [during, await tokens(old, next)])
        for (const token of [early, late])
          expect(await verifier.verify(token)).toMatchObject({ user_id: 'x' });
      await expect(after.verify(early)).rejects.toThrow('not valid');
      // A key that is on its way out may be there in its public part alone.
      const retiring = await tokens(next, publicOf(old));
      expect(await retiring.verify(early)).toMatchObject({ user_id: 'x' });
      const shared = createTokens(secret, () => new Date());
      expect(await during.verify(await shared.sign({ user_id: 'x' }, 60))).toMatchObject({ user_id: 'x' });
      await expect(shared.verify(late)).rejects.toThrow('not valid');
      await expect(createTokens('another', () => new Date()).verify(early)).rejects.toThrow('not valid');
    },
  );

  test('takes no public key for a secret, and no key for another', async () => {
    const key = await makeKey('RS256', 'one');
    const other = await makeKey('EdDSA', 'two');
    const tokens = createTokens(
      'a secret of the server, 32 bytes or more',
      () => new Date(),
      await importKeys([key, other]),
    );
    const forge = (secret: string, header: object) =>
      new SignJWT({ super: true })
        .setProtectedHeader({ alg: 'HS256', ...header })
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secret));
    for (const secret of [key.n!, JSON.stringify(publicOf(key)), JSON.stringify(tokens.published[0])])
      await expect(tokens.verify(await forge(secret, { kid: 'one' }))).rejects.toThrow('not valid');
    const good = await tokens.sign({ super: true }, 60);
    const [, body, signature] = good.split('.');
    for (const header of [
      { alg: 'RS256', kid: 'two' },
      { alg: 'EdDSA', kid: 'one' },
      { alg: 'RS256' },
      { alg: 'RS256', kid: 'one', jwk: publicOf(other) },
      { alg: 'none' },
      { alg: 'PS256', kid: 'one' },
    ])
      await expect(
        tokens.verify(`${Buffer.from(JSON.stringify(header)).toString('base64url')}.${body}.${signature}`),
      ).rejects.toThrow('not valid');
  });

  test('that cannot be used is told at the start, without what stands in it', async () => {
    const key = await makeKey('EdDSA', 'one');
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const rsa = { ...(await exportJWK(privateKey)), kid: 'rsa' };
    const weak = { ...rsa, n: rsa.n!.slice(0, 171) };
    const files: [string, unknown, RegExp][] = [
      ['none', undefined, /cannot be read/],
      ['text', 'no json', /cannot be read/],
      ['empty', { keys: [] }, /keys/],
      ['public', { keys: [publicOf(key)] }, /private part/],
      ['nameless', { keys: [{ ...key, kid: undefined }] }, /kid/],
      ['twice', { keys: [key, key] }, /same kid/],
      ['weak', { keys: [weak] }, /2048/],
      ['symmetric', { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'x' }] }, /kty/],
    ];
    for (const [name, content, problem] of files) {
      const file = content === undefined ? join(folder, name) : fileOf(name, content);
      const read = () => readConfig({ AE_API_JWT_KEYS_FILE: file });
      expect(read).toThrow(ConfigError);
      expect(read).toThrow(problem);
      expect(read).not.toThrow(new RegExp(key.d!));
    }
  });
});

describe('a server with a key set', () => {
  const keys = { keys: [] as JWK[] };
  const file = join(folder, 'keys.json');
  beforeAll(async () => {
    keys.keys = [await makeKey('EdDSA', '2026-b'), await makeKey('RS256', '2026-a')];
    writeFileSync(file, JSON.stringify(keys));
  });
  const server = useApp({ rows: 1, env: { AE_API_JWT_KEYS_FILE: file } });

  test('publishes what others verify its tokens by, and nothing more', async () => {
    const { status, body, headers } = await server.nobody().rest('GET', '/.well-known/jwks.json');
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=300']);
    expect(body.keys).toEqual([
      { kty: 'OKP', crv: 'Ed25519', x: keys.keys[0]!.x, kid: '2026-b', alg: 'EdDSA', use: 'sig' },
      { kty: 'RSA', n: keys.keys[1]!.n, e: 'AQAB', kid: '2026-a', alg: 'RS256', use: 'sig' },
    ]);
    const token = await server.services.tokens.sign({ account_id: server.here.account, trusted: true }, 60);
    const { payload } = await jwtVerify(token, createLocalJWKSet(body));
    expect(payload).toMatchObject({ trusted: true });
    const caller = server.guest().with({ authorization: `Bearer ${token}` });
    expect(await caller.ask('{ viewer { level } }')).toEqual({ viewer: { level: 'trusted' } });
  });
});

test('without a key set nothing is published', async () => {
  expect((await app.nobody().rest('GET', '/.well-known/jwks.json')).body).toEqual({ keys: [] });
});
