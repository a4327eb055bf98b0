import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'event_abstract',
  doc: 'A summary of what somebody would present, as it was handed in.',
  access: { read: 'trusted', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class EventAbstract extends TenantEntity {
  @Ref('event', { inverse: 'abstracts', onRemove: 'cascade', nullable: false, doc: 'Id of the event.' })
  declare eventId: number;

  @Attr.string({ max: 100, search: true, doc: 'Code of the abstract.' })
  declare code: string | null;

  @Attr.text({ search: true, doc: 'Title.' })
  declare title: string | null;

  @Attr.longtext({ doc: 'The summary itself.' })
  declare abstract: string | null;

  @Attr.json({ doc: 'Who wrote it: a list.' })
  declare authorsJson: unknown;

  @Attr.string({ max: 100, doc: 'State of the abstract, such as `submitted` or `accepted`.' })
  declare status: string | null;

  @Attr.string({ max: 100, doc: 'What kind of contribution it is for, such as `poster`.' })
  declare typeCode: string | null;
}

@Resolver(() => EventAbstract)
export class EventAbstractResolver extends CrudResolver(EventAbstract) {}
