import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** An upload that was not written to for this long has no one behind it any more. */
const abandonedAfterMs = 24 * 60 * 60 * 1000;

/**
 * Where process ids mean the same: this boot of this machine, and in containers this container. Two containers that
 * share the folder may both be process 1.
 */
const machine = createHash('sha256').update(machineName()).digest('hex').slice(0, 16);

/** A new name for a file that is being received; it tells which process holds it. */
export const incomingName = (): string => `${machine}-${process.pid}-${randomUUID()}`;

/**
 * Deletes the files that no living process holds; tells how many. A file of another machine, whose processes cannot
 * be seen from here, is left until it has been quiet for a day.
 */
export async function sweepIncoming(folder: string): Promise<number> {
  let swept = 0;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const mtime = await stat(path).then(
      (file) => file.mtimeMs,
      () => undefined, // its upload has just ended
    );
    if (mtime === undefined || isHeld(name, mtime)) continue;
    await rm(path, { force: true });
    swept += 1;
  }
  return swept;
}

function isHeld(name: string, mtime: number): boolean {
  if (Date.now() - mtime > abandonedAfterMs) return false;
  const [home, pid] = name.split('-');
  if (home !== machine) return true;
  // Our own id, but from before our start: a former process had it.
  if (Number(pid) === process.pid) return mtime >= Date.now() - process.uptime() * 1000;
  return isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function machineName(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8') + readlinkSync('/proc/self/ns/pid');
  } catch {
    return hostname();
  }
}
