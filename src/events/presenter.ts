import { Resolver } from 'type-graphql';
import { Attr, Ref, via } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';
import { countOfFiles } from './file-count';

@Entity({
  table: 'event_presenter',
  doc: 'Somebody who presents a presentation, as the programme tells it.',
  access: {
    read: 'anonymous',
    own: 'personId',
    readAll: 'anonymous',
    writeAll: 'trusted',
    ownEdits: {
      defaults: ['professionalTitle', 'affiliations', 'biography', 'agree', 'agreeOn', 'comments'],
      grantable: ['givenName', 'familyName', 'fullName', 'email'],
      settings: { through: 'eventId', attribute: 'modPresMgmtJson', key: 'edit_permissions' },
    },
    create: 'trusted',
    // Of who presents, who need not have signed in.
    update: 'anonymous',
    remove: 'administrator',
  },
})
export class EventPresenter extends TenantEntity {
  @Ref('event_presentation', {
    inverse: 'presenters',
    onRemove: 'cascade',
    nullable: false,
    doc: 'Id of the presentation.',
  })
  declare eventPresentationId: number;

  @Ref('event_session', {
    inverse: 'presenters',
    through: 'eventPresentationId',
    doc: 'Id of the session; that of the presentation.',
  })
  declare eventSessionId: number | null;

  @Ref('event', {
    inverse: 'presenters',
    onRemove: 'cascade',
    nullable: false,
    through: 'eventPresentationId',
    doc: 'Id of the event; that of the presentation.',
  })
  declare eventId: number;

  @Ref('event_person', { inverse: 'presenters', doc: 'Id of who presents, as somebody of the event.' })
  declare eventPersonId: number | null;

  @Ref('person', { doc: 'Id of the person who presents.' })
  declare personId: number | null;

  @Attr.string({ search: true, doc: 'Given name.' })
  declare givenName: string | null;

  @Attr.string({ search: true, doc: 'Family name.' })
  declare familyName: string | null;

  @Attr.string({ search: true, doc: 'The whole name, as printed in the programme.' })
  declare fullName: string | null;

  @Attr.string({ doc: 'Professional title.' })
  declare professionalTitle: string | null;

  @Attr.text({ search: true, doc: 'Where the presenter works or belongs.' })
  declare affiliations: string | null;

  @Attr.string({ read: 'authenticated', doc: 'E-mail address.' })
  declare email: string | null;

  @Attr.text({ doc: 'Biography.' })
  declare biography: string | null;

  @Attr.bool({ doc: 'Has the presenter agreed to the terms?' })
  declare agree: boolean | null;

  @Attr.datetime({ doc: 'When the presenter agreed.' })
  declare agreeOn: Date | null;

  @Attr.text({ read: 'trusted', doc: 'What the presenter tells the staff.' })
  declare comments: string | null;

  @Attr.string({ max: 100, read: 'trusted', opens: true, doc: 'Passcode by which the presenter comes in.' })
  declare passcode: string | null;

  // Rows of the old server may hold the e-mail address in it.
  @Attr.text({
    read: 'authenticated',
    write: 'server',
    doc: 'The text that `q` searches, kept by the server.',
  })
  declare defaultQryStr: string | null;

  @Attr.int({
    nullable: false,
    sql: countOfFiles((c, t) => `${c}.for_type = 'event_presenter' AND ${c}.for_id = ${t}.id`),
    doc: 'How many files the presenter has for this presentation, but for those of internal use.',
  })
  declare fileCount: number;

  @Attr.string({
    sql: via('event_presentation_id', 'event_presentation', 'name'),
    doc: 'Name of the presentation.',
  })
  declare eventPresentationName: string | null;

  @Attr.string({ sql: via('event_session_id', 'event_session', 'name'), doc: 'Name of the session.' })
  declare eventSessionName: string | null;
}

@Resolver(() => EventPresenter)
export class EventPresenterResolver extends CrudResolver(EventPresenter) {}
