import { Resolver } from 'type-graphql';
import { Attr, Ref } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity, TenantEntity } from '../kernel/entity';

@Entity({
  table: 'address',
  plural: 'addresses',
  doc: 'A postal address.',
  access: { read: 'trusted', create: 'trusted', update: 'trusted', remove: 'administrator' },
})
export class Address extends TenantEntity {
  @Ref('account', {
    inverse: 'addresses',
    write: 'server',
    onRemove: 'restrict',
    nullable: false,
    doc: 'Id of the account that keeps the address.',
  })
  declare accountId: number;

  @Attr.anyType({ nullable: true, doc: 'Type of what is at the address, such as `organization`.' })
  declare forType: string | null;

  @Attr.anyId({
    typeAttribute: 'forType',
    nullable: true,
    inverse: 'addresses',
    inverseOn: ['person', 'organization'],
    onRemove: 'cascade',
    doc: 'Id of what is at the address.',
  })
  declare forId: number | null;

  @Attr.string({ search: true, doc: 'First line: street and number.' })
  declare line1: string | null;

  @Attr.string({ doc: 'Second line.' })
  declare line2: string | null;

  @Attr.string({ doc: 'Third line.' })
  declare line3: string | null;

  @Attr.string({ search: true, doc: 'City.' })
  declare city: string | null;

  @Attr.string({ max: 100, doc: 'ISO 3166-2 code of the state or province, such as `CH-VD`.' })
  declare countrySubdivisionCode: string | null;

  @Attr.string({ doc: 'State or province, in words.' })
  declare stateProvince: string | null;

  @Attr.string({ max: 100, search: true, doc: 'Postal code.' })
  declare postalCode: string | null;

  @Attr.string({ max: 100, doc: 'ISO 3166-1 code of the country, such as `CH`.' })
  declare countryCode: string | null;

  @Attr.float({ doc: 'Degrees north of the equator.' })
  declare latitude: number | null;

  @Attr.float({ doc: 'Degrees east of Greenwich.' })
  declare longitude: number | null;

  @Attr.string({ max: 100, doc: 'IANA time zone of the place.' })
  declare timezone: string | null;
}

@Resolver(() => Address)
export class AddressResolver extends CrudResolver(Address) {}
