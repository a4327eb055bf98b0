import { Arg, Ctx, Extensions, Field, ID, ObjectType, Query, registerEnumType, Resolver } from 'type-graphql';
import { Context } from '../kernel/context';
import { entityOf, findEntity } from '../kernel/entity';
import { objectTypes } from '../kernel/input-types';
import { levels, type Level } from '../kernel/levels';
import { readOne } from '../kernel/read';
import { DateTime, SafeInt } from '../kernel/scalars';
import { scopeVerbs, type ScopeVerb } from '../kernel/scopes';
import { makePlan } from '../kernel/selection';
import { serves } from '../kernel/tenancy';
import { usesOf, type Use } from '../kernel/usage';

const ScopeVerbEnum = Object.fromEntries(scopeVerbs.map((verb) => [verb.toUpperCase(), verb]));
registerEnumType(ScopeVerbEnum, { name: 'ScopeVerb', description: 'What is done to objects of a type.' });

@ObjectType({ description: 'What a key was used for, of one type.' })
class KeyUse {
  @Field(() => objectTypes(), { description: 'The type.' })
  type!: string;

  @Field(() => ScopeVerbEnum, { description: 'What was done to its objects.' })
  verb!: ScopeVerb;

  @Field(() => [String], { description: 'The fields that were read or set, as they are.' })
  fields!: string[];

  @Field(() => SafeInt, { description: 'In so many requests.' })
  calls!: number;

  @Field({ description: 'The last day of it, in UTC: `2026-01-31`.' })
  lastDay!: string;
}

@ObjectType({
  description: 'The least that a key could be granted and still have served all that it was used for.',
})
class KeyGrant {
  @Field({
    description:
      'The level. Callers who had signed in have their own: what was done by them alone needs none of the key.',
  })
  level!: string;

  @Field(() => [String], { description: 'The scopes, as `scopesJson` takes them.' })
  scopes!: string[];
}

@ObjectType({ description: 'What a key was really used for.' })
class KeyUsage {
  @Field(() => [KeyUse], { description: 'By type and verb.' })
  uses!: KeyUse[];

  @Field(() => KeyGrant, {
    nullable: true,
    description: 'What to lower the key to; null when it was not used.',
  })
  smallestGrant!: KeyGrant | null;
}

@Resolver()
export class KeyUsageResolver {
  @Extensions({ level: 'administrator' })
  @Query(() => KeyUsage, {
    nullable: true,
    description: 'Tells which types, fields and verbs a key was used for, so that it can be granted less.',
  })
  async keyUsage(
    @Arg('keyId', () => ID, { description: 'Id of the key.' }) keyId: string,
    @Arg('since', () => DateTime, {
      nullable: true,
      description: 'From the day of this moment on; without it from the beginning.',
    })
    since: Date | null,
    @Ctx() ctx: Context,
  ): Promise<KeyUsage> {
    const { database, usage } = ctx.services;
    const { $pk } = await readOne(ctx, makePlan(entityOf('api_key'), [], ctx.viewer.level), keyId);
    await usage.flush();
    const found = await usesOf(database, $pk, since?.toISOString().slice(0, 10) ?? '');
    const uses = found.filter(({ type }) => findEntity(type));
    return { uses: summed(uses), smallestGrant: uses.length > 0 ? grantFor(uses) : null };
  }
}

function summed(uses: readonly Use[]): KeyUse[] {
  const sums = new Map<string, KeyUse>();
  for (const { type, verb, field, calls, day } of uses) {
    const name = `${type}:${verb}`;
    const sum = sums.get(name) ?? { type, verb, fields: [], calls: 0, lastDay: day };
    sums.set(name, sum);
    if (field === '') sum.calls += calls;
    else if (!sum.fields.includes(field)) sum.fields.push(field);
    if (day > sum.lastDay) sum.lastDay = day;
  }
  return [...sums.values()];
}

function grantFor(uses: readonly Use[]): KeyGrant {
  const enough = (level: Level): boolean => uses.every((use) => !use.level || serves(level, use, use.level));
  return {
    level: levels.find(enough) ?? 'super',
    scopes: [...new Set(uses.map(({ type, verb }) => `${type}:${verb}`))],
  };
}
