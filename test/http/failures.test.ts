import { useApp } from '../support/app';
import { unknownId, type RestAnswer } from '../support/callers';
import { expectCrudError } from '../support/envelopes';
import { nextNumber } from '../support/fixture';

const app = useApp({ rows: 3 });
const row = (type: string) => app.here.rows[type]![0]!;

/** A failure with the number that MariaDB has for it. */
function expectDatabaseError(answer: RestAnswer, category: string, code: number): string {
  expectCrudError(answer, 400, category);
  expect(answer.meta.details).toMatchObject({ code, recoverable: true });
  expect(answer.meta.status_message).toBe(answer.meta.details.message);
  // Names are those of columns and types, not of the graph.
  expect(answer.meta.details.message.replace(/"[^"]*"/g, '')).not.toMatch(
    /\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+[A-Z]\w*/,
  );
  return answer.meta.details.message as string;
}

test('a duplicate is 1062, and names the column', async () => {
  const fqdn = `host-${String(nextNumber())}.example.org`;
  const body = { fqdn, site_id: row('site').id };
  const { data } = await app.root().call('POST', '/v3/crud/site_domain/', body);
  const again = await app.root().rest('POST', '/v3/crud/site_domain/', body);
  expect(expectDatabaseError(again, 'database_duplicate', 1062)).toContain('fqdn');
  const other = await app.root().call('POST', '/v3/crud/site_domain/', { ...body, fqdn: `x.${fqdn}` });
  const renamed = await app.root().rest('PATCH', `/v3/crud/site_domain/${other.data.id as string}`, { fqdn });
  expectDatabaseError(renamed, 'database_duplicate', 1062);
  await app.root().call('DELETE', `/v3/crud/site_domain/${data.id as string}?method=delete`);
});

test('a row in use is 1451, and names what uses it', async () => {
  const file = await app
    .root()
    .call('POST', '/v3/crud/hosted_file/', { hash_sha256: 'a'.repeat(64), filename: 'x.pdf' });
  await app.root().call('POST', '/v3/crud/event_file/', {
    for_type: 'event',
    for_id: row('event').id,
    hosted_file_id: file.data.id,
  });
  const answer = await app
    .root()
    .rest('DELETE', `/v3/crud/hosted_file/${file.data.id as string}?method=delete`);
  expect(expectDatabaseError(answer, 'database_constraint', 1451)).toContain('event_file');
});

test('a reference to nothing is 1452, and names the column', async () => {
  const created = await app
    .root()
    .rest('POST', '/v3/crud/event_session/', { name: 'x', event_id: unknownId() });
  expect(expectDatabaseError(created, 'database_constraint', 1452)).toMatch(/^event_id: .*\bevent\b/);
  const patched = await app.root().rest('PATCH', `/v3/crud/event_session/${row('event_session').id}`, {
    event_location_id_random: unknownId(),
  });
  expect(expectDatabaseError(patched, 'database_constraint', 1452)).toMatch(
    /^event_location_id: .*\bevent_location\b/,
  );
});

test('a field that a search does not know is 1054', async () => {
  const answer = await app
    .root()
    .rest('POST', '/v3/crud/event/search', { and: [{ field: 'colour', value: 'red' }] });
  expect(expectDatabaseError(answer, 'database_schema', 1054)).toContain('colour');
});

test('a column and a table that the database lacks are 1054 and 1146', async () => {
  const { sequelize } = app.services.database;
  await sequelize.query('ALTER TABLE event_location DROP COLUMN building');
  for (const [method, path, body] of [
    ['GET', '/v3/crud/event_location/'],
    ['GET', `/v3/crud/event_location/${row('event_location').id}`],
    ['POST', '/v3/crud/event_location/search', {}],
    ['GET', `/v3/crud/event/${row('event').id}/location/`],
  ] as const)
    expect(expectDatabaseError(await app.root().rest(method, path, body), 'database_schema', 1054)).toContain(
      'building',
    );
  await sequelize.query('DROP TABLE journal_entry');
  const gone = await app.root().rest('GET', '/v3/crud/journal_entry/');
  expect(expectDatabaseError(gone, 'database_schema', 1146)).toContain('journal_entry');
});

test('a bad value is a map of fields by the names that the caller used', async () => {
  const answer = await app
    .root()
    .rest('PATCH', `/v3/crud/event_session/${row('event_session').id}`, { start_datetime: 'x', sort: 'y' });
  expectCrudError(answer, 400);
  expect(answer.meta.details).toEqual({ start_datetime: expect.any(String), sort: expect.any(String) });
  const long = await app
    .root()
    .rest('PATCH', `/v3/crud/event_session/${row('event_session').id}`, { type_code: 'x'.repeat(101) });
  expect(long.meta.details).toEqual({ type_code: expect.stringContaining('100') });
  expect(long.meta.status_message).toContain('type_code');
  const apart = await app
    .root()
    .rest('PATCH', `/v3/crud/event_file/${row('event_file').id}`, { for_type: 'event_presenter' });
  if (apart.status === 400)
    expect(apart.meta.details).toEqual({ for_type: expect.stringContaining('for_id') });
});

test('what a level may not set, sort or search by is said in the same words', async () => {
  const set = await app.staff().rest('POST', '/v3/crud/event_file/', {
    for_type: 'event',
    for_id: row('event').id,
    filename: 'https://example.org/x',
    internal_use: true,
  });
  expectCrudError(set, 403, 'forbidden');
  expect(set.meta.details.message).toContain('internal_use');
  const sorted = await app.guest().rest('GET', '/v3/crud/event_session/?order_by_li={"passcode":"ASC"}');
  expectCrudError(sorted, 403, 'forbidden');
  expect(sorted.meta.details.message).toMatch(/event_session by passcode/);
  const foreign = await app.otherAccount().rest('GET', `/v3/crud/event_session/${row('event_session').id}`);
  expectCrudError(foreign, 403, 'forbidden');
  expect(foreign.meta.details.message).toContain('event_session');
  const missing = await app.root().rest('GET', `/v3/crud/event_session/${unknownId()}`);
  expectCrudError(missing, 404, 'not_found');
  expect(missing.meta.details.message).toContain('event_session');
});
