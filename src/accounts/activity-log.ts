import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'activity_log',
  doc: 'Something that was done, by whom and to what. Written by the server; nobody changes or removes it.',
  access: { read: 'administrator', create: 'never', update: 'never', remove: 'never' },
})
export class ActivityLog extends TenantEntity {
  @Ref('account', {
    inverse: 'activityLogs',
    write: 'server',
    onRemove: 'cascade',
    nullable: false,
    doc: 'Id of the account in which it was done.',
  })
  declare accountId: number;

  @Ref('person', { doc: 'Id of the person who did it.' })
  declare personId: number | null;

  @Ref('user', { doc: 'Id of the user by which that person had signed in.' })
  declare userId: number | null;

  @Ref('api_key', { doc: 'Id of the key of the program by which it was done.' })
  declare apiKeyId: number | null;

  @Attr.string({
    max: 100,
    index: true,
    search: true,
    doc: 'What was done: created, updated or removed; signed_in; refused; crossed, which is what super does in another account than its own.',
  })
  declare action: string | null;

  @Attr.string({ max: 100, doc: 'Type of the object that it was done to, such as `event_session`.' })
  declare objectType: string | null;

  // No reference: the log tells of objects that are gone.
  @Attr.string({ max: 22, exact: true, index: true, doc: 'Id of the object that it was done to.' })
  declare objectId: string | null;

  @Attr.string({ max: 100, doc: 'Network address that the call came from.' })
  declare ipAddress: string | null;

  @Attr.string({ max: 500, doc: 'How the program named itself.' })
  declare userAgent: string | null;

  @Attr.json({ doc: 'More about it.' })
  declare detailJson: unknown;
}

@Resolver(() => ActivityLog)
export class ActivityLogResolver extends CrudResolver(ActivityLog) {}
