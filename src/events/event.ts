import { Resolver } from 'type-graphql';
import { withoutSecrets } from '../accounts/secrets';
import { Attr, Ref } from '../kernel/attributes';
import type { Context } from '../kernel/context';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';
import { forbidden } from '../kernel/errors';
import type { Input } from '../kernel/input';
import type { RemoveMethod } from '../kernel/input-types';
import { atLeast } from '../kernel/levels';
import type { UnitOfWork } from '../kernel/unit-of-work';
import type { Locked } from '../kernel/write';

/** What members make by themselves. */
const meeting = 'meeting';

@Entity({
  table: 'event',
  doc: 'A conference, meeting or other gathering.',
  access: {
    read: 'anonymous',
    // Members' meetings are private.
    hidden: { below: 'authenticated', what: 'meetings', where: (t) => `${t}.type_code = '${meeting}'` },
    own: 'externalPersonId',
    readAll: 'anonymous',
    writeAll: 'administrator',
    doc: 'own meetings',
    // Of meetings; see below.
    create: 'authenticated',
    update: 'authenticated',
    remove: 'administrator',
  },
})
export class Event extends TenantEntity {
  @Ref('account', {
    inverse: 'events',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that holds the event.',
  })
  declare accountId: number;

  @Attr.string({
    max: 100,
    doc: 'What kind of event it is, such as `conference` or `meeting`; meetings are for members.',
  })
  declare typeCode: string | null;

  @Attr.datetime({ doc: 'Start, UTC.' })
  declare startDatetime: Date | null;

  @Attr.datetime({ doc: 'End, UTC.' })
  declare endDatetime: Date | null;

  @Attr.string({ max: 100, doc: 'IANA time zone of the place, in which times are shown.' })
  declare timezone: string | null;

  @Attr.string({ max: 100, doc: 'State of the event, in words that the account chooses.' })
  declare status: string | null;

  @Attr.string({ search: true, doc: 'Name of the place.' })
  declare locationName: string | null;

  @Attr.json({ doc: 'Address of the place.' })
  declare locationAddressJson: unknown;

  @Attr.json({ read: 'authenticated', doc: 'How to attend: links, numbers and words.' })
  declare attendJson: unknown;

  @Attr.string({ max: 500, read: 'authenticated', doc: 'URL by which to attend.' })
  declare attendUrl: string | null;

  @Attr.json({ doc: 'Whom to ask: a list of contacts.' })
  declare contactLiJson: unknown;

  @Attr.text({
    write: 'server',
    search: true,
    textOf: 'contactLiJson',
    doc: 'Search text of the contacts, made by the server.',
  })
  declare contactLiJsonExt: string | null;

  @Attr.string({
    max: 100,
    index: true,
    once: true,
    doc: 'Id of the owner in the membership system; set once.',
  })
  declare externalPersonId: string | null;

  @Attr.string({ search: true, doc: 'Topic.' })
  declare topicName: string | null;

  @Attr.bool({ doc: 'True: one can be there in person.' })
  declare physical: boolean | null;

  @Attr.bool({ doc: 'True: one can attend from afar.' })
  declare virtual: boolean | null;

  @Attr.bool({ doc: 'True: takes place again and again.' })
  declare recurring: boolean | null;

  @Attr.string({ max: 100, doc: 'How it recurs, such as `weekly`.' })
  declare recurringPattern: string | null;

  @Attr.bool({ doc: 'Recurs on Sundays.' })
  declare weekdaySunday: boolean | null;

  @Attr.bool({ doc: 'Recurs on Mondays.' })
  declare weekdayMonday: boolean | null;

  @Attr.bool({ doc: 'Recurs on Tuesdays.' })
  declare weekdayTuesday: boolean | null;

  @Attr.bool({ doc: 'Recurs on Wednesdays.' })
  declare weekdayWednesday: boolean | null;

  @Attr.bool({ doc: 'Recurs on Thursdays.' })
  declare weekdayThursday: boolean | null;

  @Attr.bool({ doc: 'Recurs on Fridays.' })
  declare weekdayFriday: boolean | null;

  @Attr.bool({ doc: 'Recurs on Saturdays.' })
  declare weekdaySaturday: boolean | null;

  @Attr.string({
    max: 20,
    doc: 'Time of day at which each occurrence starts, in the time zone of the event.',
  })
  declare recurringStartTime: string | null;

  @Attr.string({ max: 20, doc: 'Time of day at which each occurrence ends, in the time zone of the event.' })
  declare recurringEndTime: string | null;

  @Attr.json({
    read: 'manager',
    mask: withoutSecrets,
    doc: 'Settings of presentation management; less than a manager reads them without their secrets.',
  })
  declare modPresMgmtJson: unknown;

  @Attr.json({
    read: 'manager',
    mask: withoutSecrets,
    doc: 'Settings of the badges; less than a manager reads them without their secrets.',
  })
  declare modBadgesJson: unknown;

  @Attr.json({
    read: 'manager',
    mask: withoutSecrets,
    doc: 'Settings of the exhibits; less than a manager reads them without their secrets.',
  })
  declare modExhibitsJson: unknown;

  @Attr.json({
    read: 'manager',
    mask: withoutSecrets,
    doc: 'Settings of the launcher; less than a manager reads them without their secrets.',
  })
  declare modLauncherJson: unknown;
}

@Resolver(() => Event)
export class EventResolver extends CrudResolver(Event) {
  override insertOne(unit: UnitOfWork, input: Input): Promise<string> {
    mayWriteEvent(unit.ctx, input.typeCode);
    return super.insertOne(unit, input);
  }

  override changeOne(unit: UnitOfWork, before: Locked, input: Input): Promise<void> {
    mayWriteEvent(unit.ctx, before.typeCode, input.typeCode);
    return super.changeOne(unit, before, input);
  }

  override removeOne(unit: UnitOfWork, row: Locked, method: RemoveMethod): Promise<void> {
    mayWriteEvent(unit.ctx, row.typeCode);
    return super.removeOne(unit, row, method);
  }
}

/** @throws FORBIDDEN when the event is no meeting, or becomes none, and its writer is no administrator. */
function mayWriteEvent({ viewer }: Context, ...typeCodes: unknown[]): void {
  if (atLeast(viewer.level, 'administrator')) return;
  if (typeCodes.some((code) => code !== undefined && code !== meeting) || typeCodes[0] === undefined)
    throw forbidden(
      `To write events other than meetings needs level administrator; you are ${viewer.level}.`,
    );
}
