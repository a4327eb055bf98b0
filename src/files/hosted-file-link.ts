import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { BaseEntity, Entity } from '../kernel/entity';

@Entity({
  table: 'hosted_file_link',
  doc: 'Says that an object uses a stored file.',
  access: { read: 'trusted', create: 'trusted', update: 'trusted', remove: 'trusted' },
  indexes: [{ columns: ['hosted_file_id', 'link_to_type', 'link_to_id'], unique: true }],
})
export class HostedFileLink extends BaseEntity {
  @Ref('account', {
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that owns this link.',
  })
  declare accountId: number;

  @Ref('hosted_file', { inverse: 'links', onRemove: 'cascade', nullable: false, doc: 'Id of the file.' })
  declare hostedFileId: number;

  @Attr.anyType({ doc: 'Type of the object that uses the file, such as `event_session`.' })
  declare linkToType: string;

  @Attr.anyId({
    typeAttribute: 'linkToType',
    onRemove: 'cascade',
    doc: 'Id of the object that uses the file.',
  })
  declare linkToId: number;
}

@Resolver(() => HostedFileLink)
export class HostedFileLinkResolver extends CrudResolver(HostedFileLink) {}
