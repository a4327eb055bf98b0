import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import type { Context } from '../kernel/context';
import { CommonEntity, Entity } from '../kernel/entity';
import { forbidden, invalid } from '../kernel/errors';
import { atLeast, isLevel, levels } from '../kernel/levels';
import { isPublicId } from '../kernel/public-id';
import type { Input } from '../kernel/input';
import type { UnitOfWork } from '../kernel/unit-of-work';
import type { Locked } from '../kernel/write';

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

  @Attr.json({ doc: 'What the key may be used for: a list of scopes; none: everything.' })
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

@Resolver(() => ApiKey)
export class ApiKeyResolver extends CrudResolver(ApiKey) {
  override insertOne(unit: UnitOfWork, input: Input): Promise<string> {
    checkGrant(input, unit.ctx);
    return super.insertOne(unit, input);
  }

  override changeOne(unit: UnitOfWork, before: Locked, input: Input): Promise<void> {
    checkGrant(input, unit.ctx);
    return super.changeOne(unit, before, input);
  }
}

/** Nobody makes a key that may do more than they may themselves. */
function checkGrant({ level, publicKey }: Input, { viewer }: Context): void {
  if (level != null && !isLevel(level)) throw invalid({ level: `must be one of ${levels.join(', ')}` });
  if (level != null && !atLeast(viewer.level, level))
    throw forbidden(`A key of level ${level} is beyond your own.`);
  if (publicKey != null && !isPublicId(publicKey))
    throw invalid({ publicKey: 'has 11 to 22 characters of A-Z, a-z, 0-9, - and _' });
}
