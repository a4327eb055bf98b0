import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { incomingName } from '../../src/files/incoming';
import { openFileStore } from '../../src/files/store';
import type { FileStore } from '../../src/files/store';
import { bytesOf, eventually, filesIn, sha256, temporaryFolder } from './support';

const folder = temporaryFolder();
let root: string;
let store: FileStore;
let count = 0;

beforeEach(async () => {
  root = join(folder, String((count += 1)));
  store = await openFileStore(root);
});

const streamOf = (bytes: Buffer, piece = 64 * 1024): Readable =>
  Readable.from(
    (function* () {
      for (let start = 0; start < bytes.length; start += piece) yield bytes.subarray(start, start + piece);
    })(),
    { objectMode: false },
  );
const receive = (bytes: Buffer) => store.receive(streamOf(bytes), { maxBytes: bytes.length });
const collect = async (hashes: AsyncIterable<string>): Promise<string[]> => {
  const all: string[] = [];
  for await (const hash of hashes) all.push(hash);
  return all.sort();
};

test.each([0, 1, 65_535, 65_536, 65_537, 3_000_001])(
  '%d bytes come in and lie under their hash',
  async (size) => {
    const bytes = bytesOf(size);
    const received = await receive(bytes);
    expect(received).toMatchObject({ sha256: sha256(bytes), size });
    expect(await store.stat(received.sha256)).toBeUndefined();

    expect(await received.commit()).toEqual({ stored: true });
    const path = join(root, received.sha256.slice(0, 2), `${received.sha256}.file`);
    expect(await store.stat(received.sha256)).toMatchObject({ path, size, sha256: received.sha256 });
    expect(bytes.equals(await readFile(path))).toBe(true);
    expect(await readdir(join(root, '.incoming'))).toEqual([]);
  },
);

test('the same bytes again are kept once, and discarding afterwards changes nothing', async () => {
  const [first, second] = [await receive(bytesOf(1000)), await receive(bytesOf(1000))];
  expect(await first.commit()).toEqual({ stored: true });
  expect(await second.commit()).toEqual({ stored: false });
  expect(await second.commit()).toEqual({ stored: false });
  await first.discard();
  await second.discard();
  expect(await filesIn(root)).toEqual([join(first.sha256.slice(0, 2), `${first.sha256}.file`)]);
});

test('the same bytes from twenty sides at once are kept once', async () => {
  const received = await Promise.all(Array.from({ length: 20 }, () => receive(bytesOf(200_000))));
  await Promise.all(received.map((one) => one.commit()));
  expect(await filesIn(root)).toHaveLength(1);
  expect((await store.stat(received[0]!.sha256))?.size).toBe(200_000);
});

test('an old file in the root itself is found, counts as stored, and can be removed', async () => {
  const bytes = bytesOf(500);
  const path = join(root, `${sha256(bytes)}.file`);
  await writeFile(path, bytes);
  expect(await store.stat(sha256(bytes))).toMatchObject({ path, size: 500 });
  expect(await (await receive(bytes)).commit()).toEqual({ stored: false });
  expect(await filesIn(root)).toEqual([`${sha256(bytes)}.file`]);
  expect(await store.remove(sha256(bytes))).toBe(true);
  expect(await store.remove(sha256(bytes))).toBe(false);
  expect(await filesIn(root)).toEqual([]);
});

test('a damaged file is replaced by good bytes', async () => {
  const received = await receive(bytesOf(500));
  await mkdir(join(root, received.sha256.slice(0, 2)));
  await writeFile(join(root, received.sha256.slice(0, 2), `${received.sha256}.file`), 'cut off');
  expect(await received.commit()).toEqual({ stored: true });
  expect((await store.stat(received.sha256))?.size).toBe(500);
});

test('as many bytes as allowed come in, one more leaves nothing', async () => {
  const limit = { maxBytes: 1000 };
  const received = await store.receive(streamOf(bytesOf(1000)), limit);
  expect(received.size).toBe(1000);
  await received.discard();
  for (const piece of [1, 1000, 1001]) {
    const stream = streamOf(bytesOf(1001), piece);
    await expect(store.receive(stream, limit)).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    // A request that is destroyed takes the answer with it.
    expect(stream.destroyed).toBe(stream.readableEnded);
  }
  expect(await filesIn(root)).toEqual([]);
});

test.each([
  ['fails', (stream: PassThrough) => stream.destroy(new Error('gone'))],
  ['closes early', (stream: PassThrough) => stream.destroy()],
])('a stream that %s leaves nothing, before or after its first byte', async (_, breakOff) => {
  for (const start of [Buffer.alloc(0), bytesOf(100_000)]) {
    const stream = new PassThrough();
    const receiving = store.receive(stream, { maxBytes: 1e9 });
    if (start.length > 0) {
      stream.write(start);
      await eventually(async () => (await filesIn(root)).length === 1);
    }
    breakOff(stream);
    await expect(receiving).rejects.toThrow();
    expect(await filesIn(root)).toEqual([]);
  }
});

test('a discarded upload leaves nothing', async () => {
  await (await receive(bytesOf(10))).discard();
  expect(await filesIn(root)).toEqual([]);
});

test('what is not a hash is neither looked for nor removed', async () => {
  await writeFile(join(folder, 'secret.file'), 'x');
  for (const name of ['../secret', '', 'ab', 'A'.repeat(64), `${'a'.repeat(64)}\n`, `../${'a'.repeat(61)}`]) {
    expect(await store.stat(name)).toBeUndefined();
    expect(await store.remove(name)).toBe(false);
  }
  expect(await readFile(join(folder, 'secret.file'), 'utf8')).toBe('x');
});

test('the hashes of all stored files are listed, each once', async () => {
  const [a, b] = [await receive(bytesOf(10, 1)), await receive(bytesOf(10, 2))];
  await Promise.all([a.commit(), b.commit()]);
  await writeFile(join(root, `${a.sha256}.file`), bytesOf(10, 1));
  await writeFile(join(root, `${'c'.repeat(64)}.file`), '');
  await writeFile(join(root, 'README.txt'), '');
  expect(await collect(store.hashes())).toEqual([a.sha256, b.sha256, 'c'.repeat(64)].sort());
});

test('opening sweeps what dead processes left, and spares what living ones hold', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  const dead = child.pid!;
  await new Promise((resolve) => child.on('exit', resolve));

  const machine = incomingName().split('-')[0]!;
  const incoming = join(root, '.incoming');
  const hour = 60 * 60 * 1000;
  const leave = async (name: string, ageMs = 0) => {
    await writeFile(join(incoming, name), 'x');
    const time = new Date(Date.now() - ageMs);
    await utimes(join(incoming, name), time, time);
  };
  await leave(`${machine}-${dead}-dead`);
  await leave(`${machine}-${process.pid}-former-self`, process.uptime() * 1000 + hour);
  await leave(`${machine}-${process.ppid}-quiet`, 25 * hour);
  await leave('0000000000000000-1-elsewhere-quiet', 25 * hour);
  await leave(`${machine}-${process.pid}-self`);
  await leave(`${machine}-${process.ppid}-other-process`, 2 * hour);
  await leave(`0000000000000000-${dead}-elsewhere`, 23 * hour);

  expect(await store.sweep()).toBe(4);
  expect((await readdir(incoming)).sort()).toEqual(
    [
      `${machine}-${process.pid}-self`,
      `${machine}-${process.ppid}-other-process`,
      `0000000000000000-${dead}-elsewhere`,
    ].sort(),
  );
  await openFileStore(root);
  expect(await readdir(incoming)).toHaveLength(3);
});

test('opening another store on the same root spares an upload in progress', async () => {
  const stream = new PassThrough();
  const receiving = store.receive(stream, { maxBytes: 100 });
  stream.write('hello');
  await eventually(async () => (await filesIn(root)).length === 1);
  const other = await openFileStore(root);
  stream.end();
  const received = await receiving;
  await received.commit();
  expect(await other.stat(received.sha256)).toMatchObject({ size: 5 });
});
