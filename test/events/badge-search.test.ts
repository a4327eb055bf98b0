import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { seedMore } from '../support/fixture';

/*
 * A badge is found by who knows it or the name on it; a list of all who come is not for everybody.
 */

const app = useApp({ rows: 2 });
let event: string;
let badge: string;

beforeAll(async () => {
  event = (await seedMore(app.services, entityOf('event'), app.here, [{ typeCode: 'fair' }]))[0]!.id;
  const made = await seedMore(
    app.services,
    entityOf('event_badge'),
    app.here,
    [...Array(20).keys()].map((n) => ({
      eventId: event,
      givenName: 'Ottokar',
      familyName: `Quist ${n}`,
      fullName: null,
      name: null,
      fullNameOverride: null,
      affiliations: null,
      affiliationsOverride: null,
      email: 'ottokar@example.org',
      phone: '+47 22 33 44',
      personPasscode: 'passcode-of-it',
      enable: true,
      hide: false,
    })),
  );
  badge = made[0]!.id;
});

const list = (args: string, fields = 'totalCount nodes { id givenName email phone personPasscode }') =>
  `{ list: eventBadges(${args}) { ${fields} } }`;

const guests = (): [string, Caller][] => [
  ['a guest', app.guest()],
  ['a member', app.as('authenticated')],
];

test('one is read by its id, without e-mail address, telephone number and passcode', async () => {
  for (const [, guest] of guests()) {
    const { data } = await guest.call('GET', `/v3/crud/event_badge/${badge}`);
    expect(data).toMatchObject({
      given_name: 'Ottokar',
      email: 'o***@example.org',
      phone: '***44',
      person_passcode: null,
    });
  }
});

test('one is read below its event too, and found in no list without being named', async () => {
  for (const [, guest] of guests()) {
    const { data } = await guest.call('GET', `/v3/crud/event/${event}/event_badge/${badge}`);
    expect(data).toMatchObject({ id: badge, given_name: 'Ottokar', email: 'o***@example.org' });
    for (const filter of [
      `{ id: { ne: "${badge}" } }`,
      `{ id: { in: ["${badge}"] } }`,
      `{ or: [{ id: { eq: "${badge}" } }, { id: { ne: "${badge}" } }] }`,
      `{ not: { id: { eq: "${badge}" } } }`,
      '{ id: { eq: null } }',
      '{ id: {} }',
    ])
      expect((await guest.graphql(list(`filter: ${filter}`))).code).toBe('FORBIDDEN');
    const secret = `filter: { id: { eq: "${badge}" }, email: { contains: "ottokar" } }`;
    expect((await guest.graphql(list(secret))).code).toBe('FORBIDDEN');
  }
});

test('a search of three letters answers fifteen at most, and says that there are more', async () => {
  for (const [, guest] of guests()) {
    const answer = await guest.graphql(list('q: "ott", first: 100'));
    expect(answer.data.list.nodes).toHaveLength(15);
    expect(answer.data.list.totalCount).toBe(15);
    expect(answer.extensions?.warnings).toEqual([expect.stringContaining('15')]);
    expect(JSON.stringify(answer.data)).not.toMatch(/ottokar@|22 33|passcode-of-it/);
    for (const rest of [
      await guest.call('POST', '/v3/crud/event_badge/search?limit=999999', { q: 'ottokar quist' }),
      await guest.call('GET', '/v3/crud/event_badge/?q=ottokar&limit=100'),
      await guest.call('GET', `/v3/crud/event/${event}/badge/?q=ottokar`),
    ]) {
      expect(rest.data).toHaveLength(15);
      expect(rest.meta).toMatchObject({ count: 15, total: 15, warnings: [expect.stringContaining('15')] });
    }
    const one = await guest.ask(list('q: "ottokar", filter: { familyName: { eq: "Quist 3" } }'));
    expect(one.list.totalCount).toBe(1);
  }
});

test('fewer letters find nobody', async () => {
  for (const [, guest] of guests())
    for (const q of ['ot', 'o t t', '..o', 'o-t'])
      expect((await guest.graphql(list(`q: "${q}"`))).code).toBe('BAD_REQUEST');
});

test.each([
  ['a list', list('first: 5')],
  ['a filter', list('filter: { familyName: { startsWith: "Qui" } }')],
  ['words inside of a group', list('filter: { or: [{ q: "ottokar" }, { q: "quist" }] }')],
  ['a search of blanks', list('q: "   "')],
  ['a further page', list('q: "ottokar", offset: 15')],
  ['the last page', list('q: "ottokar", last: 15')],
  ['the count of a list', list('first: 0', 'totalCount')],
  ['what has changed since', list('updatedSince: "2020-01-01T00:00:00.000Z"')],
])('%s is for level public', async (_name, query) => {
  for (const [who, guest] of guests())
    expect({ who, code: (await guest.graphql(query)).code }).toEqual({ who, code: 'FORBIDDEN' });
});

test('the badges of an event, and a filter that looks at them, are for level public', async () => {
  for (const [who, guest] of guests())
    for (const query of [
      `{ event(id: "${event}") { badges(first: 5) { nodes { id } } } }`,
      `{ event(id: "${event}") { badges { totalCount } } }`,
      '{ events(filter: { badges: { some: { givenName: { eq: "Ottokar" } } } }) { totalCount } }',
      '{ events(filter: { badges: { none: { givenName: { eq: "Ottokar" } } } }) { totalCount } }',
      '{ changes(types: [event_badge]) { nodes { id } } }',
    ])
      expect({ who, query, code: (await guest.graphql(query)).code }).toEqual({
        who,
        query,
        code: 'FORBIDDEN',
      });
});

test('who follows the changes of all types hears of badges from level public on', async () => {
  const { changes } = await app.guest().ask('{ changes { endCursor } }');
  await app.staff().call('PATCH', `/v3/crud/event_badge/${badge}`, { location: 'Hall 3' });
  const since = `{ changes(since: "${changes.endCursor}") { nodes { type id } } }`;
  expect((await app.guest().ask(since)).changes.nodes).toEqual([]);
  expect((await app.as('public').ask(since)).changes.nodes).toEqual([{ type: 'event_badge', id: badge }]);
});

test('a code that several have finds fifteen of them, and no page after that', async () => {
  await app
    .root()
    .ask(
      `mutation { updateEventBadges(filter: { givenName: { eq: "Ottokar" } }, input: { code: "VIP" }) { count } }`,
    );
  const named = 'filter: { code: { eq: "VIP" } }';
  for (const [who, guest] of guests()) {
    expect((await guest.ask(list(`${named}, first: 100`))).list.nodes).toHaveLength(15);
    expect((await guest.ask(list(`${named}, first: 3`))).list.totalCount).toBe(15);
    expect((await guest.ask(list('q: "ottokar", first: 3'))).list.totalCount).toBe(15);
    expect((await guest.ask(list('q: "ottokar", first: 0'))).list.totalCount).toBe(15);
    for (const page of ['offset: 15', 'last: 3'])
      expect({ who, page, code: (await guest.graphql(list(`${named}, ${page}`))).code }).toEqual({
        ...{ who, page },
        code: 'FORBIDDEN',
      });
  }
  const all = await app.as('public').ask(list(`${named}, first: 100`));
  expect([all.list.totalCount, all.list.nodes.length]).toEqual([20, 20]);
});

test('level public lists them, masked; its searches have fifteen', async () => {
  const caller = app.as('public');
  const all = (await caller.ask(list(`first: 100, filter: { givenName: { eq: "Ottokar" } }`))).list;
  expect(all.totalCount).toBe(20);
  expect(new Set(all.nodes.map(({ email }: { email: string }) => email))).toEqual(
    new Set(['o***@example.org']),
  );
  expect((await caller.ask(list('q: "ottokar"'))).list.totalCount).toBe(15);
});

test('the staff finds all, by as few letters as it likes', async () => {
  const { data, meta } = await app.staff().call('GET', '/v3/crud/event_badge/?q=ot&limit=100');
  expect(data.length).toBeGreaterThanOrEqual(20);
  expect(meta.total).toBe(data.length);
});
