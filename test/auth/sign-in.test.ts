import { Algorithm, hash } from '@node-rs/argon2';
import { hash as bcrypt } from '@node-rs/bcrypt';
import { pbkdf2Sync } from 'node:crypto';
import { hashPassword } from '../../src/auth/password';
import { entityOf } from '../../src/kernel/entity';
import { keyOf, useApp } from '../support/app';
import { seedMore } from '../support/fixture';
import { unknownId } from '../support/callers';
import { behindProxy, claimsOf, elsewhere, makeUser, signInText } from './support';

const app = useApp({ rows: 2, ...behindProxy });
const password = 'Korrekt Pferd 🐎 Batterie';
const guest = () => elsewhere(app.guest());

const withPassword = async (values: object = {}) =>
  makeUser(app, { passwordHash: await hash(password, { memoryCost: 1024, timeCost: 1 }), ...values });

const signIn = (variables: object, caller = guest()) => caller.graphql(signInText, { ...variables });

describe('a sign-in by password', () => {
  test('answers a token of the level of the user, who is read as they read themselves', async () => {
    const person = app.here.rows.person![0]!.id;
    const user = await withPassword({ administrator: true, personId: person });
    const { data, errors } = await signIn({ username: user.username, password });
    expect(errors).toBeUndefined();
    expect(data.signIn).toMatchObject({
      level: 'administrator',
      user: {
        id: user.id,
        username: user.username,
        person: { id: person },
        account: { id: app.here.account },
      },
    });
    const claims = claimsOf(data.signIn.jwt);
    expect(claims).toMatchObject({
      account_id: app.here.account,
      person_id: person,
      user_id: user.id,
      administrator: true,
      manager: false,
      trusted: true,
    });
    expect(claims.exp - claims.iat).toBe(48 * 3600);
    expect(new Date(data.signIn.expiresOn).getTime()).toBe(claims.exp * 1000);
    const caller = app.guest().with({ authorization: `Bearer ${data.signIn.jwt}` });
    expect(await caller.ask('{ viewer { level person { id } } }')).toEqual({
      viewer: { level: 'administrator', person: { id: person } },
    });
    expect(await app.rowOf('user', user.id)).toMatchObject({ last_sign_in_on: expect.anything() });
  });

  test('in REST answers the user as GET does, with the token, for no cache to keep', async () => {
    const user = await withPassword();
    const answer = await guest().rest('POST', '/v3/action/user/authenticate', {
      username: user.username,
      password,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { jwt, ...rest } = answer.data;
    const own = app.guest().with({ authorization: `Bearer ${jwt}` });
    expect(rest).toEqual((await own.rest('GET', `/v3/crud/user/${user.id}`)).data);
    expect(JSON.stringify(answer.body)).not.toMatch(/hash|argon2/);
  });

  test('takes the e-mail address for a name, when it is that of one user alone', async () => {
    await withPassword({ email: 'one@example.org' });
    expect((await signIn({ username: 'ONE@example.org', password })).errors).toBeUndefined();
    await withPassword({ email: 'one@example.org' });
    expect((await signIn({ username: 'one@example.org', password })).code).toBe('FORBIDDEN');
  });

  test('is refused in one way, whatever was wrong', async () => {
    const right = await withPassword();
    const there = (await withPassword()).username;
    const cases: [string, object][] = [
      ['wrong password', { username: right.username, password: 'wrong' }],
      ['empty key', { userId: right.id, authKey: 'x' }],
      ['unknown name', { username: unknownId(), password }],
      ['unknown id', { userId: unknownId(), password }],
      ['disabled', { username: (await withPassword({ enable: false })).username, password }],
      [
        'too early',
        { username: (await withPassword({ enableFrom: '2999-01-01T00:00:00.000Z' })).username, password },
      ],
      [
        'too late',
        { username: (await withPassword({ enableTo: '2020-01-01T00:00:00.000Z' })).username, password },
      ],
      ['no password', { username: (await makeUser(app, { passwordHash: null })).username, password }],
      [
        'cut off',
        { username: (await makeUser(app, { passwordHash: '$argon2id$v=19$m=1' })).username, password },
      ],
      ['plain', { username: (await makeUser(app, { passwordHash: password })).username, password }],
    ];
    const answers = await Promise.all(cases.map(async ([, variables]) => (await signIn(variables)).errors));
    expect(new Set(answers.map((errors) => JSON.stringify(errors))).size).toBe(1);
    expect(answers[0]![0]!.extensions.code).toBe('FORBIDDEN');
    const elsewhereUser = elsewhere(app.guest().with({ 'x-account-id': app.there.account }));
    expect((await signIn({ username: there, password }, elsewhereUser)).errors).toEqual(answers[0]);
  });

  test('takes as long for a name that is not there', async () => {
    const known = await makeUser(app, { passwordHash: await hashPassword(password) });
    const without = await makeUser(app, { passwordHash: null });
    const names = [known.username, without.username, unknownId()];
    const least = names.map(() => Infinity);
    for (let i = 0; i < 8; i += 1)
      for (const [index, username] of names.entries()) {
        const started = performance.now();
        await signIn({ username, password: 'wrong' });
        least[index] = Math.min(least[index]!, performance.now() - started);
      }
    // Without the comparison it would be a fifth.
    for (const time of least.slice(1)) {
      expect(time / least[0]!).toBeGreaterThan(0.33);
      expect(time / least[0]!).toBeLessThan(3);
    }
  });

  test('tells of an unknown user only those who may read all users', async () => {
    const body = { username: unknownId(), password };
    const path = '/v3/action/user/authenticate';
    for (const [caller, status] of [
      [app.staff(), 404],
      [app.administrator(), 404],
      [app.guest(), 403],
      [await app.signedIn('trusted', { person: app.here.rows.person![0]!.id }), 403],
    ] as const)
      expect((await elsewhere(caller).rest('POST', path, body)).status).toBe(status);
  });

  test('needs something to go by, and texts', async () => {
    for (const body of [{}, { username: 'x' }, { password }, { user_id: 'x' }, { username: '', password }])
      expect((await guest().rest('POST', '/v3/action/user/authenticate', body)).status).toBe(400);
    for (const body of [{ username: ['x'], password }, { username: 'x', password: { $ne: 1 } }, [1]])
      expect((await guest().rest('POST', '/v3/action/user/authenticate', body)).status).toBe(422);
    const without = elsewhere(app.nobody().with({ 'x-aether-api-key': keyOf('anonymous') }));
    expect(
      (await without.rest('POST', '/v3/action/user/authenticate', { username: 'x', password })).status,
    ).toBe(403);
  });

  test('stands alone in its operation: aliases do not guess', async () => {
    const user = await withPassword();
    const one = `signIn(username: "${user.username}", password: "${password}") { jwt }`;
    for (const document of [
      `mutation { a: ${one} b: ${one} }`,
      `mutation { ...A } fragment A on Mutation { a: ${one} ... on Mutation { b: ${one} } }`,
      `mutation { a: ${one} verifyPassword(username: "x", password: "y") }`,
    ]) {
      const { code, data } = await guest().graphql(document);
      expect([code, JSON.stringify(data)]).toEqual(['LIMIT_EXCEEDED', 'null']);
    }
    expect((await guest().graphql(`mutation { ${one} } `)).errors).toBeUndefined();
  });

  test('does so as well when it runs compiled', async () => {
    const user = await withPassword();
    for (let i = 0; i < 8; i += 1) {
      const { data } = await signIn({ username: user.username, password });
      expect(data.signIn.user).toMatchObject({ id: user.id, account: { id: app.here.account } });
    }
    const two =
      'mutation ($n: String) { a: signIn(username: $n, password: "x") { jwt } b: signIn(username: $n, password: "y") { jwt } }';
    for (let i = 0; i < 8; i += 1)
      expect((await guest().graphql(two, { n: 'x' })).code).toBe('LIMIT_EXCEEDED');
  });
});

describe('a digest of an older system', () => {
  const salt = Buffer.from('0123456789abcdef');
  const ab64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '').replaceAll('+', '.');
  const rounds = 1000;
  test.each<[string, () => Promise<string> | string]>([
    ['bcrypt', () => bcrypt(password, { cost: 4 })],
    [
      'bcrypt as passlib writes it',
      async () => (await bcrypt(password, { cost: 4 })).replace(/^\$2.\$/, '$2b$'),
    ],
    [
      'pbkdf2 of passlib',
      () =>
        `$pbkdf2-sha256$${rounds}$${ab64(salt)}$${ab64(pbkdf2Sync(password, salt, rounds, 32, 'sha256'))}`,
    ],
    [
      'pbkdf2 with SHA-512 of passlib',
      () =>
        `$pbkdf2-sha512$${rounds}$${ab64(salt)}$${ab64(pbkdf2Sync(password, salt, rounds, 64, 'sha512'))}`,
    ],
    [
      'pbkdf2 of Django',
      () =>
        `pbkdf2_sha256$${rounds}$NaCl$${pbkdf2Sync(password, 'NaCl', rounds, 32, 'sha256').toString('base64')}`,
    ],
    [
      'argon2i of other cost',
      () => hash(password, { algorithm: Algorithm.Argon2i, memoryCost: 1024, timeCost: 1 }),
    ],
  ])('(%s) is understood, and made anew at the next sign-in', async (_name, digest) => {
    const before = await digest();
    const user = await makeUser(app, { passwordHash: before });
    expect((await signIn({ username: user.username, password: `${password}!` })).code).toBe('FORBIDDEN');
    expect((await app.rowOf('user', user.id))!.password_hash).toBe(before);
    expect((await signIn({ username: user.username, password })).errors).toBeUndefined();
    const after = (await app.rowOf('user', user.id))!.password_hash;
    expect(after).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await signIn({ username: user.username, password })).errors).toBeUndefined();
    expect((await app.rowOf('user', user.id))!.password_hash).toBe(after);
  });

  // Published by passlib and Django.
  test.each([
    ['$pbkdf2-sha256$8000$XAuBMIYQQogxRg$tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE', 'password'],
    ['pbkdf2_sha256$20000$seasalt$oBSd886ysm3AqYun62DOdin8YcfbU1z9cksZSuLP9r0=', 'lètmein'],
    ['$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m', 'password'],
  ])('as published (%s) is understood', async (passwordHash, plain) => {
    const user = await makeUser(app, { passwordHash });
    expect((await signIn({ username: user.username, password: plain })).errors).toBeUndefined();
  });
});

describe('verifying a password', () => {
  const verify = (body: object, caller = guest()) =>
    caller.rest('POST', '/v3/action/user/verify_password', body);

  test('answers true, or says in one way that it is wrong', async () => {
    const user = await withPassword();
    expect(await verify({ user_id: user.id, password })).toMatchObject({ status: 200, data: true });
    expect(await verify({ username: user.username, password })).toMatchObject({ status: 200, data: true });
    const wrong = await verify({ user_id: user.id, password: 'x' });
    expect(wrong.status).toBe(403);
    expect(wrong.body).toEqual({ detail: expect.any(String) });
    expect((await verify({ user_id: unknownId(), password })).body).toEqual(wrong.body);
    expect((await verify({ password })).status).toBe(400);
    expect((await verify({ user_id: user.id })).status).toBe(422);
  });

  test('tells those who may read all users that there is no password, or no user', async () => {
    const { id } = await makeUser(app, { passwordHash: null });
    const staff = elsewhere(app.staff());
    expect((await verify({ user_id: id, password }, staff)).status).toBe(400);
    expect((await verify({ user_id: unknownId(), password }, staff)).status).toBe(404);
    expect((await verify({ user_id: id, password })).status).toBe(403);
  });
});

describe('changing a password', () => {
  const next = 'another password';
  const change = (id: string, body: object, caller = guest()) =>
    caller.rest('POST', `/v3/action/user/${id}/change_password`, body);
  const asUser = async (username: string) =>
    guest().with({ authorization: `Bearer ${(await signIn({ username, password })).data.signIn.jwt}` });

  test('takes the current one, ends all tokens, and the old one is gone', async () => {
    const user = await withPassword();
    const caller = await asUser(user.username);
    expect((await change(user.id, { password: next, current_password: 'wrong' }, caller)).status).toBe(403);
    expect((await change(user.id, { password: next }, caller)).status).toBe(403);
    expect((await change(user.id, { password: 'short', current_password: password }, caller)).status).toBe(
      422,
    );
    expect((await caller.rest('GET', `/v3/crud/user/${user.id}`)).status).toBe(200);
    const done = await change(user.id, { new_password: next, current_password: password }, caller);
    expect(done).toMatchObject({ status: 200, data: true });
    expect((await caller.rest('GET', `/v3/crud/user/${user.id}`)).status).toBe(401);
    expect((await signIn({ username: user.username, password })).code).toBe('FORBIDDEN');
    expect((await signIn({ username: user.username, password: next })).errors).toBeUndefined();
  });

  test('of another is for administrators, and for none of a higher level than their own', async () => {
    const user = await withPassword();
    const above = await withPassword({ manager: true });
    const peer = await asUser((await withPassword({ trusted: true })).username);
    expect((await change(user.id, { password: next, current_password: password }, peer)).status).toBe(403);
    expect((await change(user.id, { password: next, current_password: password })).status).toBe(403);
    expect((await change(user.id, { password: next }, elsewhere(app.staff()))).status).toBe(403);
    expect((await change(above.id, { password: next }, elsewhere(app.administrator()))).status).toBe(403);
    expect((await change(user.id, { password: next }, elsewhere(app.otherAccount()))).status).toBe(404);
    expect((await signIn({ username: user.username, password })).errors).toBeUndefined();
    expect((await change(user.id, { password: next }, elsewhere(app.administrator()))).status).toBe(200);
    expect((await signIn({ username: user.username, password: next })).errors).toBeUndefined();
    expect((await change(above.id, { password: next }, elsewhere(app.manager()))).status).toBe(200);
  });

  test('by an older program needs the current one', async () => {
    const user = await withPassword();
    const staff = elsewhere(app.staff());
    expect((await change(user.id, { password: next, current_password: password }, staff)).status).toBe(200);
  });
});

test('nobody changes or removes a user of a higher level than their own', async () => {
  const above = await makeUser(app, { super: true });
  for (const [method, body] of [
    ['PATCH', { email: 'mine@example.org' }],
    ['DELETE', undefined],
  ] as const)
    expect((await app.manager().rest(method, `/v3/crud/user/${above.id}`, body)).status).toBe(403);
  const { data } = await app
    .manager()
    .graphql(
      'mutation ($id: ID!) { updateUsers(filter: { id: { eq: $id } }, input: { email: "mine@example.org" }) { count } }',
      { id: above.id },
    );
  expect(data?.updateUsers?.count ?? 0).toBe(0);
  expect((await app.rowOf('user', above.id))!.email).not.toBe('mine@example.org');
  expect(
    (await app.root().rest('PATCH', `/v3/crud/user/${above.id}`, { email: 'x@example.org' })).status,
  ).toBe(200);
});

describe('a single-use key', () => {
  const path = (id: string) => `/v3/action/user/${id}/new_auth_key`;
  const keyFor = async (id: string): Promise<string> =>
    (await elsewhere(app.administrator()).call('GET', path(id))).data.auth_key;

  test('signs its user in once, of many who try at the same time too', async () => {
    const user = await makeUser(app);
    const authKey = await keyFor(user.id);
    expect(JSON.stringify(await app.rowOf('user', user.id))).not.toContain(authKey);
    const answers = await Promise.all(Array.from({ length: 5 }, () => signIn({ userId: user.id, authKey })));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
    expect((await signIn({ userId: user.id, authKey })).code).toBe('FORBIDDEN');
  });

  test('is that of its user, the last one, for a day', async () => {
    const [user, other] = [await makeUser(app), await makeUser(app)];
    const [first, second] = [await keyFor(user.id), await keyFor(user.id)];
    expect((await signIn({ userId: user.id, authKey: first })).code).toBe('FORBIDDEN');
    expect((await signIn({ userId: other.id, authKey: second })).code).toBe('FORBIDDEN');
    const { now } = app.services;
    app.services.now = () => new Date(now().getTime() + 86_400_000 + 1000);
    expect((await signIn({ userId: user.id, authKey: second })).code).toBe('FORBIDDEN');
    app.services.now = now;
    expect((await signIn({ userId: user.id, authKey: second })).errors).toBeUndefined();
  });

  test('lets its user set a new password without the old one', async () => {
    const user = await withPassword();
    const { data } = await signIn({ userId: user.id, authKey: await keyFor(user.id) });
    const caller = elsewhere(app.guest().with({ authorization: `Bearer ${data.signIn.jwt}` }));
    const done = await caller.rest('POST', `/v3/action/user/${user.id}/change_password`, {
      password: 'new and long',
    });
    expect(done.status).toBe(200);
  });

  test('is made for nobody beyond the level of who asks, and not by HEAD', async () => {
    const [user, above] = [await makeUser(app), await makeUser(app, { administrator: true })];
    for (const caller of [
      app.guest(),
      await app.signedIn('trusted', { person: app.here.rows.person![0]!.id }),
    ])
      for (const id of [user.id, above.id, unknownId()])
        expect((await caller.rest('GET', path(id))).status).toBe(403);
    expect((await app.staff().rest('GET', path(above.id))).status).toBe(403);
    expect((await app.staff().rest('GET', path(user.id))).status).toBe(200);
    expect((await app.administrator().rest('GET', path(unknownId()))).status).toBe(404);
    expect((await app.otherAccount().rest('GET', path(user.id))).status).toBe(404);
    expect((await app.administrator().rest('GET', path('short'))).status).toBe(422);
    const head = await app.administrator().fetch(path(user.id), { method: 'HEAD' });
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET, OPTIONS']);
  });

  test('ends when its user may no longer use keys', async () => {
    const user = await makeUser(app);
    const authKey = await keyFor(user.id);
    await app.administrator().call('PATCH', `/v3/crud/user/${user.id}`, { allow_auth_key: false });
    expect((await signIn({ userId: user.id, authKey })).code).toBe('FORBIDDEN');
  });
});

test('who signs in is told in the activity log, and who tries in vain; what they tried it with is not', async () => {
  const user = await withPassword({ passwordHash: await hashPassword(password) });
  const caller = guest();
  await signIn({ username: user.username, password: 'not the right one' }, caller);
  const { data } = await signIn({ username: user.username, password }, caller);
  await app.services.notes.flush();
  const { list } = await app.administrator().ask(
    `{ list: activityLogs(filter: { ipAddress: { eq: "${caller.headers['x-forwarded-for']}" } }, orderBy: [{ field: ACTION }]) {
        nodes { action objectType objectId userId detailJson } } }`,
  );
  expect(list.nodes).toEqual([
    {
      action: 'refused',
      objectType: null,
      objectId: null,
      userId: null,
      detailJson: { by: expect.objectContaining({ level: 'anonymous' }), reason: expect.any(String) },
    },
    {
      action: 'signed_in',
      objectType: 'user',
      objectId: user.id,
      userId: user.id,
      detailJson: {
        by: expect.objectContaining({ level: data.signIn.level, user: user.id }),
        method: 'password',
      },
    },
  ]);
  expect(JSON.stringify(list)).not.toContain('not the right one');
});

test('a sign-in asks no level of the key, and no more of its scopes than to read users', async () => {
  const user = await withPassword();
  const given = { level: 'anonymous', scopesJson: null, enable: true, enableFrom: null, enableTo: null };
  const [key] = await seedMore(app.services, entityOf('api_key'), app.here, [given]);
  const caller = guest().with({ 'x-aether-api-key': String(key!.values.publicKey) });
  expect((await signIn({ username: user.username, password }, caller)).errors).toBeUndefined();
  const { keyUsage } = await app
    .administrator()
    .ask(`{ keyUsage(keyId: "${key!.id}") { smallestGrant { level scopes } } }`);
  expect(keyUsage.smallestGrant.level).toBe('anonymous');
  expect(keyUsage.smallestGrant.scopes).toContain('user:read');
});
