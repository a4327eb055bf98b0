import { entityOf } from '../../src/kernel/entity';
import { behindProxy, claimsOf, elsewhere } from '../auth/support';
import { keyOf, useApp } from '../support/app';
import { unknownId, type Caller } from '../support/callers';
import { seedMore } from '../support/fixture';
import type { Values } from '../support/factory';

const app = useApp({ rows: 2, ...behindProxy });
const visitor = () => elsewhere(app.nobody().with({ 'x-aether-api-key': keyOf('anonymous') }));

const make = async (type: string, values: Values, tenant = app.here) =>
  (await seedMore(app.services, entityOf(type), tenant, [{ enable: true, hide: false, ...values }]))[0]!.id;

const signIn = (type: string) =>
  `mutation ($id: ID!, $passcode: String!) { in: signInAsHolder(type: ${type}, id: $id, passcode: $passcode) { jwt level } }`;

/** Who has entered the passcode of this object. */
async function holderOf(type: string, id: string, passcode: string): Promise<Caller> {
  const caller = visitor();
  const { in: answer } = await caller.ask(signIn(type), { id, passcode });
  return caller.with({ authorization: `Bearer ${answer.jwt}` });
}

let event: string;
const settings = (modBadgesJson: unknown, modPresMgmtJson: unknown = null) =>
  app.root().call('PATCH', `/v3/crud/event/${event}`, {
    mod_badges_json: modBadgesJson,
    mod_pres_mgmt_json: modPresMgmtJson,
  });

beforeAll(async () => {
  event = await make('event', { typeCode: 'conference', modBadgesJson: null, modPresMgmtJson: null });
});

describe('a badge', () => {
  let badge: string;
  let path: string;
  let holder: Caller;
  beforeEach(async () => {
    await settings(null);
    badge = await make('event_badge', {
      eventId: event,
      personId: null,
      eventBadgeTemplateId: null,
      printCount: 3,
      personPasscode: 'badge-1234',
    });
    path = `/v3/crud/event_badge/${badge}`;
    holder = await holderOf('event_badge', badge, 'badge-1234');
  });

  test('is opened by its passcode, for a guest who has no account yet', async () => {
    const { jwt, level } = (await visitor().ask(signIn('event_badge'), { id: badge, passcode: 'badge-1234' }))
      .in;
    expect(level).toBe('anonymous');
    expect(claimsOf(jwt)).toMatchObject({ account_id: app.here.account, person_id: null, user_id: null });
    expect(await holder.ask('{ viewer { level account { id } } }')).toEqual({
      viewer: { level: 'anonymous', account: { id: app.here.account } },
    });
  });

  test('is opened by no other passcode, nor one that is not there, disabled, or has none', async () => {
    const without = await make('event_badge', { eventId: event, personPasscode: null });
    const empty = await make('event_badge', { eventId: event, personPasscode: '' });
    const off = await make('event_badge', { eventId: event, personPasscode: 'badge-1234', enable: false });
    const presenter = await make('event_presenter', {
      eventPresentationId: app.here.rows.event_presentation![0]!.id,
      passcode: 'badge-1234',
    });
    for (const [id, passcode] of [
      [badge, 'badge-1235'],
      [badge, 'BADGE-1234'],
      [badge, ''],
      [without, ''],
      [without, 'null'],
      [empty, ''],
      [off, 'badge-1234'],
      [presenter, 'badge-1234'],
      [unknownId(), 'badge-1234'],
      ["1' OR '1", 'badge-1234'],
    ]) {
      const answer = await visitor().graphql(signIn('event_badge'), { id, passcode });
      expect({ id, passcode, code: answer.code, message: answer.errors?.[0]?.message }).toEqual({
        id,
        passcode,
        code: 'FORBIDDEN',
        message: 'The passcode is not right.',
      });
    }
    const elsewhereBound = visitor().with({ 'x-account-id': app.there.account });
    expect(
      (await elsewhereBound.graphql(signIn('event_badge'), { id: badge, passcode: 'badge-1234' })).code,
    ).toBe('FORBIDDEN');
  });

  test('ten wrong passcodes lock it for their address, and for no other', async () => {
    const guesser = visitor();
    for (let i = 0; i < 10; i += 1)
      await guesser.graphql(signIn('event_badge'), { id: badge, passcode: `guess ${i}` });
    const locked = await guesser.graphql(signIn('event_badge'), { id: badge, passcode: 'badge-1234' });
    expect(locked.code).toBe('RATE_LIMITED');
    await holderOf('event_badge', badge, 'badge-1234');
  });

  test('its holder changes what goes onto it, and nothing else', async () => {
    const { data } = await holder.call('PATCH', path, {
      full_name_override: 'Grace <b>Hopper</b>',
      allow_tracking: false,
    });
    expect(data).toMatchObject({ full_name_override: 'Grace <b>Hopper</b>', allow_tracking: false });
    const below = `/v3/crud/event/${event}/event_badge/${badge}`;
    const again = await holder.call('PATCH', below, { pronouns_override: 'she/her' });
    expect(again.data.pronouns_override).toBe('she/her');
    const before = await app.rowOf('event_badge', badge);
    for (const body of [
      { given_name: 'Somebody' },
      { email: 'else@example.org' },
      { email_override: 'else@example.org' },
      { badge_type_code: 'vip' },
      { print_count: 0 },
      { enable: false },
      { hide: true },
      { person_passcode: 'mine' },
      { person_id: app.here.rows.person![0]!.id },
      { event_badge_template_id: app.here.rows.event_badge_template![0]!.id },
      { cfg_json: { a: 1 } },
      { full_name_override: 'Me', badge_type_code: 'vip' },
    ]) {
      const answer = await holder.rest('PATCH', path, body);
      expect({ body, status: answer.status }).toEqual({ body, status: 403 });
    }
    for (const method of ['hide', 'disable', 'delete'])
      expect((await holder.rest('DELETE', `${path}?method=${method}`)).status).toBe(403);
    expect(await app.rowOf('event_badge', badge)).toEqual(before);
  });

  test('its holder may send back all that was read', async () => {
    const { data } = await holder.call('GET', path);
    const answer = await holder.call('PATCH', path, { ...data, pronouns_override: 'she/her' });
    expect(answer.data).toMatchObject({
      ...data,
      pronouns_override: 'she/her',
      display_pronouns: 'she/her',
      updated_on: expect.any(String),
    });
  });

  test('settings of the event add fields, take some away, or say which alone', async () => {
    await settings({
      edit_permissions: { email_override: true, full_name_override: false, print_count: true },
    });
    await holder.call('PATCH', path, { email_override: 'new@example.org', location_override: 'Oslo' });
    for (const body of [{ full_name_override: 'Me' }, { print_count: 7 }])
      expect((await holder.rest('PATCH', path, body)).status).toBe(403);
    await settings({ edit_permissions: ['phone_override', 'badge_type'] });
    await holder.call('PATCH', path, { phone_override: '+47 22' });
    for (const body of [{ location_override: 'Bergen' }, { badge_type: 'Speaker' }])
      expect((await holder.rest('PATCH', path, body)).status).toBe(403);
    await settings({ edit_permissions: [] });
    expect((await holder.rest('PATCH', path, { phone_override: '+47 23' })).status).toBe(403);
    await settings({ edit_permissions: 'all' });
    await holder.call('PATCH', path, { location_override: 'Bergen' });
  });

  test('its holder changes no other badge, and sees no more than a guest does', async () => {
    const other = await make('event_badge', { eventId: event, personPasscode: 'other-1234' });
    const body = { full_name_override: 'Not mine' };
    expect((await holder.rest('PATCH', `/v3/crud/event_badge/${other}`, body)).status).toBe(403);
    expect(
      (
        await holder.graphql(
          `mutation { createEventBadge(input: { eventId: "${event}" }) { eventBadge { id } } }`,
        )
      ).code,
    ).toBe('FORBIDDEN');
    for (const type of ['post', 'person', 'journal', 'hosted_file'])
      expect((await holder.rest('GET', `/v3/crud/${type}/`)).status).toBe(403);
    expect((await holder.rest('GET', '/v3/crud/event_badge/')).status).toBe(403);
    const { data } = await holder.call('GET', path);
    expect(data.person_passcode).toBeNull();
  });

  test('a new passcode ends what the one before has opened, and so does disabling it', async () => {
    await app.staff().call('PATCH', path, { person_passcode: 'badge-5678' });
    expect((await holder.rest('GET', path)).status).toBe(401);
    const again = await holderOf('event_badge', badge, 'badge-5678');
    await again.call('GET', path);
    await app.staff().call('DELETE', `${path}?method=disable`);
    expect((await again.rest('GET', path)).status).toBe(401);
  });

  test('is changed by the person it is for, who has signed in, in the same way', async () => {
    const person = await make('person', {});
    const own = await make('event_badge', { eventId: event, personId: person });
    const member = await app.signedIn('authenticated', { person });
    await member.call('PATCH', `/v3/crud/event_badge/${own}`, { full_name_override: 'Me' });
    expect((await member.rest('PATCH', `/v3/crud/event_badge/${own}`, { badge_type: 'VIP' })).status).toBe(
      403,
    );
    expect((await member.rest('PATCH', path, { full_name_override: 'Me' })).status).toBe(403);
    const bulk = `mutation { updateEventBadges(filter: { id: { eq: "${own}" } }, input: { fullNameOverride: "Me" }) { count } }`;
    expect((await member.graphql(bulk)).code).toBe('FORBIDDEN');
  });

  test('is the staff’s to change, whatever its event allows its holder', async () => {
    await settings({ edit_permissions: [] });
    await app.staff().call('PATCH', path, { badge_type: 'Speaker', print_count: 3 });
  });
});

test('a presenter changes what the event allows of the own page, and not what is said of others', async () => {
  const presentation = app.here.rows.event_presentation![0]!.id;
  const values = { eventPresentationId: presentation, personId: null, passcode: 'talk-1234' };
  const own = await make('event_presenter', values);
  const other = await make('event_presenter', values);
  const holder = await holderOf('event_presenter', own, 'talk-1234');
  const change = (id: string, body: Values) => holder.rest('PATCH', `/v3/crud/event_presenter/${id}`, body);
  expect((await change(own, { biography: 'Wrote a compiler.', agree: true })).status).toBe(200);
  expect((await change(own, { full_name: 'Somebody' })).status).toBe(403);
  expect((await change(other, { biography: 'Wrote a compiler.' })).status).toBe(403);
  const { event_id: id } = (await holder.call('GET', `/v3/crud/event_presenter/${own}`)).data;
  await app.root().call('PATCH', `/v3/crud/event/${id}`, {
    mod_pres_mgmt_json: { edit_permissions: { full_name: true } },
  });
  expect((await change(own, { full_name: 'Grace Hopper' })).status).toBe(200);
});

test('the log tells who came in by the passcode of what, and not the passcode', async () => {
  await settings(null);
  const badge = await make('event_badge', { eventId: event, personPasscode: 'secret-badge' });
  const holder = await holderOf('event_badge', badge, 'secret-badge');
  await holder.call('PATCH', `/v3/crud/event_badge/${badge}`, { location_override: 'Oslo' });
  await app.services.notes.flush();
  const { activityLogs } = await app
    .administrator()
    .ask(`{ activityLogs(filter: { objectId: { eq: "${badge}" } }) { nodes { action detailJson } } }`);
  expect(activityLogs.nodes.map(({ action }: Values) => action).sort()).toEqual(['signed_in', 'updated']);
  expect(JSON.stringify(activityLogs)).not.toContain('secret-badge');
});
