import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'organization',
  doc: 'A company, society, school or other body that people belong to.',
  access: { read: 'authenticated', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class Organization extends TenantEntity {
  @Ref('account', {
    inverse: 'organizations',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that knows the organization.',
  })
  declare accountId: number;

  @Attr.string({ search: true, doc: 'Name by law, where it is another than the usual one.' })
  declare legalName: string | null;

  @Attr.string({ max: 100, doc: 'What kind of organization it is.' })
  declare typeCode: string | null;

  @Ref('contact', { doc: 'Id of the contact by which it is reached.' })
  declare contactId: number | null;

  @Ref('address', { doc: 'Id of its postal address.' })
  declare addressId: number | null;

  @Attr.string({ max: 500, doc: 'URL of its web site.' })
  declare websiteUrl: string | null;

  @Ref('hosted_file', { doc: 'Id of the stored file with its logo.' })
  declare logoHostedFileId: number | null;
}

@Resolver(() => Organization)
export class OrganizationResolver extends CrudResolver(Organization) {}
