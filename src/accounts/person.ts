import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'person',
  doc: 'A human being that the account knows: member, attendee, presenter or staff.',
  access: {
    read: 'authenticated',
    own: 'id',
    readAll: 'trusted',
    create: 'trusted',
    update: 'trusted',
    remove: 'administrator',
  },
  indexes: [{ columns: ['account_id', 'default_qry_str'], words: true }],
})
export class Person extends TenantEntity {
  @Ref('account', {
    inverse: 'persons',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that knows the person.',
  })
  declare accountId: number;

  @Ref('user', { doc: 'Id of the user by which the person signs in.' })
  declare userId: number | null;

  @Ref('contact', { doc: 'Id of the contact by which the person is reached.' })
  declare contactId: number | null;

  @Ref('organization', { inverse: 'persons', doc: 'Id of the organization that the person belongs to.' })
  declare organizationId: number | null;

  @Attr.string({ search: true, doc: 'Given name.' })
  declare givenName: string | null;

  @Attr.string({ search: true, doc: 'Middle name or initial.' })
  declare middleName: string | null;

  @Attr.string({ search: true, doc: 'Family name.' })
  declare familyName: string | null;

  @Attr.string({ search: true, doc: 'The whole name, as the person writes it.' })
  declare fullName: string | null;

  @Attr.string({ max: 100, doc: 'What stands before the name, such as `Dr`.' })
  declare prefix: string | null;

  @Attr.string({ max: 100, doc: 'What stands after the name, such as `MD`.' })
  declare suffix: string | null;

  @Attr.string({ max: 100, doc: 'Pronouns, such as `she/her`.' })
  declare pronouns: string | null;

  @Attr.string({ doc: 'Professional title.' })
  declare professionalTitle: string | null;

  @Attr.text({ search: true, doc: 'Where the person works or belongs.' })
  declare affiliations: string | null;

  @Attr.string({ search: true, doc: 'E-mail address.' })
  declare email: string | null;

  @Attr.string({ max: 100, doc: 'Telephone number.' })
  declare phone: string | null;

  @Attr.text({ doc: 'Biography.' })
  declare biography: string | null;

  @Attr.string({ max: 100, index: true, doc: 'Id of the person in the membership system.' })
  declare externalPersonId: string | null;

  @Attr.string({ max: 100, doc: 'IANA time zone that the person lives in.' })
  declare timezone: string | null;

  @Attr.bool({ doc: 'Has the person agreed to the terms?' })
  declare agree: boolean | null;

  @Attr.datetime({ doc: 'When the person agreed.' })
  declare agreeOn: Date | null;
}

@Resolver(() => Person)
export class PersonResolver extends CrudResolver(Person) {}
