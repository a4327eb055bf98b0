import { entityOf } from '../../src/kernel/entity';
import { behindProxy, elsewhere } from '../auth/support';
import { keyOf, useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { seedMore } from '../support/fixture';
import type { Values } from '../support/factory';

/*
 * The staff of a stand come in by its passcode: to its leads, and to the badges that they scan.
 */

const app = useApp({ rows: 2, ...behindProxy });
const leads = '/v3/crud/event_exhibit_tracking';

const make = async (type: string, values: Values) =>
  (await seedMore(app.services, entityOf(type), app.here, [{ enable: true, hide: false, ...values }]))[0]!.id;

let event: string;
let exhibit: string;
let other: string;
let badge: string;
let theirs: string;
let staff: Caller;

beforeAll(async () => {
  event = await make('event', { typeCode: 'fair', modExhibitsJson: null });
  exhibit = await make('event_exhibit', {
    eventId: event,
    staffPasscode: 'stand-1234',
    leadsApiAccess: false,
    licenseMax: 3,
  });
  other = await make('event_exhibit', { eventId: event, staffPasscode: 'stand-5678' });
  badge = await make('event_badge', {
    eventId: event,
    code: 'QR-77',
    allowTracking: true,
    email: 'a@example.org',
  });
  theirs = await make('event_exhibit_tracking', {
    eventExhibitId: other,
    eventBadgeId: badge,
    eventId: event,
  });
  const visitor = elsewhere(app.nobody().with({ 'x-aether-api-key': keyOf('anonymous') }));
  const { in: answer } = await visitor.ask(
    `mutation { in: signInAsHolder(type: event_exhibit, id: "${exhibit}", passcode: "stand-1234") { jwt } }`,
  );
  staff = visitor.with({ authorization: `Bearer ${answer.jwt}` });
});

test('they scan a badge, by its id or its code, and make a lead of it', async () => {
  expect((await staff.call('GET', `/v3/crud/event_badge/${badge}`)).data.email).toBe('a***@example.org');
  const found = await staff.call('POST', '/v3/crud/event_badge/search', {
    and: [{ field: 'code', op: 'eq', value: 'QR-77' }],
  });
  expect(found.data.map(({ id }: Values) => id)).toEqual([badge]);
  const { data } = await staff.call('POST', `${leads}/`, {
    event_badge_id: badge,
    event_exhibit_id: exhibit,
  });
  expect(data).toMatchObject({ event_exhibit_id: exhibit, event_id: event });
  const changed = await staff.call('PATCH', `${leads}/${data.id}`, {
    exhibitor_notes: 'Wants a quote.',
    responses_json: { budget: 'high' },
  });
  expect(changed.data).toMatchObject({
    exhibitor_notes: 'Wants a quote.',
    responses_json: { budget: 'high' },
  });
  expect((await staff.call('DELETE', `${leads}/${data.id}?method=disable`)).data.enable).toBe(false);
  expect((await staff.rest('DELETE', `${leads}/${data.id}?method=delete`)).status).toBe(403);
});

test('a lead is of their exhibit when it does not say so', async () => {
  const another = await make('event_badge', { eventId: event });
  const { createEventExhibitTracking: made } = await staff.ask(
    `mutation { createEventExhibitTracking(input: { eventExhibitId: "${exhibit}", eventBadgeId: "${another}" }) { eventExhibitTracking { eventExhibitId } } }`,
  );
  expect(made.eventExhibitTracking.eventExhibitId).toBe(exhibit);
});

test('they see the leads of their own exhibit alone, and change no others', async () => {
  const { data, meta } = await staff.call('GET', `${leads}/?enabled=all&hidden=all`);
  expect(new Set(data.map(({ event_exhibit_id: id }: Values) => id))).toEqual(new Set([exhibit]));
  expect(meta.total).toBe(data.length);
  const asked = await staff.ask(
    `{ eventExhibits(filter: { id: { in: ["${exhibit}", "${other}"] } }) { nodes { id leads(enabled: ALL, hidden: ALL) { totalCount } } } }`,
  );
  for (const { id, leads: found } of asked.eventExhibits.nodes)
    expect(found.totalCount).toBe(id === exhibit ? data.length : 0);
  expect((await staff.rest('GET', `${leads}/${theirs}`)).status).toBe(403);
  const mine = data[0].id as string;
  for (const refused of [
    await staff.rest('PATCH', `${leads}/${theirs}`, { exhibitor_notes: 'x' }),
    await staff.rest('DELETE', `${leads}/${theirs}`),
    await staff.rest('POST', `${leads}/`, { event_exhibit_id: other, event_badge_id: badge }),
    await staff.rest('PATCH', `${leads}/${mine}`, { event_exhibit_id: other }),
    await staff.rest('PATCH', `${leads}/${mine}`, { event_exhibit_id: other, event_badge_id: badge }),
  ])
    expect(refused.status).toBe(403);
});

test('they hear of deleted leads of their own exhibit alone', async () => {
  const changes = (since?: string) =>
    staff.ask(
      'query ($since: String) { changes(since: $since, types: [event_exhibit_tracking]) { endCursor nodes { action id } } }',
      { since },
    );
  const leadOf = async (eventExhibitId: string) =>
    make('event_exhibit_tracking', {
      eventExhibitId,
      eventBadgeId: await make('event_badge', { eventId: event }),
      eventId: event,
    });
  const [mine, strange] = [await leadOf(exhibit), await leadOf(other)];
  const { endCursor } = (await changes()).changes;
  for (const id of [mine, strange]) await app.manager().call('DELETE', `${leads}/${id}?method=delete`);
  expect((await changes(endCursor)).changes.nodes).toEqual([{ action: 'REMOVED', id: mine }]);
});

test('they change of their exhibit what the event allows, and nothing of others', async () => {
  const path = `/v3/crud/event_exhibit/${exhibit}`;
  await staff.call('PATCH', path, { description: 'Tea at four.', custom_questions_json: ['Budget?'] });
  for (const body of [
    { license_max: 99 },
    { staff_passcode: 'mine' },
    { leads_api_access: true },
    { name: 'X' },
  ])
    expect({ body, status: (await staff.rest('PATCH', path, body)).status }).toEqual({ body, status: 403 });
  expect((await staff.rest('PATCH', `/v3/crud/event_exhibit/${other}`, { description: 'x' })).status).toBe(
    403,
  );
  expect((await staff.call('GET', path)).data).toMatchObject({ staff_passcode: null, license_li_json: null });
});

test('they list no badges, and nobody else comes to the leads', async () => {
  expect((await staff.rest('GET', '/v3/crud/event_badge/')).status).toBe(403);
  for (const type of ['event_person', 'event_device', 'person', 'post', 'hosted_file'])
    expect((await staff.rest('GET', `/v3/crud/${type}/`)).status).toBe(403);
  for (const caller of [app.guest(), app.as('authenticated'), app.as('public')])
    for (const answer of [
      await caller.rest('GET', `${leads}/`),
      await caller.rest('GET', `${leads}/${theirs}`),
      await caller.rest('POST', `${leads}/`, { event_exhibit_id: exhibit, event_badge_id: badge }),
    ])
      expect(answer.status).toBe(403);
  const wearer = elsewhere(app.nobody().with({ 'x-aether-api-key': keyOf('anonymous') }));
  const own = await make('event_badge', { eventId: event, personPasscode: 'badge-1234' });
  const { in: holder } = await wearer.ask(
    `mutation { in: signInAsHolder(type: event_badge, id: "${own}", passcode: "badge-1234") { jwt } }`,
  );
  const signedIn = wearer.with({ authorization: `Bearer ${holder.jwt}` });
  expect((await signedIn.rest('GET', `${leads}/`)).status).toBe(403);
});
