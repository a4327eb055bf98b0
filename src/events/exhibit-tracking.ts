import { Resolver } from 'type-graphql';
import { Attr, Ref, via } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_exhibit_tracking',
  doc: 'A lead: that an exhibitor has scanned a badge, and what came of it.',
  access: {
    read: 'trusted',
    // The staff of the exhibit.
    holder: 'eventExhibitId',
    create: 'trusted',
    update: 'trusted',
    remove: 'administrator',
  },
  indexes: [
    { columns: ['event_exhibit_id', 'event_badge_id'], unique: true },
    { columns: ['account_id', 'default_qry_str'], words: true },
  ],
})
export class EventExhibitTracking extends TenantEntity {
  @Ref('event_exhibit', { inverse: 'leads', onRemove: 'cascade', nullable: false, doc: 'Id of the exhibit.' })
  declare eventExhibitId: number;

  @Ref('event_badge', {
    inverse: 'leads',
    onRemove: 'cascade',
    nullable: false,
    doc: 'Id of the badge that was scanned; an exhibit has each badge once.',
  })
  declare eventBadgeId: number;

  @Ref('event', {
    inverse: 'leads',
    onRemove: 'cascade',
    nullable: false,
    through: 'eventExhibitId',
    doc: 'Id of the event; that of the exhibit.',
  })
  declare eventId: number;

  @Attr.string({ max: 100, index: true, doc: 'Id, in the membership system, of the person who scanned it.' })
  declare externalPersonId: string | null;

  @Attr.text({ search: true, doc: 'Notes of the exhibitor; may hold HTML.' })
  declare exhibitorNotes: string | null;

  @Attr.json({ doc: "Answers to the exhibit's questions." })
  declare responsesJson: unknown;

  @Attr.string({
    sql: via('event_badge_id', 'event_badge', 'full_name'),
    doc: 'The whole name of who wears the badge, as registered.',
  })
  declare eventBadgeFullName: string | null;
}

@Resolver(() => EventExhibitTracking)
export class EventExhibitTrackingResolver extends CrudResolver(EventExhibitTracking) {}
