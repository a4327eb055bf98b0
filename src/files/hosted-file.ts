import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'hosted_file',
  doc: 'A stored file: what is known of its bytes. Equal bytes are kept once, however many objects have them.',
  access: { read: 'authenticated', create: 'trusted', update: 'trusted', remove: 'administrator' },
  // Bytes may go when no row of any account has their hash.
  indexes: [
    { columns: ['hash_sha256', 'account_id'] },
    { columns: ['account_id', 'default_qry_str'], words: true },
  ],
})
export class HostedFile extends TenantEntity {
  @Ref('account', {
    inverse: 'hostedFiles',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that owns the file.',
  })
  declare accountId: number;

  @Attr.hash({
    length: 64,
    column: 'hash_sha256',
    nullable: false,
    doc: 'SHA-256 of the bytes: 64 lower-case hex digits.',
  })
  declare hashSha256: string;

  @Attr.string({ search: true, doc: 'Name of the file as it was uploaded.' })
  declare filename: string | null;

  @Attr.string({ max: 100, doc: 'Ending of the name, without a dot.' })
  declare extension: string | null;

  @Attr.bigint({ doc: 'Length in bytes.' })
  declare size: number | null;

  @Attr.string({ doc: 'Media type, such as `application/pdf`.' })
  declare contentType: string | null;

  @Attr.string({ search: true, doc: 'Title for people.' })
  declare title: string | null;

  @Attr.string({ max: 500, doc: 'Folder of the file in an old store; new files have none.' })
  declare subdirectoryPath: string | null;

  @Ref('person', { doc: 'Id of the person who uploaded the file.' })
  declare uploadedByPersonId: number | null;
}

@Resolver(() => HostedFile)
export class HostedFileResolver extends CrudResolver(HostedFile) {}
