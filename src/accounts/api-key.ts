import { createHash, randomBytes } from 'node:crypto';
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Extensions, Field, ID, Info, Mutation, ObjectType, Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Context } from '../kernel/context';
import { CommonEntity, Entity, entityOf } from '../kernel/entity';
import { forbidden, invalid } from '../kernel/errors';
import { atLeast, isLevel, levels } from '../kernel/levels';
import type { Input, Values } from '../kernel/input';
import { isPublicId } from '../kernel/public-id';
import { readOne } from '../kernel/read';
import type { RemoveMethod } from '../kernel/input-types';
import type { Row } from '../kernel/rows';
import { isScope, isWithin, scopesOf, storedScopes } from '../kernel/scopes';
import { planOf } from '../kernel/selection';
import { mayWrite } from '../kernel/tenancy';
import { write, type UnitOfWork } from '../kernel/unit-of-work';
import { changeObject, lockObject, type Locked } from '../kernel/write';

@Entity({
  table: 'api_key',
  doc: 'A key by which a program is let in, and the level that it has without a user.',
  tenant: 'optional',
  access: {
    read: 'administrator',
    create: 'administrator',
    update: 'administrator',
    remove: 'administrator',
  },
  indexes: [{ columns: ['secret_key'] }],
})
export class ApiKey extends CommonEntity {
  @Ref('account', {
    inverse: 'apiKeys',
    write: 'server',
    onRemove: 'restrict',
    doc: 'Id of the only account that the key opens; none: any account.',
  })
  declare accountId: number | null;

  @Attr.string({
    max: 22,
    unique: true,
    exact: true,
    nullable: false,
    doc: 'The key that programs send openly.',
  })
  declare publicKey: string;

  @Attr.string({
    read: 'never',
    write: 'server',
    exact: true,
    doc: 'Digest of the key that programs keep to themselves.',
  })
  declare secretKey: string | null;

  @Attr.string({
    max: 100,
    default: 'anonymous',
    nullable: false,
    doc: 'Level of a call without a user: anonymous, authenticated, public, trusted, administrator, manager or super.',
  })
  declare level: string;

  @Attr.json({
    doc: 'What the key may be used for, as a list such as `["event:read", "event_session:*"]`: a type and read, create, update or remove, or `*` for any; who writes must be able to read. None: everything.',
  })
  declare scopesJson: unknown;

  @Attr.json({ doc: 'Origins that browsers may use the key from: a list; none: all.' })
  declare originsJson: unknown;

  @Attr.datetime({ doc: 'The key works from this moment on; none: always did.' })
  declare enableFrom: Date | null;

  @Attr.datetime({ doc: 'The key works until this moment; none: without end.' })
  declare enableTo: Date | null;

  @Attr.datetime({ write: 'server', doc: 'When the key was last used.' })
  declare lastUsedOn: Date | null;

  @Attr.int({ doc: 'Calls allowed in a minute; none: the limit of the server.' })
  declare ratePerMinute: number | null;

  @Attr.bool({ write: 'super', doc: 'True: the key may administer the platform itself.' })
  declare administrative: boolean | null;
}

@ObjectType({ description: 'A key, and the secret that was made for it.' })
class ApiKeySecret {
  @Field(() => ApiKey, { description: 'The key.' })
  apiKey!: Row;

  @Field({
    description:
      'What programs send as `x-aether-api-key`: 22 characters. It is shown this once, and kept as a digest.',
  })
  secretKey!: string;
}

@Resolver(() => ApiKey)
export class ApiKeyResolver extends CrudResolver(ApiKey) {
  @Extensions({ level: 'administrator' })
  @Mutation(() => ApiKeySecret, {
    nullable: true,
    description: 'Makes a secret for a key. The one that it had stops working at once.',
  })
  async issueApiKeySecret(
    @Arg('id', () => ID, { description: 'Id of the key.' }) id: string,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ApiKeySecret> {
    const secretKey = randomBytes(16).toString('base64url');
    await changeKey(ctx, id, { secretKey: digestOf(secretKey) });
    const plan = planOf(info, entityOf('api_key'), ctx.viewer, ['apiKey']);
    return { apiKey: await readOne(ctx, plan, id), secretKey };
  }

  @Extensions({ level: 'administrator' })
  @Mutation(() => ApiKey, {
    nullable: true,
    description:
      'Takes a key back: it is disabled, its secret is gone, and whoever uses it is refused from the next call on.',
  })
  async revokeApiKey(
    @Arg('id', () => ID, { description: 'Id of the key.' }) id: string,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Row> {
    await changeKey(ctx, id, { enable: false, secretKey: null });
    return readOne(ctx, planOf(info, entityOf('api_key'), ctx.viewer), id);
  }

  override insertOne(unit: UnitOfWork, input: Input): Promise<string> {
    checkGrant(unit.ctx, { scopesJson: null, ...input });
    return super.insertOne(unit, input);
  }

  override changeOne(unit: UnitOfWork, before: Locked, input: Input): Promise<void> {
    checkReach(unit.ctx, before);
    checkGrant(unit.ctx, input);
    return super.changeOne(unit, before, input);
  }

  override removeOne(unit: UnitOfWork, row: Locked, method: RemoveMethod): Promise<void> {
    checkReach(unit.ctx, row);
    return super.removeOne(unit, row, method);
  }
}

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

async function changeKey(ctx: Context, id: string, values: Values): Promise<void> {
  const entity = entityOf('api_key');
  mayWrite(ctx, entity, 'update');
  await write(ctx, async (unit) => {
    const before = await lockObject(unit, entity, id);
    checkReach(ctx, before);
    await changeObject(unit, entity, before, values);
  });
}

/** @throws FORBIDDEN for a key that may do more than the caller: who changed it could use it. */
function checkReach({ viewer }: Context, { level, scopesJson }: Locked): void {
  if (isLevel(level) && !atLeast(viewer.level, level))
    throw forbidden(`A key of level ${level} is beyond your own.`);
  if (!isWithin(storedScopes(scopesJson), viewer.key.scopes))
    throw forbidden('This key reaches more than your own.');
}

/** Nobody makes a key that may do more than they may themselves. */
function checkGrant({ viewer }: Context, input: Input): void {
  const { level, publicKey, scopesJson, originsJson } = input;
  if (level != null && !isLevel(level)) throw invalid({ level: `must be one of ${levels.join(', ')}` });
  if (level != null && !atLeast(viewer.level, level))
    throw forbidden(`A key of level ${level} is beyond your own.`);
  if (publicKey != null && !isPublicId(publicKey))
    throw invalid({ publicKey: 'has 11 to 22 characters of A-Z, a-z, 0-9, - and _' });
  if (scopesJson != null && !(Array.isArray(scopesJson) && scopesJson.every(isScope)))
    throw invalid({ scopesJson: 'is a list of scopes such as "event:read" or "event_session:*"' });
  if (originsJson != null && !(Array.isArray(originsJson) && originsJson.every(isOrigin)))
    throw invalid({ originsJson: 'is a list of origins such as "https://www.example.org"' });
  if (scopesJson !== undefined && !isWithin(scopesOf(scopesJson), viewer.key.scopes))
    throw forbidden('These scopes reach further than those of your own key.');
}

const isOrigin = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value.toLowerCase();
