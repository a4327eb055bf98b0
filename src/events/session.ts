import { Resolver } from 'type-graphql';
import { Attr, countOf, gathered, Ref, via } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';
import { countOfFiles } from './file-count';

@Entity({
  table: 'event_session',
  doc: "One slot of an event's programme: a talk block, a workshop, a break.",
  access: { read: 'anonymous', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class EventSession extends TenantEntity {
  @Ref('event', { inverse: 'sessions', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Ref('event_location', { inverse: 'sessions', doc: 'Id of the room.' })
  declare eventLocationId: number | null;

  @Ref('event_track', { inverse: 'sessions', doc: 'Id of the track.' })
  declare eventTrackId: number | null;

  @Attr.string({ max: 100, search: true, doc: 'Code of the session in the programme.' })
  declare code: string | null;

  @Attr.string({ search: true, doc: 'Title as printed in the programme.' })
  declare name: string | null;

  @Attr.string({ max: 100, doc: 'What kind of session it is.' })
  declare typeCode: string | null;

  @Attr.datetime({ doc: 'Start, UTC.' })
  declare startDatetime: Date | null;

  @Attr.datetime({ doc: 'End, UTC.' })
  declare endDatetime: Date | null;

  @Attr.string({ max: 100, doc: 'IANA time zone, where it is not that of the event.' })
  declare timezone: string | null;

  @Attr.text({ doc: 'Message to those who present or attend.' })
  declare message: string | null;

  @Attr.bool({ doc: 'True: clients show the alert.' })
  declare alert: boolean | null;

  @Attr.text({ doc: 'Text of the alert.' })
  declare alertMsg: string | null;

  @Ref('person', { doc: 'Id of the person to ask about the session.' })
  declare pocPersonId: number | null;

  @Ref('event_person', { doc: 'Id of the same, as somebody of the event.' })
  declare pocEventPersonId: number | null;

  @Attr.bool({ doc: 'Has the person to ask agreed to the terms?' })
  declare pocAgree: boolean | null;

  @Attr.datetime({ doc: 'When that person agreed.' })
  declare agreeOn: Date | null;

  @Attr.string({ max: 100, read: 'trusted', doc: 'Passcode that opens the session to those who prepare it.' })
  declare passcode: string | null;

  @Attr.string({ max: 100, doc: 'State of the recording.' })
  declare recordStatus: string | null;

  @Attr.bool({ doc: 'True: the launcher in the room leaves the session out.' })
  declare hideEventLauncher: boolean | null;

  @Attr.string({ sql: via('event_location_id', 'event_location', 'name'), doc: 'Name of the room.' })
  declare eventLocationName: string | null;

  @Attr.string({ sql: via('event_track_id', 'event_track', 'name'), doc: 'Name of the track.' })
  declare eventTrackName: string | null;

  @Attr.text({
    search: true,
    ...gathered('event_presentation', 'event_session_id', 'name'),
    doc: 'Names of the presentations, to search in.',
  })
  declare eventPresentationLiQryStr: string | null;

  @Attr.text({
    search: true,
    ...gathered('event_presenter', 'event_session_id', 'full_name', 'name', 'given_name family_name'),
    doc: 'Names of the presenters, to search in.',
  })
  declare eventPresenterLiQryStr: string | null;

  @Attr.int({
    nullable: false,
    sql: countOfFiles((c, t) => `${c}.for_type = 'event_session' AND ${c}.for_id = ${t}.id`),
    doc: 'How many files the session itself has, but for those of internal use.',
  })
  declare fileCount: number;

  @Attr.int({
    nullable: false,
    sql: countOfFiles((c, t) => `${c}.event_session_id = ${t}.id`),
    doc: 'How many files there are with the session, its presentations and their presenters, but for those of internal use.',
  })
  declare fileCountAll: number;

  @Attr.int({
    nullable: false,
    sql: countOf('event_presentation', (c, t) => `${c}.event_session_id = ${t}.id`),
    doc: 'How many presentations the session has.',
  })
  declare presentationCount: number;
}

@Resolver(() => EventSession)
export class EventSessionResolver extends CrudResolver(EventSession) {}
