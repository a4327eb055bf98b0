import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { seedMore } from '../support/fixture';

const app = useApp();
const make = async (type: string, values: Record<string, unknown>) =>
  (await seedMore(app.services, entityOf(type), app.here, [{ enable: true, hide: false, ...values }]))[0]!;
const idsOf = async (caller: Caller, type: string): Promise<string[]> =>
  (await caller.call('GET', `/v3/crud/${type}/?limit=1000`)).data.map(({ id }: { id: string }) => id);

/** A member who has signed in, known to the membership system by this id. */
async function member(externalPersonId: string): Promise<{ caller: Caller; person: string }> {
  const { id: person } = await make('person', { externalPersonId });
  return { caller: await app.signedIn('authenticated', { person }), person };
}

describe('the bulletin board', () => {
  let author: Caller;
  let other: Caller;
  let path: string;

  beforeAll(async () => {
    author = (await member('author')).caller;
    other = (await member('other')).caller;
    const { data } = await author.call('POST', '/v3/crud/post/', {
      title: 'A ride?',
      email: 'a@example.org',
    });
    path = `/v3/crud/post/${data.id}`;
  });

  test('a post belongs to who wrote it', async () => {
    expect((await author.call('GET', path)).data.external_person_id).toBe('author');
    const inTheNameOf = await author.rest('POST', '/v3/crud/post/', { external_person_id: 'other' });
    expect(inTheNameOf.status).toBe(403);
    expect((await author.rest('PATCH', path, { external_person_id: 'other' })).status).toBe(400);
  });

  test('every member reads it, and may not change it; its author and the staff may', async () => {
    expect((await other.call('GET', path)).data.title).toBe('A ride?');
    for (const answer of [
      await other.rest('PATCH', path, { title: 'No ride' }),
      await other.rest('DELETE', path),
      await other.rest('DELETE', `${path}?method=delete`),
    ])
      expect(answer.status).toBe(403);
    expect((await author.call('PATCH', path, { title: 'A lift?' })).data.title).toBe('A lift?');
    expect((await app.staff().call('DELETE', path)).data.hide).toBe(true);
    expect((await author.call('PATCH', path, { hide: false })).data.hide).toBe(false);
    expect((await app.guest().rest('GET', path)).status).toBe(403);
  });

  test('the staff alone sees the e-mail address', async () => {
    expect((await other.call('GET', path)).data.email).toBeNull();
    expect((await app.staff().call('GET', path)).data.email).toBe('a@example.org');
  });

  test('a member says something to the post of another, and it is counted', async () => {
    const said = await other.call('POST', `${path}/comment/`, { content: 'Yes.' });
    expect(said.data.external_person_id).toBe('other');
    expect((await author.rest('PATCH', `${path}/comment/${said.data.id}`, { content: 'No.' })).status).toBe(
      403,
    );
    const id = path.split('/').at(-1);
    const { post } = await author.ask(
      `{ post(id: "${id}") { commentCount comments { nodes { content } } } }`,
    );
    expect(post).toEqual({ commentCount: 1, comments: { nodes: [{ content: 'Yes.' }] } });
  });
});

test('a page that is not published is seen by administrators alone', async () => {
  const { id: draft } = await make('page', { status: 'draft' });
  const { id: nothing } = await make('page', { status: null });
  const { id: published } = await make('page', { status: 'published' });
  for (const caller of [app.guest(), app.staff()]) {
    const seen = await idsOf(caller, 'page');
    expect(seen).toContain(published);
    for (const id of [draft, nothing]) {
      expect(seen).not.toContain(id);
      expect((await caller.rest('GET', `/v3/crud/page/${id}`)).status).toBe(403);
    }
  }
  expect(await idsOf(app.administrator(), 'page')).toEqual(
    expect.arrayContaining([draft, nothing, published]),
  );
});

test('who buys sees the order and its lines, and nobody else below an administrator does', async () => {
  const buyer = await member('buyer');
  const other = await member('somebody');
  const { id: order } = await make('order', { personId: buyer.person, total: 12.5 });
  const { id: line } = await make('order_line', { orderId: order, quantity: 2, unitPrice: 6.25 });
  expect(await idsOf(buyer.caller, 'order')).toEqual([order]);
  expect(await idsOf(buyer.caller, 'order_line')).toEqual([line]);
  expect((await buyer.caller.call('GET', `/v3/crud/order/${order}`)).data.total).toBe(12.5);
  expect(await idsOf(other.caller, 'order')).toEqual([]);
  expect((await other.caller.rest('GET', `/v3/crud/order_line/${line}`)).status).toBe(403);
  expect((await buyer.caller.rest('PATCH', `/v3/crud/order/${order}`, { total: 0 })).status).toBe(403);
  expect(await idsOf(app.administrator(), 'order')).toContain(order);
});

describe.each(['lu_country', 'lu_country_subdivision', 'lu_time_zone', 'data_store'])('%s', (type) => {
  const path = `/v3/crud/${type}`;
  const without = app.as('super', null);

  test('has rows of everybody, which super alone writes', async () => {
    const { data: made } = await without.call('POST', `${path}/`, { name: 'For all', group: 'all' });
    expect(made.account_id).toBeNull();
    for (const caller of [app.guest(), app.as('anonymous', null), app.otherAccount()]) {
      expect((await caller.call('GET', `${path}/${made.id}`)).data.name).toBe('For all');
      expect(await idsOf(caller, type)).toContain(made.id);
    }
    for (const caller of [app.administrator(), app.manager(), app.otherAccount()])
      for (const answer of [
        await caller.rest('PATCH', `${path}/${made.id}`, { name: 'Mine' }),
        await caller.rest('DELETE', `${path}/${made.id}?method=delete`),
      ])
        expect(answer.status).toBe(403);
    expect((await without.call('PATCH', `${path}/${made.id}`, { name: 'Ours' })).data.name).toBe('Ours');
  });

  test('has rows of an account, which others do not see', async () => {
    const { data: made } = await app.administrator().call('POST', `${path}/`, { name: 'Ours', group: 'all' });
    expect(made.account_id).toBe(app.here.account);
    expect(await idsOf(app.guest(), type)).toContain(made.id);
    for (const caller of [app.otherAccount(), app.as('anonymous', null)]) {
      expect(await idsOf(caller, type)).not.toContain(made.id);
      expect((await caller.rest('GET', `${path}/${made.id}`)).status).toBe(403);
    }
  });
});

test('of who works at a stand a visitor sees nothing, the staff no passcodes, a manager all', async () => {
  const licenses = [{ name: 'Desk', passcode: 'desk-1' }];
  const { id } = await make('event_exhibit', { licenseLiJson: licenses, staffPasscode: 'stand-1' });
  const seen = async (caller: Caller) => {
    const { data } = await caller.call('GET', `/v3/crud/event_exhibit/${id}`);
    return { licenses: data.license_li_json, passcode: data.staff_passcode };
  };
  expect(await seen(app.guest())).toEqual({ licenses: null, passcode: null });
  expect(await seen(app.staff())).toEqual({ licenses: [{ name: 'Desk' }], passcode: null });
  expect(await seen(app.manager())).toEqual({ licenses, passcode: 'stand-1' });
});

test('an amount has two digits after the point, and not more', async () => {
  const { id } = await make('order', {});
  const path = `/v3/crud/order/${id}`;
  for (const total of [0.1, '19.99', -3, 9_999_999_999.99])
    expect((await app.manager().call('PATCH', path, { total })).data.total).toBe(Number(total));
  for (const total of [0.001, 1e10, 'much', '1e3', true])
    expect((await app.manager().rest('PATCH', path, { total })).status).toBe(400);
});
