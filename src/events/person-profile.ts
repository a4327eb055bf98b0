import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_person_profile',
  doc: 'How somebody is presented at an event.',
  access: { read: 'trusted', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class EventPersonProfile extends TenantEntity {
  @Ref('event_person', {
    inverse: 'profiles',
    onRemove: 'cascade',
    nullable: false,
    doc: 'Id of who is presented.',
  })
  declare eventPersonId: number;

  @Attr.string({ doc: 'Professional title.' })
  declare professionalTitle: string | null;

  @Attr.text({ search: true, doc: 'Where that person works or belongs.' })
  declare affiliations: string | null;

  @Attr.text({ doc: 'Biography.' })
  declare biography: string | null;

  @Ref('hosted_file', { doc: 'Id of the stored file with the picture.' })
  declare pictureHostedFileId: number | null;

  @Attr.json({ doc: 'Addresses in social networks.' })
  declare socialJson: unknown;
}

@Resolver(() => EventPersonProfile)
export class EventPersonProfileResolver extends CrudResolver(EventPersonProfile) {}
