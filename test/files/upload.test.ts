import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { readMultipart } from '../../src/files/multipart';
import type { UploadForm } from '../../src/files/multipart';
import { openFileStore } from '../../src/files/store';
import type { FileStore } from '../../src/files/store';
import {
  ask,
  boundary,
  bytesOf,
  dial,
  eventually,
  filesIn,
  form,
  formType,
  serve,
  sha256,
  temporaryFolder,
} from './support';
import type { Answer, Part, TestServer } from './support';

const root = join(temporaryFolder(), 'files');
const maxBytes = 200_000;
let store: FileStore;
let server: TestServer;
let forms: UploadForm[] = [];

beforeAll(async () => {
  store = await openFileStore(root);
  server = await serve(async (req, res) => {
    const form = await readMultipart(req, { store, maxBytes, maxFiles: 5, maxFields: 5 });
    forms.push(form);
    for (const { received } of form.files) await received.commit();
    res.end('ok');
  });
});
afterAll(() => server.close());
beforeEach(async () => {
  forms = [];
  server.errors.length = 0;
  for await (const hash of store.hashes()) await store.remove(hash);
});
afterEach(async () => {
  expect(await readdir(join(root, '.incoming'))).toEqual([]);
});

const post = (body: Buffer | Buffer[], headers: Record<string, string> = formType): Promise<Answer> =>
  ask(server, { method: 'POST', headers, body });
const refusal = async (body: Buffer, headers?: Record<string, string>): Promise<[number, string]> => {
  const { status, body: answer } = await post(body, headers);
  expect(await filesIn(root)).toEqual([]);
  return [status, (JSON.parse(String(answer)) as { detail: string }).detail];
};
const postHead = (length: number): string =>
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${formType['content-type']}\r\nContent-Length: ${length}\r\n\r\n`;
const part = (content: Buffer | string, filename = 'a.bin', name = 'file'): Part => ({
  name,
  filename,
  content,
});
const stored = async (hash: string): Promise<Buffer> => readFile((await store.stat(hash))!.path);

test('one form brings many files and fields, whatever their fields are called', async () => {
  const contents = [bytesOf(10, 1), bytesOf(maxBytes, 2), bytesOf(65_536, 3), Buffer.alloc(0)];
  const { status } = await post(
    form([
      { name: 'link_to_type', content: 'event' },
      part(contents[0]!, 'a.pdf', 'file'),
      part(contents[1]!, 'b.PPTX', 'file_list'),
      { name: 'titel', content: 'Über uns 🎤' },
      part(contents[2]!, 'c.txt', 'file_list'),
      part(contents[3]!, 'empty.txt', '__proto__'),
      { name: '__proto__', content: 'x' },
    ]),
  );
  expect(status).toBe(200);
  const [{ fields, files }] = forms as [UploadForm];
  expect(Object.entries(fields)).toEqual([
    ['link_to_type', 'event'],
    ['titel', 'Über uns 🎤'],
    ['__proto__', 'x'],
  ]);
  expect(files.map(({ field, filename, received }) => [field, filename, received.size])).toEqual([
    ['file', 'a.pdf', 10],
    ['file_list', 'b.PPTX', maxBytes],
    ['file_list', 'c.txt', 65_536],
    ['__proto__', 'empty.txt', 0],
  ]);
  for (const content of contents) expect(content.equals(await stored(sha256(content)))).toBe(true);
});

test('where the network cuts the form makes no difference', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 20 }),
      async (contents, cuts) => {
        forms = [];
        // Text that nearly is a boundary, in front of each content.
        const bytes = contents.map((content) =>
          Buffer.concat([Buffer.from(`\r\n--${boundary.slice(0, 9)}`), content]),
        );
        const whole = form(bytes.map((content) => part(content)));
        const pieces: Buffer[] = [];
        for (let start = 0; start < whole.length;) {
          const length = cuts[pieces.length % cuts.length]!;
          pieces.push(whole.subarray(start, start + length));
          start += length;
        }
        expect((await post(pieces)).status).toBe(200);
        expect(forms[0]!.files.map(({ received }) => received.sha256)).toEqual(bytes.map(sha256));
      },
    ),
    { numRuns: 60 },
  );
});

test.each([
  ['filename="../../etc/pass wd.txt"', 'pass wd.txt'],
  ['filename="C:\\Users\\Ada\\talk.pdf"', 'talk.pdf'],
  ['filename="C:\\\\fakepath\\\\talk.pdf"', 'talk.pdf'],
  ['filename="Präsentation 発表 🎤.pdf"', 'Präsentation 発表 🎤.pdf'],
  ['filename="plain.pdf"; filename*=UTF-8\'\'Pr%C3%A4sentation.pdf', 'Präsentation.pdf'],
  ["filename*=UTF-8''..%2F..%2Fetc%2Fx.txt", 'x.txt'],
  ["filename*=utf-8''invoice%E2%80%AEtxt.pdf", 'invoicetxt.pdf'],
  ['filename="CON.txt"', '_CON.txt'],
  ['filename="say \\"hi\\".txt"', 'say "hi".txt'],
  ['filename=bare.txt', 'bare.txt'],
  [`filename="${'x'.repeat(400)}.txt"`, `${'x'.repeat(251)}.txt`],
])('%s is the file %j', async (parameter, filename) => {
  const disposition = `form-data; name="file"; ${parameter}`;
  expect((await post(form([{ disposition, content: 'hello' }]))).status).toBe(200);
  expect(forms[0]!.files[0]).toMatchObject({ filename, field: 'file' });
});

test('the content type comes from the bytes, not from what the client says', async () => {
  await post(form([{ filename: 'a.bin', type: 'text/html', content: '%PDF-1.7\n' }]));
  expect(forms[0]!.files[0]!.contentType).toBe('application/pdf');
});

test('the same bytes twice at once are kept once', async () => {
  const body = form([part(bytesOf(150_000))]);
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(body)));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(await filesIn(root)).toHaveLength(1);
});

test('a file input that was left empty is no file', async () => {
  const empty: Part = { name: 'file', filename: '', type: 'application/octet-stream', content: '' };
  expect((await post(form([empty, part('x')]))).status).toBe(200);
  expect(forms[0]!.files).toHaveLength(1);
  expect((await post(form([empty]))).status).toBe(422);
});

describe('refused, with nothing left behind:', () => {
  test('what is no form', async () => {
    for (const type of [
      'application/json',
      'application/x-www-form-urlencoded',
      'multipart/mixed; boundary=x',
      'x',
    ])
      expect((await refusal(Buffer.from('{}'), { 'content-type': type }))[0]).toBe(415);
    expect((await refusal(Buffer.from('{}'), {}))[0]).toBe(415);
  });

  test('a form without a file', async () => {
    expect((await refusal(form([{ name: 'title', content: 'x' }])))[0]).toBe(422);
    expect((await refusal(form([])))[0]).toBe(422);
  });

  test('a malformed form', async () => {
    const good = form([part(bytesOf(1000))]);
    expect((await refusal(good, { 'content-type': 'multipart/form-data' }))[0]).toBe(400);
    expect(
      (await refusal(good, { 'content-type': `multipart/form-data; boundary=${'x'.repeat(300)}` }))[0],
    ).toBe(400);
    expect((await refusal(good, { 'content-type': 'multipart/form-data; boundary=other' }))[0]).toBe(400);
    expect((await refusal(Buffer.alloc(0)))[0]).toBe(400);
    expect((await refusal(Buffer.from('no form at all')))[0]).toBe(400);
    for (const end of [3, 5, 20, 500, 1000, good.length - 20])
      expect((await refusal(good.subarray(0, -end)))[0]).toBe(400);
    const strange = Buffer.from(
      `--${boundary}\r\nContent Disposition form-data\r\n\r\nx\r\n--${boundary}--\r\n`,
    );
    expect((await refusal(strange))[0]).toBe(400);
    expect(
      (await refusal(Buffer.concat([form([part('x')]).subarray(0, -(boundary.length + 6)), strange])))[0],
    ).toBe(400);
  });

  test('bytes without a filename, a field without a name, and one that is there twice', async () => {
    expect((await refusal(form([part('x'), { type: 'application/octet-stream', content: 'x' }])))[0]).toBe(
      400,
    );
    expect((await refusal(form([part('x'), { disposition: 'form-data', content: 'x' }])))[0]).toBe(400);
    const title = (content: string): Part => ({ name: 'title', content });
    expect((await refusal(form([title('a'), part('x'), title('b')])))[0]).toBe(400);
    expect((await post(form([title('a'), part('x'), title('a')]))).status).toBe(200);
  });

  test('one byte, one file, one field too many', async () => {
    expect((await post(form([part(bytesOf(maxBytes)), part('x')]))).status).toBe(200);
    for (const hash of [sha256(bytesOf(maxBytes)), sha256(Buffer.from('x'))]) await store.remove(hash);
    expect((await refusal(form([part('x'), part(bytesOf(maxBytes + 1)), part('x')])))[0]).toBe(413);

    const many = (count: number, one: (index: number) => Part): Part[] =>
      Array.from({ length: count }, (_, i) => one(i));
    expect((await refusal(form(many(6, (i) => part(String(i))))))[0]).toBe(413);
    expect((await refusal(form([part('x'), ...many(6, (i) => ({ name: `f${i}`, content: '' }))])))[0]).toBe(
      413,
    );
    expect((await refusal(form([part('x'), { name: 'title', content: 'x'.repeat(65_537) }])))[0]).toBe(413);
    expect((await post(form([part('x'), { name: 'title', content: 'x'.repeat(65_536) }]))).status).toBe(200);
    expect(forms.at(-1)!.fields['title']).toHaveLength(65_536);
  });

  test('a program, by its name and by its bytes, together with the good files around it', async () => {
    const exe = Buffer.concat([Buffer.from('MZ\x90\0', 'latin1'), Buffer.alloc(100_000)]);
    expect(await refusal(form([part('good'), part(exe, 'setup.exe'), part('good')]))).toEqual([
      415,
      'Files of type ".exe" are not accepted.',
    ]);
    expect((await refusal(form([part('good'), part(exe, 'holiday.jpg'), part('good')])))[0]).toBe(415);
  });

  test('a program and a bad field in one piece, each after the other', async () => {
    const bad: Part = { disposition: 'form-data', content: 'x' };
    expect((await refusal(form([bad, part(bytesOf(100_000)), part('x', 'a.sh'), bad, bad])))[0]).toBe(400);
    expect([400, 415]).toContain(
      (await refusal(form([part('x', 'a.sh'), bad, part('x'), part(bytesOf(100_000))])))[0],
    );
  });
});

test('a client that sends far too much reads the answer, and may go on using its connection', async () => {
  const socket = await dial(server);
  let heard = '';
  socket.on('data', (data) => (heard += String(data)));
  const body = form([part(bytesOf(5_000_000))]);
  socket.write(postHead(body.length));
  socket.write(body);
  await eventually(() => heard.includes('413'));
  const small = form([part('x')]);
  socket.write(postHead(small.length));
  socket.write(small);
  await eventually(() => heard.includes('200 OK'));
  socket.destroy();
});

test('a client whose connection ends with the answer gets it once it has sent all', async () => {
  const socket = await dial(server);
  let heard = '';
  socket.on('data', (data) => (heard += String(data)));
  const body = form([part(bytesOf(1_000_000))]);
  socket.write(postHead(body.length).replace('Host', 'Connection: close\r\nHost'));
  socket.write(body.subarray(0, -10));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(heard).toBe('');
  socket.write(body.subarray(-10));
  await eventually(() => heard.includes('413'));
});

test('a client that hangs up leaves nothing, wherever in the form it does', async () => {
  const body = form([{ name: 'title', content: 'x' }, part(bytesOf(50_000, 1)), part(bytesOf(150_000, 2))]);
  for (const sent of [0, 1, 60, 200, 300, 30_000, 50_400, 50_600, 120_000, body.length - 1]) {
    server.errors.length = 0;
    const socket = await dial(server);
    socket.write(postHead(body.length));
    socket.write(body.subarray(0, sent));
    if (sent > 300) await eventually(async () => (await readdir(join(root, '.incoming'))).length > 0);
    if (sent % 2 === 0) socket.destroy();
    else socket.resetAndDestroy();
    if (sent > 0) await eventually(() => server.errors.length === 1);
    await eventually(async () => (await filesIn(root)).length === 0);
  }
  expect(server.errors).toEqual([expect.objectContaining({ code: 'BAD_REQUEST' })]);
  expect(forms).toEqual([]);
});

test('a file is refused by its name before it has come', async () => {
  const socket = await dial(server);
  let heard = '';
  socket.on('data', (data) => (heard += String(data)));
  const start = form([part(bytesOf(1000), 'setup.exe')]).subarray(0, 500);
  socket.write(postHead(100_000));
  socket.write(start);
  await eventually(() => heard.includes('415'));
  socket.destroy();
});

test('a request that is over before anyone reads it is an error, not a wait without end', async () => {
  let started = (): void => {};
  const begun = new Promise<void>((resolve) => (started = resolve));
  const late = await serve(async (req, res) => {
    started();
    if (req.headers.expect) req.resume();
    await new Promise((resolve) => req.once('close', resolve));
    await readMultipart(req, { store, maxBytes });
    res.end();
  });
  const headers = { ...formType, expect: '100-continue' };
  expect((await ask(late, { method: 'POST', headers, body: form([part('x')]) })).status).toBe(400);

  const socket = await dial(late);
  socket.write(postHead(1000));
  await begun;
  socket.destroy();
  await eventually(() => late.errors.length === 2);
  expect(late.errors).toEqual(Array(2).fill(expect.objectContaining({ code: 'BAD_REQUEST' })));
  await late.close();
});

test('a store that cannot write is an error, and the form is refused', async () => {
  const broken = { ...store, receive: () => Promise.reject(new Error('EIO')) };
  const failing = await serve(async (req, res) => {
    await readMultipart(req, { store: broken, maxBytes });
    res.end();
  });
  const body = form([part(bytesOf(1_000_000)), part(bytesOf(1_000_000))]);
  expect((await ask(failing, { method: 'POST', headers: formType, body })).status).toBe(500);
  await failing.close();
});

test('a form that comes faster than the disk takes it waits on the sender’s side', async () => {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  let seen = 0;
  const slow = await serve(async (req, res) => {
    req.on('data', (chunk: Buffer) => (seen += chunk.length));
    const waiting: FileStore = {
      ...store,
      receive: async (stream, limits) => {
        await gate;
        return store.receive(stream, limits);
      },
    };
    const { files } = await readMultipart(req, { store: waiting, maxBytes: 1e9 });
    await files[0]!.received.discard();
    res.end(String(files[0]!.received.size));
  });
  const answer = ask(slow, { method: 'POST', headers: formType, body: form([part(bytesOf(5_000_000))]) });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(seen).toBeGreaterThan(0);
  expect(seen).toBeLessThan(1_000_000);
  release();
  expect(String((await answer).body)).toBe('5000000');
  await slow.close();
});
