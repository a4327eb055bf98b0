import type { Attribute } from '../../src/kernel/attributes';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { toManys, toOnes, type ToOne } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import type { Values } from '../support/factory';
import { answered } from '../support/graph';
import { readWorld, type World } from '../support/reference';
import { keysOf, leakedKeys, recordOf } from '../support/rest';

const app = useApp({ rows: 25 });
const everything = 'enabled=all&hidden=all&limit=1000';

let world: World;
beforeAll(async () => {
  world = await readWorld(app);
});

const views = ['default', 'enriched', 'detail', 'alt'] as const;
type View = (typeof views)[number];

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const isInView = (view: View, { sql, kind }: Attribute): boolean =>
  sql === undefined || (view !== 'alt' && (view !== 'default' || kind !== 'int'));

/** The object that a reference leads to, as a record; null where there is none. */
function objectOf(object: Values, { attribute }: ToOne): Values | null {
  const { ref, any, name } = attribute;
  const type = ref?.type ?? object[any!.typeAttribute];
  const found = world[String(type)]?.find(({ id }) => id === object[name]);
  return found ? recordOf(entityOf(String(type)), found) : null;
}

/** The record that a view must answer to who may see everything. */
function viewOf(entity: Entity, object: Values, view: View): Values {
  const attributes = answered(entity).filter((attribute) => isInView(view, attribute));
  return Object.fromEntries([
    ...attributes.flatMap((attribute) =>
      keysOf(entity, attribute).map((key) => [key, object[attribute.name]]),
    ),
    ...(view === 'detail' ? toOnes(entity).map((one) => [snake(one.field), objectOf(object, one)]) : []),
  ]) as Values;
}

describe.each(allEntities().map(({ table }) => table))('%s', (type) => {
  const entity = entityOf(type);
  const path = `/v3/crud/${type}`;
  const first = () => world[type]![0]!;

  test.each(views)('answers the view %s on every read', async (view) => {
    const expected = new Map(world[type]!.map((object) => [object.id, viewOf(entity, object, view)]));
    const list = await app.root().call('GET', `${path}/?${everything}&view=${view}`);
    expect(list.meta.warnings).toBeUndefined();
    expect(list.data).toHaveLength(expected.size);
    for (const record of list.data) expect(record).toEqual(expected.get(record.id));
    expect(leakedKeys(list.data)).toEqual([]);

    const found = await app.root().call('POST', `${path}/search?${everything}&view=${view}`, {});
    expect(found.data).toEqual(list.data);
    const one = await app.root().call('GET', `${path}/${String(first().id)}?view=${view}`);
    expect(one.data).toEqual(expected.get(first().id));

    for (const parent of allEntities())
      for (const { child, attribute } of toManys(parent)) {
        const kept = world[child.table]!.find(
          (object) =>
            child === entity &&
            object[attribute.name] &&
            (!attribute.any || object[attribute.any.typeAttribute] === parent.table),
        );
        if (!kept) continue;
        const below = `/v3/crud/${parent.table}/${String(kept[attribute.name])}/${type}`;
        const nested = await app.root().call('GET', `${below}/${String(kept.id)}?view=${view}`);
        expect(nested.data).toEqual(expected.get(kept.id));
        const children = await app.root().call('GET', `${below}/?${everything}&view=${view}`);
        for (const record of children.data) expect(record).toEqual(expected.get(record.id));
      }
  });

  test('a view that there is not is the default one, with a warning', async () => {
    const { data, meta } = await app.root().call('GET', `${path}/${String(first().id)}?view=fancy`);
    expect(data).toEqual(viewOf(entity, first(), 'default'));
    expect(meta.warnings).toEqual([expect.stringContaining('"fancy"')]);
  });

  test('a part is added to any view by its name, whatever the part', async () => {
    const at = `${path}/${String(first().id)}`;
    const derived = answered(entity).filter(({ sql }) => sql);
    for (const { column, name } of derived) {
      const { data, meta } = await app.root().call('GET', `${at}?view=alt&inc_${column}=1`);
      expect(data).toEqual({ ...viewOf(entity, first(), 'alt'), [column]: first()[name] });
      expect(meta.warnings).toBeUndefined();
    }
    for (const one of toOnes(entity)) {
      const key = snake(one.field);
      const { data } = await app.root().call('GET', `${at}?inc_${key}=true`);
      expect(data).toEqual({ ...viewOf(entity, first(), 'default'), [key]: objectOf(first(), one) });
    }
    const all = [
      ...derived.map(({ column }) => column),
      ...toOnes(entity).map(({ field }) => snake(field)),
    ].map((key) => `inc_${key}=yes`);
    const { data } = await app.root().call('GET', `${at}?${all.join('&')}`);
    expect(data).toEqual(viewOf(entity, first(), 'detail'));
  });

  test('children are listed in each record, under the name that they were asked for', async () => {
    for (const { field, child } of toManys(entity)) {
      // A path goes along the first of several connections between the same two types.
      const isFirst = toManys(entity).find((many) => many.child === child)!.field === field;
      const short = child.table.startsWith(`${type}_`) ? [child.table.slice(type.length + 1)] : [];
      const singles = isFirst ? [child.table, ...short] : [];
      const keys = [
        snake(field),
        ...singles.flatMap((name) => [`${name}_list`, `${name}_li`]),
        ...(isFirst ? [snake(child.plural)] : []),
      ];
      const { data } = await app
        .root()
        .call(
          'GET',
          `${path}/?enabled=all&hidden=all&limit=5&${keys.map((key) => `inc_${key}=1`).join('&')}`,
        );
      for (const record of data) {
        for (const key of keys) expect(record[key]).toEqual(record[keys[0]!]);
        if (!isFirst) continue;
        const nested = await app.root().call('GET', `${path}/${record.id}/${child.table}/`);
        expect(record[keys[0]!]).toEqual(nested.data);
      }
    }
  });

  test('what is referred to is null where the caller may not see it, and the record is answered', async () => {
    const { read, list: level = read } = entity.access;
    const caller = app.as(level);
    const list = await caller.call('GET', `${path}/?${everything}&view=detail`);
    const plain = await caller.call('GET', `${path}/?${everything}`);
    expect(list.data.map(({ id }: Values) => id)).toEqual(plain.data.map(({ id }: Values) => id));
    for (const record of list.data.slice(0, 5))
      for (const { field, attribute } of toOnes(entity)) {
        const id = record[attribute.column];
        const target = attribute.ref?.type ?? record[snake(attribute.any!.typeAttribute)];
        const seen = id ? await caller.rest('GET', `/v3/crud/${String(target)}/${String(id)}`) : undefined;
        expect(record[snake(field)]).toEqual(seen?.status === 200 ? seen.data : null);
      }
  });
});

test('a part that there is not is left out, with a warning; one that is not asked for needs none', async () => {
  const query = 'inc_nonsense=1&inc_name=1&inc_password_hash=1&inc_=1&inc_file_count=0&inc_more=false';
  const { data, meta } = await app.root().call('GET', `/v3/crud/event_session/?limit=1&${query}`);
  expect(meta.warnings).toEqual([
    expect.stringContaining('inc_nonsense'),
    expect.stringContaining('inc_name'),
    expect.stringContaining('inc_password_hash'),
    expect.stringContaining('inc_'),
  ]);
  expect(data[0]).toEqual((await app.root().call('GET', '/v3/crud/event_session/?limit=1')).data[0]);
});

test('children who are out of sight are null; a call that is refused itself stays refused', async () => {
  const id = app.here.rows.event![0]!.id;
  const guest = await app
    .guest()
    .call('GET', `/v3/crud/event/${id}?inc_event_badge_list=1&inc_session_list=1`);
  expect(guest.data.event_badge_list).toBeNull();
  expect(guest.data.session_list).toEqual(expect.any(Array));
  expect((await app.guest().rest('GET', `/v3/crud/event/${id}/event_badge?view=detail`)).status).toBe(403);
  expect((await app.guest().rest('GET', '/v3/crud/event_badge/?view=detail')).status).toBe(403);
  expect((await app.otherAccount().rest('GET', `/v3/crud/event/${id}?view=detail`)).status).toBe(403);
});

test('many records with their children come as one list, however many pages it takes to read them', async () => {
  const query = 'enabled=all&hidden=all&limit=1000&inc_files=1&order_by_li={"id":"ASC"}';
  const { data, meta } = await app.root().call('GET', `/v3/crud/event_session/?${query}`);
  expect(data).toHaveLength(app.here.rows.event_session!.length);
  expect(meta).toMatchObject({ count: data.length, total: data.length, limit: 1000, offset: 0 });
  expect(new Set(data.map(({ id }: Values) => id)).size).toBe(data.length);
  for (const record of data) expect(record.files).toEqual(expect.any(Array));
  expect(data.some(({ files }: Values) => (files as unknown[]).length > 0)).toBe(true);
});

test('objects and children of a whole list take one statement for each kind', async () => {
  const query = 'enabled=all&hidden=all&limit=20&view=detail&inc_files=1&inc_presentations=1';
  const read = () => app.root().call('GET', `/v3/crud/event_session/?${query}`);
  await read();
  const references = toOnes(entityOf('event_session')).length;
  expect(await app.statementsOf(read)).toBeLessThanOrEqual(2 + references + 2);
});
