import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { eventSeeds } from '../seeders/event';
import { textDocument } from '../seeders/documents';
import { conferenceBlocks } from '../seeders/programme';
import { seed } from '../seeders/rows';
import { seedShow } from '../seeders/show';
import { readConfig } from '../src/config';
import { allEntities } from '../src/kernel/entity';
import { openServices } from '../src/services';
import type { Targets } from './cases';
import type { LargeList } from './large';

export interface Data {
  key: string;
  targets: Targets[];
  /** The longest lists that there are. */
  wholeLists: LargeList[];
  rows: number;
}

const show = 'BenchAcct-show';

/** 120 sessions an account: a list of 100 is a page of more. */
const accounts = 10;
const eventsPerAccount = 6;

/**
 * Fills an empty database: conferences of 20 sessions, 60 presentations and 90 presenters in several accounts, and a show beside
 * them so that no table is small. Answers the key that opens it, and what to ask for.
 */
export async function seedData(env: NodeJS.ProcessEnv, factor: number): Promise<Data> {
  const services = await openServices(readConfig(env), pino({ level: 'warn' }));
  const key = `bench-${randomBytes(6).toString('hex')}`;
  try {
    let rows = await seed(services, [
      { type: 'api_key', id: 'BenchKey-001', values: { name: 'Bench', publicKey: key, level: 'trusted' } },
      ...numbers(accounts).map((n) => ({
        type: 'account',
        id: accountId(n),
        values: { name: `Bench ${n}` },
      })),
    ]);
    const targets: Targets[] = [];
    for (const n of numbers(accounts)) {
      const events = numbers(eventsPerAccount).map((m) => `BenchEvent-${n}-${m}`);
      for (const [index, event] of events.entries())
        rows += await seed(
          services,
          conference(accountId(n), event, 1000 * (n * eventsPerAccount + index + 1)),
        );
      targets.push({ account: accountId(n), events });
    }
    const { event, made } = await seedShow(services, { factor, account: show });
    rows += made;
    // The database plans by what it counted when the tables were empty, until it counts again by itself.
    for (const { table } of allEntities()) await services.database.select(`ANALYZE TABLE \`${table}\``);
    const headers = { 'x-aether-api-key': key, 'x-account-id': show };
    const wholeLists = [
      '/v3/crud/event_file/?limit=999999',
      '/v3/crud/event_badge/?limit=999999',
      `/v3/crud/event/${event}/event_file/?limit=999999`,
      '/v3/crud/event_file/?limit=999999&view=detail',
    ].map((path) => ({ path, headers }));
    return { key, targets, wholeLists, rows };
  } finally {
    await services.close();
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const accountId = (n: number): string => `BenchAcct-${String(n).padStart(3, '0')}`;

const document = textDocument('bench.txt', 'The rows of the bench are read, its bytes are not.\n');

const conference = (account: string, id: string, first: number) =>
  eventSeeds({
    account,
    id,
    first,
    values: {
      code: 'BC',
      name: `Conference ${id}`,
      description: 'Two days on care that reaches everyone.',
      typeCode: 'conference',
      startDatetime: '2026-05-07 07:00:00.000',
      endDatetime: '2026-05-08 15:30:00.000',
      timezone: 'Europe/Zurich',
      locationName: 'Palais de Beaulieu',
      locationAddressJson: { city: 'Lausanne', country_code: 'CH' },
      contactLiJson: [{ name: 'Grace Hopper', email: 'grace@example.org' }],
      physical: true,
      modPresMgmtJson: { file_purposes: ['slides', 'handout'], upload_passcode: 'bring-slides' },
      modBadgesJson: { search_minimum: 3 },
    },
    days: ['2026-05-07', '2026-05-08'],
    rooms: ['Hall A', 'Room B', 'Room C'].map((name) => ({
      name,
      capacity: 100,
      building: 'Main',
      floor: '0',
    })),
    tracks: [],
    blocks: conferenceBlocks,
    badges: 20,
    exhibits: [],
    documents: {
      programme: document,
      slides: document,
      handout: document,
      floorPlan: document,
      checklist: document,
    },
  });
