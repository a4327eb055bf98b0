import { errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { unauthenticated } from '../kernel/errors';
import { levels, type Level } from '../kernel/levels';

/** What a token says of who carries it. Ids are public ids; a role that is true gives its level. */
export interface Claims extends Partial<Record<Level, boolean>> {
  account_id?: string;
  person_id?: string;
  user_id?: string;
  /** A JSON text; a site passcode puts `auth_type: "passcode"` in it. */
  json_str?: string;
}

export interface Tokens {
  /** Signs a token that is good for `seconds`; the expiry stands in it twice, `eat` for old programs. */
  sign(claims: Claims, seconds: number): Promise<string>;
  /** @throws UNAUTHENTICATED when the token is malformed, expired, or signed by someone else. */
  verify(token: string): Promise<Claims>;
}

export function createTokens(secret: string, now: () => Date): Tokens {
  const key = new TextEncoder().encode(secret);
  return {
    sign(claims, seconds) {
      const issued = Math.floor(now().getTime() / 1000);
      return new SignJWT({ ...claims, eat: issued + seconds } as JWTPayload)
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
        return payload as Claims;
      } catch (error) {
        if (error instanceof errors.JWTExpired) throw unauthenticated('The token has expired: sign in again.');
        throw unauthenticated('The token is not valid.');
      }
    },
  };
}

/** The highest level that a token's roles give; anonymous when there is none. */
export const levelOfRoles = (roles: Partial<Record<Level, unknown>>): Level =>
  levels.findLast((level) => roles[level] === true) ?? 'anonymous';
