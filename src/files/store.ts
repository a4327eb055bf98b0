import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { AetherError, unavailable } from '../kernel/errors';
import { incomingName, sweepIncoming } from './incoming';
import { sniff, type Sniffed } from './media-types';

/** A file of the store: immutable, since its name is the hash of its bytes. */
export interface StoredFile {
  path: string;
  size: number;
  mtime: Date;
  sha256: string;
}

/** Bytes that have arrived, are flushed to disk, and wait for `commit` or `discard`. */
export interface Received {
  /** 64 lower-case hex digits. */
  sha256: string;
  size: number;
  sniffed: Sniffed;
  /**
   * Moves the bytes into the store, all or nothing; `stored` is false when the same bytes were there already.
   * Call it inside the transaction, after the rows are written: then bytes and rows cannot miss each other.
   */
  commit(): Promise<{ stored: boolean }>;
  /** Deletes the bytes; does nothing after `commit`. */
  discard(): Promise<void>;
}

/** Bytes on disk, once per content. Several processes may share one root. */
export interface FileStore {
  /**
   * Writes a stream to the side while hashing it. Leaves nothing behind when it fails, and leaves the stream as it is
   * then, neither drained nor destroyed.
   * @throws AetherError PAYLOAD_TOO_LARGE above `maxBytes`, UNAVAILABLE when the disk is full; else the stream's error
   */
  receive(stream: Readable, limits: { maxBytes: number }): Promise<Received>;
  /** Undefined when there are no such bytes, or when `sha256` is no hash. */
  stat(sha256: string): Promise<StoredFile | undefined>;
  /** Deletes the bytes; false when there were none. */
  remove(sha256: string): Promise<boolean>;
  /** The hash of every stored file, in no order. */
  hashes(): AsyncIterable<string>;
  /** Deletes what crashed uploads left; tells how many files. Happens once by itself when the store opens. */
  sweep(): Promise<number>;
}

/** Enough to see into the first entries of an office document, which is a ZIP archive. */
const headBytes = 16 * 1024;
const storedName = /^([0-9a-f]{64})\.file$/;

/** Opens the store in a folder, which is made when missing. */
export async function openFileStore(root: string): Promise<FileStore> {
  const incoming = join(root, '.incoming');
  await mkdir(incoming, { recursive: true });
  const store: FileStore = {
    receive: (stream, { maxBytes }) => receive(root, join(incoming, incomingName()), stream, maxBytes),
    stat: (sha256) => find(root, sha256),
    remove: (sha256) => remove(root, sha256),
    hashes: () => hashes(root),
    sweep: () => sweepIncoming(incoming),
  };
  await store.sweep();
  return store;
}

async function receive(root: string, path: string, stream: Readable, maxBytes: number): Promise<Received> {
  // The stream may fail while the file is being opened; the loop below still sees it.
  stream.on('error', () => {});
  const handle = await open(path, 'wx').catch(refuseWhenFull);
  try {
    const hash = createHash('sha256');
    const head: Buffer[] = [];
    let size = 0;
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (size < headBytes) head.push(chunk.subarray(0, headBytes - size));
      size += chunk.length;
      if (size > maxBytes)
        throw new AetherError('PAYLOAD_TOO_LARGE', `The file is larger than ${maxBytes} bytes.`);
      const written = handle.writeFile(chunk);
      hash.update(chunk);
      await written;
    }
    const sniffed = await sniff(Buffer.concat(head));
    // Flushed here rather than in `commit`: gigabytes take their time, and a transaction should not wait for them.
    await handle.sync();
    await handle.close();
    const sha256 = hash.digest('hex');
    return {
      sha256,
      size,
      sniffed,
      commit: () => moveIn(root, path, { sha256, size }),
      discard: () => rm(path, { force: true }),
    };
  } catch (error) {
    await handle.close();
    await rm(path, { force: true });
    return refuseWhenFull(error);
  }
}

async function moveIn(
  root: string,
  from: string,
  { sha256, size }: { sha256: string; size: number },
): Promise<{ stored: boolean }> {
  const present = await find(root, sha256);
  // A file of another size is damaged: the good bytes replace it.
  const stored = present?.size !== size;
  const path = stored ? shardedPath(root, sha256) : present.path;
  if (stored) {
    await mkdir(dirname(path), { recursive: true });
    await rename(from, path);
    await syncFolder(root);
  } else await rm(from, { force: true });
  // Also when another upload put it there: that one may not have come to this line yet.
  await syncFolder(dirname(path));
  return { stored };
}

async function find(root: string, sha256: string): Promise<StoredFile | undefined> {
  for (const path of paths(root, sha256)) {
    const { size, mtime } = (await ifPresent(stat(path))) ?? {};
    if (size !== undefined && mtime) return { path, size, mtime, sha256 };
  }
  return undefined;
}

async function remove(root: string, sha256: string): Promise<boolean> {
  let removed = false;
  for (const path of paths(root, sha256)) {
    if ((await ifPresent(rm(path).then(() => true))) ?? false) removed = true;
  }
  return removed;
}

async function* hashes(root: string): AsyncGenerator<string> {
  const old = new Set<string>();
  const names = await readdir(root);
  for (const sha256 of names.flatMap(hashOf)) {
    old.add(sha256);
    yield sha256;
  }
  for (const shard of names.filter((name) => /^[0-9a-f]{2}$/.test(name)))
    for (const sha256 of (await readdir(join(root, shard))).flatMap(hashOf))
      if (!old.has(sha256)) yield sha256;
}

const hashOf = (name: string): string[] => storedName.exec(name)?.slice(1) ?? [];

/** Where the bytes may lie; older servers put them into the root itself. */
const paths = (root: string, sha256: string): string[] =>
  storedName.test(`${sha256}.file`) ? [shardedPath(root, sha256), join(root, `${sha256}.file`)] : [];

const shardedPath = (root: string, sha256: string): string =>
  join(root, sha256.slice(0, 2), `${sha256}.file`);

async function ifPresent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A rename survives a power cut only once the folder itself is on disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function refuseWhenFull(error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') throw unavailable('The file store is full.', 60, error);
  throw error;
}
