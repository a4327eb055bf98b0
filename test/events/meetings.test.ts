import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { seedMore } from '../support/fixture';
import type { Values } from '../support/factory';

const app = useApp({ rows: 2 });
const path = '/v3/crud/event';

const make = async (type: string, values: Values) =>
  (await seedMore(app.services, entityOf(type), app.here, [{ enable: true, hide: false, ...values }]))[0]!.id;

async function member(externalPersonId: string): Promise<Caller> {
  return app.signedIn('authenticated', { person: await make('person', { externalPersonId }) });
}

test('a member makes a meeting, changes it and hides it; other members see it, and no guest does', async () => {
  const [owner, other] = [await member('owner-1'), await member('other-1')];
  const { data } = await owner.call('POST', `${path}/`, { type_code: 'meeting', name: 'Tuesday group' });
  expect(data).toMatchObject({ external_person_id: 'owner-1', type_code: 'meeting' });
  const mine = `${path}/${data.id}`;
  expect((await owner.call('PATCH', mine, { attend_url: 'https://meet.example.org' })).data.attend_url).toBe(
    'https://meet.example.org',
  );
  expect((await other.call('GET', mine)).data.name).toBe('Tuesday group');
  expect((await app.guest().rest('GET', mine)).status).toBe(403);
  for (const refused of [
    await other.rest('PATCH', mine, { name: 'Mine' }),
    await other.rest('DELETE', mine),
    await owner.rest('DELETE', `${mine}?method=delete`),
    await owner.rest('PATCH', mine, { type_code: 'conference' }),
    await app.as('public').rest('PATCH', mine, { name: 'Mine' }),
  ])
    expect(refused.status).toBe(403);
  expect((await owner.rest('PATCH', mine, { external_person_id: 'other-1' })).status).toBe(400);
  expect((await owner.call('DELETE', mine)).data.hide).toBe(true);
});

test('no member makes any other event, or a meeting in the name of another', async () => {
  const somebody = await member('somebody-1');
  const count = await app.countRows('event');
  for (const body of [
    { name: 'No type' },
    { type_code: null, name: 'No type' },
    { type_code: 'conference', name: 'A conference' },
    { type_code: 'meeting', name: 'A meeting', external_person_id: 'owner-1' },
  ])
    expect({ body, status: (await somebody.rest('POST', `${path}/`, body)).status }).toEqual({
      body,
      status: 403,
    });
  const nobody = app.as('authenticated');
  expect((await nobody.rest('POST', `${path}/`, { type_code: 'meeting' })).status).toBe(403);
  expect(await app.countRows('event')).toBe(count);
});

test('who owns a conference in the membership system changes it no more than others do', async () => {
  const owner = await member('chair-1');
  const id = await make('event', { typeCode: 'conference', externalPersonId: 'chair-1' });
  for (const body of [{ name: 'Mine' }, { type_code: 'meeting' }])
    expect((await owner.rest('PATCH', `${path}/${id}`, body)).status).toBe(403);
  expect((await owner.rest('DELETE', `${path}/${id}`)).status).toBe(403);
  const bulk = `mutation { updateEvents(filter: { id: { eq: "${id}" } }, input: { name: "Mine" }) { count errors { code } } }`;
  expect((await owner.ask(bulk)).updateEvents).toEqual({ count: 0, errors: [{ code: 'FORBIDDEN' }] });
});

test('a program with a trusted key writes the meetings of its members, and no other events', async () => {
  const made = await app
    .staff()
    .call('POST', `${path}/`, { type_code: 'meeting', external_person_id: 'm-9' });
  expect(made.data.external_person_id).toBe('m-9');
  await app.staff().call('PATCH', `${path}/${made.data.id}`, { name: 'Thursday group' });
  expect((await app.staff().rest('POST', `${path}/`, { type_code: 'conference' })).status).toBe(403);
  const conference = await make('event', { typeCode: 'conference' });
  expect((await app.staff().rest('PATCH', `${path}/${conference}`, { name: 'X' })).status).toBe(403);
});
