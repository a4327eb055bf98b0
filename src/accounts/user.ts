import { Resolver } from 'type-graphql';
import { levelOfUser } from '../auth/token';
import { Attr, Ref } from '../kernel/attributes';
import type { Context } from '../kernel/context';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, entityOf, TenantEntity } from '../kernel/entity';
import { forbidden } from '../kernel/errors';
import type { Input } from '../kernel/input';
import type { RemoveMethod } from '../kernel/input-types';
import { atLeast, type Level } from '../kernel/levels';
import type { UnitOfWork } from '../kernel/unit-of-work';
import { changeObject, type Locked } from '../kernel/write';

@Entity({
  table: 'user',
  doc: 'A sign-in: a name, a password, and the level that they open.',
  access: {
    read: 'authenticated',
    own: 'id',
    readAll: 'administrator',
    create: 'administrator',
    update: 'administrator',
    remove: 'administrator',
  },
  indexes: [{ columns: ['account_id', 'username'], unique: true }],
})
export class User extends TenantEntity {
  @Ref('account', {
    inverse: 'users',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that the user signs in to.',
  })
  declare accountId: number;

  @Ref('person', { inverse: 'users', doc: 'Id of the person who signs in so.' })
  declare personId: number | null;

  @Attr.string({ nullable: false, search: true, doc: 'Name to sign in with; unique in the account.' })
  declare username: string;

  @Attr.string({ search: true, doc: 'E-mail address, to sign in with and to send links to.' })
  declare email: string | null;

  @Attr.string({ read: 'never', write: 'server', doc: 'Digest of the password.' })
  declare passwordHash: string | null;

  @Attr.string({ read: 'never', write: 'server', doc: 'Digest of the key in the last sign-in link.' })
  declare authKeyHash: string | null;

  @Attr.datetime({ write: 'server', doc: 'When the last sign-in link ends to work.' })
  declare authKeyExpiresOn: Date | null;

  @Attr.bool({ doc: 'May the user sign in by a link sent by e-mail?' })
  declare allowAuthKey: boolean | null;

  @Attr.bool({ doc: 'Has the e-mail address been proved?' })
  declare validEmail: boolean | null;

  @Attr.datetime({ doc: 'The sign-in works from this moment on; none: always did.' })
  declare enableFrom: Date | null;

  @Attr.datetime({ doc: 'The sign-in works until this moment; none: without end.' })
  declare enableTo: Date | null;

  @Attr.bool({ write: 'super', doc: 'Opens level super.' })
  declare super: boolean | null;

  @Attr.bool({ write: 'manager', doc: 'Opens level manager.' })
  declare manager: boolean | null;

  @Attr.bool({ write: 'administrator', doc: 'Opens level administrator.' })
  declare administrator: boolean | null;

  @Attr.bool({ write: 'administrator', doc: 'Opens level trusted.' })
  declare trusted: boolean | null;

  @Attr.datetime({ write: 'server', doc: 'When the user last signed in.' })
  declare lastSignInOn: Date | null;

  @Attr.int({
    read: 'never',
    write: 'server',
    default: 0,
    doc: 'How often all tokens of the user have been ended; those made before are no longer good.',
  })
  declare tokenVersion: number | null;
}

@Resolver(() => User)
export class UserResolver extends CrudResolver(User) {
  override async changeOne(unit: UnitOfWork, before: Locked, input: Input): Promise<void> {
    checkRank(unit.ctx, before);
    const { allowAuthKey, email } = input;
    const stops = allowAuthKey === false || (email !== undefined && email !== before.email);
    // A link that is on its way to who may no longer use it. Before the rest, whose search text it would undo.
    if (stops && before.authKeyHash !== null)
      await changeObject(unit, entityOf('user'), before, { authKeyHash: null, authKeyExpiresOn: null });
    await super.changeOne(unit, before, input);
  }

  override removeOne(unit: UnitOfWork, row: Locked, method: RemoveMethod): Promise<void> {
    checkRank(unit.ctx, row);
    return super.removeOne(unit, row, method);
  }
}

/** Whoever could change the address or the person of a user of a higher level could sign in as one. */
function checkRank({ viewer }: Context, user: Locked): void {
  const level = levelOfUser(user as Partial<Record<Level, unknown>>);
  if (!atLeast(viewer.level, level)) throw forbidden(`A user of level ${level} is beyond your own.`);
}
