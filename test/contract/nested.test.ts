import { entityOf, allEntities } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { allToManys, toManys } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import { unknownId } from '../support/callers';
import { newChild as newChildOf } from '../support/children';
import type { Values } from '../support/factory';
import { leakedKeys } from '../support/rest';

const app = useApp();
// Children are declared by now: every type has been imported with the app.
const relations = allToManys()
  .filter(({ child }) => child.access.create !== 'never')
  .map((relation) => ({ ...relation, name: `${relation.parent.table}/…/${relation.child.table}` }));

test('the event is a parent of everything that has an event', () => {
  const children = toManys(entityOf('event')).map(({ child }) => child.table);
  const belonging = allEntities().filter(({ attributes }) =>
    [...attributes.values()].some(({ ref }) => ref?.type === 'event'),
  );
  expect(children).toEqual(expect.arrayContaining(belonging.map(({ table }) => table)));
});

test('a file below an event is of the event, unless it says of what in it', async () => {
  const [event, other] = app.here.rows.event!;
  const session = app.here.rows.event_session!.find(({ values }) => values.eventId === event!.id)!;
  const path = `/v3/crud/event/${event!.id}/event_file`;
  const make = (body: Values, at = path) => app.staff().rest('POST', at, { filename: 'a.pdf', ...body });
  const own = await make({});
  expect(own.data).toMatchObject({
    ...{ event_id: event!.id, for_type: 'event', for_id: event!.id },
    event_session_id: null,
  });
  expect((await app.staff().call('POST', `${path}/validate`, {})).data).toBe(true);
  for (const key of ['for_id', 'for_id_random'])
    expect((await make({ for_type: 'event_session', [key]: session.id })).data).toMatchObject({
      ...{ event_id: event!.id, for_type: 'event_session', for_id: session.id },
      event_session_id: session.id,
    });
  expect((await make({ for_type: 'event_session' })).meta.details).toEqual({ for_id: 'is required' });
  expect((await make({ for_id: session.id })).meta.details).toEqual({ for_type: 'is required' });
  // Of another event than that of the path.
  const elsewhere = await make(
    { for_type: 'event_session', for_id: session.id },
    `/v3/crud/event/${other!.id}/file`,
  );
  expect(elsewhere).toMatchObject({ status: 400, data: false });
  expect((await make({ for_type: null, for_id: null })).data).toMatchObject({ for_id: event!.id });
  expect((await make({}, `/v3/crud/event/${unknownId()}/file`)).status).toBe(404);
});

describe.each(relations)('$name', (relation) => {
  const { parent, child, attribute } = relation;
  const everything = 'enabled=all&hidden=all&limit=999999';
  /** What the names of parent and child begin with: `event_` of a session and its presentations. */
  const shared = child.table
    .split('_')
    .map((_, n, parts) => `${parts.slice(0, n + 1).join('_')}_`)
    .filter((start) => child.table.startsWith(start) && `${parent.table}_`.startsWith(start));
  const spellings = [child.table, ...shared.map((start) => child.table.slice(start.length))];

  const newChild = () => newChildOf(relation, app.here);
  const otherParent = (id: string) => app.here.rows[parent.table]!.find((made) => made.id !== id)?.id;

  test.each(spellings.flatMap((name) => [`${name}/`, name]))('all routes at …/%s', async (name) => {
    const { body, parentId } = newChild();
    const base = `/v3/crud/${parent.table}/${parentId}/${name}`;
    const slash = name.endsWith('/') ? '/' : '';
    const one = (id: string) => `/v3/crud/${parent.table}/${parentId}/${name.replace('/', '')}/${id}${slash}`;
    const caller = app.root();

    const below = (end: string) =>
      `/v3/crud/${parent.table}/${parentId}/${name.replace('/', '')}/${end}${slash}`;
    expect((await caller.call('POST', below('validate'), body)).data).toBe(true);
    const described = await caller.call('GET', `${below('schema')}?variant=in`);
    expect(described.data).toMatchObject({ object_type: child.table, variant: 'in' });
    expect(described.data.fields.required).not.toContain(attribute.column);

    const created = await caller.rest('POST', base, body);
    expect({ status: created.status, meta: created.meta }).toMatchObject({ status: 200 });
    const { id } = created.data as { id: string };
    expect(created.data).toMatchObject({
      [attribute.column]: parentId,
      [`${attribute.column}_random`]: parentId,
    });
    if (attribute.any) {
      const type = child.attributes.get(attribute.any.typeAttribute)!;
      expect(created.data).toMatchObject({ [type.column]: parent.table });
    }

    const listed = await caller.call('GET', `${base}?${everything}`);
    const ids = listed.data.map((each: Values) => each.id);
    expect(ids).toContain(id);
    expect(listed.meta).toMatchObject({ count: ids.length, total: ids.length, limit: 999_999, offset: 0 });
    for (const each of listed.data) expect(each[attribute.column]).toBe(parentId);
    expect(leakedKeys(listed.body)).toEqual([]);

    const search = `/v3/crud/${parent.table}/${parentId}/${name.replace('/', '')}/search${slash}?${everything}`;
    const found = await caller.call('POST', search, { and: [{ field: 'id', op: 'eq', value: id }] });
    expect(found.data).toEqual([created.data]);
    expect((await caller.call('POST', search, {})).data).toEqual(listed.data);

    expect((await caller.call('GET', one(id))).data).toEqual(created.data);

    const text = [...child.attributes.values()].find(
      (each) =>
        each.kind === 'string' && isWritable(each) && !each.unique && !each.once && each.name === 'name',
    );
    if (text) {
      const patched = await caller.call('PATCH', one(id), { [text.column]: 'changed below its parent' });
      expect(patched.data).toMatchObject({ id, [text.column]: 'changed below its parent' });
    }
    if (child.attributes.has('hide')) expect((await caller.call('DELETE', one(id))).data.hide).toBe(true);
    expect((await caller.call('DELETE', `${one(id)}?method=delete`)).data.id).toBe(id);
    expect(await app.rowOf(child.table, id)).toBeUndefined();
    expect((await caller.rest('GET', one(id))).status).toBe(404);
  });

  test('a child of another parent is not found there, and not touched', async () => {
    const { body, parentId } = newChild();
    const caller = app.root();
    const created = await caller.call('POST', `/v3/crud/${parent.table}/${parentId}/${child.table}`, body);
    const other = otherParent(parentId);
    if (other === undefined) return;
    const path = `/v3/crud/${parent.table}/${other}/${child.table}`;
    const before = await app.rowOf(child.table, created.data.id);
    for (const [method, sent] of [['GET'], ['PATCH', {}], ['DELETE']] as const) {
      const answer = await caller.rest(method, `${path}/${created.data.id}`, sent);
      expect({ method, ...answer }).toMatchObject({
        method,
        status: 404,
        body: { data: false, meta: { details: { category: 'not_found' } } },
      });
    }
    const listed = await caller.call('GET', `${path}?${everything}`);
    expect(listed.data.map(({ id }: Values) => id)).not.toContain(created.data.id);
    expect(await app.rowOf(child.table, created.data.id)).toEqual(before);
  });

  test('a parent that is not there, is no id, or has no such children', async () => {
    const caller = app.root();
    const { body } = newChild();
    const rows = await app.countRows(child.table);
    const at = (parentId: string, name = child.table) => `/v3/crud/${parent.table}/${parentId}/${name}`;
    const known = app.here.rows[parent.table]![0]!.id;
    const missing = unknownId();
    const gone = attribute.name === 'accountId' ? 403 : 404;
    expect((await caller.rest('GET', at(missing))).status).toBe(404);
    expect((await caller.rest('POST', `${at(missing)}/search`, {})).status).toBe(404);
    expect((await caller.rest('GET', `${at(missing)}/schema`)).status).toBe(404);
    expect((await caller.rest('POST', at(missing), body)).status).toBe(gone);
    expect((await caller.rest('POST', `${at(missing)}/validate`, body)).status).toBe(gone);
    const foreign = app.there.rows[parent.table]![0]!.id;
    for (const [method, path, sent] of [
      ['GET', at(foreign)],
      ['POST', `${at(foreign)}/search`, {}],
      ['GET', `${at(foreign)}/schema`],
      ['POST', at(foreign), body],
      ['POST', `${at(foreign)}/validate`, body],
    ] as const)
      expect({ method, path, status: (await app.manager().rest(method, path, sent)).status }).toEqual({
        method,
        path,
        status: 403,
      });
    expect((await caller.rest('GET', `${at(missing)}/${known}`)).status).toBe(404);
    for (const id of ['1', 'short', '17', 'a'.repeat(23), 'with%20a%20space', '1%20OR%201=1--']) {
      expect({ id, status: (await caller.rest('GET', at(id))).status }).toEqual({ id, status: 422 });
      expect({ id, status: (await caller.rest('POST', at(id), body)).status }).toEqual({ id, status: 422 });
      expect({ id, status: (await caller.rest('GET', `${at(known)}/${id}`)).status }).toEqual({
        id,
        status: 422,
      });
    }
    for (const name of ['no_such_type', '__proto__', 'constructor', 'account'])
      expect({ name, status: (await caller.rest('GET', at(known, name))).status }).toEqual({
        name,
        status: 404,
      });
    expect(await app.countRows(child.table)).toBe(rows);
  });
});
