import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { unauthenticated } from '../kernel/errors';
import { levels, type Level } from '../kernel/levels';

const text = z.string().nullish();

const claims = z.looseObject({
  account_id: text,
  person_id: text,
  user_id: text,
  /** A JSON text; a site passcode puts `auth_type: "passcode"` in it. */
  json_str: text,
});

/** What a token says of who carries it. Ids are public ids; a role that is true gives its level. */
export type Claims = z.infer<typeof claims> & Partial<Record<Level, unknown>>;

export interface Tokens {
  /** Signs a token that is good for `seconds`; the expiry stands in it twice, `eat` for old programs. */
  sign(content: Claims, seconds: number): Promise<string>;
  /** @throws UNAUTHENTICATED when the token is malformed, expired, or signed by someone else. */
  verify(token: string): Promise<Claims>;
}

export function createTokens(secret: string, now: () => Date): Tokens {
  const key = new TextEncoder().encode(secret);
  return {
    sign(content, seconds) {
      const issued = Math.floor(now().getTime() / 1000);
      return new SignJWT({ ...content, eat: issued + seconds })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuedAt(issued)
        .setExpirationTime(issued + seconds)
        .sign(key);
    },

    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['HS256'],
          requiredClaims: ['exp'],
          currentDate: now(),
        });
        return claims.parse(payload);
      } catch (error) {
        if (error instanceof errors.JWTExpired)
          throw unauthenticated('The token has expired: sign in again.');
        throw unauthenticated('The token is not valid.');
      }
    },
  };
}

/** The highest level that a token's roles give; anonymous when there is none. */
export const levelOfRoles = (roles: Partial<Record<Level, unknown>>): Level =>
  levels.findLast((level) => roles[level] === true) ?? 'anonymous';
