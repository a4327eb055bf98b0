import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { badRequest } from './errors';

/** Where a page continues: the values of the row in the order's columns, then its key. Text may turn out to be bytes. */
export type Position = (string | number | null | Uint8Array)[];

export interface Cursors {
  encode(order: string, position: Position): string;
  /** @throws BAD_REQUEST when the text is no cursor of ours, or belongs to another order. */
  decode(order: string, cursor: string): Position;
}

/**
 * Cursors hold internal keys and values, so they are sealed: AES-GCM, with a nonce derived from the text, so that the same
 * place always gives the same cursor, and one that was made up is refused.
 */
export function createCursors(secret: string): Cursors {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', `cursor ${purpose}`, 32));
  const [encryption, nonces] = [derive('encryption'), derive('nonce')];

  return {
    encode(order, position) {
      const text = JSON.stringify(position.map(spelled));
      const nonce = createHmac('sha256', nonces)
        .update(order)
        .update('\0')
        .update(text)
        .digest()
        .subarray(0, 12);
      const cipher = createCipheriv('aes-256-gcm', encryption, nonce).setAAD(Buffer.from(order));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
    },

    decode(order, cursor) {
      try {
        const bytes = Buffer.from(cursor, 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', encryption, bytes.subarray(0, 12), {
          authTagLength: 16,
        })
          .setAAD(Buffer.from(order))
          .setAuthTag(bytes.subarray(-16));
        const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString(
          'utf8',
        );
        return (JSON.parse(text) as ReturnType<typeof spelled>[]).map(read);
      } catch {
        throw badRequest('The cursor is not one of this list in this order.');
      }
    },
  };
}

/** JSON has no bytes. */
const spelled = (value: Position[number]) =>
  value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value;

const read = (value: ReturnType<typeof spelled>): Position[number] =>
  value !== null && typeof value === 'object' ? Buffer.from(value.bytes, 'base64') : value;
