import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_track',
  doc: 'A line through the programme of an event: sessions that belong together.',
  access: { read: 'anonymous', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class EventTrack extends TenantEntity {
  @Ref('event', { inverse: 'tracks', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Attr.string({ max: 100, doc: 'Colour by which it is told apart, such as `#0b5394`.' })
  declare color: string | null;
}

@Resolver(() => EventTrack)
export class EventTrackResolver extends CrudResolver(EventTrack) {}
