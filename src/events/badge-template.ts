import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_badge_template',
  doc: 'How the badges of an event are printed.',
  access: { read: 'anonymous', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class EventBadgeTemplate extends TenantEntity {
  @Ref('event', { inverse: 'badgeTemplates', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Attr.string({ max: 500, doc: 'Path or URL of the logo.' })
  declare logoPath: string | null;

  @Attr.string({ doc: 'Name of the logo file.' })
  declare logoFilename: string | null;

  @Attr.string({ max: 500, doc: 'Path or URL of the picture at the top.' })
  declare headerPath: string | null;

  @Attr.string({ max: 500, doc: 'Path or URL of the second picture at the top.' })
  declare secondaryHeaderPath: string | null;

  @Attr.string({ max: 500, doc: 'Path or URL of the picture at the bottom.' })
  declare footerPath: string | null;

  @Attr.string({ max: 500, doc: 'First line at the top.' })
  declare headerRow1: string | null;

  @Attr.string({ max: 500, doc: 'Second line at the top.' })
  declare headerRow2: string | null;

  @Attr.string({ max: 500, doc: 'Title at the bottom.' })
  declare footerTitle: string | null;

  @Attr.string({ max: 500, doc: 'Text at the bottom on the left.' })
  declare footerLeft: string | null;

  @Attr.string({ max: 500, doc: 'Text at the bottom on the right.' })
  declare footerRight: string | null;

  @Attr.string({ max: 100, doc: 'Name of the layout.' })
  declare layout: string | null;

  @Attr.bool({ doc: 'True: printed on both sides.' })
  declare duplex: boolean | null;

  @Attr.string({ max: 500, doc: 'URL of a style sheet.' })
  declare styleHref: string | null;

  @Attr.text({ doc: 'Types of badges, as JSON text: a list of objects with `code` and `name`.' })
  declare badgeTypeList: string | null;

  @Attr.bool({ doc: 'True: shows a QR code.' })
  declare showQr: boolean | null;
}

@Resolver(() => EventBadgeTemplate)
export class EventBadgeTemplateResolver extends CrudResolver(EventBadgeTemplate) {}
