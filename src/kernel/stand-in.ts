import { createHmac } from 'node:crypto';

/** Ids for rows that have none of their own. */
export interface StandIns {
  /** The id that stands for a row: always the same for the same row, 22 characters, and no other object's. */
  of: (type: string, pk: number) => string;
  /** The row that an id stands for; undefined when it is none of ours. */
  keyOf: (type: string, id: string) => number | undefined;
}

const prefix = 'corrupt-';

/**
 * A stand-in holds the internal key, so it is sealed: the key is covered by a mask that follows from a tag, and the tag follows from
 * type and key. What was made up, or stands for an object of another type, does not fit its tag.
 */
export function createStandIns(secret: string): StandIns {
  const digest = (...parts: (string | number | Buffer)[]): Buffer => {
    const hmac = createHmac('sha256', secret).update('stand-in');
    for (const part of parts) hmac.update('\0').update(typeof part === 'number' ? String(part) : part);
    return hmac.digest();
  };
  const maskOf = (type: string, tag: Buffer) => digest('mask', type, tag).readUInt32BE();

  const of = (type: string, pk: number): string => {
    const bytes = Buffer.alloc(10);
    const tag = digest('tag', type, pk).subarray(0, 6);
    tag.copy(bytes);
    bytes.writeUInt32BE((pk ^ maskOf(type, tag)) >>> 0, 6);
    return `${prefix}${bytes.toString('base64url')}`;
  };

  return {
    of,
    keyOf(type, id) {
      if (!id.startsWith(prefix)) return undefined;
      const bytes = Buffer.from(id.slice(prefix.length), 'base64url');
      if (bytes.length !== 10) return undefined;
      const pk = (bytes.readUInt32BE(6) ^ maskOf(type, bytes.subarray(0, 6))) >>> 0;
      return of(type, pk) === id ? pk : undefined;
    },
  };
}
