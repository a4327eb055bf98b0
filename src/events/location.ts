import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_location',
  doc: 'A room or other place of an event.',
  access: { read: 'anonymous', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class EventLocation extends TenantEntity {
  @Ref('event', { inverse: 'locations', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Attr.int({ doc: 'How many people it holds.' })
  declare capacity: number | null;

  @Attr.string({ doc: 'Building.' })
  declare building: string | null;

  @Attr.string({ max: 100, doc: 'Floor.' })
  declare floor: string | null;

  @Attr.bool({ doc: 'True: clients show the alert.' })
  declare alert: boolean | null;

  @Attr.text({ doc: 'Text of the alert.' })
  declare alertMsg: string | null;
}

@Resolver(() => EventLocation)
export class EventLocationResolver extends CrudResolver(EventLocation) {}
