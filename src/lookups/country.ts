import { Resolver } from 'type-graphql';
import { Attr } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity } from '../kernel/entity';
import { Lookup, lookup } from './lookup';

@Entity({ ...lookup, table: 'lu_country', plural: 'luCountries', doc: 'A country, as ISO 3166-1 has it.' })
export class LuCountry extends Lookup {
  @Attr.string({ max: 100, search: true, doc: 'Code of two letters, such as `CH`.' })
  declare alpha2: string | null;

  @Attr.string({ max: 100, search: true, doc: 'Code of three letters, such as `CHE`.' })
  declare alpha3: string | null;

  @Attr.string({ max: 100, doc: 'Code of three digits, such as `756`.' })
  declare numeric: string | null;
}

@Resolver(() => LuCountry)
export class LuCountryResolver extends CrudResolver(LuCountry) {}
