import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { useApp } from '../support/app';
import type { Caller, RestAnswer } from '../support/callers';
import { expectActionError, expectHeaders } from '../support/envelopes';
import { leakedKeys } from '../support/rest';

const app = useApp({ rows: 2, env: { UPLOAD_MAX_BYTES: '100000' } });
const pdf = (text = randomBytes(8).toString('hex')) => Buffer.from(`%PDF-1.4\n${text}\n%%EOF\n`);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const ownerOf = (type: string, tenant = app.here) => tenant.rows[type]![0]!.id;
const tables = ['event_file', 'hosted_file', 'hosted_file_link'];
const counts = () => Promise.all(tables.map((table) => app.countRows(table)));

/** Files of the store: what is there, and what is still on its way. */
async function storedFiles(): Promise<string[]> {
  const entries = await readdir(join(app.folder, 'files'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

interface Upload {
  field?: string;
  files?: [name: string, bytes: Buffer, type?: string][];
  fields?: Record<string, string>;
  query?: string;
}

async function upload(
  caller: Caller,
  {
    field = 'file',
    files = [['slides.pdf', pdf()]],
    fields = { for_type: 'event_session', for_id: ownerOf('event_session') },
    query = '',
  }: Upload = {},
): Promise<RestAnswer> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const [name, bytes, type] of files)
    form.append(field, new Blob([new Uint8Array(bytes)], { type: type ?? 'application/pdf' }), name);
  const response = await caller.fetch(`/v3/action/event_file/upload${query}`, { method: 'POST', body: form });
  const body = (await response.json()) as RestAnswer['body'];
  return { status: response.status, headers: response.headers, body, data: body.data, meta: body.meta };
}

async function download(caller: Caller, path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await caller.fetch(path, { method, headers });
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

/** Nothing of what was sent is left: no row, no byte. */
async function expectNothingLeft(work: () => Promise<unknown>): Promise<void> {
  const [rows, files] = [await counts(), await storedFiles()];
  await work();
  expect(await counts()).toEqual(rows);
  expect(await storedFiles()).toEqual(files);
}

describe('an upload', () => {
  test.each(['file', 'files', 'file_list', 'files[]', 'whatever'])(
    'in the field %s becomes a file of the session',
    async (field) => {
      const bytes = pdf();
      const { status, data, body, headers } = await upload(app.staff(), {
        field,
        files: [['Über uns – final.pdf', bytes]],
        fields: {
          for_type: 'event_session',
          for_id: ownerOf('event_session'),
          title: 'Slides',
          file_purpose: 'presentation',
        },
      });
      expect(status).toBe(200);
      expect(data).toMatchObject({
        for_type: 'event_session',
        for_id: ownerOf('event_session'),
        event_session_id: ownerOf('event_session'),
        event_id: app.here.rows.event_session![0]!.values.eventId,
        title: 'Slides',
        file_purpose: 'presentation',
        filename: 'Über uns – final.pdf',
        extension: 'pdf',
        account_id: app.here.account,
        hosted_file_hash_sha256: sha256(bytes),
        hosted_file_size: bytes.length,
        hosted_file_content_type: 'application/pdf',
        hosted_file: { hash_sha256: sha256(bytes), size: bytes.length, filename: 'Über uns – final.pdf' },
      });
      expect(data.hosted_file.id).toBe(data.hosted_file_id);
      expect(leakedKeys(body)).toEqual([]);
      expectHeaders({ headers });
      const stored = await readFile(
        join(app.folder, 'files', sha256(bytes).slice(0, 2), `${sha256(bytes)}.file`),
      );
      expect(stored.equals(bytes)).toBe(true);
      const { hostedFileLinks } = await app
        .root()
        .ask(
          `{ hostedFileLinks(filter: { hostedFileId: { eq: "${data.hosted_file_id as string}" } }) { nodes { linkToType linkToId } } }`,
        );
      expect(hostedFileLinks.nodes).toEqual([{ linkToType: 'event_file', linkToId: data.id }]);
    },
  );

  test.each(['event', 'event_session', 'event_presentation', 'event_presenter', 'event_location'])(
    'may belong to an %s',
    async (type) => {
      const { status, data } = await upload(app.staff(), {
        fields: { for_type: type, for_id: ownerOf(type) },
      });
      expect({ status, type: data.for_type, id: data.for_id }).toEqual({
        status: 200,
        type,
        id: ownerOf(type),
      });
      expect(data[`${type}_id`]).toBe(ownerOf(type));
      const listed = await app
        .staff()
        .call('GET', `/v3/crud/event_file/?for_obj_type=${type}&for_obj_id=${ownerOf(type)}`);
      expect(listed.data.map(({ id }: { id: string }) => id)).toContain(data.id);
    },
  );

  test('may say where it belongs in the query, or by its event alone', async () => {
    const inQuery = await upload(app.staff(), {
      fields: {},
      query: `?for_type=event_session&for_id=${ownerOf('event_session')}`,
    });
    expect(inQuery).toMatchObject({ status: 200, data: { for_type: 'event_session' } });
    const byEvent = await upload(app.staff(), { fields: { event_id: ownerOf('event') } });
    expect(byEvent).toMatchObject({ status: 200, data: { for_type: 'event', for_id: ownerOf('event') } });
  });

  test('of several files makes one of each', async () => {
    const files: [string, Buffer][] = [
      ['a.pdf', pdf()],
      ['b.pdf', pdf()],
      ['c.pdf', pdf()],
    ];
    const before = await counts();
    const { status, data } = await upload(app.staff(), { field: 'file_list', files });
    expect(status).toBe(200);
    expect(data.map(({ filename }: { filename: string }) => filename)).toEqual(['a.pdf', 'b.pdf', 'c.pdf']);
    expect(await counts()).toEqual(before.map((count) => count + 3));
  });

  test('of the same bytes again is stored once', async () => {
    const bytes = pdf();
    const first = await upload(app.staff(), { files: [['one.pdf', bytes]] });
    const [rows, files] = [await counts(), await storedFiles()];
    const second = await upload(app.staff(), { files: [['two.pdf', bytes]] });
    expect(second.data.hosted_file_id).toBe(first.data.hosted_file_id);
    expect(second.data.id).not.toBe(first.data.id);
    expect(await counts()).toEqual([rows[0]! + 1, rows[1], rows[2]! + 1]);
    expect(await storedFiles()).toEqual(files);
    // Another account has a record of its own, of the same bytes.
    const foreign = await upload(app.otherAccount(), {
      files: [['three.pdf', bytes]],
      fields: { for_type: 'event', for_id: ownerOf('event', app.there) },
    });
    expect(foreign.status).toBe(200);
    expect(foreign.data.hosted_file_id).not.toBe(first.data.hosted_file_id);
    expect(await storedFiles()).toEqual(files);
  });

  test('of the same bytes at once, many times, is stored once and whole', async () => {
    const bytes = pdf();
    const answers = await Promise.all(
      [...Array(6).keys()].map((n) => upload(app.staff(), { files: [[`${String(n)}.pdf`, bytes]] })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect((await storedFiles()).filter((name) => name.startsWith(sha256(bytes)))).toHaveLength(1);
    for (const { data } of answers) {
      const { status, bytes: read } = await download(
        app.staff(),
        `/v3/action/event_file/${data.id as string}/download`,
      );
      expect([status, read.equals(bytes)]).toEqual([200, true]);
    }
  });

  test('is refused, and leaves nothing', async () => {
    const place = { for_type: 'event_session', for_id: ownerOf('event_session') };
    const refused: [string, number, () => Promise<RestAnswer>][] = [
      [
        'too large',
        413,
        () => upload(app.staff(), { files: [['big.pdf', Buffer.concat([pdf(), Buffer.alloc(120_000)])]] }),
      ],
      ['a program', 415, () => upload(app.staff(), { files: [['run.exe', Buffer.from('MZ')]] })],
      ['without a file', 422, () => upload(app.staff(), { files: [] })],
      ['without a place', 422, () => upload(app.staff(), { fields: {} })],
      ['without an id', 422, () => upload(app.staff(), { fields: { for_type: 'event' } })],
      [
        'at an unknown type',
        400,
        () => upload(app.staff(), { fields: { for_type: 'journal', for_id: ownerOf('journal') } }),
      ],
      [
        'at an inherited type',
        400,
        () => upload(app.staff(), { fields: { for_type: '__proto__', for_id: ownerOf('event') } }),
      ],
      [
        'at an unknown object',
        400,
        () => upload(app.staff(), { fields: { for_type: 'event', for_id: 'no-such-event' } }),
      ],
      ['at no id', 400, () => upload(app.staff(), { fields: { for_type: 'event', for_id: '1' } })],
      [
        'at another account',
        403,
        () => upload(app.staff(), { fields: { for_type: 'event', for_id: ownerOf('event', app.there) } }),
      ],
      ['in another account', 403, () => upload(app.as('trusted', app.there.account), { fields: place })],
      ['by a guest', 403, () => upload(app.guest(), { fields: place })],
      ['by nobody', 403, () => upload(app.nobody(), { fields: place })],
      ['without an account', 403, () => upload(app.as('trusted', null), { fields: place })],
      [
        'with one bad file of two',
        415,
        () =>
          upload(app.staff(), {
            files: [
              ['good.pdf', pdf()],
              ['bad.exe', Buffer.from('MZ')],
            ],
          }),
      ],
      ['as JSON', 415, () => app.staff().rest('POST', '/v3/action/event_file/upload', { for_type: 'event' })],
      [
        'as half a form',
        400,
        () =>
          app
            .staff()
            .rest(
              'POST',
              '/v3/action/event_file/upload',
              '--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF',
              {
                'content-type': 'multipart/form-data; boundary=x',
              },
            ),
      ],
      [
        'without a boundary',
        400,
        () =>
          app
            .staff()
            .rest('POST', '/v3/action/event_file/upload', 'x', { 'content-type': 'multipart/form-data' }),
      ],
    ];
    for (const [what, status, call] of refused)
      await expectNothingLeft(async () => {
        const answer = await call();
        expect({ what, status: answer.status, body: answer.body }).toMatchObject({ what, status });
        expectActionError(answer, status);
      });
  });

  test('by a guest is refused before a byte of it is read', async () => {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    const answered = new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(data.toString())),
    );
    socket.write(
      `POST /v3/action/event_file/upload HTTP/1.1\r\nHost: x\r\nx-aether-api-key: ${app.guest().headers['x-aether-api-key']!}\r\n` +
        `x-account-id: ${app.here.account}\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 90000\r\n\r\n`,
    );
    // No body follows, and yet there is an answer.
    expect(await answered).toMatch(/^HTTP\/1\.1 403 /);
    socket.destroy();
  });

  test('of a client that hangs up leaves nothing', async () => {
    await expectNothingLeft(async () => {
      const { hostname, port } = new URL(app.url);
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      const head = `--x\r\nContent-Disposition: form-data; name="for_type"\r\n\r\nevent\r\n--x\r\nContent-Disposition: form-data; name="for_id"\r\n\r\n${ownerOf('event')}\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.4\n`;
      socket.write(
        `POST /v3/action/event_file/upload HTTP/1.1\r\nHost: x\r\nx-aether-api-key: ${app.staff().headers['x-aether-api-key']!}\r\n` +
          `x-account-id: ${app.here.account}\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 90000\r\n\r\n${head}`,
      );
      for (let tries = 0; (await incoming()) === 0; tries += 1) {
        if (tries > 100) throw new Error('Nothing arrives.');
        await sleep(20);
      }
      socket.resetAndDestroy();
      for (let tries = 0; (await incoming()) > 0; tries += 1) {
        if (tries > 100) throw new Error('What had arrived stays.');
        await sleep(20);
      }
    });
  });

  const incoming = async (): Promise<number> => (await readdir(join(app.folder, 'files/.incoming'))).length;
});

describe('a download', () => {
  let file: { id: string; hosted_file_id: string };
  const bytes = pdf('the bytes of the download');
  const hash = sha256(bytes);
  beforeAll(async () => {
    file = (await upload(app.staff(), { files: [['Größe "1".pdf', bytes]] })).data;
  });
  const paths = () => [
    `/v3/action/event_file/${file.id}/download`,
    `/v3/action/hosted_file/${file.hosted_file_id}/download`,
    `/v3/action/hosted_file/${file.id}/download`,
    `/v3/action/hosted_file/hash/${hash}/download`,
  ];

  test('by the id of the event file, of the hosted file, or by the hash gives the bytes', async () => {
    for (const path of paths()) {
      const answer = await download(app.staff(), path);
      expect({ path, status: answer.status, same: answer.bytes.equals(bytes) }).toEqual({
        path,
        status: 200,
        same: true,
      });
      expect(answer.headers.get('content-length')).toBe(String(bytes.length));
      expect(answer.headers.get('etag')).toBe(`"${hash}"`);
      expect(answer.headers.get('accept-ranges')).toBe('bytes');
      expect(answer.headers.get('last-modified')).not.toBeNull();
      expect(answer.headers.get('cache-control')).toMatch(/private/);
      expectHeaders(answer);
      if (path.includes('/hash/')) {
        expect(answer.headers.get('cache-control')).toMatch(/immutable/);
        expect(answer.headers.get('content-disposition')).toContain(`file_${hash.slice(0, 8)}.bin`);
      } else {
        expect(answer.headers.get('content-type')).toBe('application/pdf');
        expect(answer.headers.get('content-disposition')).toContain("filename*=UTF-8''Gr%C3%B6%C3%9Fe");
      }
    }
  });

  test('may be of a part, of several, or of none', async () => {
    for (const path of paths()) {
      const part = await download(app.staff(), path, { range: 'bytes=5-9' });
      expect([part.status, part.bytes.toString()]).toEqual([206, bytes.subarray(5, 10).toString()]);
      expect(part.headers.get('content-range')).toBe(`bytes 5-9/${String(bytes.length)}`);
      const tail = await download(app.staff(), path, { range: 'bytes=-6' });
      expect([tail.status, tail.bytes.toString()]).toEqual([206, bytes.subarray(-6).toString()]);
      const several = await download(app.staff(), path, { range: 'bytes=0-3,10-12' });
      expect([several.status, several.headers.get('content-type')]).toEqual([
        206,
        expect.stringMatching(/^multipart\/byteranges/),
      ]);
      const beyond = await download(app.staff(), path, { range: 'bytes=5000-' });
      expect([beyond.status, beyond.headers.get('content-range')]).toEqual([
        416,
        `bytes */${String(bytes.length)}`,
      ]);
      const same = await download(app.staff(), path, { 'if-none-match': `"${hash}"` });
      expect([same.status, same.bytes.length]).toEqual([304, 0]);
      const head = await download(app.staff(), path, {}, 'HEAD');
      expect([head.status, head.bytes.length, head.headers.get('content-length')]).toEqual([
        200,
        0,
        String(bytes.length),
      ]);
    }
  });

  test('may be given another name', async () => {
    for (const path of paths()) {
      const renamed = await download(app.staff(), `${path}?filename=handout.pdf`);
      expect(renamed.headers.get('content-disposition')).toContain('handout.pdf');
      for (const name of ['a.b', 'x'.repeat(256)])
        expectActionError(await app.staff().rest('GET', `${path}?filename=${name}`), 422);
    }
  });

  test('is for callers of the account; by the hash for any key', async () => {
    for (const path of paths()) {
      const byHash = path.includes('/hash/');
      expectActionError(await app.nobody().rest('GET', path), 403);
      const foreign = await download(app.otherAccount(), path);
      expect({ path, status: foreign.status }).toEqual({ path, status: byHash ? 200 : 403 });
      const without = await download(app.as('trusted', null), path);
      expect({ path, status: without.status }).toEqual({ path, status: byHash ? 200 : 403 });
    }
    expect((await download(app.guest(), `/v3/action/event_file/${file.id}/download`)).status).toBe(200);
  });

  test('of what is not there is 404, of what cannot be is 422', async () => {
    for (const type of ['event_file', 'hosted_file']) {
      expectActionError(await app.staff().rest('GET', `/v3/action/${type}/no-such-file-1/download`), 404);
      for (const id of ['1', 'x'.repeat(23), '..%2F..%2Fetc'])
        expectActionError(await app.staff().rest('GET', `/v3/action/${type}/${id}/download`), 422);
    }
    expectActionError(
      await app.staff().rest('GET', `/v3/action/hosted_file/hash/${'0'.repeat(64)}/download`),
      404,
    );
    for (const strange of ['x', 'a'.repeat(63), 'a'.repeat(65), 'G'.repeat(64), hash.toUpperCase()])
      if (strange !== hash)
        expectActionError(
          await app.staff().rest('GET', `/v3/action/hosted_file/hash/${strange}/download`),
          422,
        );
    // A record whose bytes are missing, as an old store may have them.
    expectActionError(
      await app.staff().rest('GET', `/v3/action/hosted_file/${ownerOf('hosted_file')}/download`),
      404,
    );
  });

  test('of a page or a picture that could act is never shown in our origin', async () => {
    for (const [name, content, type] of [
      ['page.html', '<html><script>alert(1)</script></html>', 'text/html'],
      [
        'picture.svg',
        '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        'image/svg+xml',
      ],
    ] as const) {
      const made = await upload(app.staff(), { files: [[name, Buffer.from(content), type]] });
      if (made.status === 415) continue;
      const answer = await download(app.staff(), `/v3/action/event_file/${made.data.id as string}/download`);
      expect(answer.headers.get('content-disposition')).toMatch(/^attachment/);
      expect(answer.headers.get('content-security-policy')).toMatch(/sandbox/);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});
