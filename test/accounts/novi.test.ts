import { startFakeNovi, type FakeNovi } from '../../src/novi/fake-server';
import { useApp } from '../support/app';
import { expectActionError, expectHeaders } from '../support/envelopes';

const app = useApp({ rows: 1 });
const apiKey = 'raw-novi-key==';
let novi: FakeNovi;
beforeAll(async () => {
  novi = await startFakeNovi({ apiKey });
  app.services.noviSettings = { rootUrl: novi.url, apiKey };
});
afterAll(() => novi.close());
beforeEach(() => {
  novi.reset();
});

const uuid = (digit: string) =>
  `${digit.repeat(8)}-${digit.repeat(4)}-4${digit.repeat(3)}-8${digit.repeat(3)}-${digit.repeat(12)}`;
const grace = '11111111-1111-4111-8111-111111111111';
const path = (id: string) => `/v3/action/idaa/novi_member/${id}`;
const query = 'query ($uuid: ID!) { noviMember(uuid: $uuid) { verified fullName email } }';

test('a member is verified by a name, an initial and an e-mail address', async () => {
  const member = { verified: true, full_name: 'Grace H.', email: 'grace+hopper@example.org' };
  const answer = await app.guest().rest('GET', path(grace));
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ ...member, data: member, meta: { success: true, status_code: 200 } });
  expectHeaders(answer);
  // Nothing else of what Novi knows.
  expect(JSON.stringify(answer.body)).not.toMatch(/555|Hopper|UniqueID/);
  const { noviMember } = await app.guest().ask(query, { uuid: grace });
  expect(noviMember).toEqual({ verified: true, fullName: 'Grace H.', email: 'grace+hopper@example.org' });
  expect(novi.requests).toEqual([
    { method: 'GET', path: `/customers/${grace}`, authorization: `Basic ${apiKey}` },
  ]);
});

test('a member without first and last name is called as Novi does', async () => {
  const { body } = await app.guest().rest('GET', path('22222222-2222-4222-8222-222222222222'));
  expect(body).toMatchObject({ verified: true, full_name: 'Ada Lovelace', email: 'ada@example.org' });
});

test.each([
  ['whom Novi does not know', uuid('e')],
  ['whom Novi knows nothing of', '33333333-3333-4333-8333-333333333333'],
])('a member %s is 404, asked again each time', async (_who, id) => {
  for (let times = 1; times <= 2; times += 1) {
    expectActionError(await app.guest().rest('GET', path(id)), 404);
    expect(novi.requests).toHaveLength(times);
  }
  expect((await app.guest().graphql(query, { uuid: id })).code).toBe('NOT_FOUND');
});

test("Novi's limit is told with its Retry-After", async () => {
  const answer = await app.guest().rest('GET', path('44444444-4444-4444-8444-444444444444'));
  expectActionError(answer, 429);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(7);
  const graphql = await app.guest().graphql(query, { uuid: '44444444-4444-4444-8444-444444444444' });
  expect(graphql.errors![0]!.extensions).toMatchObject({
    code: 'RATE_LIMITED',
    retryAfter: expect.any(Number),
  });
  expect(graphql.headers.get('retry-after')).not.toBeNull();
});

test.each([
  ['breaks', '55555555-5555-4555-8555-555555555555'],
  ['answers half', '77777777-7777-4777-8777-777777777777'],
  ['sends elsewhere', '88888888-8888-4888-8888-888888888888'],
  ['answers without end', '99999999-9999-4999-8999-999999999999'],
  ['hangs up', 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'],
])('when Novi %s it is 503, to be tried again', async (_what, id) => {
  const answer = await app.guest().rest('GET', path(id));
  expectActionError(answer, 503);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
});

test.each(['x', '11111111', `${grace}0`, grace.replaceAll('-', ''), "1' OR '1'='1", 'g'.repeat(36)])(
  'what is no UUID is 422, and Novi is not asked: %s',
  async (id) => {
    expectActionError(await app.guest().rest('GET', path(encodeURIComponent(id))), 422);
    expect((await app.guest().graphql(query, { uuid: id })).code).toBe('UNPROCESSABLE');
    expect(novi.requests).toEqual([]);
  },
);

test('without a configuration, or with a key that Novi refuses, it is 503', async () => {
  const id = uuid('d');
  for (const settings of [
    { rootUrl: '', apiKey: '' },
    { rootUrl: novi.url, apiKey: 'wrong' },
  ]) {
    app.services.noviSettings = settings;
    expectActionError(await app.guest().rest('GET', path(id)), 503);
  }
  app.services.noviSettings = { rootUrl: novi.url, apiKey };
  // The refused key is an error in the log, without the key.
  const logged = app.logged.splice(0);
  expect(logged.length).toBeGreaterThan(0);
  expect(JSON.stringify(logged)).not.toContain('wrong');
});

test('a key and an account are needed', async () => {
  expectActionError(await app.nobody().rest('GET', path(grace)), 403);
  expectActionError(await app.as('trusted', null).rest('GET', path(grace)), 403);
  expect((await app.as('trusted', null).graphql(query, { uuid: grace })).code).toBe('FORBIDDEN');
  expect(novi.requests).toEqual([]);
});
