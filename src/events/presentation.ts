import { Resolver } from 'type-graphql';
import { Attr, Ref, via } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';
import { countOfFiles } from './file-count';

@Entity({
  table: 'event_presentation',
  doc: 'One talk, poster or other contribution in a session.',
  access: { read: 'anonymous', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class EventPresentation extends TenantEntity {
  @Ref('event_session', {
    inverse: 'presentations',
    onRemove: 'cascade',
    nullable: false,
    doc: 'Id of the session.',
  })
  declare eventSessionId: number;

  @Ref('event', {
    inverse: 'presentations',
    onRemove: 'cascade',
    nullable: false,
    through: 'eventSessionId',
    doc: 'Id of the event; that of the session.',
  })
  declare eventId: number;

  @Ref('event_abstract', {
    inverse: 'presentations',
    doc: 'Id of the abstract that the presentation is about.',
  })
  declare eventAbstractId: number | null;

  @Attr.string({ max: 100, search: true, doc: 'Code of the presentation in the programme.' })
  declare code: string | null;

  @Attr.string({ max: 100, doc: 'What kind of presentation it is.' })
  declare typeCode: string | null;

  @Attr.datetime({ doc: 'Start, UTC.' })
  declare startDatetime: Date | null;

  @Attr.datetime({ doc: 'End, UTC.' })
  declare endDatetime: Date | null;

  @Attr.string({ max: 100, search: true, doc: 'Code of the abstract that the presentation is about.' })
  declare abstractCode: string | null;

  @Attr.bool({ doc: 'True: the launcher in the room leaves the presentation out.' })
  declare hideEventLauncher: boolean | null;

  @Attr.int({
    nullable: false,
    sql: countOfFiles((c, t) => `${c}.for_type = 'event_presentation' AND ${c}.for_id = ${t}.id`),
    doc: 'How many files the presentation itself has, but for those of internal use.',
  })
  declare fileCount: number;

  @Attr.string({ sql: via('event_session_id', 'event_session', 'name'), doc: 'Name of the session.' })
  declare eventSessionName: string | null;
}

@Resolver(() => EventPresentation)
export class EventPresentationResolver extends CrudResolver(EventPresentation) {}
