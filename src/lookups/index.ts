import { LuCountryResolver } from './country';
import { LuCountrySubdivisionResolver } from './country-subdivision';
import { LuTimeZoneResolver } from './time-zone';

export const lookupResolvers = [LuCountryResolver, LuCountrySubdivisionResolver, LuTimeZoneResolver] as const;
