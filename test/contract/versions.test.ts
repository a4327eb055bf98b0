import type { Attribute } from '../../src/kernel/attributes';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { useApp } from '../support/app';
import { unknownId, type Caller } from '../support/callers';
import { expectCrudError } from '../support/envelopes';
import { valueOf, valuesFor } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { bodyOf } from '../support/rest';

const app = useApp();

const types = allEntities()
  .filter(({ access }) => access.create !== 'never')
  .map(({ table }) => table);

/** An attribute that can be changed by itself. */
const plainOf = (entity: Entity): Attribute | undefined =>
  [...entity.attributes.values()].find(
    (each) =>
      isWritable(each) && ['string', 'text', 'int', 'bool'].includes(each.kind) && !each.unique && !each.once,
  );

const etagOf = async (path: string, caller: Caller = app.root()): Promise<string> => {
  const { status, headers } = await caller.rest('GET', path);
  expect(status).toBe(200);
  return headers.get('etag')!;
};

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);
  const attribute = plainOf(entity);
  const changed = () => ({ [attribute!.column]: valueOf(entity, attribute!, nextNumber()) });

  async function make(): Promise<string> {
    const body = bodyOf(entity, valuesFor(entity, app.here, nextNumber()));
    const { data } = await app.root().call('POST', `/v3/crud/${type}/`, body);
    return `/v3/crud/${type}/${data.id as string}`;
  }

  test('a record is answered with an ETag, and not again to who has it', async () => {
    const path = await make();
    const etag = await etagOf(path);
    expect(etag).toMatch(/^"[\w:.-]{40,}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*'])
      for (const method of ['GET', 'HEAD']) {
        const answer = await app.root().fetch(path, { method, headers: { 'if-none-match': known } });
        expect([known, answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([
          known,
          304,
          etag,
          '',
        ]);
        expect(answer.headers.get('link')).toContain('successor-version');
      }
    for (const other of ['"other"', `"${etag.slice(1, -1)}x"`, 'nonsense'])
      expect((await app.root().rest('GET', path, undefined, { 'if-none-match': other })).data.id).toBe(
        path.split('/').at(-1),
      );
  });

  test('a change is refused when somebody else has changed the record since', async () => {
    if (!attribute) return;
    const path = await make();
    const id = path.split('/').at(-1)!;
    const first = await etagOf(path);
    const mine = await app.root().rest('PATCH', path, changed(), { 'if-match': first });
    expect({ status: mine.status, etag: mine.headers.get('etag') }).toEqual({
      status: 200,
      etag: await etagOf(path),
    });
    expect(mine.headers.get('etag')).not.toBe(first);

    const row = await app.rowOf(type, id);
    const late = await app.root().rest('PATCH', path, changed(), { 'if-match': first });
    expectCrudError(late, 412, 'validation');
    for (const method of ['hide', 'delete'])
      expect(
        (await app.root().rest('DELETE', `${path}?method=${method}`, undefined, { 'if-match': first }))
          .status,
      ).toBe(412);
    const { name, single } = entity;
    const updatedOn = first.slice(1, 25);
    const update = await app
      .root()
      .graphql(
        `mutation ($id: ID!, $when: DateTime) { update${name}(id: $id, input: {}, ifUpdatedOn: $when) { ${single} { id } } }`,
        { id, when: updatedOn },
      );
    expect(update.code).toBe('PRECONDITION_FAILED');
    const remove = await app
      .root()
      .graphql(
        `mutation ($id: ID!) { remove${name}(id: $id, method: DELETE, ifUpdatedOn: "${updatedOn}") { ${single} { id } } }`,
        { id },
      );
    expect(remove.code).toBe('PRECONDITION_FAILED');
    expect(await app.rowOf(type, id)).toEqual(row);

    const again = await app.root().rest('PATCH', path, changed(), { 'if-match': mine.headers.get('etag')! });
    expect(again.status).toBe(200);
  });

  test('a record is deleted by who has its last version', async () => {
    const path = await make();
    const answer = await app
      .root()
      .rest('DELETE', `${path}?method=delete`, undefined, { 'if-match': await etagOf(path) });
    expect(answer.status).toBe(200);
    expect((await app.root().rest('GET', path)).status).toBe(404);
  });

  test('each view has a tag of its own, and any of them is one of the same version', async () => {
    const path = await make();
    for (const view of ['enriched', 'detail', 'alt']) {
      const etag = await etagOf(`${path}?view=${view}`);
      const answer = await app.root().fetch(`${path}?view=${view}`, { headers: { 'if-none-match': etag } });
      expect(answer.status).toBe(304);
      expect((await app.root().rest('PATCH', path, {}, { 'if-match': etag })).status).toBe(200);
    }
  });
});

const session = () => app.here.rows.event_session![0]!.id;
const path = () => `/v3/crud/event_session/${session()}`;

test('of many who change the same version at once, one does', async () => {
  for (let round = 0; round < 3; round += 1) {
    const etag = await etagOf(path());
    const answers = await Promise.all(
      [...Array(12).keys()].map((n) =>
        app.staff().rest('PATCH', path(), { name: `by ${String(n)}` }, { 'if-match': etag }),
      ),
    );
    const won = answers.flatMap(({ status }, n) => (status === 200 ? [`by ${String(n)}`] : []));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(11).fill(412)]);
    expect((await app.staff().call('GET', path())).data.name).toBe(won[0]);
  }
});

test('two changes within the same millisecond are two versions', async () => {
  const { services } = app;
  const { now } = services;
  const moment = new Date();
  services.now = () => moment;
  try {
    const seen = new Set([await etagOf(path())]);
    const moments = [];
    for (const name of ['a', 'b', 'a', 'b']) {
      const answer = await app.staff().rest('PATCH', path(), { name });
      moments.push(answer.data.updated_on);
      seen.add(answer.headers.get('etag')!);
    }
    expect(seen.size).toBe(5);
    expect([...moments].sort()).toEqual(moments);
    expect(new Set(moments).size).toBe(4);
  } finally {
    services.now = now;
  }
});

test('what a change takes along becomes another version too, however fast', async () => {
  const { services } = app;
  const { now } = services;
  const moment = new Date();
  services.now = () => moment;
  try {
    const event = app.here.rows.event![0]!.id;
    const make = (type: string, body: object) =>
      app.root().call('POST', `/v3/crud/event/${event}/${type}/`, { name: type, ...body });
    const [from, to] = [await make('event_session', {}), await make('event_session', {})];
    const location = await make('event_location', {});
    const room = { event_location_id: location.data.id };
    const talk = await make('event_presentation', { event_session_id: from.data.id });
    const speaker = await make('event_presenter', { event_presentation_id: talk.data.id });
    const at = `/v3/crud/event_presenter/${speaker.data.id as string}`;
    const before = await etagOf(at);
    await app.root().call('PATCH', `/v3/crud/event_presentation/${talk.data.id as string}`, {
      event_session_id: to.data.id,
    });
    expectCrudError(await app.root().rest('PATCH', at, { name: 'x' }, { 'if-match': before }), 412);

    const held = `/v3/crud/event_session/${to.data.id as string}`;
    await app.root().call('PATCH', held, room);
    const inRoom = await etagOf(held);
    await app.root().call('DELETE', `/v3/crud/event_location/${location.data.id as string}?method=delete`);
    expect((await app.root().call('GET', held)).data.event_location_id).toBeNull();
    expectCrudError(await app.root().rest('PATCH', held, { name: 'x' }, { 'if-match': inRoom }), 412);
  } finally {
    services.now = now;
  }
});

test('a name from elsewhere makes another answer, not another version of the record', async () => {
  const room = app.here.rows.event_location![0]!.id;
  await app.staff().call('PATCH', path(), { event_location_id: room });
  const before = await etagOf(path());
  await app
    .staff()
    .call('PATCH', `/v3/crud/event_location/${room}`, { name: `Hall ${String(nextNumber())}` });
  const after = await app.staff().rest('GET', path(), undefined, { 'if-none-match': before });
  expect(after.status).toBe(200);
  expect(after.headers.get('etag')).not.toBe(before);
  expect((await app.staff().rest('PATCH', path(), { name: 'mine' }, { 'if-match': before })).status).toBe(
    200,
  );
});

test('who sees less of a record has other tags, and changes the same versions', async () => {
  const badge = `/v3/crud/event_badge/${app.here.rows.event_badge![0]!.id}`;
  const [masked, whole] = [await etagOf(badge, app.as('public')), await etagOf(badge, app.staff())];
  expect(masked).not.toBe(whole);
  expect((await app.staff().rest('PATCH', badge, { name: 'x' }, { 'if-match': masked })).status).toBe(200);
});

test('a condition that says nothing of a version', async () => {
  const etag = await etagOf(path());
  const patch = (tag: string, at = path()) =>
    app.staff().rest('PATCH', at, { name: 'y' }, { 'if-match': tag });
  // A proxy that compresses the answer makes its tag a weak one.
  expect((await patch(`W/${etag}`)).status).toBe(200);
  expect((await patch('*')).status).toBe(200);
  const row = await app.rowOf('event_session', session());
  for (const strange of [
    '"other"',
    'other',
    '""',
    '"2026-99-99T00:00:00.000Z.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
    '"1970-01-01T00:00:00.000Z.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
  ])
    expectCrudError(await patch(strange), 412, 'validation');
  expectCrudError(await patch(`${etag}, "other"`), 400);
  expect(await app.rowOf('event_session', session())).toEqual(row);
  expect((await patch(etag, `/v3/crud/event_session/${unknownId()}`)).status).toBe(404);
  expect((await app.guest().rest('PATCH', path(), { name: 'z' }, { 'if-match': '"other"' })).status).toBe(
    403,
  );
});

test('a record of an old program that never told when it changed has versions as well', async () => {
  const { sequelize } = app.services.database;
  const [, second] = app.here.rows.event_session!;
  await sequelize.query(`UPDATE event_session SET updated_on = NULL WHERE id_random = '${second!.id}'`);
  const at = `/v3/crud/event_session/${second!.id}`;
  const etag = await etagOf(at);
  expect((await app.staff().rest('PATCH', at, { name: 'first' }, { 'if-match': etag })).status).toBe(200);
  expectCrudError(await app.staff().rest('PATCH', at, { name: 'second' }, { 'if-match': etag }), 412);
});

test('a nested path asks for versions alike', async () => {
  const { event_id: event } = (await app.staff().call('GET', path())).data;
  const at = `/v3/crud/event/${event as string}/session/${session()}`;
  const etag = await etagOf(at);
  expect(await etagOf(path())).toBe(etag);
  const known = await app.root().fetch(at, { headers: { 'if-none-match': etag } });
  expect(known.status).toBe(304);
  expect((await app.staff().rest('PATCH', at, { name: 'nested' }, { 'if-match': etag })).status).toBe(200);
  expectCrudError(await app.staff().rest('PATCH', at, { name: 'late' }, { 'if-match': etag }), 412);
  expectCrudError(await app.staff().rest('DELETE', at, undefined, { 'if-match': etag }), 412);
});
