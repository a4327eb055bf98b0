import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demo, seedDemo } from '../../seeders/demo';
import { readEntry, type Entry } from '../../src/replay/entry';
import { findPlaces, makeBadge, Rest, screens, takeLead, writeTexts } from '../screens/screens';
import { TestApp, useApp } from '../support/app';
import { Caller } from '../support/callers';
import { changing, renaming } from '../support/proxy';

const folder = mkdtempSync(join(tmpdir(), 'aether-replay-'));
const recorded = join(folder, 'recorded.ndjson');
/** What there was of it in the beginning: replays against the same server are recorded too. */
const file = join(folder, 'requests.ndjson');
/** The same without what nobody can replay: a body that is no JSON. */
const sound = join(folder, 'sound.ndjson');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const app = useApp({ rows: 1, env: { RECORD_REQUESTS: recorded } });
const key = { 'x-aether-api-key': demo.trustedKey, 'x-account-id': demo.account };
const secrets = [
  demo.trustedKey,
  demo.guestKey,
  demo.adminKey,
  demo.boundKey,
  demo.passcodes.trusted,
  'wrong-passcode',
  'a password of somebody',
];

let entries: Entry[];
let tokens: string[];
beforeAll(async () => {
  await seedDemo(app.services);
  tokens = await useAll(app);
  await written();
  copyFileSync(recorded, file);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  entries = lines.map(readEntry);
  writeFileSync(
    sound,
    lines
      .filter((_, index) => !entries[index]!.request.postData || entries[index]!.request.postData.text)
      .join('\n'),
  );
}, 60_000);

/** What is recorded: every screen, and what has a secret or a name of its own in it. Answers the tokens that were given out. */
async function useAll({ url }: { url: string }): Promise<string[]> {
  const caller = new Caller({ url }, key);
  const rest = new Rest(caller);
  await findPlaces(rest);
  for (const screen of screens) await screen.rest(rest);
  await makeBadge(rest);
  await takeLead(rest);
  await writeTexts(rest);

  const signIn = '/v3/action/auth/authenticate_passcode';
  const { jwt } = (
    await caller.call('POST', signIn, { site_id: demo.site, passcode: demo.passcodes.trusted })
  ).data;
  await caller.rest('POST', signIn, { site_id: demo.site, passcode: 'wrong-passcode' });
  await caller.rest('POST', '/v3/action/user/authenticate', {
    username: 'nobody',
    password: 'a password of somebody',
  });
  await caller.with({ authorization: `Bearer ${jwt}` }).call('GET', '/v3/crud/journal/');
  await new Caller({ url }, {}).call('GET', `/v3/crud/post/?api_key=${demo.guestKey}&jwt=${jwt}`);
  await caller.with({ authorization: 'Bearer no.such.token' }).rest('GET', '/v3/crud/journal/');
  await caller.with({ 'x-aether-api-key': demo.adminKey }).call('GET', '/v3/crud/api_key/');
  await caller.call('POST', '/v3/crud/site_domain/search', {
    and: [
      { field: 'fqdn', op: 'eq', value: 'locked.localhost' },
      { field: 'access_key', op: 'eq', value: 'a password of somebody' },
    ],
  });

  const made = await caller
    .with({ 'idempotency-key': 'once' })
    .call('POST', '/v3/crud/post/', { title: 'A' });
  await caller.with({ 'idempotency-key': 'once' }).call('POST', '/v3/crud/post/', { title: 'A' });
  const path = `/v3/crud/post/${made.data.id as string}`;
  const tag = (await caller.call('GET', path)).headers.get('etag')!;
  expect((await caller.with({ 'if-none-match': tag }).rest('GET', path)).status).toBe(304);
  await caller.with({ 'if-match': tag }).call('PATCH', path, { title: 'B' });
  expect((await caller.with({ 'if-match': tag }).rest('PATCH', path, { title: 'C' })).status).toBe(412);
  await caller.rest('HEAD', path);
  await caller.rest('GET', '/v3/crud/event/no');
  await caller.fetch('/v3/crud/event/', {
    method: 'POST',
    body: '{"password": "a password of some',
    headers: { 'content-type': 'application/json' },
  });
  await caller.ask('{ events { totalCount } }');

  await caller.call('GET', '/v2/crud/event_session/list?limit=3');
  await caller.rest('GET', '/user/authenticate?username=nobody&password=a%20password%20of%20somebody');
  await caller.rest('POST', '/api/authenticate_passcode', {
    site_id: demo.site,
    passcode: demo.passcodes.trusted,
  });

  const form = new FormData();
  form.set('for_type', 'event');
  form.set('for_id', demo.event);
  form.set('password', 'a password of somebody');
  form.set('file', new Blob(['Bytes of a text.']), 'bytes.txt');
  const uploaded = await caller.fetch('/v3/action/event_file/upload', { method: 'POST', body: form });
  const { id, hosted_file } = (
    (await uploaded.json()) as { data: { id: string; hosted_file: { id: string } } }
  ).data;
  for (const each of [`event_file/${id}`, `hosted_file/${hosted_file.id}`])
    expect((await caller.fetch(`/v3/action/${each}/download`)).status).toBe(200);
  return [jwt as string];
}

/** Waits until nothing more is written. */
async function written(): Promise<void> {
  for (
    let size = -1;
    size !== statSync(recorded).size;
    await new Promise((resolve) => setTimeout(resolve, 100))
  )
    size = statSync(recorded).size;
}

/** Another server over data of its own, just as it was when the recording began. */
async function another(): Promise<TestApp> {
  const other = new TestApp();
  others.push(other);
  await other.start({ rows: 1 });
  await seedDemo(other.services);
  return other;
}
const others: TestApp[] = [];
afterAll(() => Promise.all(others.map((other) => other.stop())));

/** The program, and what it says. */
async function replayed(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; text: string; report: any }> {
  const program = join(__dirname, '../../dist/src/replay.js');
  const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env.PATH, ...env } });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, text, report: args.includes('--json') && code !== 2 ? JSON.parse(text) : undefined };
}

/** What nobody can guess of the recording: which key, passcode and so on has which name in it. */
function told(): string[] {
  const named = new Map<string, string>();
  const name = (text: string, value: string) => {
    for (const [, placeholder] of text.matchAll(/\{\{(\w+)\}\}/g)) named.set(placeholder!, value);
  };
  for (const { request, response } of entries) {
    const { url, headers, postData } = request;
    const { pathname, searchParams } = new URL(url);
    const key = headers.find(({ name }) => name === 'x-aether-api-key');
    name(key?.value ?? '', pathname === '/v3/crud/api_key/' ? demo.adminKey : demo.trustedKey);
    name(searchParams.get('api_key') ?? '', demo.guestKey);
    if (pathname.endsWith('/authenticate_passcode'))
      name(postData!.text!, response.status === 200 ? demo.passcodes.trusted : 'wrong-passcode');
  }
  return [
    ...[...named].flatMap(([name, value]) => ['--secret', `${name}=${value}`]),
    ...['--secret', 'password=a password of somebody', '--secret', 'access_key=a password of somebody'],
    ...['--token', 'no.such.token'],
  ];
}

test('what was recorded is all of REST and nothing else, without a secret, for its owner alone', () => {
  const text = readFileSync(file, 'utf8');
  for (const secret of [...secrets, ...tokens]) expect(text).not.toContain(secret);
  for (const secret of ['a password of some', 'a%20password', 'a+password', 'no.such.token'])
    expect(text).not.toContain(secret);
  expect(text).not.toContain('totalCount');
  expect(statSync(recorded).mode & 0o777).toBe(0o600);
  expect(entries.length).toBeGreaterThan(100);
  // The same secret has the same name, another one another.
  expect(new Set(text.match(/\{\{key_\w+\}\}/g)).size).toBeGreaterThanOrEqual(3);
  const [first] = entries;
  expect(first).toMatchObject({
    request: {
      method: 'GET',
      headers: expect.arrayContaining([{ name: 'x-account-id', value: demo.account }]),
    },
    response: { status: 200 },
  });
  expect(JSON.parse(first!.response.content.text!)).toHaveProperty('data');
});

test('replayed against the server itself it shows no difference', async () => {
  const server = await another();
  const { code, report } = await replayed([sound, '--against', server.url, '--json', ...told()]);
  expect(report).toMatchObject({ differences: [], skipped: {}, unknown: 0, calls: report.same });
  expect(report.calls).toBe(entries.length - 1);
  expect(code).toBe(0);
});

test('against a server with one field renamed it shows exactly that', async () => {
  const server = await another();
  const proxy = await changing(server.url, renaming('event_location_name', 'room_name'));
  const { code, report } = await replayed([sound, '--against', proxy.url, '--json', ...told()]);
  proxy.stop();
  const holding = entries.filter(({ response }) => response.content.text?.includes('"event_location_name":'));
  expect(report.differences).toEqual([
    expect.objectContaining({
      what: '`event_location_name` is now `room_name`',
      count: holding.length,
    }),
  ]);
  expect(code).toBe(1);
});

test('what may change something can be left out, as for a server that is in use', async () => {
  const rows = await app.countRows('post');
  const { code, text } = await replayed([
    sound,
    '--against',
    app.url,
    '--with',
    app.url,
    '--only-reads',
    ...told(),
  ]);
  expect(text).toMatch(/left out: \d+ calls/);
  expect(text).toMatch(/(\d+) calls were replayed: \1 were answered the same, 0 were not\./);
  expect(code).toBe(0);
  expect(await app.countRows('post')).toBe(rows);
});

test('what cannot be replayed is said, and is no success', async () => {
  const { code, text } = await replayed([file, '--against', app.url, '--only-reads'], {
    REPLAY_KEY: demo.trustedKey,
  });
  expect(code).toBe(1);
  expect(text).toMatch(/not replayed: \d x token_\w{10} is not known: say --secret token_\w{10}=…/);
  expect(text).not.toContain(demo.trustedKey);
  const changes = entries.findIndex(({ request }) => request.postData && !request.postData.text);
  const only = join(folder, 'only.ndjson');
  writeFileSync(only, readFileSync(file, 'utf8').split('\n')[changes]!);
  expect(await replayed([only, '--against', app.url])).toMatchObject({
    code: 1,
    text: expect.stringContaining('not replayed: 1 x the body was not recorded'),
  });
});

test.each([
  ['no file', ['none.ndjson', '--against', 'http://127.0.0.1:59999'], 'There is no file none.ndjson.'],
  ['no server', [file], '--against is missing.'],
  ['a server that is not there', [file, '--against', 'http://127.0.0.1:59999', '--key', 'x'], 'ECONNREFUSED'],
  ['a file of something else', [__filename, '--against', 'http://127.0.0.1:59999'], 'Line 1 is not JSON'],
])('with %s it says so, and ends with 2', async (_what, args, words) => {
  const { code, text } = await replayed(args);
  expect(text).toContain(words);
  expect(code).toBe(2);
});
