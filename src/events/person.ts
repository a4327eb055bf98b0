import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_person',
  doc: 'Somebody at an event, in whatever role: attends, presents, organizes.',
  access: { read: 'trusted', create: 'trusted', update: 'trusted', remove: 'administrator' },
  indexes: [{ columns: ['account_id', 'default_qry_str'], words: true }],
})
export class EventPerson extends TenantEntity {
  @Ref('event', { inverse: 'persons', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Ref('person', { doc: 'Id of the person whom the account knows.' })
  declare personId: number | null;

  @Attr.string({ search: true, doc: 'Given name.' })
  declare givenName: string | null;

  @Attr.string({ search: true, doc: 'Family name.' })
  declare familyName: string | null;

  @Attr.string({ search: true, doc: 'The whole name.' })
  declare fullName: string | null;

  @Attr.string({ search: true, doc: 'E-mail address.' })
  declare email: string | null;

  @Attr.string({ max: 100, doc: 'Role at the event, such as `attendee` or `speaker`.' })
  declare roleCode: string | null;

  @Attr.string({ max: 100, doc: 'State, in words that the account chooses.' })
  declare status: string | null;
}

@Resolver(() => EventPerson)
export class EventPersonResolver extends CrudResolver(EventPerson) {}
