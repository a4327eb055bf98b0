import { Resolver } from 'type-graphql';
import { Attr, type Json } from '../kernel/attributes';
import type { Context } from '../kernel/context';
import { CrudResolver } from '../kernel/crud-resolver';
import { CommonEntity, Entity } from '../kernel/entity';
import { atLeast } from '../kernel/levels';
import { withoutSecrets } from './secrets';

@Entity({
  table: 'account',
  doc: 'A customer of the platform: the owner of everything else, and the limit of what a caller can see.',
  tenant: 'self',
  access: { read: 'anonymous', create: 'super', update: 'manager', remove: 'super' },
})
export class Account extends CommonEntity {
  @Attr.string({ max: 100, read: 'authenticated', doc: 'A short code, for people and other systems.' })
  declare code: string | null;

  @Attr.string({ search: true, doc: 'Name of the customer.' })
  declare name: string | null;

  @Attr.string({ max: 100, read: 'authenticated', doc: 'Name for narrow places.' })
  declare shortName: string | null;

  @Attr.string({
    max: 100,
    doc: 'IANA time zone, such as `Europe/Zurich`: the default of its sites and events.',
  })
  declare timezone: string | null;

  @Attr.string({
    max: 100,
    read: 'authenticated',
    write: 'super',
    doc: 'Code of the plan that the customer is on.',
  })
  declare planCode: string | null;

  @Attr.text({ read: 'authenticated', doc: 'Description.' })
  declare description: string | null;

  @Attr.string({ max: 100, read: 'authenticated', doc: 'A free grouping key.' })
  declare group: string | null;

  @Attr.json({
    read: 'manager',
    // A visitor sees of an account its name and time zone.
    mask: (settings: Json, { viewer }: Context) =>
      atLeast(viewer.level, 'authenticated') ? withoutSecrets(settings) : null,
    doc: 'Settings of the account; less than a manager reads them without their secrets, a visitor not at all.',
  })
  declare cfgJson: unknown;

  @Attr.json({ read: 'authenticated', doc: 'Free data.' })
  declare dataJson: unknown;

  @Attr.json({ read: 'authenticated', doc: 'A free list of links to other things.' })
  declare linkedLiJson: unknown;

  @Attr.string({ max: 100, index: true, read: 'authenticated', doc: 'Id of the customer in another system.' })
  declare externalId: string | null;

  @Attr.datetime({ read: 'authenticated', doc: 'When the account is to be archived.' })
  declare archiveOn: Date | null;

  @Attr.text({
    read: 'authenticated',
    write: 'server',
    doc: 'The text that `q` searches, kept by the server.',
  })
  declare defaultQryStr: string | null;
}

@Resolver(() => Account)
export class AccountResolver extends CrudResolver(Account) {}
