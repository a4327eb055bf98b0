import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'sponsorship',
  doc: 'What one sponsor gives, and what is known of the sponsor.',
  access: { read: 'trusted', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class Sponsorship extends TenantEntity {
  @Ref('sponsorship_cfg', {
    inverse: 'sponsorships',
    onRemove: 'cascade',
    nullable: false,
    doc: 'Id of the settings by which it is sponsored.',
  })
  declare sponsorshipCfgId: number;

  @Ref('organization', { inverse: 'sponsorships', doc: 'Id of the organization that sponsors.' })
  declare organizationId: number | null;

  @Ref('person', { doc: 'Id of the person to ask about it.' })
  declare personId: number | null;

  @Attr.string({ max: 100, doc: 'Code of the level, one of those in the settings.' })
  declare levelCode: string | null;

  @Attr.string({ max: 100, doc: 'State of the sponsorship.' })
  declare status: string | null;

  @Attr.json({ doc: 'What the sponsor was asked, with the answers.' })
  declare questionsJson: unknown;

  @Ref('hosted_file', { doc: 'Id of the stored file with the logo.' })
  declare logoHostedFileId: number | null;

  @Attr.decimal({ digits: [12, 2], doc: 'What the sponsor gives.' })
  declare amount: number | null;
}

@Resolver(() => Sponsorship)
export class SponsorshipResolver extends CrudResolver(Sponsorship) {}
