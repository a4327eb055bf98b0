import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'archive',
  doc: 'Something that is kept for the members, such as the recording of a talk.',
  access: { read: 'authenticated', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class Archive extends TenantEntity {
  @Ref('account', {
    inverse: 'archives',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that keeps it.',
  })
  declare accountId: number;

  @Attr.string({ search: true, doc: 'Topic.' })
  declare topicName: string | null;

  @Attr.datetime({ doc: 'When it took place, UTC.' })
  declare originalDatetime: Date | null;

  @Attr.string({ search: true, doc: 'Where it took place.' })
  declare originalLocation: string | null;

  @Attr.string({ max: 100, doc: 'What kind of content it has, such as `video`.' })
  declare contentType: string | null;
}

@Resolver(() => Archive)
export class ArchiveResolver extends CrudResolver(Archive) {}
