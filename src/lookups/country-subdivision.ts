import { Resolver } from 'type-graphql';
import { Attr } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity } from '../kernel/entity';
import { Lookup, lookup } from './lookup';

@Entity({
  ...lookup,
  table: 'lu_country_subdivision',
  doc: 'A state, province, canton or other part of a country, as ISO 3166-2 has it.',
})
export class LuCountrySubdivision extends Lookup {
  @Attr.string({ max: 100, doc: 'Code of the country, of two letters, such as `CH`.' })
  declare countryCode: string | null;

  @Attr.string({ max: 100, search: true, doc: 'Code with that of the country, such as `CH-VD`.' })
  declare code: string | null;

  @Attr.string({ max: 100, doc: 'What such parts are called there, such as `Canton`.' })
  declare type: string | null;
}

@Resolver(() => LuCountrySubdivision)
export class LuCountrySubdivisionResolver extends CrudResolver(LuCountrySubdivision) {}
