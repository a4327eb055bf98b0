import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_registration',
  doc: 'That somebody takes part in an event, as what, and whether it is settled.',
  access: {
    read: 'authenticated',
    own: 'personId',
    readAll: 'trusted',
    create: 'trusted',
    update: 'trusted',
    remove: 'administrator',
  },
})
export class EventRegistration extends TenantEntity {
  @Ref('event', { inverse: 'registrations', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Ref('event_person', { inverse: 'registrations', doc: 'Id of who takes part, as somebody of the event.' })
  declare eventPersonId: number | null;

  @Ref('person', {
    inverse: 'eventRegistrations',
    doc: 'Id of the person who takes part; that person may read it.',
  })
  declare personId: number | null;

  @Attr.string({ max: 100, doc: 'State of the registration.' })
  declare status: string | null;

  @Attr.datetime({ doc: 'When it was made, UTC.' })
  declare registeredOn: Date | null;

  @Attr.string({ max: 100, doc: 'What kind of registration it is, such as `early`.' })
  declare typeCode: string | null;

  @Ref('order', { doc: 'Id of the order by which it is paid.' })
  declare orderId: number | null;
}

@Resolver(() => EventRegistration)
export class EventRegistrationResolver extends CrudResolver(EventRegistration) {}
