import { startFakeNovi, type FakeNovi } from '../../src/novi/fake-server';
import { useApp } from '../support/app';

const app = useApp({ rows: 1 });
const member = (digit: string): string =>
  `${digit.repeat(8)}-${digit.repeat(4)}-4${digit.repeat(3)}-8${digit.repeat(3)}-${digit.repeat(12)}`;
const path = (uuid: string): string => `/v3/action/idaa/novi_member/${uuid}`;

let novi: FakeNovi;
beforeAll(async () => {
  novi = await startFakeNovi({ apiKey: 'key-of-novi' });
  app.services.noviSettings = { rootUrl: novi.url, apiKey: 'key-of-novi' };
});
afterAll(() => novi.close());

test('a member is verified, by REST and in the graph alike, with one question to Novi', async () => {
  novi.reset();
  const { status, body } = await app.guest().rest('GET', path(member('1')));
  expect(status).toBe(200);
  expect(body).toMatchObject({ verified: true, full_name: 'Grace H.', email: 'grace+hopper@example.org' });
  const data = await app.guest().ask(`{ noviMember(uuid: "${member('1')}") { verified fullName email } }`);
  expect(data.noviMember).toEqual({ verified: true, fullName: body.full_name, email: body.email });
  expect(novi.requests).toHaveLength(1);
  expect(novi.requests[0]).toMatchObject({ authorization: 'Basic key-of-novi' });
});

test('a member without first and last name goes by the name as it is', async () => {
  const { body } = await app.guest().rest('GET', path(member('2')));
  expect(body).toMatchObject({ verified: true, full_name: 'Ada Lovelace' });
});

test.each([
  ['is unknown', member('a').replace('4aaa', '4abc'), 404, 'NOT_FOUND'],
  ['has no identity at all', member('3'), 404, 'NOT_FOUND'],
  ['is asked for too often', member('4'), 429, 'RATE_LIMITED'],
  ['cannot be asked for, since Novi fails', member('5'), 503, 'UNAVAILABLE'],
  ['is no UUID', 'not-a-uuid', 422, 'UNPROCESSABLE'],
])('who %s gets an error that says so', async (_what, uuid, status, code) => {
  const rest = await app.guest().rest('GET', path(uuid));
  expect(rest.status).toBe(status);
  expect(rest.body.detail).toBeTruthy();
  expect(rest.body).not.toHaveProperty('data');
  expect(rest.headers.has('retry-after')).toBe(status === 429 || status === 503);
  const graph = await app.guest().graphql(`{ noviMember(uuid: "${uuid}") { verified } }`);
  expect(graph.code).toBe(code);
});

test('without a key nobody is verified, and Novi is not asked', async () => {
  novi.reset();
  expect((await app.nobody().rest('GET', path(member('1')))).status).toBe(403);
  expect(novi.requests).toHaveLength(0);
});
