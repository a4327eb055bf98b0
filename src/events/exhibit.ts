import { Resolver } from 'type-graphql';
import { withoutSecrets } from '../accounts/secrets';
import { Attr, Ref, type Json } from '../kernel/attributes';
import type { Context } from '../kernel/context';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';
import { atLeast } from '../kernel/levels';

@Entity({
  table: 'event_exhibit',
  doc: 'A stand at the exhibition of an event, and how its staff collect leads.',
  access: {
    read: 'anonymous',
    own: 'id',
    readAll: 'anonymous',
    writeAll: 'trusted',
    ownEdits: {
      defaults: ['description', 'customQuestionsJson'],
      grantable: ['name', 'dataJson'],
      settings: { through: 'eventId', attribute: 'modExhibitsJson', key: 'edit_permissions' },
    },
    create: 'trusted',
    // Of its staff, who need not have signed in.
    update: 'anonymous',
    remove: 'administrator',
  },
})
export class EventExhibit extends TenantEntity {
  @Ref('event', { inverse: 'exhibits', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Ref('organization', { inverse: 'eventExhibits', doc: 'Id of the organization that exhibits.' })
  declare organizationId: number | null;

  @Ref('event_location', { doc: 'Id of the room or hall.' })
  declare eventLocationId: number | null;

  @Attr.string({ max: 100, search: true, doc: 'Number of the stand.' })
  declare booth: string | null;

  @Attr.bool({ doc: 'True: the exhibitor may fetch the leads with a program.' })
  declare leadsApiAccess: boolean | null;

  @Attr.int({ doc: 'How many people may collect leads at once.' })
  declare licenseMax: number | null;

  @Attr.json({
    read: 'manager',
    // A visitor sees nothing of who works at a stand.
    mask: (licenses: Json, { viewer }: Context) =>
      atLeast(viewer.level, 'trusted') ? withoutSecrets(licenses) : null,
    doc: 'Who collects leads: a list; less than a manager reads it without its passcodes, a visitor not at all.',
  })
  declare licenseLiJson: unknown;

  @Attr.string({
    max: 100,
    read: 'manager',
    opens: true,
    doc: 'Passcode by which the staff of the stand come in.',
  })
  declare staffPasscode: string | null;

  @Attr.json({ doc: 'What the staff ask of each lead: a list of questions.' })
  declare customQuestionsJson: unknown;
}

@Resolver(() => EventExhibit)
export class EventExhibitResolver extends CrudResolver(EventExhibit) {}
