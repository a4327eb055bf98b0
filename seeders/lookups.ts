import { demoId, row } from './plan';
import type { Seed } from './rows';

const countries = [
  { name: 'Canada', alpha2: 'CA', alpha3: 'CAN', numeric: '124' },
  { name: 'Germany', alpha2: 'DE', alpha3: 'DEU', numeric: '276' },
  { name: 'Japan', alpha2: 'JP', alpha3: 'JPN', numeric: '392' },
  { name: 'Switzerland', alpha2: 'CH', alpha3: 'CHE', numeric: '756' },
  { name: 'United States of America', alpha2: 'US', alpha3: 'USA', numeric: '840' },
];

const subdivisions = [
  { name: 'Nova Scotia', countryCode: 'CA', code: 'CA-NS', type: 'Province' },
  { name: 'Vaud', countryCode: 'CH', code: 'CH-VD', type: 'Canton' },
  { name: 'Zürich', countryCode: 'CH', code: 'CH-ZH', type: 'Canton' },
];

const timeZones = [
  { name: 'Halifax', ianaName: 'America/Halifax', utcOffset: '-04:00' },
  { name: 'Tokyo', ianaName: 'Asia/Tokyo', utcOffset: '+09:00' },
  { name: 'UTC', ianaName: 'UTC', utcOffset: '+00:00' },
  { name: 'Zurich', ianaName: 'Europe/Zurich', utcOffset: '+01:00' },
];

/** A few choices of each list, for every account. */
export const lookupSeeds: Seed[] = [
  ...countries.map((country, index) =>
    row('lu_country', demoId('Country', index + 1), {
      ...country,
      code: country.alpha2,
      group: country.alpha2,
    }),
  ),
  ...subdivisions.map((subdivision, index) =>
    row('lu_country_subdivision', demoId('Subdivision', index + 1), {
      ...subdivision,
      group: subdivision.code,
    }),
  ),
  ...timeZones.map((zone, index) =>
    row('lu_time_zone', demoId('Zone', index + 1), { ...zone, code: zone.ianaName, group: zone.ianaName }),
  ),
];
