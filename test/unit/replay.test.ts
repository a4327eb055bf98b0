import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replay, type ReplayOptions } from '../../src/replay/replay';

const folder = mkdtempSync(join(tmpdir(), 'aether-replay-'));
const running: Server[] = [];
afterAll(() => {
  for (const server of running) server.close().closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

interface Exchange {
  method?: string;
  path?: string;
  sent?: unknown;
  headers?: Record<string, string>;
  status?: number;
  body: unknown;
}

/** A server that answers a path with what it is given; what it was asked is in `asked`. */
async function serve(
  answers: Exchange[],
): Promise<{ url: string; asked: { url: string; body: string; headers: any }[] }> {
  const asked: { url: string; body: string; headers: any }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      asked.push({ url: request.url!, body, headers: request.headers });
      const { status = 200, body: answer, headers } = answers[asked.length - 1]!;
      response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  running.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** As a browser writes it. */
const lineOf = ({
  method = 'GET',
  path = '/v3/crud/event/',
  sent,
  headers = {},
  status = 200,
  body,
}: Exchange): string =>
  JSON.stringify({
    request: {
      method,
      url: `https://old.example.org${path}`,
      headers: [{ name: ':authority', value: 'old.example.org' }],
      ...(sent !== undefined && { postData: { mimeType: 'application/json', text: JSON.stringify(sent) } }),
    },
    response: {
      status,
      headers: Object.entries({ 'content-type': 'application/json', ...headers }).map(([name, value]) => ({
        name,
        value,
      })),
      content: { size: 1, mimeType: 'application/json', text: JSON.stringify(body) },
    },
  });

/** What is found when the first was recorded, and the second is answered now. */
async function found(was: Exchange[], is: Exchange[], options: Partial<ReplayOptions> = {}) {
  const file = join(folder, 'recording.ndjson');
  writeFileSync(file, was.map(lineOf).join('\n'));
  const server = await serve(is);
  const report = await replay(file, {
    against: server.url,
    onlyReads: false,
    ignored: new Set(),
    anyOrder: false,
    secrets: new Map(),
    ...options,
  });
  return {
    asked: server.asked,
    report,
    found: report.differences.map(({ what, count }) => `${what} (${count})`),
  };
}

const [one, two] = [
  { id: 'EventIdNr-01', name: 'One' },
  { id: 'EventIdNr-02', name: 'Two' },
];
const list = (...data: unknown[]): Exchange[] => [{ body: { data } }];

test.each<[string, Exchange[], Exchange[], string[], Partial<ReplayOptions>?]>([
  ['nothing', list(one, two), list(one, two), []],
  ['another value', list(one, two), list(one, { ...two, name: '2' }), ['`name` differs (1)']],
  ['another type', list({ ...one, n: 1 }), list({ ...one, n: '1' }), ['`n` differs (1)']],
  ['null for nothing', list({ ...one, n: null }), list(one), ['`n` is missing (1)']],
  ['a field more', list(one), list({ ...one, n: 1 }), ['`n` is new (1)']],
  [
    'a field renamed',
    list(one, two),
    list({ id: one.id, title: 'One' }, { id: two.id, title: 'Two' }),
    ['`name` is now `title` (1)'],
  ],
  ['a record more', list(one), list(one, two), ['a record of `data` is new (1)']],
  ['a record less', list(one, two), list(two), ['a record of `data` is missing (1)']],
  ['another order', list(one, two), list(two, one), ['`data` has another order (1)']],
  ['another order, where it may be', list(one, two), list(two, one), [], { anyOrder: true }],
  [
    'another field, which does not matter',
    list(one),
    list({ ...one, name: 2, n: 1 }),
    [],
    { ignored: new Set(['name', 'n']) },
  ],
  ['a list for a record', [{ body: { data: one } }], list(one), ['`data` differs (1)']],
  [
    'texts in another order',
    [{ body: { data: ['a', 'b'] } }],
    [{ body: { data: ['b', 'a'] } }],
    ['`data` differs (1)'],
  ],
  ['another status', list(one), [{ status: 404, body: { data: false } }], ['status 200 is now 404 (1)']],
  [
    'a header less',
    [{ headers: { link: '</a>' }, body: {} }],
    [{ body: {} }],
    ['header link is missing (1)'],
  ],
  [
    'another header',
    [{ headers: { link: '</a>' }, body: {} }],
    [{ headers: { link: '</b>' }, body: {} }],
    ['header link differs (1)'],
  ],
  [
    'another header that does not matter',
    [{ headers: { link: '</a>' }, body: {} }],
    [{ headers: { link: '</b>', date: 'now', 'x-request-id': '7' }, body: {} }],
    [],
    { ignored: new Set(['link']) },
  ],
  [
    'times of the clock',
    list({ ...one, created_on: '2026-01-01T10:00:00.000Z', eat: 1767225600 }),
    list({ ...one, created_on: '2027-02-03T11:12:13.456Z', eat: 1777777777 }),
    [],
  ],
  [
    'times of the clock in another form',
    list({ ...one, created_on: '2026-01-01T10:00:00.000Z' }),
    list({ ...one, created_on: '2026-01-01 10:00:00' }),
    ['`created_on` differs (1)'],
  ],
  [
    'a time of somebody',
    list({ ...one, start_datetime: '2026-01-01T10:00:00.000Z' }),
    list({ ...one, start_datetime: '2026-01-01T11:00:00.000Z' }),
    ['`start_datetime` differs (1)'],
  ],
  [
    'another key',
    list({ ...one, public_key: 'a-key-of-one' }),
    list({ ...one, public_key: 'a-key-of-two' }),
    [],
  ],
  [
    'a key for nothing',
    list({ ...one, public_key: 'a-key-of-one' }),
    list({ ...one, public_key: null }),
    ['`public_key` differs (1)'],
  ],
])('%s is told so', async (_what, was, is, words, options = {}) => {
  const { report, found: told } = await found(was, is, options);
  expect(told).toEqual(words);
  expect(report.clean).toBe(words.length === 0);
});

test('the id of what is made is that of the server from then on: in paths, queries, bodies and answers', async () => {
  const made = { id: 'MadeBefore1', event_id: one.id, name: 'New' };
  const now = { ...made, id: 'MadeByNow_1' };
  const was: Exchange[] = [
    { method: 'POST', path: '/v3/crud/event_session/', sent: { event_id: one.id }, body: { data: made } },
    {
      method: 'PATCH',
      path: `/v3/crud/event_session/${made.id}`,
      sent: { id: made.id },
      body: { data: made },
    },
    {
      path: `/v3/crud/event_file/?for_obj_id=${made.id}`,
      body: { meta: { text: `Nothing of ${made.id}.` } },
    },
  ];
  const { asked, found: told } = await found(was, [
    { body: { data: now } },
    { body: { data: now } },
    { body: { meta: { text: `Nothing of ${now.id}.` } } },
  ]);
  expect(told).toEqual([]);
  expect(asked.map(({ url, body }) => [url, body])).toEqual([
    ['/v3/crud/event_session/', `{"event_id":"${one.id}"}`],
    [`/v3/crud/event_session/${now.id}`, `{"id":"${now.id}"}`],
    [`/v3/crud/event_file/?for_obj_id=${now.id}`, ''],
  ]);
  // Which event it belongs to was known before.
  const wrong = { ...now, event_id: two.id };
  expect((await found(was.slice(0, 1), [{ body: { data: wrong } }])).found).toEqual([
    '`event_id` differs (1)',
  ]);
  // A list makes nothing.
  expect((await found(list(one), list({ ...one, id: two.id }))).found).toEqual([
    'a record of `data` is missing (1)',
    'a record of `data` is new (1)',
  ]);
});

test('of two servers the answers are compared with each other, each under the ids that it has given', async () => {
  const made = (id: string, more = {}): Exchange => ({ body: { data: { id, event_id: one.id, ...more } } });
  const list = (id: string): Exchange => ({ body: { data: [{ id, name: 'New' }] } });
  const was: Exchange[] = [
    { ...made('MadeBefore1'), method: 'POST', path: '/v3/crud/event_session/', sent: { event_id: one.id } },
    { ...list('MadeBefore1'), path: '/v3/crud/event_session/?for_obj_id=MadeBefore1' },
    // It was refused then.
    { status: 400, body: {}, method: 'POST', path: '/v3/crud/event_session/', sent: {} },
  ];
  const another = await serve([made('MadeHere_02', { n: 2 }), list('MadeHere_02'), made('MadeHere_04')]);
  const { asked, found: told } = await found(
    was,
    [made('MadeHere_01', { n: 1 }), list('MadeHere_01'), made('MadeHere_03')],
    { with: another.url },
  );
  expect(told).toEqual(['`n` differs (1)']);
  expect([asked[1]!.url, another.asked[1]!.url]).toEqual([
    '/v3/crud/event_session/?for_obj_id=MadeHere_01',
    '/v3/crud/event_session/?for_obj_id=MadeHere_02',
  ]);
});

test('only reads leaves out all that changes, mails or makes something, whatever its method', async () => {
  const of = (method: string, path: string): Exchange => ({ method, path, body: {} });
  const reads = [
    of('GET', '/v3/crud/event/'),
    of('POST', '/v3/crud/event/search'),
    of('POST', '/v3/crud/event/validate/'),
    of('GET', '/v2/crud/event/list'),
  ];
  const others = [
    of('POST', '/v3/crud/event/'),
    of('PATCH', '/v3/crud/event/EventIdNr-01'),
    of('DELETE', '/event/EventIdNr-01'),
    of('GET', '/v3/action/user/UserIdNr-01/new_auth_key'),
    of('GET', '/user/UserIdNr-01/email_auth_key_url'),
    of('GET', '/user/authenticate?username=a'),
    of('GET', '/api/temp_token'),
    of('GET', '/hosted_file/FileIdNr-01/convert_file?to_type=webp'),
  ];
  const { asked, report } = await found([...others, ...reads], reads, { onlyReads: true });
  expect(asked.map(({ url }) => url)).toEqual(reads.map(({ path }) => path));
  expect([report.left, report.clean]).toEqual([others.length, true]);
});

test('a token that a sign-in answers is sent from then on, and other secrets are told', async () => {
  const token = '{{token_0123456789}}';
  const signIn: Exchange = {
    method: 'POST',
    path: '/v3/action/auth/authenticate_passcode',
    sent: { passcode: '{{passcode_0123456789}}' },
    body: { data: { jwt: token } },
  };
  const read: Exchange = { path: `/v3/crud/event/?jwt=${encodeURIComponent(token)}`, body: { data: [] } };
  const { asked, report } = await found(
    [signIn, read],
    [{ body: { data: { jwt: 'eyJh.eyJi.c' } } }, { body: { data: [] } }],
    { secrets: new Map([['passcode', 'say "friend"']]) },
  );
  expect(report.clean).toBe(true);
  expect(JSON.parse(asked[0]!.body)).toEqual({ passcode: 'say "friend"' });
  expect(asked[1]!.url).toBe('/v3/crud/event/?jwt=eyJh.eyJi.c');
  const nobody = await found([read], []);
  expect([...nobody.report.skipped.keys()]).toEqual([
    'token_0123456789 is not known: say --secret token_0123456789=…',
  ]);
  expect(nobody.report.clean).toBe(false);
});

test('another account stands for the recorded one everywhere', async () => {
  const file = join(folder, 'account.ndjson');
  const entry = JSON.parse(
    lineOf({ path: '/v3/crud/account/AccountNr01', body: { data: { id: 'AccountNr01' } } }),
  );
  entry.request.headers.push({ name: 'X-Account-Id', value: 'AccountNr01' });
  writeFileSync(file, JSON.stringify(entry));
  const server = await serve([{ body: { data: { id: 'AccountNr02' } } }]);
  const report = await replay(file, {
    ...{ against: server.url, account: 'AccountNr02', secrets: new Map() },
    ...{ onlyReads: false, ignored: new Set<string>(), anyOrder: false },
  });
  expect(server.asked[0]).toMatchObject({
    url: '/v3/crud/account/AccountNr02',
    headers: { 'x-account-id': 'AccountNr02' },
  });
  expect(report.clean).toBe(true);
});
