import { Resolver } from 'type-graphql';
import { Attr } from '../kernel/attributes';
import { CrudResolver } from '../kernel/crud-resolver';
import { Entity } from '../kernel/entity';
import { Lookup, lookup } from './lookup';

@Entity({ ...lookup, table: 'lu_time_zone', doc: 'A time zone, as IANA has it.' })
export class LuTimeZone extends Lookup {
  @Attr.string({ max: 100, search: true, doc: 'Name, such as `Europe/Zurich`.' })
  declare ianaName: string | null;

  @Attr.string({ max: 100, doc: 'How far its standard time is from UTC, such as `+01:00`.' })
  declare utcOffset: string | null;
}

@Resolver(() => LuTimeZone)
export class LuTimeZoneResolver extends CrudResolver(LuTimeZone) {}
