import { Resolver } from 'type-graphql';
import { Attr, Ref, via } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_file',
  doc: 'A file of an event, a session, a presentation, a presenter or a room; or a link to one elsewhere.',
  access: {
    read: 'anonymous',
    hidden: { below: 'administrator', what: 'those for internal use', where: (t) => `${t}.internal_use = 1` },
    create: 'trusted',
    update: 'trusted',
    remove: 'administrator',
  },
  indexes: [{ columns: ['account_id', 'default_qry_str'], words: true }],
})
export class EventFile extends TenantEntity {
  @Attr.anyType({
    doc: 'Type of what the file belongs to: event, event_session, event_presentation, event_presenter or event_location.',
  })
  declare forType: string;

  @Attr.anyId({
    typeAttribute: 'forType',
    types: ['event', 'event_session', 'event_presentation', 'event_presenter', 'event_location'],
    inverse: 'files',
    // The files of an event are all those below it.
    inverseOn: ['event_session', 'event_presentation', 'event_presenter', 'event_location'],
    onRemove: 'cascade',
    also: {
      event: 'eventId',
      event_session: 'eventSessionId',
      event_presentation: 'eventPresentationId',
      event_presenter: 'eventPresenterId',
      event_location: 'eventLocationId',
    },
    doc: 'Id of what the file belongs to.',
  })
  declare forId: number;

  @Ref('event', {
    inverse: 'files',
    onRemove: 'cascade',
    nullable: false,
    through: 'forId',
    doc: 'Id of the event, whatever of it the file belongs to.',
  })
  declare eventId: number;

  @Ref('event_session', {
    through: 'forId',
    doc: 'Id of the session, when the file belongs to it or below it.',
  })
  declare eventSessionId: number | null;

  @Ref('event_presentation', {
    through: 'forId',
    doc: 'Id of the presentation, when the file belongs to it or below it.',
  })
  declare eventPresentationId: number | null;

  @Ref('event_presenter', { through: 'forId', doc: 'Id of the presenter, when the file belongs to one.' })
  declare eventPresenterId: number | null;

  // Not through a session: sessions move to other rooms.
  @Ref('event_location', { doc: 'Id of the room, when the file belongs to one.' })
  declare eventLocationId: number | null;

  @Ref('hosted_file', {
    onRemove: 'restrict',
    doc: 'Id of the stored file; none when `filename` is a URL.',
  })
  declare hostedFileId: number | null;

  @Attr.string({ max: 500, search: true, doc: 'Name of the file, or the http(s) URL where it is.' })
  declare filename: string | null;

  @Attr.string({ max: 100, doc: 'Ending of the name, without a dot.' })
  declare extension: string | null;

  @Attr.string({ search: true, doc: 'Title for people.' })
  declare title: string | null;

  @Attr.string({ max: 100, doc: 'What the file is for, such as slides, handout or picture.' })
  declare filePurpose: string | null;

  @Attr.string({ max: 100, doc: 'Operating system that the launcher opens it in.' })
  declare openInOs: string | null;

  @Attr.string({ max: 100, doc: 'BCP 47 code of its language, such as `en` or `pt-BR`.' })
  declare languageCode: string | null;

  @Attr.bool({ write: 'administrator', doc: 'True: only administrators see it.' })
  declare internalUse: boolean | null;

  @Attr.hash({
    length: 64,
    column: 'hosted_file_hash_sha256',
    sql: via('hosted_file_id', 'hosted_file', 'hash_sha256'),
    doc: 'SHA-256 of the bytes: 64 lower-case hex digits.',
  })
  declare hostedFileHashSha256: string | null;

  @Attr.bigint({ sql: via('hosted_file_id', 'hosted_file', 'size'), doc: 'Length in bytes.' })
  declare hostedFileSize: number | null;

  @Attr.string({
    sql: via('hosted_file_id', 'hosted_file', 'content_type'),
    doc: 'Media type, such as `application/pdf`.',
  })
  declare hostedFileContentType: string | null;

  @Attr.string({ sql: via('event_session_id', 'event_session', 'name'), doc: 'Name of the session.' })
  declare eventSessionName: string | null;

  @Attr.string({
    sql: via('event_presentation_id', 'event_presentation', 'name'),
    doc: 'Name of the presentation.',
  })
  declare eventPresentationName: string | null;

  @Attr.string({
    sql: via('event_presenter_id', 'event_presenter', 'given_name'),
    doc: 'Given name of the presenter.',
  })
  declare eventPresenterGivenName: string | null;

  @Attr.string({
    sql: via('event_presenter_id', 'event_presenter', 'family_name'),
    doc: 'Family name of the presenter.',
  })
  declare eventPresenterFamilyName: string | null;

  @Attr.string({ sql: via('event_location_id', 'event_location', 'name'), doc: 'Name of the room.' })
  declare eventLocationName: string | null;
}

@Resolver(() => EventFile)
export class EventFileResolver extends CrudResolver(EventFile) {}
