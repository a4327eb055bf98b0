import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'archive_content',
  doc: 'One part of an archive: a file, a text, or media elsewhere.',
  access: { read: 'authenticated', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class ArchiveContent extends TenantEntity {
  @Ref('archive', { inverse: 'contents', onRemove: 'cascade', nullable: false, doc: 'Id of the archive.' })
  declare archiveId: number;

  @Ref('hosted_file', { onRemove: 'restrict', doc: 'Id of the stored file.' })
  declare hostedFileId: number | null;

  @Attr.longtext({ doc: 'What it says, as plain text or Markdown.' })
  declare content: string | null;

  @Attr.longtext({ doc: 'What it says, as HTML.' })
  declare contentHtml: string | null;

  @Attr.string({ max: 500, doc: 'URL of media that are elsewhere.' })
  declare mediaUrl: string | null;

  @Attr.float({ doc: 'How long it plays, in seconds.' })
  declare durationS: number | null;
}

@Resolver(() => ArchiveContent)
export class ArchiveContentResolver extends CrudResolver(ArchiveContent) {}
