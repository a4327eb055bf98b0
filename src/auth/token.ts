import { createHmac } from 'node:crypto';
import { errors, jwtVerify, SignJWT, type JWK, type JWTHeaderParameters } from 'jose';
import { z } from 'zod';
import { unauthenticated } from '../kernel/errors';
import { atLeast, levels, type Level } from '../kernel/levels';
import type { TokenKey } from './key-set';

const text = z.string().nullish();

const claims = z.looseObject({
  account_id: text,
  person_id: text,
  user_id: text,
  /** A JSON text; `auth_type` in it is how its carrier signed in: password, auth_key or passcode. */
  json_str: text,
  /** When its carrier signed in, in seconds since 1970; a token that was refreshed has it of the first. */
  auth_time: z.number().nullish(),
  iat: z.number().optional(),
  /** See {@link Tokens.stamp}. */
  stamp: text,
});

/** What a token says of who carries it. Ids are public ids; a role that is true gives its level. */
export type Claims = z.infer<typeof claims> & Partial<Record<Level, unknown>>;

/**
 * What a person signed in by: the password of a user, with how often all of the tokens were ended; a passcode of a site; or that of
 * one object.
 */
type Secret =
  | { password_hash: string | null; token_version: number | null }
  | { site: string; level: Level; code: string }
  | { type: string; id: string; code: string };

export interface Tokens {
  /** Signs a token that is good for `seconds`; the expiry stands in it twice, `eat` for old programs. */
  sign(content: Claims, seconds: number): Promise<string>;
  /** @throws UNAUTHENTICATED when the token is malformed, expired, or signed by someone else. */
  verify(token: string): Promise<Claims>;
  /**
   * Stands in a token for the secret that it came by, of which it tells nothing. When the secret changes, so does the stamp, and
   * tokens with another are no longer good.
   */
  stamp(of: Secret): string;
  /** The public parts of the keys, for other services to verify by. */
  readonly published: readonly JWK[];
}

/**
 * The first of the keys signs, and all of them verify, so that one can take over from another. Without keys the secret signs
 * (HS256); what it signed stays good when there are some.
 */
export function createTokens(secret: string, now: () => Date, keys: readonly TokenKey[] = []): Tokens {
  const shared = new TextEncoder().encode(secret);
  const [first] = keys;

  // A key is used with its own algorithm alone: no token says which to take.
  const keyOf = ({ alg, kid }: JWTHeaderParameters) => {
    if (alg === 'HS256') return shared;
    const key = keys.find((each) => each.alg === alg && each.kid === kid);
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key.verifying;
  };

  return {
    stamp(of) {
      const parts =
        'site' in of
          ? [of.site, of.level, of.code]
          : 'type' in of
            ? [of.type, of.id, of.code]
            : [of.token_version ?? 0, of.password_hash ?? ''];
      return createHmac('sha256', secret).update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
    },

    published: keys.map(({ published }) => published),

    sign(content, seconds) {
      const issued = Math.floor(now().getTime() / 1000);
      const token = new SignJWT({ ...content, eat: issued + seconds })
        .setIssuedAt(issued)
        .setExpirationTime(issued + seconds);
      if (!first?.signing) return token.setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(shared);
      const { alg, kid, signing } = first;
      return token.setProtectedHeader({ alg, kid, typ: 'JWT' }).sign(signing);
    },

    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, keyOf, {
          algorithms: ['HS256', 'RS256', 'EdDSA'],
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

/** Flags of a level and of all that it includes, as tokens carry them. */
export const rolesOf = (level: Level): Partial<Record<Level, boolean>> =>
  Object.fromEntries(levels.slice(1).map((role) => [role, atLeast(level, role)]));

/** How long a token of each level is good, in hours. */
const hours: Record<Level, number> = {
  super: 8,
  manager: 24,
  administrator: 48,
  trusted: 48,
  public: 24,
  authenticated: 12,
  anonymous: 12,
};

/** How long a token of this level is good, in seconds. */
export const lifetimeOf = (level: Level): number => hours[level] * 3600;

const content = z.object({
  auth_type: z.string().nullable().catch(null),
  /** The site whose passcode it was. */
  site_id: z.string().nullable().catch(null),
  /** The object whose passcode it was. */
  object_type: z.string().nullable().catch(null),
  object_id: z.string().nullable().catch(null),
});

/** How the carrier of a token signed in, if it says so. */
export interface SignedInBy {
  method: string | null;
  /** By a passcode of this site. */
  site: string | null;
  /** By the passcode of this object. */
  object: { type: string; id: string } | null;
}

export function signInOf({ json_str: text }: Claims): SignedInBy {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? '');
  } catch {
    parsed = null;
  }
  const { data } = content.safeParse(parsed);
  const { object_type: type, object_id: id } = data ?? {};
  return {
    method: data?.auth_type ?? null,
    site: data?.site_id ?? null,
    object: type && id ? { type, id } : null,
  };
}

/** The level that the flags of a user open. */
export const levelOfUser = (user: Partial<Record<Level, unknown>>): Level =>
  levelOfRoles({
    super: Boolean(user.super),
    manager: Boolean(user.manager),
    administrator: Boolean(user.administrator),
    trusted: Boolean(user.trusted),
    authenticated: true,
  });

/** The highest level that a token's roles give; anonymous when there is none. */
export const levelOfRoles = (roles: Partial<Record<Level, unknown>>): Level =>
  levels.findLast((level) => roles[level] === true) ?? 'anonymous';
