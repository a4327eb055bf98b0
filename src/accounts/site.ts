import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';
import { invalid } from '../kernel/errors';
import type { Input } from '../kernel/input';
import type { UnitOfWork } from '../kernel/unit-of-work';
import type { Locked } from '../kernel/write';
import { passcodesOf } from './passcodes';
import { withoutSecrets } from './secrets';

@Entity({
  table: 'site',
  doc: 'A web site of an account: how it looks, how it behaves, and who may enter.',
  access: {
    read: 'anonymous',
    withoutAccount: true,
    create: 'manager',
    update: 'manager',
    remove: 'manager',
  },
})
export class Site extends TenantEntity {
  @Ref('account', {
    inverse: 'sites',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account whose site this is.',
  })
  declare accountId: number;

  @Attr.string({ doc: 'Title for the browser and for headings.' })
  declare title: string | null;

  @Attr.string({ read: 'manager', doc: 'Key that a visitor must bring; none: open to all.' })
  declare accessKey: string | null;

  @Attr.json({ read: 'manager', doc: 'Passcode of each level, by level.' })
  declare accessCodeKvJson: unknown;

  @Attr.json({
    read: 'manager',
    mask: withoutSecrets,
    doc: 'Settings of the site, with its keys to other services; less than a manager reads them without their secrets.',
  })
  declare cfgJson: unknown;

  @Attr.json({ doc: 'Colours, fonts and other looks.' })
  declare themeJson: unknown;

  @Attr.string({ max: 500, doc: 'Path or URL of the logo.' })
  declare logoPath: string | null;

  @Attr.string({ max: 100, doc: 'IANA time zone in which the site shows times by default.' })
  declare defaultTimezone: string | null;
}

@Resolver(() => Site)
export class SiteResolver extends CrudResolver(Site) {
  override insertOne(unit: UnitOfWork, input: Input): Promise<string> {
    checkPasscodes(input);
    return super.insertOne(unit, input);
  }

  override changeOne(unit: UnitOfWork, before: Locked, input: Input): Promise<void> {
    checkPasscodes(input);
    return super.changeOne(unit, before, input);
  }
}

/** A passcode of two levels would open the higher one to those who were given the lower. */
function checkPasscodes({ accessCodeKvJson }: Input): void {
  const codes = [...passcodesOf(accessCodeKvJson).values()];
  if (new Set(codes).size < codes.length)
    throw invalid({ accessCodeKvJson: 'two levels have the same passcode' });
}
