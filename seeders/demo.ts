import type { Services } from '../src/kernel/context';
import { accountSeeds, organizationSeeds, type AccountPlan } from './account';
import { pdfDocument, store, textDocument } from './documents';
import { eventSeeds } from './event';
import { lookupSeeds } from './lookups';
import { demoId, type EventPlan } from './plan';
import { conferenceBlocks, trainingBlocks } from './programme';
import { seed, type Seed } from './rows';

/** What the demo tells people to try; every id and key of it is fixed. */
export const demo = {
  account: 'DemoAcct-001',
  otherAccount: 'DemoAcct-002',
  event: 'DemoEvent-01',
  otherEvent: 'DemoEvent-02',
  meeting: 'DemoEvent-03',
  trustedKey: 'demo-trusted-key',
  guestKey: 'demo-guest-key01',
  adminKey: 'demo-admin-key01',
  boundKey: 'demo-bound-key01',
  otherBoundKey: 'demo-bound-key02',
  site: 'DemoSite-001',
  lockedSite: 'DemoSite-002',
  lockedSiteKey: 'open-sesame',
  passcodes: { trusted: 'trusted-demo', administrator: 'administrator-demo', manager: 'manager-demo' },
  noviKey: 'demo-novi-key',
  /** A member whom the fake Novi knows. */
  noviMember: '11111111-1111-4111-8111-111111111111',
} as const;

/** Keys that everyone knows: a server in production must have none of them. */
export const demoKeys: readonly string[] = [
  demo.trustedKey,
  demo.guestKey,
  demo.adminKey,
  demo.boundKey,
  demo.otherBoundKey,
];

/** Two customers with a little of everything, and keys to them. Safe to run twice; rows that someone changed stay so. */
export async function seedDemo(services: Services): Promise<void> {
  // Bytes before rows: a file that is listed can be fetched.
  await store(services, Object.values(documents));
  await seed(services, [
    ...accounts,
    ...keys,
    ...people,
    ...sites,
    ...organizationSeeds(lakeside),
    ...organizationSeeds(harbour),
    ...eventSeeds(conference),
    ...eventSeeds(training),
    ...meetings,
    ...journals,
    ...lookupSeeds,
    ...stored,
    ...accountSeeds(lakeside),
    ...accountSeeds(harbour),
  ]);
}

/* ---- accounts, keys, people ---- */

const seedsOf = (type: string, rows: Record<string, Seed['values']>): Seed[] =>
  Object.entries(rows).map(([id, values]) => ({ type, id, values }));

const { account, otherAccount } = demo;
const timezone = 'Europe/Zurich';

const accounts = seedsOf('account', {
  [account]: {
    name: 'Lakeside Congresses',
    shortName: 'Lakeside',
    code: 'lakeside',
    timezone,
    planCode: 'show',
  },
  [otherAccount]: {
    name: 'Harbour Training',
    shortName: 'Harbour',
    code: 'harbour',
    timezone: 'America/Halifax',
  },
});

const keys = seedsOf('api_key', {
  'DemoKey-0001': { name: 'Demo, trusted', publicKey: demo.trustedKey, level: 'trusted' },
  'DemoKey-0002': { name: 'Demo, guest', publicKey: demo.guestKey, level: 'anonymous' },
  'DemoKey-0003': {
    name: 'Demo, administrator',
    publicKey: demo.adminKey,
    level: 'administrator',
    administrative: true,
  },
  'DemoKey-0004': {
    name: 'Lakeside launcher',
    publicKey: demo.boundKey,
    level: 'trusted',
    accountId: account,
  },
  'DemoKey-0005': {
    name: 'Harbour launcher',
    publicKey: demo.otherBoundKey,
    level: 'trusted',
    accountId: otherAccount,
  },
});

const lakeside: AccountPlan = {
  account,
  first: 1,
  person: {
    id: 'DemoPerson-001',
    externalPersonId: demo.noviMember,
    fullName: 'Grace H.',
    email: 'grace@example.org',
  },
  site: demo.site,
  event: demo.event,
  timezone,
  countryCode: 'CH',
  city: 'Lausanne',
  currency: 'CHF',
  organizations: ['Northwind Instruments', 'Cardio Publishing', 'Lake Hospital Group'],
};

const harbour: AccountPlan = {
  account: otherAccount,
  first: 201,
  person: {
    id: 'DemoPerson-002',
    externalPersonId: '33333333-3333-4333-8333-333333333333',
    fullName: 'Ada L.',
    email: 'ada@example.org',
  },
  site: 'DemoSite-003',
  event: demo.otherEvent,
  timezone: 'America/Halifax',
  countryCode: 'CA',
  city: 'Halifax',
  currency: 'CAD',
  organizations: ['Safe Hoists'],
};

/** For every account. */
const stored = seedsOf('data_store', {
  'DemoStore-000': { name: 'Terms', code: 'terms', type: 'text', text: 'Be kind, and say what you mean.' },
});

const people = [
  ...seedsOf('person', {
    'DemoPerson-001': {
      accountId: account,
      ...{ givenName: 'Grace', familyName: 'Hopper', fullName: 'Grace Hopper', name: 'Grace Hopper' },
      ...{ email: 'grace@example.org', affiliations: 'Lakeside Congresses', timezone },
      externalPersonId: demo.noviMember,
    },
    'DemoPerson-002': {
      accountId: otherAccount,
      ...{ givenName: 'Ada', familyName: 'Lovelace', fullName: 'Ada Lovelace', name: 'Ada Lovelace' },
      ...{ email: 'ada@example.org', affiliations: 'Harbour Training' },
      externalPersonId: harbour.person.externalPersonId,
    },
  }),
  ...seedsOf('user', {
    'DemoUser-001': {
      accountId: account,
      personId: 'DemoPerson-001',
      username: 'grace',
      name: 'Grace Hopper',
      email: 'grace@example.org',
      trusted: true,
      allowAuthKey: true,
      validEmail: true,
    },
    'DemoUser-002': {
      accountId: otherAccount,
      personId: 'DemoPerson-002',
      username: 'ada',
      name: 'Ada Lovelace',
      email: 'ada@example.org',
      administrator: true,
      allowAuthKey: true,
      validEmail: true,
    },
  }),
];

const sites = [
  ...seedsOf('site', {
    [demo.site]: {
      accountId: account,
      name: 'Lakeside',
      title: 'Lakeside Congresses',
      defaultTimezone: timezone,
      accessCodeKvJson: demo.passcodes,
      cfgJson: { lookup_policy: 'own' },
      themeJson: { primary: '#0b5394' },
    },
    [demo.lockedSite]: {
      accountId: account,
      name: 'Lakeside, for members',
      title: 'Members',
      accessKey: demo.lockedSiteKey,
      defaultTimezone: timezone,
    },
    'DemoSite-003': { accountId: otherAccount, name: 'Harbour', title: 'Harbour Training' },
  }),
  ...seedsOf('site_domain', {
    'DemoDomain-001': { accountId: account, siteId: demo.site, fqdn: 'demo.localhost' },
    'DemoDomain-002': { accountId: account, siteId: demo.lockedSite, fqdn: 'locked.localhost' },
    'DemoDomain-003': { accountId: otherAccount, siteId: 'DemoSite-003', fqdn: 'harbour.localhost' },
  }),
];

/* ---- events ---- */

const documents: EventPlan['documents'] = {
  programme: pdfDocument('programme.pdf', ['Lakeside Congress', '7 and 8 May 2026, Lausanne']),
  slides: pdfDocument('slides.pdf', ['A talk in one slide', 'Thank you. Questions?']),
  handout: textDocument(
    'handout.txt',
    'Handout\n\n1. What we knew\n2. What we found\n3. What to do on Monday\n',
  ),
  floorPlan: textDocument(
    'floor-plan.txt',
    'Hall A is on the ground floor; rooms B and C are up the stairs.\n',
  ),
  checklist: textDocument('checklist.txt', 'Microphones, clicker, water, timer, name plates.\n'),
};

const conference: EventPlan = {
  account,
  id: demo.event,
  first: 1,
  days: ['2026-05-07', '2026-05-08'],
  values: {
    code: 'LC26',
    name: 'Lakeside Congress 2026',
    description: 'Two days on care that reaches everyone.',
    typeCode: 'conference',
    topicName: 'Care without borders',
    startDatetime: '2026-05-07 07:00:00.000',
    endDatetime: '2026-05-08 15:30:00.000',
    timezone,
    status: 'published',
    locationName: 'Palais de Beaulieu',
    locationAddressJson: { city: 'Lausanne', country_code: 'CH' },
    contactLiJson: [{ name: 'Grace Hopper', email: 'grace@example.org' }],
    physical: true,
    virtual: false,
    modPresMgmtJson: { file_purposes: ['slides', 'handout'], upload_passcode: 'bring-slides' },
    modBadgesJson: { search_minimum: 3, allow_self_print: true },
    modLauncherJson: { idle_seconds: 60 },
  },
  rooms: [
    { name: 'Hall A', capacity: 600, building: 'Main', floor: '0' },
    { name: 'Room B', capacity: 120, building: 'Main', floor: '1' },
    { name: 'Room C', capacity: 80, building: 'Main', floor: '1' },
  ],
  tracks: [
    { name: 'Clinic', color: '#0b5394' },
    { name: 'Research', color: '#38761d' },
  ],
  blocks: conferenceBlocks,
  badges: 60,
  exhibits: lakeside.organizations.map((name, index) => ({
    name,
    booth: `A${index + 1}`,
    organizationId: demoId('Organization', lakeside.first + index),
  })),
  documents,
};

const training: EventPlan = {
  account: otherAccount,
  id: demo.otherEvent,
  first: 201,
  days: ['2026-06-15'],
  values: {
    code: 'HT26',
    name: 'Harbour training day',
    typeCode: 'training',
    startDatetime: '2026-06-15 07:00:00.000',
    endDatetime: '2026-06-15 10:00:00.000',
    timezone: 'America/Halifax',
    status: 'published',
    locationName: 'Pier 21',
    physical: true,
  },
  rooms: [{ name: 'Quay room', capacity: 24, building: 'Pier', floor: '2' }],
  tracks: [{ name: 'Practice', color: '#0b5394' }],
  blocks: trainingBlocks,
  badges: 4,
  exhibits: [{ name: 'Safe Hoists', booth: '1', organizationId: demoId('Organization', harbour.first) }],
  documents,
};

const meetings = seedsOf('event', {
  [demo.meeting]: {
    accountId: account,
    name: 'Tuesday evening group',
    typeCode: 'meeting',
    topicName: 'Daily practice',
    timezone,
    recurring: true,
    recurringPattern: 'weekly',
    weekdayTuesday: true,
    recurringStartTime: '19:30',
    recurringEndTime: '21:00',
    virtual: true,
    physical: false,
    attendUrl: 'https://example.org/join/tuesday',
    attendJson: { how: 'Open the link; a camera is not needed.' },
    contactLiJson: [{ name: 'Grace H.', email: 'grace@example.org' }],
    externalPersonId: demo.noviMember,
  },
});

/* ---- journals ---- */

const entry = (of: string, journalId: string, entryDatetime: string, name: string, content: string) => ({
  ...{ accountId: of, journalId, entryDatetime, name, content, summary: name, private: true },
});

const journals = [
  ...seedsOf('journal', {
    'DemoJournal-001': {
      accountId: account,
      personId: 'DemoPerson-001',
      name: 'Notes of the congress',
      typeCode: 'notebook',
      private: true,
    },
    'DemoJournal-002': {
      accountId: otherAccount,
      personId: 'DemoPerson-002',
      name: 'Training diary',
      typeCode: 'diary',
      private: true,
    },
  }),
  ...seedsOf('journal_entry', {
    'DemoEntry-001': entry(
      account,
      'DemoJournal-001',
      '2026-05-06 18:00:00.000',
      'The evening before',
      'The hall is ready; the *clicker* is not.',
    ),
    'DemoEntry-002': entry(
      account,
      'DemoJournal-001',
      '2026-05-07 16:00:00.000',
      'First day',
      'Six hundred chairs, and some stood.',
    ),
    'DemoEntry-003': entry(
      account,
      'DemoJournal-001',
      '2026-05-08 16:00:00.000',
      'Second day',
      'Next year in Osaka.',
    ),
    'DemoEntry-004': entry(
      otherAccount,
      'DemoJournal-002',
      '2026-06-15 11:00:00.000',
      'Hoists',
      'Ask for a second one.',
    ),
  }),
];
