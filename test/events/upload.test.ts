import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { keyOf, useApp } from '../support/app';
import { unknownId, type Caller } from '../support/callers';

const app = useApp({ rows: 2, env: { UPLOAD_MAX_BYTES: '200000' } });
const upload = '/v3/action/event_file/upload';
const session = () => app.here.rows.event_session![0]!.id;
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Part {
  bytes: Buffer;
  name?: string;
  field?: string;
}

function form(
  parts: Part[],
  fields: Record<string, string> = { for_type: 'event_session', for_id: session() },
): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  for (const { bytes, name = 'slides.pdf', field = 'file' } of parts)
    data.append(field, new Blob([new Uint8Array(bytes)]), name);
  return data;
}

async function send(caller: Caller, body: FormData, query = ''): Promise<{ status: number; body: any }> {
  const response = await caller.fetch(`${upload}${query}`, { method: 'POST', body });
  return { status: response.status, body: await response.json() };
}

const pdf = (size = 5000): Buffer => Buffer.concat([Buffer.from('%PDF-1.4\n'), randomBytes(size)]);

/** What lies in the file store: stored files, and what is still on its way. */
async function stored(): Promise<{ files: string[]; incoming: string[] }> {
  const files: string[] = [];
  for await (const hash of app.services.files.hashes()) files.push(hash);
  return { files, incoming: await readdir(join(app.folder, 'files/.incoming')) };
}

const rows = async () =>
  Promise.all(['event_file', 'hosted_file', 'hosted_file_link'].map((table) => app.countRows(table)));

test('an uploaded file is a record with its ancestors, and its bytes come back by every address', async () => {
  const bytes = pdf();
  const { status, body } = await send(app.staff(), form([{ bytes, name: 'Über uns.pdf' }]));
  expect(status).toBe(200);
  const { id, hosted_file: hosted } = body.data;
  expect(body.data).toMatchObject({
    event_file_id: id,
    for_type: 'event_session',
    for_id: session(),
    event_session_id: session(),
    filename: 'Über uns.pdf',
    extension: 'pdf',
    hosted_file_id: hosted.id,
  });
  expect(hosted).toMatchObject({
    hash_sha256: digest(bytes),
    size: bytes.length,
    content_type: 'application/pdf',
  });

  for (const address of [
    `/v3/action/event_file/${id}/download`,
    `/v3/action/hosted_file/${id}/download`,
    `/v3/action/hosted_file/${hosted.id}/download`,
    `/v3/action/hosted_file/hash/${digest(bytes)}/download`,
  ]) {
    const answer = await app.guest().fetch(address);
    expect({ address, status: answer.status }).toEqual({ address, status: 200 });
    expect(digest(Buffer.from(await answer.arrayBuffer()))).toBe(digest(bytes));
    expect(answer.headers.get('etag')).toBe(`"${digest(bytes)}"`);
    const part = await app.guest().fetch(address, { headers: { range: 'bytes=10-19' } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(10, 20));
    const head = await app.guest().fetch(address, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
    const same = await app.guest().fetch(address, { headers: { 'if-none-match': `"${digest(bytes)}"` } });
    expect(same.status).toBe(304);
  }
  const data = await app
    .staff()
    .ask(`{ eventSession(id: "${session()}") { files { nodes { id hostedFile { hashSha256 } } } } }`);
  expect(data.eventSession.files.nodes).toContainEqual({ id, hostedFile: { hashSha256: digest(bytes) } });
});

test.each(['file', 'files', 'file_list', 'anything'])(
  'a part called "%s" is a file, with its place in the query as well',
  async (field) => {
    const place = `?for_type=event_session&for_id=${session()}&title=A%20title`;
    const { status, body } = await send(app.staff(), form([{ bytes: pdf(), field }], {}), place);
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ title: 'A title', for_id: session() });
  },
);

test('several parts make several files, and the event alone is a place', async () => {
  const event = app.here.rows.event![0]!.id;
  const { status, body } = await send(
    app.staff(),
    form([{ bytes: pdf() }, { bytes: pdf() }], { event_id: event, for_type: '' }),
  );
  expect(status).toBe(200);
  expect(body.data).toHaveLength(2);
  expect(body.data[0]).toMatchObject({ for_type: 'event', for_id: event, event_id: event });
});

test('the same bytes again are stored once, under one hosted file', async () => {
  const bytes = pdf();
  const [one, two] = [
    await send(app.staff(), form([{ bytes }])),
    await send(app.staff(), form([{ bytes, name: 'again.pdf' }])),
  ];
  expect(two.body.data.hosted_file.id).toBe(one.body.data.hosted_file.id);
  expect(two.body.data.id).not.toBe(one.body.data.id);
  expect((await stored()).files.filter((hash) => hash === digest(bytes))).toHaveLength(1);
});

test.each([
  ['more bytes than are allowed', 413, () => form([{ bytes: pdf(300_000) }])],
  ['a program', 415, () => form([{ bytes: Buffer.from('MZ'), name: 'setup.exe' }])],
  ['no file at all', 422, () => form([])],
  ['no place', 422, () => form([{ bytes: pdf() }], {})],
  [
    'a place that is not there',
    400,
    () => form([{ bytes: pdf() }], { for_type: 'event_session', for_id: unknownId() }),
  ],
  [
    'a place of a type that holds no files',
    400,
    () => form([{ bytes: pdf() }], { for_type: 'account', for_id: session() }),
  ],
  [
    'a place in another account',
    403,
    () =>
      form([{ bytes: pdf() }], { for_type: 'event_session', for_id: app.there.rows.event_session![0]!.id }),
  ],
])('%s is refused with %i, and nothing is left of it', async (_what, status, make) => {
  const before = [await rows(), await stored()];
  const answer = await send(app.staff(), make());
  expect({ status: answer.status, hasDetail: Boolean(answer.body.detail) }).toEqual({
    status,
    hasDetail: true,
  });
  expect([await rows(), await stored()]).toEqual(before);
});

test('a guest is refused before a byte is read', async () => {
  const before = [await rows(), await stored()];
  expect((await send(app.guest(), form([{ bytes: pdf() }]))).status).toBe(403);
  expect((await send(app.nobody(), form([{ bytes: pdf() }]))).status).toBe(403);
  expect([await rows(), await stored()]).toEqual(before);
});

test('a client that hangs up in the middle leaves nothing', async () => {
  const before = [await rows(), await stored()];
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.4`;
  socket.write(
    `POST ${upload}?for_type=event_session&for_id=${session()} HTTP/1.1\r\nHost: x\r\nx-aether-api-key: ${keyOf('trusted')}\r\nx-account-id: ${app.here.account}\r\n` +
      `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n${head}`,
  );
  const arrived = async () => (await stored()).incoming.length > 0;
  for (let tries = 0; tries < 100 && !(await arrived()); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  for (let tries = 0; tries < 100 && (await arrived()); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect([await rows(), await stored()]).toEqual(before);
});

test('files of another account, and ids that are none, are not to be had', async () => {
  const { body } = await send(app.staff(), form([{ bytes: pdf() }]));
  const { id, hosted_file: hosted } = body.data;
  for (const each of [id, hosted.id]) {
    expect((await app.otherAccount().fetch(`/v3/action/hosted_file/${each}/download`)).status).toBe(403);
    expect((await app.nobody().fetch(`/v3/action/hosted_file/${each}/download`)).status).toBe(403);
  }
  expect((await app.staff().fetch(`/v3/action/hosted_file/${unknownId()}/download`)).status).toBe(404);
  expect((await app.staff().fetch('/v3/action/hosted_file/short/download')).status).toBe(422);
  expect((await app.staff().fetch('/v3/action/hosted_file/hash/abc/download')).status).toBe(422);
  expect((await app.staff().fetch(`/v3/action/hosted_file/hash/${'0'.repeat(64)}/download`)).status).toBe(
    404,
  );
});

test('what is for internal use is downloaded by administrators alone', async () => {
  const { body } = await send(app.staff(), form([{ bytes: pdf() }]));
  const { id } = body.data;
  expect((await app.staff().rest('PATCH', `/v3/crud/event_file/${id}`, { internal_use: true })).status).toBe(
    403,
  );
  expect((await app.staff().fetch(`/v3/action/event_file/${id}/download`)).status).toBe(200);
  await app.administrator().call('PATCH', `/v3/crud/event_file/${id}`, { internal_use: true });
  expect((await app.staff().fetch(`/v3/action/event_file/${id}/download`)).status).toBe(403);
  expect((await app.administrator().fetch(`/v3/action/event_file/${id}/download`)).status).toBe(200);
});
