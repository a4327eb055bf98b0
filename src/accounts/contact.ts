import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'contact',
  doc: 'How somebody or something is reached: telephone numbers, mail, web and networks.',
  access: {
    read: 'authenticated',
    own: 'personId',
    readAll: 'trusted',
    create: 'trusted',
    update: 'trusted',
    remove: 'administrator',
  },
})
export class Contact extends TenantEntity {
  @Ref('account', {
    inverse: 'contacts',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that keeps the contact.',
  })
  declare accountId: number;

  @Attr.anyType({ nullable: true, doc: 'Type of what is reached, such as `organization`.' })
  declare forType: string | null;

  @Attr.anyId({
    typeAttribute: 'forType',
    nullable: true,
    inverse: 'contacts',
    inverseOn: ['organization'],
    onRemove: 'cascade',
    doc: 'Id of what is reached.',
  })
  declare forId: number | null;

  @Ref('person', { inverse: 'contacts', doc: 'Id of the person who is reached; that person may read it.' })
  declare personId: number | null;

  @Ref('address', { doc: 'Id of the postal address.' })
  declare addressId: number | null;

  @Attr.string({ search: true, doc: 'E-mail address.' })
  declare email: string | null;

  @Attr.string({ max: 100, doc: 'Number of the mobile telephone.' })
  declare phoneMobile: string | null;

  @Attr.string({ max: 100, doc: 'Telephone number at work.' })
  declare phoneOffice: string | null;

  @Attr.string({ max: 500, doc: 'URL of the web site.' })
  declare websiteUrl: string | null;

  @Attr.json({ doc: 'Addresses in social networks.' })
  declare socialJson: unknown;
}

@Resolver(() => Contact)
export class ContactResolver extends CrudResolver(Contact) {}
