import { isPublicId } from '../../src/kernel/public-id';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isRequired, isWritable } from '../../src/kernel/input-types';
import { atLeast, type Level } from '../../src/kernel/levels';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { graph } from '../support/graph';
import { bodyOf, leakedKeys, recordOf, sentBack } from '../support/rest';

const app = useApp();
const types = allEntities()
  .filter(({ access }) => access.create !== 'never')
  .map(({ table }) => table);
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const writable = (entity: Entity) => [...entity.attributes.values()].filter(isWritable);

/** Every writable attribute with a value of its own. */
const fullValues = (entity: Entity): Values => valuesFor(entity, app.here, nextNumber());

/** Only what an object cannot do without. */
const neededValues = (entity: Entity): Values => {
  const values = fullValues(entity);
  return Object.fromEntries(
    writable(entity)
      .filter(isRequired)
      .map(({ name }) => [name, values[name]]),
  );
};

/** What their own must be, beside theirs. */
const whatMembersMake: Record<string, Values> = { event: { typeCode: 'meeting' } };

/** Somebody of a level that may write such objects, and what makes one theirs, where it must be somebody's. */
async function writerOf(
  { access, attributes, table }: Entity,
  verb: 'create' | 'update',
): Promise<{ caller: Caller; own: Values }> {
  const { own, readAll = 'anonymous', writeAll = readAll, [verb]: level } = access;
  if (own === undefined || atLeast(level as Level, writeAll)) return { caller: app.as(level), own: {} };
  // Theirs is what they have come to by a passcode.
  if (own === 'id') return { caller: app.as(writeAll), own: {} };
  const signedIn = async (person: unknown, value: unknown) => ({
    caller: await app.signedIn(level, { person: String(person) }),
    own: { [first]: value, ...whatMembersMake[table] },
  });
  const [first = '', rest] = own.split('.');
  const reference = attributes.get(first)?.ref?.type;
  if (rest) {
    const above = app.here.rows[reference!]!.find(({ values }) => values[rest])!;
    return signedIn(above.values[rest], above.id);
  }
  const member = app.here.rows.person!.find(({ values }) => values.externalPersonId)!;
  return signedIn(member.id, reference ? member.id : member.values.externalPersonId);
}

/** Does the object, as it was read, hold what was given? What is never answered is looked up in the table. */
async function expectHolds(entity: Entity, object: Values, given: Values): Promise<void> {
  const row = await app.rowOf(entity.table, String(object.id));
  for (const [name, value] of Object.entries(given)) {
    const { read, column } = entity.attributes.get(name)!;
    expect({ [name]: read === 'never' ? row?.[column] : object[name] }).toEqual({ [name]: value });
  }
}

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);
  const path = `/v3/crud/${type}`;

  test('what is created through the graph is what REST reads', async () => {
    const values = fullValues(entity);
    const { data, errors } = await graph.create(app.root(), entity, values);
    expect(errors).toBeUndefined();
    const created = data.payload.object as Values;
    await expectHolds(entity, created, values);
    const { status, body } = await app.root().rest('GET', `${path}/${String(created.id)}`);
    expect(status).toBe(200);
    expect(body.data).toEqual(recordOf(entity, created));
    expect(body.meta).toMatchObject({ status_code: 200, status_name: 'OK', success: true });
    expect(leakedKeys(body)).toEqual([]);
  });

  test.each([{ older: false }, { older: true }])(
    "what is created through REST is what the graph reads, and is the caller's, %p",
    async ({ older }) => {
      const values = fullValues(entity);
      const body = {
        id: 'not-its-id-01',
        [`${type}_id`]: 'not-its-id-01',
        ...bodyOf(entity, values, { older }),
      };
      const made = await app.root().rest('POST', `${path}/`, body);
      expect(made).toMatchObject({ status: 200, meta: { success: true } });
      const { data, errors } = await graph.read(app.root(), entity, made.data.id);
      expect(errors).toBeUndefined();
      const read = data.object as Values;
      await expectHolds(entity, read, values);
      expect(made.data).toEqual(recordOf(entity, read));
      expect(isPublicId(read.id)).toBe(true);
      expect(read.id).toHaveLength(11);
      expect(read.createdOn).toMatch(iso);
      expect(read.updatedOn).toBe(read.createdOn);
      expect(Math.abs(Date.parse(String(read.createdOn)) - Date.now())).toBeLessThan(30_000);
      if (entity.attributes.has('accountId')) expect(read.accountId).toBe(app.here.account);
      expect(leakedKeys(data)).toEqual([]);
    },
  );

  test('the level that the type asks for and what it requires are enough to create one', async () => {
    const { caller, own } = await writerOf(entity, 'create');
    const needed = neededValues(entity);
    const values = Object.fromEntries(
      Object.keys({ ...needed, ...whatMembersMake[type] }).map((name) => [name, own[name] ?? needed[name]]),
    );
    const before = await app.countRows(type);
    const made = await caller.rest('POST', `${path}/?return_obj=false`, bodyOf(entity, values));
    expect(made).toMatchObject({ status: 200 });
    expect(isPublicId(made.data)).toBe(true);
    expect(await app.countRows(type)).toBe(before + 1);
    const { data } = await graph.read(app.root(), entity, made.data);
    for (const { name, default: fallback, kind, nullable, sql } of entity.attributes.values()) {
      if (sql || entity.attributes.get(name)?.read === 'never') continue;
      if (fallback !== undefined) expect({ [name]: data.object[name] }).toEqual({ [name]: fallback });
      else if (kind === 'bool' && !nullable) expect({ [name]: data.object[name] }).toEqual({ [name]: false });
    }
  });

  test('what is required is missed by name, and nothing is written', async () => {
    const needed = writable(entity).filter(isRequired);
    const before = await app.countRows(type);
    for (const attribute of needed) {
      const { [attribute.name]: _missing, ...values } = fullValues(entity);
      const rest = await app.root().rest('POST', `${path}/`, bodyOf(entity, values));
      expect({ attribute: attribute.name, status: rest.status }).toEqual({
        attribute: attribute.name,
        status: 400,
      });
      expect(JSON.stringify(rest.meta)).toMatch(new RegExp(`${attribute.name}|${attribute.column}`));
      const { errors } = await graph.create(app.root(), entity, values);
      expect(errors?.[0]?.message).toContain(attribute.name);
    }
    expect(await app.countRows(type)).toBe(before);
  });

  test('an update changes what was sent, and nothing else', async () => {
    const { data } = await graph.create(app.root(), entity, fullValues(entity));
    let before = data.payload.object as Values;
    const id = String(before.id);
    for (const [i, { name, ref, once }] of writable(entity).entries()) {
      const values = fullValues(entity);
      // What is taken from another object changes with the reference to that one.
      if (once || ref?.through) continue;
      const attribute = entity.attributes.get(name)!;
      if (attribute.kind === 'anyType') continue;
      const sent: Values = { [name]: values[name] };
      if (attribute.any) sent[attribute.any.typeAttribute] = values[attribute.any.typeAttribute];
      const answer =
        i % 2 === 0
          ? await graph.update(app.root(), entity, id, sent)
          : await app.root().rest('PATCH', `${path}/${id}`, bodyOf(entity, sent));
      const success = 'body' in answer ? answer.body.meta.success : answer.errors === undefined;
      expect({ name, status: answer.status, success }).toEqual({ name, status: 200, success: true });
      const after = (await graph.read(app.root(), entity, id)).data.object as Values;
      await expectHolds(entity, after, sent);
      const follows = (other: string): boolean => {
        const { sql, ref: reference, textOf } = entity.attributes.get(other)!;
        return sql !== undefined || reference?.through === name || textOf === name || other in sent;
      };
      const same = Object.keys(before).filter(
        (other) => !follows(other) && other !== 'updatedOn' && other !== 'defaultQryStr',
      );
      const only = (object: Values) => Object.fromEntries(same.map((other) => [other, object[other]]));
      expect({ changed: name, ...only(after) }).toEqual({ changed: name, ...only(before) });
      expect(Date.parse(String(after.updatedOn))).toBeGreaterThanOrEqual(
        Date.parse(String(before.updatedOn)),
      );
      before = after;
    }
  });

  test('what is set once is not changed afterwards', async () => {
    for (const { name, column } of writable(entity).filter(({ once }) => once)) {
      const { [name]: value, ...rest } = fullValues(entity);
      const { data } = await graph.create(app.root(), entity, rest);
      const { id } = data.payload.object as { id: string };
      expect((await graph.update(app.root(), entity, id, { [name]: value })).errors).toBeUndefined();
      for (const other of ['another', null]) {
        expect((await graph.update(app.root(), entity, id, { [name]: other })).code).toBe('VALIDATION');
        const { status, meta } = await app.root().rest('PATCH', `${path}/${id}`, { [column]: other });
        expect({ status, fields: Object.keys(meta.details) }).toEqual({ status: 400, fields: [column] });
      }
      expect((await graph.update(app.root(), entity, id, { [name]: value })).errors).toBeUndefined();
      expect((await app.rowOf(type, id))![column]).toBe(value);
    }
  });

  test('null clears what may be empty', async () => {
    for (const way of ['graph', 'rest'] as const) {
      const { data } = await graph.create(app.root(), entity, fullValues(entity));
      const { id } = data.payload.object as { id: string };
      const cleared = Object.fromEntries(
        writable(entity)
          .filter(({ nullable, once, ref }) => nullable && !once && !ref?.through)
          .map(({ name }) => [name, null]),
      );
      const answer =
        way === 'graph'
          ? await graph.update(app.root(), entity, id, cleared)
          : await app.root().rest('PATCH', `${path}/${id}`, bodyOf(entity, cleared));
      expect(answer.status).toBe(200);
      const after = (await graph.read(app.root(), entity, id)).data.object as Values;
      await expectHolds(entity, after, cleared);
    }
  });

  test('the whole record that was read may be sent back, and changes updated_on alone', async () => {
    const root = { caller: app.root(), own: {} };
    // Of accounts, others than super have their own alone.
    const writers = entity.tenant === 'self' ? [root] : [await writerOf(entity, 'update'), root];
    for (const { caller, own } of writers) {
      const { data } = await graph.create(app.root(), entity, { ...fullValues(entity), ...own });
      const { id } = data.payload.object as { id: string };
      const row = await app.rowOf(type, id);
      const read = await caller.call('GET', `${path}/${id}`);
      const patched = await caller.rest('PATCH', `${path}/${id}`, sentBack(entity, read.data));
      expect({ status: patched.status, meta: patched.meta }).toMatchObject({ status: 200 });
      expect({ ...patched.data, updated_on: null }).toEqual({ ...read.data, updated_on: null });
      // Nor does what this caller may not read change.
      const after = await app.rowOf(type, id);
      expect(normal(entity, after!)).toEqual(normal(entity, row!));
    }
  });

  test('settings that are shown without their secrets are changed without losing them', async () => {
    for (const { name, column, kind, mask, read } of writable(entity)) {
      if (kind !== 'json' || !mask || read === undefined || atLeast(entity.access.update as Level, read))
        continue;
      const secret = {
        rooms: [
          { name: 'A', passcode: '1' },
          { name: 'B', passcode: '2' },
        ],
        token: 't',
        colour: 'red',
      };
      const { caller, own } = await writerOf(entity, 'update');
      const { data } = await graph.create(app.root(), entity, {
        ...fullValues(entity),
        ...own,
        [name]: secret,
      });
      const { id } = data.payload.object as { id: string };
      const seen = (await caller.call('GET', `${path}/${id}`)).data[column];
      expect(seen).toEqual({ rooms: [{ name: 'A' }, { name: 'B' }], colour: 'red' });
      const sent = { ...seen, rooms: [{ name: 'C' }, ...seen.rooms.toReversed()], colour: 'blue', new: 1 };
      await caller.call('PATCH', `${path}/${id}`, { [column]: JSON.stringify(sent) });
      const after = (await graph.read(app.root(), entity, id)).data.object as Values;
      expect(after[name]).toEqual({
        rooms: [{ name: 'C' }, { name: 'B', passcode: '2' }, { name: 'A', passcode: '1' }],
        token: 't',
        colour: 'blue',
        new: 1,
      });
      await caller.call('PATCH', `${path}/${id}`, { [column]: null });
      expect((await graph.read(app.root(), entity, id)).data.object[name]).toBeNull();
    }
  });

  test('what the server keeps is not for callers to set', async () => {
    const closed = [...entity.attributes.values()].filter(
      (attribute) => !isWritable(attribute) && attribute.kind !== 'id' && !attribute.sql,
    );
    const { data } = await graph.create(app.root(), entity, fullValues(entity));
    const { id } = data.payload.object as { id: string };
    const row = await app.rowOf(type, id);
    const sent = Object.fromEntries(closed.map(({ column }) => [column, 'changed']));
    const answer = await app
      .root()
      .rest('PATCH', `${path}/${id}`, { ...sent, account_id: app.there.account });
    expect(answer.status).toBe(200);
    expect({ ...(await app.rowOf(type, id)), updated_on: null }).toEqual({ ...row, updated_on: null });
    for (const { name } of closed) {
      const { errors } = await graph.update(app.root(), entity, id, { [name]: 'changed' });
      expect(errors?.[0]?.message).toContain(name);
    }
  });
});

/** A row without its time of change, JSON as values. */
const normal = (entity: Entity, row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([column]) => column !== 'updated_on')
      .map(([column, value]) => [
        column,
        entity.byColumn.get(column)?.kind === 'json' && typeof value === 'string'
          ? (JSON.parse(value) as unknown)
          : value,
      ]),
  );
