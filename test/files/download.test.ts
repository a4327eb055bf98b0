import { readdirSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import contentDisposition from 'content-disposition';
import fc from 'fast-check';
import type { SendOptions } from '../../src/files/download-answer';
import { sendFile } from '../../src/files/send';
import { openFileStore } from '../../src/files/store';
import type { FileStore, StoredFile } from '../../src/files/store';
import { ask, bytesOf, dial, eventually, serve, temporaryFolder } from './support';
import type { Answer, TestServer } from './support';

const root = join(temporaryFolder(), 'files');
const usual: SendOptions = {
  filename: 'talk.pdf',
  contentType: 'application/pdf',
  cacheControl: 'private, immutable',
};
let store: FileStore;
let server: TestServer;
let file: StoredFile;
let options: SendOptions;

/** What the last answer was about, until it is over: sent, or broken off. */
let sending: Promise<void> = Promise.resolve();

beforeAll(async () => {
  store = await openFileStore(root);
  server = await serve((req, res) => (sending = sendFile(req, res, file, options)));
});
afterAll(() => server.close());
beforeEach(() => {
  options = usual;
  server.errors.length = 0;
});
afterEach(async () => {
  await sending.catch(() => {});
  expect(openDescriptors()).toBe(0);
});

async function keep(bytes: Buffer): Promise<StoredFile> {
  const received = await store.receive(Readable.from([bytes], { objectMode: false }), { maxBytes: 1e9 });
  await received.commit();
  return (await store.stat(received.sha256))!;
}

const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  ask(server, { method, headers });

const openDescriptors = (): number =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(root);
    } catch {
      return false; // the listing's own
    }
  }).length;

/** Takes a multipart/byteranges body apart as a client does. */
function partsOf({ headers, body }: Answer): { range: string; type: string; bytes: Buffer }[] {
  const [, boundary] = /^multipart\/byteranges; boundary=([\w-]+)$/.exec(headers['content-type'] ?? '') ?? [];
  const text = body.toString('latin1');
  expect(text.endsWith(`\r\n--${boundary}--\r\n`)).toBe(true);
  return text
    .slice(0, -`--${boundary}--\r\n`.length)
    .split(`--${boundary}\r\n`)
    .slice(1)
    .map((part) => {
      const [head = '', ...rest] = part.split('\r\n\r\n');
      const bytes = Buffer.from(rest.join('\r\n\r\n').slice(0, -2), 'latin1');
      const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
      return { range: header('content-range'), type: header('content-type'), bytes };
    });
}

const lasting = ({
  date: _date,
  connection: _connection,
  ...rest
}: IncomingHttpHeaders): IncomingHttpHeaders => rest;

describe('a file of 100 000 bytes', () => {
  const bytes = bytesOf(100_000);
  let etag: string;
  let modified: string;

  beforeAll(async () => {
    file = await keep(bytes);
    etag = `"${file.sha256}"`;
    modified = file.mtime.toUTCString();
  });

  test('is sent whole, with all that a client wants to know', async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(body.equals(bytes)).toBe(true);
    expect(lasting(headers)).toEqual({
      'accept-ranges': 'bytes',
      'cache-control': 'private, immutable',
      'content-disposition': 'inline; filename="talk.pdf"',
      'content-length': '100000',
      'content-type': 'application/pdf',
      etag,
      'last-modified': modified,
      'x-content-type-options': 'nosniff',
    });
  });

  test('HEAD gets the headers of GET and no body, also where a range is asked for', async () => {
    const conditions: Record<string, string>[] = [{}, { 'if-none-match': etag }, { 'if-match': '"x"' }];
    for (const asked of conditions) {
      const [got, head] = [await get(asked), await get(asked, 'HEAD')];
      expect([head.status, lasting(head.headers)]).toEqual([got.status, lasting(got.headers)]);
      expect(head.body).toHaveLength(0);
    }
    const head = await get({ range: 'bytes=0-9' }, 'HEAD');
    expect([head.status, head.headers['content-length']]).toEqual([200, '100000']);
  });

  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-', 0, 99_999],
    ['bytes=99999-', 99_999, 99_999],
    ['bytes=10-200000', 10, 99_999],
    ['bytes=-1', 99_999, 99_999],
    ['bytes=-100000', 0, 99_999],
    ['bytes=-9999999', 0, 99_999],
    ['BYTES=5-6', 5, 6],
    ['bytes= 5-6 ', 5, 6],
    ['bytes=5-9,8-20', 5, 20],
    ['bytes=5-9,10-20', 5, 20],
    ['bytes=5-9,,200000-', 5, 9],
    [`bytes=5-${'9'.repeat(40)}`, 5, 99_999],
  ])('%s are the bytes %d to %d', async (range, start, end) => {
    const { status, headers, body } = await get({ range });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${start}-${end}/100000`);
    expect(headers['content-length']).toBe(String(end - start + 1));
    expect(body.equals(bytes.subarray(start, end + 1))).toBe(true);
  });

  test.each([
    'bytes=100000-',
    'bytes=100000-100001',
    'bytes=-0',
    `bytes=${'9'.repeat(40)}-`,
    'bytes=100000-,200000-',
  ])('%s cannot be satisfied', async (range) => {
    const { status, headers, body } = await get({ range });
    expect([status, headers['content-range']]).toEqual([416, 'bytes */100000']);
    expect(headers['cache-control']).toBeUndefined();
    expect(headers['content-disposition']).toBeUndefined();
    expect(JSON.parse(String(body))).toHaveProperty('detail');
  });

  test.each([
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=,',
    'bytes=a-b',
    'bytes=9-5',
    'bytes=0-9,9-5',
    'bytes=1-2-3',
    'bytes=0x1-2',
    'bytes=1.5-2',
    'lines=1-2',
    `bytes=${Array.from({ length: 51 }, (_, i) => `${i * 10}-${i * 10}`).join(',')}`,
  ])('%s is ignored', async (range) => {
    const { status, headers, body } = await get({ range });
    expect([status, headers['content-range'], body.equals(bytes)]).toEqual([200, undefined, true]);
  });

  test('many ranges come as parts, in the order they were asked for', async () => {
    const answer = await get({ range: 'bytes=500-599, 0-99, -50, 550-700' });
    expect([answer.status, answer.headers['content-length']]).toEqual([206, String(answer.body.length)]);
    expect(partsOf(answer)).toEqual([
      { range: 'bytes 500-700/100000', type: 'application/pdf', bytes: bytes.subarray(500, 701) },
      { range: 'bytes 0-99/100000', type: 'application/pdf', bytes: bytes.subarray(0, 100) },
      { range: 'bytes 99950-99999/100000', type: 'application/pdf', bytes: bytes.subarray(99_950) },
    ]);
  });

  test('a thousand overlapping ranges cost no more than the file', async () => {
    const { status, body } = await get({ range: `bytes=${Array<string>(1000).fill('0-').join(',')}` });
    expect([status, body.length]).toEqual([206, 100_000]);
  });

  test.each<[string, () => Record<string, string>, number]>([
    ['the same tag', () => ({ 'if-none-match': etag }), 304],
    ['the same tag, weak', () => ({ 'if-none-match': `W/${etag}` }), 304],
    ['the same tag among others', () => ({ 'if-none-match': `"a,b", W/"c" , ${etag}` }), 304],
    ['any tag', () => ({ 'if-none-match': '*' }), 304],
    ['another tag', () => ({ 'if-none-match': '"x"' }), 200],
    [
      'another tag, but the same date',
      () => ({ 'if-none-match': '"x"', 'if-modified-since': modified }),
      200,
    ],
    ['the same date', () => ({ 'if-modified-since': modified }), 304],
    ['an older date', () => ({ 'if-modified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }), 200],
    ['no date', () => ({ 'if-modified-since': 'yesterday' }), 200],
    ['a match', () => ({ 'if-match': `"x", ${etag}` }), 200],
    ['a match with anything', () => ({ 'if-match': '*' }), 200],
    ['no match', () => ({ 'if-match': '"x"' }), 412],
    ['a weak match', () => ({ 'if-match': `W/${etag}` }), 412],
    [
      'no match, whatever else',
      () => ({ 'if-match': '"x"', 'if-none-match': etag, range: 'bytes=0-1' }),
      412,
    ],
    ['unmodified since', () => ({ 'if-unmodified-since': modified }), 200],
    ['modified since', () => ({ 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }), 412],
    [
      'a match, though modified since',
      () => ({ 'if-match': etag, 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }),
      200,
    ],
    ['a range of what is known', () => ({ 'if-none-match': etag, range: 'bytes=0-1' }), 304],
    ['a range of the same tag', () => ({ 'if-range': etag, range: 'bytes=0-1' }), 206],
    ['a range of the same date', () => ({ 'if-range': modified, range: 'bytes=0-1' }), 206],
    ['a range of another tag', () => ({ 'if-range': '"x"', range: 'bytes=0-1' }), 200],
    ['a range of a weak tag', () => ({ 'if-range': `W/${etag}`, range: 'bytes=0-1' }), 200],
    [
      'a range of another date',
      () => ({ 'if-range': 'Sat, 01 Jan 2000 00:00:00 GMT', range: 'bytes=0-1' }),
      200,
    ],
    ['no such range of another tag', () => ({ 'if-range': '"x"', range: 'bytes=100000-' }), 200],
  ])('asked for with %s', async (_, headers, expected) => {
    const { status, headers: answered, body } = await get(headers());
    expect(status).toBe(expected);
    expect(answered.etag).toBe(etag);
    if (status === 304) {
      expect(body).toHaveLength(0);
      expect(answered['cache-control']).toBe('private, immutable');
      expect(answered['content-length']).toBeUndefined();
      expect(answered['content-type']).toBeUndefined();
    }
    if (status === 200) expect(body.equals(bytes)).toBe(true);
  });

  test.each([
    ['text/html', 'text/html; charset=utf-8'],
    ['TEXT/HTML; charset=iso-8859-1', 'text/html; charset=utf-8'],
    ['image/svg+xml', 'image/svg+xml'],
    ['application/xml', 'application/xml'],
    ['text/javascript', 'text/javascript; charset=utf-8'],
    ['application/zip', 'application/zip'],
    ['', 'application/octet-stream'],
    ['image/png\r\nX: y', 'application/octet-stream'],
  ])('of type %j can only be saved, and does nothing in our origin', async (contentType, header) => {
    options = { ...usual, contentType, filename: 'page' };
    for (const range of ['', 'bytes=0-9', 'bytes=0-9,20-29']) {
      const { headers } = await get({ range });
      expect(headers['content-disposition']).toBe('attachment; filename="page"');
      expect(headers['content-security-policy']).toBe("sandbox; default-src 'none'");
      expect(headers['x-content-type-options']).toBe('nosniff');
      if (!headers['content-type']?.startsWith('multipart/')) expect(headers['content-type']).toBe(header);
    }
  });

  test.each(['image/png', 'audio/mpeg', 'video/mp4', 'text/plain'])(
    'of type %s may be shown',
    async (contentType) => {
      options = { ...usual, contentType };
      const { headers } = await get();
      expect(headers['content-disposition']).toBe('inline; filename="talk.pdf"');
      expect(headers['content-security-policy']).toBeUndefined();
    },
  );

  test.each([
    [
      'Präsentation "1"; a=b.pdf',
      `inline; filename="Prasentation \\"1\\"; a=b.pdf"; filename*=UTF-8''Pr%C3%A4sentation%20%221%22%3B%20a%3Db.pdf`,
    ],
    ['発表 🎤.pdf', `inline; filename="__ _.pdf"; filename*=UTF-8''%E7%99%BA%E8%A1%A8%20%F0%9F%8E%A4.pdf`],
    ['100%25.pdf', `inline; filename="100%25.pdf"; filename*=UTF-8''100%2525.pdf`],
    ['../a\r\nSet-Cookie: x.pdf', 'inline; filename="aSet-Cookie: x.pdf"'],
    ['\ud800', 'inline; filename="file"'],
  ])('is called %j', async (filename, header) => {
    options = { ...usual, filename };
    expect((await get()).headers['content-disposition']).toBe(header);
  });

  test('whatever it is called, the name arrives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (filename) => {
        options = { ...usual, filename };
        const { status, headers } = await get({}, 'HEAD');
        expect(status).toBe(200);
        const parsed = contentDisposition.parse(headers['content-disposition'] ?? '');
        expect(parsed.parameters['filename']).toBeTruthy();
      }),
      { numRuns: 200 },
    );
  });

  test('other headers are sent along, but do not replace ours', async () => {
    options = {
      ...usual,
      extraHeaders: { Vary: 'Authorization', etag: '"x"', 'x-content-type-options': 'none' },
    };
    const { headers } = await get();
    expect(headers).toMatchObject({ vary: 'Authorization', etag, 'x-content-type-options': 'nosniff' });
  });
});

test('an empty file is sent, and has no ranges', async () => {
  file = await keep(Buffer.alloc(0));
  for (const headers of [{}, { range: 'bytes=-5' }, { range: 'bytes=x' }] as Record<string, string>[]) {
    const { status, headers: answered, body } = await get(headers);
    expect([status, answered['content-length'], body.length]).toEqual([200, '0', 0]);
  }
  const { status, headers } = await get({ range: 'bytes=0-' });
  expect([status, headers['content-range']]).toEqual([416, 'bytes */0']);
});

test('every set of ranges gives the bytes that Buffer.subarray gives', async () => {
  const spec = (size: number) =>
    fc.oneof(
      fc.tuple(fc.nat(size + 5), fc.nat(size + 5)).map(([a, b]) => ({
        text: `${Math.min(a, b)}-${Math.max(a, b)}`,
        start: Math.min(a, b),
        end: Math.min(Math.max(a, b) + 1, size),
      })),
      fc.nat(size + 5).map((start) => ({ text: `${start}-`, start, end: size })),
      fc.nat(size + 5).map((last) => ({ text: `-${last}`, start: Math.max(0, size - last), end: size })),
    );
  const asked = fc
    .integer({ min: 1, max: 3000 })
    .chain((size) => fc.tuple(fc.constant(size), fc.array(spec(size), { minLength: 1, maxLength: 8 })));

  await fc.assert(
    fc.asyncProperty(asked, async ([size, specs]) => {
      const bytes = bytesOf(size);
      file = await keep(bytes);
      const answer = await get({ range: `bytes=${specs.map(({ text }) => text).join(', ')}` });

      const wanted = new Set<number>();
      for (const { start, end } of specs) for (let at = start; at < end; at += 1) wanted.add(at);
      if (wanted.size === 0) {
        expect(answer.status).toBe(416);
        return;
      }
      expect(answer.status).toBe(206);
      expect(answer.headers['content-length']).toBe(String(answer.body.length));

      const parts = answer.headers['content-range']
        ? [{ range: answer.headers['content-range'], bytes: answer.body }]
        : partsOf(answer);
      const got = new Set<number>();
      let length = 0;
      for (const part of parts) {
        const [, start, end] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(part.range)!.map(Number) as [
          number,
          number,
          number,
        ];
        expect(part.bytes.equals(bytes.subarray(start, end + 1))).toBe(true);
        length += part.bytes.length;
        for (let at = start; at <= end; at += 1) got.add(at);
      }
      // No byte twice, none too many, none missing.
      expect([length, got.size]).toEqual([wanted.size, wanted.size]);
      expect([...wanted].every((at) => got.has(at))).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test('bytes that have just been deleted are not found, and the error answer is not dressed as a file', async () => {
  file = await keep(bytesOf(1000, 7));
  await rm(file.path);
  const { status, headers } = await get();
  expect(status).toBe(404);
  for (const name of ['etag', 'cache-control', 'content-disposition', 'content-range', 'content-type'])
    expect(headers[name]).toBeUndefined();
});

test('a file that turns out shorter than promised breaks the answer off', async () => {
  file = { ...(await keep(bytesOf(1000, 8))), size: 2000 };
  await expect(get()).rejects.toThrow();
  await eventually(() => server.errors.length === 1);
});

test('a slow reader is waited for, and a client that hangs up leaves no open file and no error', async () => {
  file = await keep(bytesOf(64 * 1024 * 1024));
  const before = process.memoryUsage();
  const sockets = await Promise.all(Array.from({ length: 10 }, () => dial(server)));
  for (const socket of sockets) {
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  }
  await eventually(() => openDescriptors() === 10);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const after = process.memoryUsage();
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16 * 1024 * 1024);

  for (const [index, socket] of sockets.entries())
    if (index % 2 === 0) socket.destroy();
    else socket.resetAndDestroy();
  await eventually(() => openDescriptors() === 0);
  await sending;
  expect(server.errors).toEqual([]);
});

test('a client that has gone before the answer leaves no open file and no error', async () => {
  const late = await serve(async (req, res) => {
    await new Promise((resolve) => res.once('close', resolve));
    await (sending = sendFile(req, res, file, usual));
  });
  const socket = await dial(late);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await sending;
  expect(late.errors).toEqual([]);
  await late.close();
});
