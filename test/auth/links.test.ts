import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { createMail } from '../../src/mail';
import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import { unknownId } from '../support/callers';
import { seedMore } from '../support/fixture';
import { behindProxy, elsewhere, makeUser, signInText } from './support';

const app = useApp({ rows: 2, ...behindProxy });
const from = 'Aether <no-reply@example.org>';
const received: { from: string; to: string[]; text: string }[] = [];
let refuses = false;

const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onData(stream, { envelope }, done) {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (refuses) {
        done(Object.assign(new Error('mailbox full'), { responseCode: 552 }));
        return;
      }
      const text = Buffer.concat(chunks).toString().replace(/=\r\n/g, '').replaceAll('=3D', '=');
      const sender = envelope.mailFrom ? envelope.mailFrom.address : '';
      received.push({ from: sender, to: envelope.rcptTo.map(({ address }) => address), text });
      done();
    });
  },
});

let silent: Server;
const urlOf = (server: { address(): AddressInfo | string | null }) =>
  `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
const quick = { connectionTimeout: 500, greetingTimeout: 500, socketTimeout: 500, dnsTimeout: 500 };

beforeAll(async () => {
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', () => resolve()));
  silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()));
  app.services.mail = createMail({ url: urlOf(smtp.server), from, log: app.services.log, timeouts: quick });
  await seedMore(app.services, entityOf('site_domain'), app.here, [
    { fqdn: 'meet.example.org', enable: true },
    { fqdn: 'localhost:5173', enable: true },
    { fqdn: 'closed.example.org', enable: false },
  ]);
  await seedMore(app.services, entityOf('site_domain'), app.there, [
    { fqdn: 'other.example.org', enable: true },
  ]);
});
beforeEach(() => {
  received.length = 0;
  refuses = false;
});
afterAll(async () => {
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
  await new Promise<void>((resolve) => {
    silent.close(() => resolve());
  });
});

const page = 'https://meet.example.org/sign-in?lang=en';
const ask = (
  id: string,
  query: Record<string, string> = { root_url: page },
  caller = elsewhere(app.guest()),
) => caller.rest('GET', `/v3/action/user/${id}/email_auth_key_url?${new URLSearchParams(query).toString()}`);
const linkIn = (text: string) => new URL(/https?:\/\/\S+/.exec(text)![0]);

test('a link comes by mail, and signs its user in', async () => {
  const user = await makeUser(app, { email: 'grace@example.org' });
  expect(await ask(user.id)).toMatchObject({ status: 200, data: true });
  expect(received).toMatchObject([{ from: 'no-reply@example.org', to: ['grace@example.org'] }]);
  const link = linkIn(received[0]!.text);
  expect(link.origin + link.pathname).toBe('https://meet.example.org/sign-in');
  const { lang, user_id, valid_email, auth_key } = Object.fromEntries(link.searchParams);
  expect({ lang, user_id, valid_email }).toEqual({ lang: 'en', user_id: user.id, valid_email: 'True' });
  const { data } = await elsewhere(app.guest()).graphql(signInText, { userId: user.id, authKey: auth_key });
  expect(data.signIn.user.id).toBe(user.id);
});

test('the key goes under the name that is asked for, to a page on any port that a site has', async () => {
  const user = await makeUser(app);
  await ask(user.id, { root_url: 'http://localhost:5173/#/sign-in', key_param_name: 'k' });
  const link = linkIn(received[0]!.text);
  expect([link.hash, link.searchParams.get('k')]).toEqual(['#/sign-in', expect.any(String)]);
});

test('a link leads to no page but those of the sites of the account', async () => {
  const user = await makeUser(app);
  for (const root_url of [
    'https://evil.example/sign-in',
    'https://meet.example.org.evil.example/',
    'https://meet.example.org@evil.example/',
    'https://user:pass@meet.example.org/',
    'https://meet.example.org:444/page',
    'https://other.example.org/page',
    'https://closed.example.org/page',
    'https:\\\\evil.example\\@meet.example.org',
    '//meet.example.org/page',
    'javascript:alert(1)//meet.example.org',
    'ftp://meet.example.org/',
    'meet.example.org',
    'http://a',
    `https://meet.example.org/${'x'.repeat(200)}`,
  ])
    expect([root_url, (await ask(user.id, { root_url })).status]).toEqual([root_url, 422]);
  expect((await ask(user.id, {})).status).toBe(422);
  for (const key_param_name of ['', '1', 'a b', 'user_id', 'valid_email', 'x'.repeat(60)])
    expect((await ask(user.id, { root_url: page, key_param_name })).status).toBe(422);
  expect(received).toEqual([]);
  expect((await app.rowOf('user', user.id))!.auth_key_hash).toBeNull();
});

test('a link is for users who are there, and may use it', async () => {
  expect((await ask(unknownId())).status).toBe(404);
  const user = await makeUser(app);
  expect((await ask(user.id, undefined, elsewhere(app.otherAccount()))).status).not.toBe(200);
  for (const values of [{ enable: false }, { allowAuthKey: false }, { enableTo: '2020-01-01T00:00:00.000Z' }])
    expect((await ask((await makeUser(app, values)).id)).status).toBe(403);
  expect((await ask((await makeUser(app, { email: null })).id)).status).toBe(422);
  expect(received).toEqual([]);
});

test('an address makes no second recipient, and no header', async () => {
  for (const email of [
    'a@example.org, b@example.org',
    'a@example.org\r\nBcc: b@example.org',
    '<a@example.org> b@example.org',
  ]) {
    const { id } = await makeUser(app, { email });
    expect((await ask(id)).status).toBe(422);
  }
  for (const to of ['a@example.org, b@example.org', 'a@example.org\r\nBcc: b@example.org'])
    await app.services.mail.send({ to, subject: 'x', text: 'x' }).catch(() => undefined);
  app.logged.length = 0;
  expect(received.flatMap(({ to }) => to).filter((to) => to.startsWith('b@'))).toEqual([]);
  expect(received.every(({ to }) => to.length === 1)).toBe(true);
  expect(received.some(({ text }) => /^bcc:/im.test(text))).toBe(false);
});

test('a mail server that refuses, hangs or is not there makes the call fail with 500', async () => {
  const user = await makeUser(app);
  const { mail } = app.services;
  refuses = true;
  expect(await ask(user.id)).toMatchObject({
    status: 500,
    body: { detail: 'The e-mail could not be sent.' },
  });
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', () => resolve()));
  const nowhere = urlOf(gone);
  await new Promise((resolve) => gone.close(resolve));
  for (const url of [urlOf(silent), nowhere, undefined]) {
    app.services.mail = createMail({ url, from, log: app.services.log, timeouts: quick });
    const started = Date.now();
    expect((await ask(user.id)).status).toBe(500);
    expect(Date.now() - started).toBeLessThan(5000);
  }
  expect(app.logged.every(({ msg }) => msg === 'request' || msg === 'a mail could not be sent')).toBe(true);
  expect(JSON.stringify(app.logged)).not.toMatch(/@example.org|auth_key=/);
  app.logged.length = 0;
  app.services.mail = mail;
  refuses = false;
  expect((await ask(user.id)).status).toBe(200);
});

test('nobody fills the mailbox of another', async () => {
  const user = await makeUser(app);
  const statuses = [];
  for (let i = 0; i < 11; i += 1) statuses.push((await ask(user.id)).status);
  expect(statuses).toEqual([...Array<number>(10).fill(200), 429]);
  const caller = elsewhere(app.guest());
  const users = await Promise.all(Array.from({ length: 11 }, () => makeUser(app)));
  const answers = [];
  for (const { id } of users) answers.push((await ask(id, undefined, caller)).status);
  expect(answers).toEqual([...Array<number>(10).fill(200), 429]);
});
