import { hash, verify } from '@node-rs/argon2';
import { verify as verifyBcrypt } from '@node-rs/bcrypt';
import { pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** Argon2id, by the first choice of OWASP's password storage cheat sheet: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const current = '$argon2id$v=19$m=19456,t=2,p=1$';

/** The digest of no password, that takes as long to compare as one of a user. */
const nobodys = `${current}bm8gdXNlciBoYXMgdGhpcw$${'A'.repeat(43)}`;

export const hashPassword = (password: string): Promise<string> => hash(password, cost);

/** Was the digest made otherwise than new ones are? */
export const isOutdated = (digest: string): boolean => !digest.startsWith(current);

/**
 * Is this the password of the digest? Knows argon2, bcrypt, and pbkdf2 as passlib and Django write it; false for any other
 * digest. Without a digest it takes as long as with one, so that nobody learns from it who has a password.
 */
export async function isPassword(digest: string | null | undefined, password: string): Promise<boolean> {
  try {
    if (!digest) return (await verify(nobodys, password)) && false;
    if (digest.startsWith('$argon2')) return await verify(digest, password);
    if (/^\$2[abxy]\$/.test(digest)) return await verifyBcrypt(password, digest);
    return await isPbkdf2(digest, password);
  } catch {
    // A digest that is cut off, or a password that its algorithm does not take.
    return false;
  }
}

const derive = promisify(pbkdf2);

/** `$pbkdf2-sha256$29000$salt$checksum` of passlib, whose base 64 has a dot for the plus; `pbkdf2_sha256$260000$salt$checksum` of Django. */
const pbkdf2Form = /^(?:\$pbkdf2-|(pbkdf2_))(sha1|sha256|sha512)\$(\d{1,7})\$([^$]+)\$([^$]+)$/;

async function isPbkdf2(digest: string, password: string): Promise<boolean> {
  const [, django, algorithm, rounds, salt, checksum] = pbkdf2Form.exec(digest) ?? [];
  if (!algorithm || !salt || !checksum) return false;
  const bytes = (text: string): Buffer => Buffer.from(text.replaceAll('.', '+'), 'base64');
  const expected = bytes(checksum);
  const made = await derive(
    password,
    django ? salt : bytes(salt),
    Number(rounds),
    expected.length,
    algorithm,
  );
  return expected.length > 0 && timingSafeEqual(made, expected);
}
