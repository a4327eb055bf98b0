import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'sponsorship_cfg',
  doc: 'How one can sponsor an event or the account: the levels there are, and until when.',
  access: { read: 'trusted', create: 'manager', update: 'manager', remove: 'manager' },
})
export class SponsorshipCfg extends TenantEntity {
  @Ref('account', {
    inverse: 'sponsorshipCfgs',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that is sponsored.',
  })
  declare accountId: number;

  @Ref('event', { inverse: 'sponsorshipCfgs', doc: 'Id of the event that is sponsored; none: the account.' })
  declare eventId: number | null;

  @Attr.json({ doc: 'The levels of sponsorship: a list.' })
  declare levelsJson: unknown;

  @Attr.datetime({ doc: 'Sponsors are taken from this moment on, UTC.' })
  declare startOn: Date | null;

  @Attr.datetime({ doc: 'Sponsors are taken until this moment, UTC.' })
  declare endOn: Date | null;
}

@Resolver(() => SponsorshipCfg)
export class SponsorshipCfgResolver extends CrudResolver(SponsorshipCfg) {}
