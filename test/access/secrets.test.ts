import { hash } from '@node-rs/argon2';
import { SMTPServer } from 'smtp-server';
import type { AddressInfo } from 'node:net';
import { allEntities, entityOf } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { createMail } from '../../src/mail';
import { behindProxy, elsewhere, makeUser } from '../auth/support';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { valuesFor } from '../support/factory';
import { nextNumber, seedMore } from '../support/fixture';
import { graph } from '../support/graph';
import { target } from '../support/jest-target';

const app = useApp({ rows: 2, logLevel: 'trace', ...behindProxy });

/** Each stands for a secret of one kind; none may be found where it does not belong. */
const secret = {
  password: 'pw-SECRET-horse-battery',
  wrongPassword: 'pw-SECRET-wrong',
  newPassword: 'pw-SECRET-another',
  passcode: 'code-SECRET-desk',
  wrongPasscode: 'code-SECRET-wrong',
  accessKey: 'access-SECRET-door',
  noviKey: 'novi-SECRET-key',
  smtp: 'smtp-SECRET-password',
  key: 'key-SECRET-unknown',
  badge: 'badge-SECRET-passcode',
  digest: 'digest-SECRET-of-a-journal',
};
const found: string[] = [];
/** What is made while the tests run: tokens, single-use keys, keys of programs. */
const made = new Set<string>();

/** Every answer but those that are there to give a secret to who asked for it. */
function look({
  status,
  body,
  errors,
  data,
}: {
  status: number;
  body?: unknown;
  errors?: unknown;
  data?: unknown;
}) {
  const text = JSON.stringify([body, errors, data]);
  for (const value of [...Object.values(secret), ...made])
    if (text.includes(value)) found.push(`${status} ${text.slice(0, 500)}`);
}

/** Every row of the log of what was done, and all that was logged or counted. */
async function everything(): Promise<string> {
  await app.services.notes.flush();
  await app.services.usage.flush();
  const { database } = app.services;
  const tables = ['activity_log', 'object_change', 'key_usage'];
  const kept = await Promise.all(tables.map((table) => database.select(`SELECT * FROM ${table}`)));
  const metrics = await (await app.nobody().fetch('/metrics')).text();
  expect(metrics).toContain('aether_http_request_duration_seconds');
  return JSON.stringify([app.lines, kept, metrics]);
}

async function expectNoSecret(): Promise<void> {
  const text = await everything();
  for (const value of [...Object.values(secret), ...made])
    expect({ value, told: text.includes(value) }).toEqual({ value, told: false });
  expect(text).not.toMatch(/SECRET/);
  expect(found).toEqual([]);
}

test('what is found is what was logged', async () => {
  await app.staff().rest('GET', '/v3/crud/event/', undefined, { 'x-request-id': 'found-in-the-log' });
  expect(await everything()).toContain('found-in-the-log');
  expect(await everything()).toContain('/v3/crud/event/');
});

test('signing in, by whatever way and however wrongly, leaves nothing of it behind', async () => {
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _, done) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        made.add(
          /auth_key=3D([\w-]+)|auth_key=([\w-]+)/.exec(text.replace(/=\r\n/g, ''))!.slice(1).find(Boolean)!,
        );
        done();
      });
    },
  });
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', () => resolve()));
  const url = `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`;
  app.services.mail = createMail({ url, from: 'Aether <no-reply@example.org>', log: app.services.log });
  const passwordHash = await hash(secret.password, { memoryCost: 1024, timeCost: 1 });
  const user = await makeUser(app, { passwordHash });
  made.add(passwordHash);
  const [site] = await seedMore(app.services, entityOf('site'), app.here, [
    {
      accessCodeKvJson: { trusted: secret.passcode },
      accessKey: secret.accessKey,
      enable: true,
      hide: false,
    },
  ]);
  await seedMore(app.services, entityOf('site_domain'), app.here, [
    { fqdn: 'secrets.example.org', siteId: site!.id, accessKey: null, enable: true, hide: false },
  ]);
  const guest = () => elsewhere(app.guest());
  const { username, id } = user;

  const signedIn = await guest().rest('POST', '/v3/action/user/authenticate', {
    username,
    password: secret.password,
  });
  expect(signedIn.status).toBe(200);
  made.add(signedIn.data.jwt as string);
  const byPasscode = await guest().rest('POST', '/v3/action/auth/authenticate_passcode', {
    site_id: site!.id,
    passcode: secret.passcode,
  });
  expect(byPasscode.status).toBe(200);
  made.add(byPasscode.data.jwt as string);
  const key = await app.administrator().rest('GET', `/v3/action/user/${id}/new_auth_key`);
  made.add(key.data.auth_key as string);
  const token = { authorization: `Bearer ${String(signedIn.data.jwt)}` };
  look(
    await guest().with(token).rest('POST', `/v3/action/user/${id}/change_password`, {
      password: secret.newPassword,
      current_password: secret.password,
    }),
  );
  look(
    await guest().rest(
      'GET',
      `/v3/action/user/${id}/email_auth_key_url?root_url=https://secrets.example.org/`,
    ),
  );

  const wrong: [string, string, unknown?][] = [
    ['POST', '/v3/action/user/authenticate', { username, password: secret.wrongPassword }],
    [
      'POST',
      '/v3/action/user/authenticate',
      { username: secret.wrongPassword, password: secret.wrongPassword },
    ],
    ['POST', '/v3/action/user/authenticate', { username: [secret.password], password: secret.password }],
    ['POST', '/v3/action/user/authenticate', { user_id: id, auth_key: secret.wrongPassword }],
    ['POST', '/v3/action/user/authenticate', `{"username":"x","password":"${secret.password}"`],
    ['POST', `/v3/action/user/authenticate?password=${secret.password}`, {}],
    ['POST', '/v3/action/user/verify_password', { user_id: id, password: secret.wrongPassword }],
    ['POST', `/v3/action/user/${id}/change_password`, { password: secret.newPassword }],
    ['POST', '/v3/action/auth/authenticate_passcode', { site_id: site!.id, passcode: secret.wrongPasscode }],
    [
      'POST',
      '/v3/action/auth/authenticate_passcode',
      { site_id: { a: secret.passcode }, passcode: secret.passcode },
    ],
    [
      'POST',
      `/api/authenticate_passcode?passcode=${secret.passcode}`,
      { site_id: site!.id, passcode: secret.wrongPasscode },
    ],
    ['GET', `/user/authenticate?username=x&password=${secret.password}`],
    ['GET', `/v3/crud/event/?api_key=${secret.key}&jwt=${String(signedIn.data.jwt)}`],
    ['GET', `/v3/crud/event/?jwt=${secret.key}`],
    [
      'POST',
      '/v3/crud/site_domain/search',
      {
        and: [
          { field: 'fqdn', value: 'secrets.example.org' },
          { field: 'access_key', value: secret.accessKey },
        ],
      },
    ],
    [
      'POST',
      '/v3/crud/site_domain/search',
      {
        and: [
          { field: 'fqdn', value: 'secrets.example.org' },
          { field: 'access_key', op: 'like', value: secret.accessKey },
        ],
      },
    ],
  ];
  for (const [method, path, body] of wrong) look(await guest().rest(method, path, body));
  const operations: [string, Record<string, unknown>][] = [
    [
      'mutation ($u: String, $p: String) { signIn(username: $u, password: $p) { jwt } }',
      { u: username, p: secret.wrongPassword },
    ],
    [
      'mutation ($u: String, $p: String) { signIn(username: $u, password: $p) { jwt } }',
      { u: username, p: [secret.password] },
    ],
    [
      'mutation ($u: String, $p: String) { signIn(username: $u, password: $p) { jwt } }',
      { u: username, p: { a: secret.password } },
    ],
    [
      'mutation ($u: String, $p: String) { signIn(username: $u, password: $p) { nothing } }',
      { u: username, p: secret.password },
    ],
    [
      'mutation ($i: ID!, $p: String!) { changePassword(userId: $i, password: $p) }',
      { i: { p: secret.password }, p: secret.newPassword },
    ],
    [
      'mutation ($s: ID!, $p: String!) { signInWithPasscode(siteId: $s, passcode: $p) { jwt } }',
      { s: site!.id, p: secret.wrongPasscode },
    ],
    [
      'query ($k: String) { bootstrap(fqdn: "secrets.example.org", accessKey: $k) { account { id } } }',
      { k: secret.accessKey },
    ],
    [
      'query ($k: String) { bootstrap(fqdn: "secrets.example.org", accessKey: $k) { account { id } } }',
      { k: [secret.accessKey] },
    ],
  ];
  for (const [query, variables] of operations)
    for (let turn = 0; turn < 2; turn += 1) look(await guest().graphql(query, variables));
  const headers: [string, string][] = [
    ['x-aether-api-key', secret.key],
    ['authorization', `Bearer ${secret.key}`],
    ['authorization', secret.password],
    ['x-account-id', secret.key],
  ];
  for (const [name, value] of headers)
    look(
      await guest()
        .with({ [name]: value })
        .rest('GET', '/v3/crud/event/'),
    );
  smtp.close();
  await expectNoSecret();
});

test('what is kept of secrets is told by no log, and no error repeats what was sent beside it', async () => {
  const settings = {
    novi_idaa_api_key: secret.noviKey,
    novi_api_root_url: 'https://novi.example.org',
    smtp: { password: secret.smtp },
  };
  const written: [string, Record<string, unknown>][] = [
    [
      'site',
      { cfgJson: settings, accessKey: secret.accessKey, accessCodeKvJson: { trusted: secret.passcode } },
    ],
    ['site_domain', { accessKey: secret.accessKey }],
    ['account', { cfgJson: settings }],
    ['event', { modBadgesJson: { desk: { passcode: secret.badge } } }],
    ['event_session', { passcode: secret.badge }],
    ['event_presenter', { passcode: secret.badge }],
    ['event_device', { passcode: secret.badge }],
    ['event_badge', { personPasscode: secret.badge }],
    [
      'event_exhibit',
      { staffPasscode: secret.badge, licenseLiJson: [{ name: 'x', passcode: secret.badge }] },
    ],
    ['journal', { passcodeHash: secret.digest }],
    ['journal_entry', { passcodeHash: secret.digest }],
  ];
  for (const [type, values] of written) {
    const entity = entityOf(type);
    const { id } = app.here.rows[type]![0]!;
    const write = async (caller: Caller, input: Record<string, unknown>) => {
      const { errors, code } = await graph.update(caller, entity, id, input);
      if (caller !== app.root()) look({ status: 0, errors });
      return code;
    };
    expect({ type, code: await write(app.root(), values) }).toEqual({ type, code: undefined });
    // Beside something that is wrong: a field that is not there, a value of another kind, one that is too long, of another level.
    for (const more of [
      { nothing: 1 },
      { sort: 'first' },
      { sort: 2 ** 40 },
      { name: 'x'.repeat(300) },
      { name: { a: 1 } },
    ])
      if (entity.attributes.has(Object.keys(more)[0]!) || 'nothing' in more)
        look({
          status: 0,
          errors: (await graph.update(app.root(), entity, id, { ...values, ...more })).errors,
        });
    await write(app.guest(), values);
    const body = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [entity.attributes.get(name)!.column, value]),
    );
    for (const more of [{ nothing: 1 }, { sort: 'first' }, { enable: 'perhaps' }])
      look(await app.root().rest('PATCH', `/v3/crud/${type}/${id}`, { ...body, ...more }));
    look(await app.root().rest('POST', `/v3/crud/${type}/validate`, { ...body, nothing: 1 }));
    look(await app.guest().rest('PATCH', `/v3/crud/${type}/${id}`, body));
  }
  const issued = await app
    .administrator()
    .ask(`mutation { issueApiKeySecret(id: "${app.here.rows.api_key![0]!.id}") { secretKey } }`);
  made.add(issued.issueApiKeySecret.secretKey as string);
  await expectNoSecret();
});

test('an error of the database that nobody foresaw is logged without the values that caused it', async () => {
  const { sequelize } = app.services.database;
  const run = (sql: string) => sequelize.query(sql);
  const failing = { site: 'UPDATE', activity_log: 'INSERT' };
  for (const [table, verb] of Object.entries(failing)) {
    await run(
      target === 'mariadb'
        ? `CREATE TRIGGER broken BEFORE ${verb} ON ${table} FOR EACH ROW SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31999, MESSAGE_TEXT = 'of no meaning'`
        : `CREATE TRIGGER broken BEFORE ${verb} ON ${table} BEGIN SELECT no_such_function(new.id); END`,
    );
    const values = {
      name: 'name-SECRET-in-a-statement',
      accessKey: secret.accessKey,
      cfgJson: { key: secret.noviKey },
    };
    const answer = await graph.update(app.root(), entityOf('site'), app.here.rows.site![0]!.id, values);
    await run('DROP TRIGGER broken');
    look(answer);
    expect({ table, code: answer.code }).toEqual({ table, code: 'INTERNAL' });
    const [entry] = app.logged.splice(0).filter(({ msg }) => msg === 'unforeseen error');
    expect(entry).toMatchObject({
      err: {
        type: expect.any(String),
        message: expect.stringMatching(/no_such_function|of no meaning/),
        stack: expect.stringContaining('at '),
      },
    });
  }
  await expectNoSecret();
});

test('no type keeps a secret that the log of what was done would tell', async () => {
  const mark = 'mark-SECRET-of-a-value';
  for (const entity of allEntities()) {
    const hidden = [...entity.attributes.values()].filter(
      (attribute) =>
        isWritable(attribute) && attribute.read === 'never' && /string|text/.test(attribute.kind),
    );
    for (const { name } of hidden) {
      const answer = await graph.create(app.root(), entity, {
        ...valuesFor(entity, app.here, nextNumber()),
        [name]: mark,
      });
      expect({ name, code: answer.code }).toEqual({ name, code: undefined });
      look(answer);
    }
  }
  await expectNoSecret();
});
