import { Arg, Ctx, Extensions, Field, ID, ObjectType, Query, registerEnumType, Resolver } from 'type-graphql';
import type { Bindable } from '../database/database';
import { Context, type Viewer } from '../kernel/context';
import { entityOf, type Entity } from '../kernel/entity';
import { badRequest, notFound } from '../kernel/errors';
import { objectTypes } from '../kernel/input-types';
import { atLeast, isLevel, levels, type Level } from '../kernel/levels';
import { isPublicId } from '../kernel/public-id';
import { readOne } from '../kernel/read';
import { reaches, storedScopes } from '../kernel/scopes';
import { makePlan } from '../kernel/selection';
import { maySee, ownershipColumns, type Ownership } from '../kernel/tenancy';

enum AccessRuleName {
  LEVEL = 'LEVEL',
  SCOPE = 'SCOPE',
  ACCOUNT = 'ACCOUNT',
  OBJECT = 'OBJECT',
  FIELD = 'FIELD',
}
registerEnumType(AccessRuleName, {
  name: 'AccessRuleName',
  description: 'What decides whether something is read, in the order in which it is asked.',
  valuesConfig: {
    LEVEL: { description: 'The level that the type needs.' },
    SCOPE: { description: 'The scopes of the key.' },
    ACCOUNT: { description: 'The account that the object belongs to.' },
    OBJECT: {
      description: 'Rules on single objects: hidden ones, those of other people, those of such an owner.',
    },
    FIELD: { description: 'The level that the field needs.' },
  },
});

@ObjectType({ description: 'What one rule says.' })
class AccessRule {
  @Field(() => AccessRuleName, { description: 'The rule.' })
  rule!: AccessRuleName;

  @Field({ description: 'Does it let pass?' })
  passes!: boolean;

  @Field({ description: 'Why.' })
  reason!: string;
}

@ObjectType({ description: 'Whether a key may read something, and what decides it.' })
class AccessExplanation {
  @Field({ description: 'Is it read, as it is?' })
  allowed!: boolean;

  @Field(() => AccessRuleName, { nullable: true, description: 'The first rule that is against it.' })
  decidedBy!: AccessRuleName | null;

  @Field(() => [AccessRule], { description: 'All rules, in their order.' })
  rules!: AccessRule[];

  @Field(() => String, {
    nullable: true,
    description: 'The lowest level at which no rule of levels is against it; null when there is none.',
  })
  neededLevel!: string | null;
}

interface KeyRow {
  level: string | null;
  scopes: string | null;
}

@Resolver()
export class ExplainAccessResolver {
  @Extensions({ level: 'administrator' })
  @Query(() => AccessExplanation, {
    nullable: true,
    description:
      'Tells why the caller, or a program with another key and nobody signed in, reads an object or one of its fields, or does not.',
  })
  async explainAccess(
    @Arg('type', () => objectTypes(), { description: 'Type of the object.' }) type: string,
    @Arg('id', () => ID, { description: 'Id of the object.' }) id: string,
    @Arg('field', () => String, { nullable: true, description: 'Name of a field of the object.' })
    field: string | null,
    @Arg('keyId', () => ID, { nullable: true, description: 'Id of a key of the account.' })
    keyId: string | null,
    @Ctx() ctx: Context,
  ): Promise<AccessExplanation> {
    const entity = entityOf(type);
    if (field !== null && field !== undefined && !entity.attributes.has(field))
      throw badRequest(`${entity.name} has no field "${field}".`);
    const viewer = keyId ? await viewerOf(ctx, keyId) : ctx.viewer;
    const rules = await rulesFor(ctx, viewer, entity, id, field);
    const against = rules.find(({ passes }) => !passes);
    let neededLevel: Level | null = null;
    for (const level of levels) {
      const found = await rulesFor(ctx, { ...viewer, level }, entity, id, field);
      if (found.some(({ rule, passes }) => !passes && ofLevels.has(rule))) continue;
      neededLevel = level;
      break;
    }
    return { allowed: !against, decidedBy: against?.rule ?? null, rules, neededLevel };
  }
}

/** Rules that a higher level may pass. */
const ofLevels = new Set([AccessRuleName.LEVEL, AccessRuleName.OBJECT, AccessRuleName.FIELD]);

/** A program with this key in the caller's account, where nobody has signed in. */
async function viewerOf(ctx: Context, id: string): Promise<Viewer> {
  const { $pk: pk } = await readOne(ctx, makePlan(entityOf('api_key'), [], ctx.viewer.level), id);
  const [row] = await ctx.services.database.select<KeyRow>(
    'SELECT level, scopes_json AS scopes FROM api_key WHERE id = ?',
    [pk],
  );
  return {
    ...ctx.viewer,
    key: { pk, id, name: id, administrative: false, scopes: storedScopes(row?.scopes ?? null) },
    user: null,
    person: null,
    level: isLevel(row?.level) ? row.level : 'anonymous',
    signIn: undefined,
  };
}

async function rulesFor(
  ctx: Context,
  viewer: Viewer,
  entity: Entity,
  id: string,
  field: string | null,
): Promise<AccessRule[]> {
  const { access, name, table, tenant } = entity;
  const { publicIds, database } = ctx.services;
  const as = new Context(viewer, ctx.services, ctx.requestId);
  const values: Bindable[] = [];
  const columns = ownershipColumns(as, entity, 't', values);
  const named = isPublicId(id) ? publicIds.among(table, 't', [id], values) : 'FALSE';
  const [row] = await database.select<Ownership & { own: string }>(
    `SELECT t.id_random AS own, ${columns} FROM \`${table}\` t WHERE ${named}`,
    values,
  );
  if (!row || !publicIds.names(table, id, row.own)) throw notFound(name, id);
  const mine = row.$account === (viewer.account?.pk ?? undefined);
  const everybodys = row.$account === null && tenant === 'shared';
  const rules: AccessRule[] = [
    {
      rule: AccessRuleName.LEVEL,
      passes: atLeast(viewer.level, access.read),
      reason: `Reading ${name} needs level ${access.read}; this is ${viewer.level}.`,
    },
    {
      rule: AccessRuleName.SCOPE,
      passes: reaches(viewer.key.scopes, table, 'read'),
      reason: viewer.key.scopes
        ? `The key has scopes, and needs ${table}:read among them.`
        : 'The key has no scopes: it reaches every type.',
    },
    {
      rule: AccessRuleName.ACCOUNT,
      passes: mine || everybodys || viewer.level === 'super',
      reason: everybodys
        ? 'The object belongs to no account: all share it.'
        : mine
          ? 'The object is of the account of the call.'
          : 'The object is of another account: only super crosses.',
    },
  ];
  // What becomes of another account's object inside of it is for that account to know.
  if (!mine && !everybodys && ctx.viewer.level !== 'super') return rules;
  rules.push({
    rule: AccessRuleName.OBJECT,
    passes: Boolean(row.$visible) || (viewer.level === 'super' && !mine),
    reason: row.$visible
      ? 'No rule of the type is against this object.'
      : 'A rule of the type, or of what the object belongs to, keeps it from this caller.',
  });
  const attribute = entity.attributes.get(field ?? '');
  if (attribute)
    rules.push({
      rule: AccessRuleName.FIELD,
      passes: maySee(viewer, attribute),
      reason: attribute.read
        ? `Reading ${name}.${attribute.name} needs level ${attribute.read}${attribute.mask ? '; below it a mask is seen' : ''}.`
        : `Who reads ${name} reads ${attribute.name}.`,
    });
  return rules;
}
