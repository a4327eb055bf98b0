import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { readEntry, type Entry } from '../../src/replay/entry';
import { openRecorder, type Recorder } from '../../src/replay/recorder';

const folder = mkdtempSync(join(tmpdir(), 'aether-recorder-'));
const running: Server[] = [];
afterAll(() => {
  for (const server of running) server.close().closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

const logged: Record<string, any>[] = [];
const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line) as Record<string, any>) });
const textOf = (file: string) => readFileSync(file, 'utf8');
let files = 0;

/** A server that is recorded: with its address, and what was written of `calls`. */
async function recording(
  answer: RequestListener,
  calls: (url: string) => Promise<unknown>,
  file = join(folder, `${(files += 1)}.ndjson`),
): Promise<Entry[]> {
  const recorder: Recorder = openRecorder(file, { salt: 'salt', log });
  const server = createServer((request, response) => {
    response.setHeader('x-request-id', '1');
    recorder.follow(request, response, () => true);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  running.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  await calls(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await new Promise((resolve) => server.close(resolve));
  await recorder.close();
  return textOf(file).split('\n').filter(Boolean).map(readEntry);
}

const json = { 'content-type': 'application/json' };

/** Answers with what was sent. */
const echo: RequestListener = (request, response) => {
  response.setHeader('content-type', request.headers['content-type'] ?? 'text/plain');
  request.pipe(response);
};

async function send(url: string, body: string | Buffer | FormData, headers: Record<string, string> = json) {
  const answer = await fetch(url, { method: 'POST', body, headers });
  return answer.text();
}

test('a body is not changed by being recorded, however it comes and goes', async () => {
  const body = JSON.stringify({ text: 'é'.repeat(20_000) });
  const [entry] = await recording(
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(201, json);
        const text = Buffer.concat(chunks).toString();
        response.write(text.slice(0, 100), 'utf8');
        response.write(Buffer.from(text.slice(100, 200)));
        response.end(text.slice(200));
      });
    },
    async (url) => expect(await send(url, body)).toBe(body),
  );
  expect(entry!.request.postData!.text).toBe(body);
  expect(entry!.response).toMatchObject({ status: 201, content: { text: body } });
});

test('of what is larger than a megabyte there is no body, and of bytes their digest', async () => {
  const large = JSON.stringify({ text: 'x'.repeat(1024 ** 2) });
  const bytes = Buffer.alloc(3 * 1024 ** 2, 'bytes');
  const entries = await recording(echo, async (url) => {
    expect(await send(url, large)).toBe(large);
    expect((await send(url, bytes, { 'content-type': 'image/png' })).length).toBe(bytes.length);
    await send(url, 'small', { 'content-type': 'image/png' });
  });
  const sha256 = (of: string | Buffer) => createHash('sha256').update(of).digest('hex');
  expect(entries.map(({ request, response }) => [request.postData!.text, response.content.text])).toEqual(
    Array(3).fill([undefined, undefined]),
  );
  expect(entries.map(({ response }) => response.content._sha256)).toEqual([
    undefined,
    sha256(bytes),
    sha256('small'),
  ]);
});

const secret = 'only-for-your-eyes';

test.each<[string, string | Buffer | (() => FormData), Record<string, string>?]>([
  [
    'JSON, in whatever spelling',
    JSON.stringify({ newPassword: secret, auth_key: secret, 'Secret-Key': secret }),
  ],
  ['JSON in JSON', JSON.stringify({ cfg_json: JSON.stringify({ smtp: { smtp_password: secret } }) })],
  ['passcodes by level', JSON.stringify({ access_code_kv_json: { trusted: secret } })],
  ['a condition of a search', JSON.stringify({ and: [{ field: 'access_key', op: 'eq', value: secret }] })],
  ['an address in a text', JSON.stringify({ text: `See https://example.org/?jwt=${secret}&a=b` })],
  ['a list', JSON.stringify([{ passcode: secret }])],
  [
    'what is compressed',
    gzipSync(JSON.stringify({ password: secret })),
    { ...json, 'content-encoding': 'gzip' },
  ],
  ['a form', `a=b&password=${secret}`, { 'content-type': 'application/x-www-form-urlencoded' }],
  [
    'a form of parts',
    () => {
      const form = new FormData();
      form.set('password', secret);
      form.set('file', new Blob(['bytes']), 'a.txt');
      return form;
    },
    {},
  ],
  ['what is not as it says', `{"password":"${secret}"`],
  ['JSON that says to be a text', JSON.stringify({ password: secret }), { 'content-type': 'text/plain' }],
])('no secret is recorded in %s', async (_what, body, headers = json) => {
  const [entry] = await recording(
    (request, response) => {
      request.resume();
      response.writeHead(403, json).end(JSON.stringify({ detail: `${secret} is not right` }));
    },
    (url) => send(`${url}/?api_key=${secret}`, typeof body === 'function' ? body() : body, headers),
  );
  const { text = '', _encoding } = entry!.request.postData!;
  const sent = _encoding ? Buffer.from(text, _encoding).toString() : text;
  for (const place of [JSON.stringify(entry), sent]) expect(place).not.toContain(secret);
  // Whoever replays it learns that one is needed.
  if (_what !== 'what is not as it says')
    expect(decodeURIComponent(sent)).toMatch(/\{\{\w+_[0-9a-f]{10}\}\}/);
  expect(entry!.response.content.text).toMatch(/^\{"detail":"\{\{\w+\}\} is not right"\}$/);
});

test('tokens are none of the words of a text, and words no tokens', async () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl';
  const body = {
    text: `a ${token} b`,
    name: 'The secret of the key',
    token_version: 3,
    allow_auth_key: true,
  };
  const [entry] = await recording(echo, (url) => send(url, JSON.stringify(body)));
  const recorded = JSON.parse(entry!.request.postData!.text!);
  expect(recorded).toEqual({ ...body, text: expect.stringMatching(/^a \{\{token_\w{10}\}\} b$/) });
});

test('requests are answered also where nothing can be written', async () => {
  const recorder = openRecorder(folder, { salt: 'salt', log });
  const recorded = createServer((request, response) => {
    recorder.follow(request, response, () => true);
    response.end('well');
  }).listen(0, '127.0.0.1');
  running.push(recorded);
  await new Promise((resolve) => recorded.once('listening', resolve));
  const url = `http://127.0.0.1:${(recorded.address() as AddressInfo).port}`;
  for (let turn = 0; turn < 3; turn += 1) expect(await (await fetch(url)).text()).toBe('well');
  await recorder.close();
  expect(logged.map(({ msg }) => msg)).toContain('requests cannot be recorded: the recording has ended');
});
