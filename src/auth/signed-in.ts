import { createHash, timingSafeEqual } from 'node:crypto';
import type { GraphQLResolveInfo } from 'graphql';
import { decodeJwt } from 'jose';
import { Field, ObjectType } from 'type-graphql';
import type { Context } from '../kernel/context';
import { AetherError } from '../kernel/errors';
import { levelNames, type Level } from '../kernel/levels';
import { fieldsBelow } from '../kernel/selection';
import { lifetimeOf, rolesOf } from './token';

/*
 * What all ways of signing in have in common.
 */

@ObjectType()
export abstract class SignedIn {
  @Field({ description: 'Send it as `Authorization: Bearer` from now on.' })
  jwt!: string;

  @Field({ description: 'Until when the token is good.' })
  expiresOn!: Date;

  @Field(() => levelNames, { description: 'What the token opens.' })
  level!: Level;
}

/** @throws LIMIT_EXCEEDED when there is more in the operation: a request with many aliases would be many guesses. */
export function alone({ operation, fragments }: GraphQLResolveInfo): void {
  const fields = [...fieldsBelow([operation], fragments, 'Mutation').values()].flat();
  if (fields.length > 1)
    throw new AetherError('LIMIT_EXCEEDED', 'What signs in stands alone in its operation.');
}

/** However often a token is refreshed, after 30 days its user signs in again. */
export const maxAgeSeconds = 30 * 86_400;

export const secondsOf = ({ services }: Context): number => Math.floor(services.now().getTime() / 1000);

/** A token for who the call is of by now. */
export async function issue(ctx: Context, claims: object): Promise<{ jwt: string; expiresOn: Date }> {
  const { account, person, user, level, signIn } = ctx.viewer;
  const age = secondsOf(ctx) - (signIn?.time ?? 0);
  const seconds = Math.min(lifetimeOf(level), maxAgeSeconds - age);
  const jwt = await ctx.services.tokens.sign(
    {
      account_id: account?.id ?? null,
      person_id: person?.id ?? null,
      user_id: user?.id ?? null,
      ...rolesOf(level),
      auth_time: signIn?.time ?? secondsOf(ctx),
      ...claims,
    },
    seconds,
  );
  return { jwt, expiresOn: new Date(Number(decodeJwt(jwt).exp) * 1000) };
}

export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Are these the same? Takes as long when they are not. */
export const isSame = (a: string, b: string): boolean =>
  timingSafeEqual(Buffer.from(digestOf(a)), Buffer.from(digestOf(b)));
