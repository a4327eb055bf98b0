import { hash } from '@node-rs/argon2';
import fc from 'fast-check';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { entityOf } from '../../src/kernel/entity';
import { legacyRoutes, nameOf } from '../../src/legacy/routes';
import { createMail } from '../../src/mail';
import { behindProxy, claimsOf, elsewhere, makeUser, signInText } from '../auth/support';
import { useApp } from '../support/app';
import { unknownId, type Caller, type RestAnswer } from '../support/callers';
import { expectActionError } from '../support/envelopes';
import { seedMore } from '../support/fixture';
import { graph } from '../support/graph';
import { pathOf } from '../support/legacy';
import { seed } from '../support/questions';
import { recordOf } from '../support/rest';

const app = useApp({ rows: 2, ...behindProxy });
const password = 'Korrekt Pferd & Batterie?=%20';
const guest = () => elsewhere(app.guest());
const query = (values: Record<string, string>) => new URLSearchParams(values).toString();

const withPassword = async (values: object = {}) =>
  makeUser(app, { passwordHash: await hash(password, { memoryCost: 1024, timeCost: 1 }), ...values });

/** What an answer says; a token and its times are another each time. */
const seen = ({ status, body }: RestAnswer) => ({
  status,
  body: JSON.parse(
    JSON.stringify(body, (key, value: unknown) =>
      /^(?:jwt|eat|auth_key|updated_on|last_sign_in_on)$/.test(key) ? typeof value : value,
    ),
  ) as unknown,
});

describe('GET /user/authenticate', () => {
  const old = (values: Record<string, string>, caller = guest()) =>
    caller.rest('GET', `/user/authenticate?${query(values)}`);
  const now = (values: Record<string, string>) =>
    guest().rest('POST', '/v3/action/user/authenticate', values);

  test('signs in by name and password, and by id and key, as its successor does', async () => {
    const { id, username } = await withPassword({ trusted: true });
    const answer = await old({ username, password });
    expect(seen(answer)).toEqual(seen(await now({ username, password })));
    expect(answer).toMatchObject({ status: 200, data: { user_id: id, username } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const caller = app.guest().with({ authorization: `Bearer ${answer.data.jwt}` });
    expect(await caller.ask('{ viewer { level } }')).toEqual({ viewer: { level: 'trusted' } });

    const { data } = await app.manager().call('GET', `/user/${id}/new_auth_key`);
    const { auth_key } = data;
    expect(await old({ user_id: id, auth_key })).toMatchObject({ status: 200, data: { id } });
    expect((await old({ user_id: id, auth_key })).status).toBe(403);
  });

  test('refuses what its successor refuses', async () => {
    const { username } = await withPassword();
    const off = await withPassword({ enable: false });
    for (const values of [
      { username, password: 'wrong' },
      { username: unknownId(), password },
      { username: off.username, password },
      { username },
      {},
    ] as Record<string, string>[])
      expect({ values, ...seen(await old(values)) }).toEqual({ values, ...seen(await now(values)) });
    const twice = await guest().rest('GET', `/user/authenticate?username=a&username=b&password=c`);
    expectActionError(twice, 422);
    expect((await old({ username, password }, app.otherAccount())).status).not.toBe(200);
  });

  test('answers whatever is sent as its successor does, and the graph', async () => {
    const text = (...known: string[]) =>
      fc.oneof(fc.constantFrom(undefined, '', ...known), fc.string({ unit: 'grapheme', maxLength: 30 }));
    const sent = fc.record({
      username: text('the name', 'THE NAME'),
      password: text(password),
      user_id: text('the id'),
      auth_key: text(),
    });
    await fc.assert(
      fc.asyncProperty(sent, async (values) => {
        // Wrong tries are counted by user: each question is about another.
        const { id, username } = await withPassword();
        const known = new Map([
          ['the name', username],
          ['THE NAME', username.toUpperCase()],
          ['the id', id],
        ]);
        const given = Object.fromEntries(
          Object.entries(values).flatMap(([name, value]) =>
            value === undefined ? [] : [[name, known.get(value) ?? value] as const],
          ),
        );
        const answer = await old(given);
        expect({ given, ...seen(answer) }).toEqual({ given, ...seen(await now(given)) });
        const { user_id: userId, auth_key: authKey, ...rest } = given;
        const { data } = await guest().graphql(signInText, { userId, authKey, ...rest });
        expect(data?.signIn?.user.id).toBe(answer.data?.id);
      }),
      { numRuns: 30, seed },
    );
  });

  test('is no HEAD and no POST, and counts wrong tries as its successor does', async () => {
    const { username } = await withPassword();
    for (const method of ['HEAD', 'POST', 'PATCH', 'DELETE']) {
      const answer = await guest().fetch(`/user/authenticate?${query({ username, password })}`, { method });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET, OPTIONS']);
    }
    const caller = guest();
    for (let i = 0; i < 5; i += 1) await old({ username, password: 'wrong' }, caller);
    for (let i = 0; i < 5; i += 1)
      await caller.rest('POST', '/v3/action/user/authenticate', { username, password: 'wrong' });
    const { status, headers } = await old({ username, password }, caller);
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('the password of a user', () => {
  test('is verified, sent in the body or in the query', async () => {
    const { id, username } = await withPassword();
    const path = '/user/verify_password';
    const twin = '/v3/action/user/verify_password';
    for (const values of [
      { username, password },
      { user_id: id, password },
      { user_id_random: id, password },
      { username, password: 'wrong' },
      { username },
      { password },
    ] as Record<string, string>[]) {
      const expected = seen(await guest().rest('POST', twin, values));
      expect({ values, ...seen(await guest().rest('POST', path, values)) }).toEqual({ values, ...expected });
      expect(seen(await guest().rest('POST', `${path}?${query(values)}`))).toEqual(expected);
    }
    expect((await guest().rest('POST', path, { username, password })).data).toBe(true);
    // The newer route has no place for it where it would be written into logs.
    expect((await guest().rest('POST', `${twin}?${query({ username, password })}`)).status).toBe(422);
  });

  test('is changed, by who may', async () => {
    const { id, username } = await withPassword();
    const path = `/user/${id}/change_password`;
    const works = async (word: string) =>
      (await guest().rest('POST', '/user/verify_password', { username, password: word })).status;
    for (const caller of [guest(), app.staff(), app.otherAccount()])
      expect(seen(await caller.rest('PATCH', path, { password: 'another password' }))).toEqual(
        seen(await caller.rest('POST', `/v3/action${path}`, { password: 'another password' })),
      );
    expect(await works(password)).toBe(200);
    expect((await app.manager().rest('PATCH', path, { password: 'short' })).status).toBe(422);
    expect((await app.manager().rest('PATCH', path, { new_password: 'the second word' })).body).toMatchObject(
      {
        data: true,
        meta: { success: true },
      },
    );
    expect(await works('the second word')).toBe(200);
    expect(
      (await app.manager().rest('PATCH', `${path}?${query({ password: 'the third word' })}`)).status,
    ).toBe(200);
    expect(await works('the third word')).toBe(200);
    expect((await app.manager().rest('POST', path, { password: 'a fourth word' })).status).toBe(405);
  });
});

test('a link to sign in by is mailed', async () => {
  const mails: string[] = [];
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        mails.push(text.replace(/=\r\n/g, '').replaceAll('=3D', '='));
        done();
      });
    },
  });
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', () => resolve()));
  const { port } = smtp.server.address() as AddressInfo;
  const mail = { url: `smtp://127.0.0.1:${port}`, from: 'no-reply@example.org' };
  app.services.mail = createMail({ ...mail, log: app.services.log });
  const fqdn = `old-${unknownId().toLowerCase().replace(/\W|_/g, 'x')}.example.org`;
  await seedMore(app.services, entityOf('site_domain'), app.here, [{ fqdn, enable: true }]);

  const { id } = await withPassword();
  const path = `/user/${id}/email_auth_key_url`;
  const sent = await guest().rest(
    'GET',
    `${path}?${query({ root_url: `https://${fqdn}/in`, key_param_name: 'k' })}`,
  );
  expect(sent).toMatchObject({ status: 200, data: true });
  const [, auth_key = ''] = /[?&]k=([\w-]+)/.exec(mails[0]!) ?? [];
  expect((await guest().rest('GET', `/user/authenticate?${query({ user_id: id, auth_key })}`)).status).toBe(
    200,
  );
  for (const root_url of ['https://elsewhere.example.com/', 'x'])
    expect(seen(await guest().rest('GET', `${path}?${query({ root_url })}`))).toEqual(
      seen(await guest().rest('GET', `/v3/action${path}?${query({ root_url })}`)),
    );
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});

describe('a lookup of users', () => {
  const lookups = [
    ['/user/lookup', 'user_id', 'id'],
    ['/user/lookup_email', 'email', 'email'],
    ['/user/lookup_username', 'username', 'username'],
  ] as const;

  test.each(lookups)('%s?%s finds what a search does, and the graph', async (path, parameter, field) => {
    const { id } = await makeUser(app);
    const { data } = await graph.read(app.manager(), entityOf('user'), id);
    const user = data.object;
    const value = String(user[field]);
    const found = await app.manager().rest('GET', `${path}?${query({ [parameter]: value })}`);
    expect(found).toMatchObject({ status: 200, meta: { total: 1 } });
    expect(found.data).toEqual([recordOf(entityOf('user'), user)]);
    const search = { and: [{ field, op: 'eq', value }] };
    for (const caller of [
      app.nobody(),
      app.guest(),
      app.as('authenticated'),
      app.staff(),
      app.manager(),
      app.otherAccount(),
    ]) {
      const answer = await caller.rest('GET', `${path}?${query({ [parameter]: value })}`);
      expect(seen(answer)).toEqual(seen(await caller.rest('POST', '/v3/crud/user/search', search)));
    }
    const other = await app.signedIn('authenticated', { user: id });
    expect((await other.rest('GET', `${path}?${query({ [parameter]: value })}`)).data).toHaveLength(1);
    const none = field === 'id' ? unknownId() : 'nobody@example.org';
    expect((await app.manager().call('GET', `${path}?${query({ [parameter]: none })}`)).data).toEqual([]);
    const { status, meta } = await app.manager().rest('GET', path);
    expect([status, meta.details]).toEqual([400, { [parameter]: 'is required' }]);
    expect(
      (await app.manager().fetch(`${path}?${query({ [parameter]: value })}`, { method: 'HEAD' })).status,
    ).toBe(200);
  });

  test('takes no id that is none', async () => {
    expect((await app.manager().rest('GET', '/user/lookup?user_id=short')).status).toBe(400);
  });
});

describe('a token for a guest', () => {
  const asked = [
    ['POST', '/api/request_jwt'],
    ['GET', '/api/temp_token'],
    ['POST', '/v3/action/auth/guest_token'],
  ] as const;
  const text = 'mutation ($id: ID) { guestToken(accountId: $id) { jwt level expiresOn accountId } }';

  test.each(asked)(
    '%s %s gives one of level anonymous for the account, whatever the key opens',
    async (method, path) => {
      const { status, data, headers } = await app.manager().rest(method, path);
      expect({ status, data }).toEqual({
        status: 200,
        data: {
          jwt: expect.any(String),
          level: 'anonymous',
          account_id: app.here.account,
          eat: expect.any(Number),
        },
      });
      expect(headers.get('cache-control')).toBe('no-store');
      const claims = claimsOf(data.jwt);
      expect(claims).toMatchObject({
        account_id: app.here.account,
        user_id: null,
        person_id: null,
        eat: data.eat,
      });
      expect([claims.authenticated, claims.trusted, claims.super]).toEqual([false, false, false]);

      const bearer = { authorization: `Bearer ${data.jwt}` };
      const caller = app.as('manager', null).with(bearer);
      expect(await caller.ask('{ viewer { level account { id } } }')).toEqual({
        viewer: { level: 'anonymous', account: { id: app.here.account } },
      });
      expect((await caller.rest('GET', '/v3/crud/journal/')).status).toBe(403);
      expect((await caller.rest('PATCH', `/v3/crud/event/${app.here.rows.event![0]!.id}`, {})).status).toBe(
        403,
      );
      expect((await app.otherAccount().with(bearer).rest('GET', '/v3/crud/event/')).status).toBe(403);
    },
  );

  test('is for the account that is named, where the call has none', async () => {
    const { account } = app.there;
    const key = app.as('anonymous', null);
    const answers = [
      await key.rest('GET', `/api/temp_token?account_id=${account}`),
      await key.rest('POST', '/api/request_jwt', { account_id: account }),
      await key.rest('POST', `/api/request_jwt?account_id_random=${account}`),
      await key.rest('POST', '/v3/action/auth/guest_token', { account_id: account }),
    ];
    for (const { data } of answers) expect(claimsOf(data.jwt).account_id).toBe(account);
    expect((await key.ask(text, { id: account })).guestToken).toMatchObject({
      level: 'anonymous',
      accountId: account,
    });
    // By headers that cannot be set everything may stand in the query.
    const url = `/api/temp_token?api_key=test-key-anonymous&account_id=${account}`;
    expect((await app.nobody().rest('GET', url)).status).toBe(200);
  });

  test('is for no account that is unknown, or another than that of the call', async () => {
    for (const [caller, id] of [
      [app.as('anonymous', null), undefined],
      [app.as('anonymous', null), unknownId()],
      [app.as('super', null), 'x'],
      [app.manager(), app.there.account],
    ] as [Caller, string | undefined][]) {
      const answer = await caller.rest('GET', `/api/temp_token${id ? `?account_id=${id}` : ''}`);
      expectActionError(answer, 403);
      expect((await caller.graphql(text, { id })).code).toBe('FORBIDDEN');
    }
    expect((await app.nobody().rest('GET', '/api/temp_token')).status).toBe(403);
    expect((await app.nobody().rest('POST', '/api/request_jwt')).status).toBe(403);
  });
});

describe('a file', () => {
  async function upload(): Promise<{ id: string; hosted: string }> {
    const form = new FormData();
    form.append('for_type', 'event');
    form.append('for_id', app.here.rows.event![0]!.id);
    form.append('file', new Blob(['Some notes.'], { type: 'text/plain' }), 'notes.txt');
    const answer = await app.staff().fetch('/v3/action/event_file/upload', { method: 'POST', body: form });
    const { data } = (await answer.json()) as RestAnswer['body'];
    return { id: data.id, hosted: data.hosted_file_id };
  }

  const read = async (
    caller: Caller,
    path: string,
    init: { method?: string; headers?: Record<string, string> } = {},
  ) => {
    const answer = await caller.fetch(path, init);
    const { status, headers } = answer;
    const told = [
      'etag',
      'content-type',
      'content-disposition',
      'content-range',
      'content-length',
      'cache-control',
    ];
    return { status, told: told.map((name) => headers.get(name)), text: await answer.text() };
  };

  test('is downloaded from where it was, directly, by whoever may', async () => {
    const { id, hosted } = await upload();
    const cases: [Caller, string, { method?: string; headers?: Record<string, string> }][] = [
      [app.staff(), hosted, {}],
      [app.staff(), id, {}],
      [app.staff(), hosted, { method: 'HEAD' }],
      [app.staff(), hosted, { headers: { range: 'bytes=5-' } }],
      [app.staff(), hosted, { headers: { range: 'bytes=99-' } }],
      [app.staff(), hosted, { headers: { 'if-none-match': '*' } }],
      [app.nobody(), hosted, {}],
      [app.guest(), hosted, {}],
      [app.otherAccount(), hosted, {}],
      [app.as('manager', null), hosted, {}],
      [app.staff(), unknownId(), {}],
      [app.staff(), 'short', {}],
    ];
    for (const [caller, name, init] of cases)
      for (const more of ['', '?filename=other.txt', '?filename=x'])
        expect(await read(caller, `/hosted_file/${name}/download${more}`, init)).toEqual(
          await read(caller, `/v3/action/hosted_file/${name}/download${more}`, init),
        );
    expect(await read(app.staff(), `/hosted_file/${hosted}/download`)).toMatchObject({
      status: 200,
      text: 'Some notes.',
    });
  });
});

test('sending mail is gone, and what replaces it is told', async () => {
  const answer = await app.staff().rest('POST', '/util/email/send', { to: 'ada@example.org' });
  expect(answer).toMatchObject({
    status: 410,
    body: { detail: expect.any(String), code: 'GONE', replacement: 'POST /v3/action/email/send' },
  });
  expect((await app.nobody().rest('POST', '/util/email/send')).status).toBe(403);
  expect((await app.staff().rest('GET', '/util/email/send')).status).toBe(405);
});

const actions = legacyRoutes.filter(({ becomes, gone }) => becomes.includes(' /v3/action/') && !gone);

test.each(actions.map((route) => [nameOf(route), route] as const))(
  '%s refuses as its successor does',
  async (_name, route) => {
    const [method, place] = route.becomes.split(' ');
    for (const caller of [
      app.nobody(),
      app.guest().with({ 'x-aether-api-key': 'unknown-key-00' }),
      app.guest().with({ 'x-aether-api-key': 'short' }),
      app.guest().with({ 'x-account-id': unknownId() }),
      app.guest().with({ authorization: 'Bearer nonsense' }),
      guest(),
    ])
      for (const id of [unknownId(), 'short']) {
        const old = await caller.rest(route.method, pathOf(route, { id }));
        const now = await caller.rest(method!, pathOf({ path: place! }, { id }));
        if (now.status !== 200) expect(seen(old)).toEqual(seen(now));
      }
    if (route.method === 'GET') return;
    for (const body of ['{', '[]', '"text"'])
      expect(seen(await guest().rest(route.method, pathOf(route, { id: unknownId() }), body))).toEqual(
        seen(await guest().rest(method!, pathOf({ path: place! }, { id: unknownId() }), body)),
      );
    const plain = await guest().rest(route.method, pathOf(route, { id: unknownId() }), 'a=b', {
      'content-type': 'text/plain',
    });
    expect(plain.status).toBe(415);
  },
);
