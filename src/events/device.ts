import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_device',
  doc: 'A machine that works at an event, such as the launcher at the podium of a room.',
  access: {
    read: 'trusted',
    // A launcher knows its own id, and finds its account by it.
    withoutAccount: true,
    create: 'trusted',
    update: 'trusted',
    remove: 'administrator',
  },
})
export class EventDevice extends TenantEntity {
  @Ref('event', { inverse: 'devices', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Ref('event_location', { inverse: 'devices', doc: 'Id of the room that it stands in.' })
  declare eventLocationId: number | null;

  @Attr.string({ max: 100, doc: 'What kind of device it is.' })
  declare typeCode: string | null;

  @Attr.string({ max: 100, doc: 'How its program runs: `default`, `onsite` or `native`.' })
  declare appMode: string | null;

  @Attr.string({ search: true, doc: 'Name of the device in its network.' })
  declare hostName: string | null;

  @Attr.string({ max: 100, doc: 'Its network address.' })
  declare ipAddress: string | null;

  @Attr.string({ max: 100, doc: 'Hardware address of its network card.' })
  declare macAddress: string | null;

  @Attr.string({ max: 500, doc: 'Folder on the device in which it keeps files.' })
  declare localFileCachePath: string | null;

  @Attr.string({ max: 500, doc: 'Folder on the device in which it makes what it opens.' })
  declare hostFileTempPath: string | null;

  @Attr.int({ doc: 'How many digits of the hash stand in the names of its files.' })
  declare hashPrefixLength: number | null;

  @Attr.datetime({ doc: 'When it was last heard of, UTC.' })
  declare heartbeat: Date | null;

  @Attr.string({ max: 100, doc: 'How it fares, in a word.' })
  declare status: string | null;

  @Attr.text({ doc: 'How it fares, in a sentence.' })
  declare statusMsg: string | null;

  @Attr.string({ max: 100, doc: 'State of the recording.' })
  declare recordStatus: string | null;

  @Attr.json({ doc: 'What it measures of itself.' })
  declare telemetryJson: unknown;

  @Attr.string({ max: 100, read: 'manager', doc: 'Passcode that opens its settings.' })
  declare passcode: string | null;
}

@Resolver(() => EventDevice)
export class EventDeviceResolver extends CrudResolver(EventDevice) {}
