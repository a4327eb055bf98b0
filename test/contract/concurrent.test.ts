import { allEntities, entityOf } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { useApp } from '../support/app';
import { valuesFor } from '../support/factory';
import { nextNumber, seedMore } from '../support/fixture';
import { graph } from '../support/graph';
import { bodyOf } from '../support/rest';

const app = useApp();
const many = [...Array(20).keys()];
const statusesOf = (answers: { status: number }[]) =>
  [...new Set(answers.map(({ status }) => status))].sort();

const unique = allEntities().flatMap((entity) => {
  const alone = [...entity.attributes.values()]
    .filter((each) => each.unique && isWritable(each))
    .map(({ column }) => [column]);
  const together = entity.indexes.filter((index) => index.unique).map(({ columns }) => columns);
  return [...alone, ...together].map((columns) => ({
    type: entity.table,
    columns,
    name: columns.join(' + '),
  }));
});

describe.each(unique)('$type with the same $name', ({ type, columns }) => {
  const entity = entityOf(type);
  const named = columns
    .filter((column) => column !== 'account_id')
    .map((column) => entity.byColumn.get(column)!.name);
  // What is taken from one of them goes with it.
  const members = [...entity.attributes.values()]
    .filter(({ name, ref }) => named.includes(name) || named.includes(ref?.through ?? ''))
    .map(({ name }) => name);

  test('is refused as a duplicate, and nothing is written', async () => {
    const first = valuesFor(entity, app.here, nextNumber());
    expect((await graph.create(app.root(), entity, first)).errors).toBeUndefined();
    const same = Object.fromEntries(members.map((name) => [name, first[name]]));
    const again = { ...valuesFor(entity, app.here, nextNumber()), ...same };
    const rows = await app.countRows(type);
    const rest = await app.root().rest('POST', `/v3/crud/${type}/`, bodyOf(entity, again));
    expect(rest).toMatchObject({
      status: 400,
      data: false,
      meta: { details: { category: 'database_duplicate', code: 1062 } },
    });
    expect((await graph.create(app.root(), entity, again)).code).toBe('DATABASE_DUPLICATE');
    const { data } = await graph.create(app.root(), entity, valuesFor(entity, app.here, nextNumber()));
    const moved = await graph.update(app.root(), entity, data.payload.object.id, same);
    expect(moved.code).toBe('DATABASE_DUPLICATE');
    expect(await app.countRows(type)).toBe(rows + 1);
  });

  test('many times at once is made once', async () => {
    const values = valuesFor(entity, app.here, nextNumber());
    const rows = await app.countRows(type);
    const answers = await Promise.all(
      many.map(() => app.root().rest('POST', `/v3/crud/${type}/`, bodyOf(entity, values))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(statusesOf(answers)).toEqual([200, 400]);
    expect(await app.countRows(type)).toBe(rows + 1);
  });
});

test('many changes of one object at once are all made, one after the other', async () => {
  const [session] = app.here.rows.event_session!;
  const fields = ['code', 'group', 'description', 'message', 'timezone', 'record_status'];
  const answers = await Promise.all(
    many.map((n) =>
      app.staff().rest('PATCH', `/v3/crud/event_session/${session!.id}`, {
        [fields[n % fields.length]!]: `by ${String(n % fields.length)}`,
      }),
    ),
  );
  expect(statusesOf(answers)).toEqual([200]);
  const { data } = await app.staff().call('GET', `/v3/crud/event_session/${session!.id}`);
  expect(data).toMatchObject(Object.fromEntries(fields.map((field, n) => [field, `by ${String(n)}`])));
});

test('an event that is deleted while others write below it leaves nothing behind', async () => {
  for (let round = 0; round < 3; round += 1) {
    const [event] = await seedMore(app.services, entityOf('event'), app.here, [{}]);
    await seedMore(
      app.services,
      entityOf('event_session'),
      app.here,
      many.slice(0, 5).map(() => ({ eventId: event!.id, eventLocationId: null })),
    );
    const { id: pk } = (await app.rowOf('event', event!.id)) as { id: number };
    const writes = many.map(
      (n) => () =>
        app.staff().rest('POST', `/v3/crud/event/${event!.id}/${n % 2 === 0 ? 'session' : 'location'}/`, {
          name: `late ${String(n)}`,
        }),
    );
    const remove = () => app.administrator().rest('DELETE', `/v3/crud/event/${event!.id}?method=delete`);
    const answers = await Promise.all(
      [...writes.slice(0, 10), remove, ...writes.slice(10)].map((call) => call()),
    );
    for (const { status } of answers) expect([200, 400, 404]).toContain(status);
    // A child that came in between may have kept the event: then it goes when nobody disturbs.
    if ((await app.rowOf('event', event!.id)) !== undefined)
      await app.administrator().call('DELETE', `/v3/crud/event/${event!.id}?method=delete`);
    for (const table of ['event_session', 'event_location']) {
      const [left] = await app.services.database.select<{ n: number }>(
        `SELECT COUNT(*) AS n FROM ${table} WHERE event_id = ?`,
        [pk],
      );
      expect({ table, left: left!.n }).toEqual({ table, left: 0 });
    }
  }
});

test('what changed since a moment is what was made or changed then', async () => {
  const person = entityOf('person');
  const [first, second] = app.here.rows.person!;
  const since = new Date(Date.now() - 1).toISOString();
  await app.staff().call('PATCH', `/v3/crud/person/${second!.id}`, { notes: 'changed' });
  const { data: made } = await app.staff().call('POST', '/v3/crud/person/', { given_name: 'New' });
  await app.staff().call('DELETE', `/v3/crud/person/${first!.id}?method=hide`);
  const { data } = await graph.list(
    app.manager(),
    person,
    { updatedSince: since },
    'nodes { id } totalCount',
  );
  expect(data.list.nodes.map(({ id }: { id: string }) => id).sort()).toEqual(
    [first!.id, second!.id, made.id].sort(),
  );
  expect(data.list.totalCount).toBe(3);
});
