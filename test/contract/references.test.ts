import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { targetsOf } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import { unknownId } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { graph } from '../support/graph';
import { bodyOf } from '../support/rest';

const app = useApp();
const references = allEntities()
  .filter(({ access }) => access.create !== 'never')
  .flatMap((entity) =>
    [...entity.attributes.values()]
      .filter((attribute) => isWritable(attribute) && (attribute.ref ?? attribute.any))
      .map((attribute) => ({ name: `${entity.table}.${attribute.column}`, entity, attribute })),
  );
const taken = references.filter(({ attribute }) => attribute.ref?.through !== undefined);

async function make(
  entity: Entity,
  values = valuesFor(entity, app.here, nextNumber()),
): Promise<Values & { id: string }> {
  const { data, errors } = await graph.create(app.root(), entity, values);
  expect(errors).toBeUndefined();
  return data.payload.object;
}

test.each(references)(
  '$name points at an object of its type, or nothing is written',
  async ({ entity, attribute }) => {
    const path = `/v3/crud/${entity.table}`;
    const object = await make(entity);
    const [rows, row] = [await app.countRows(entity.table), await app.rowOf(entity.table, object.id)];
    const targets = targetsOf(attribute).map(({ table }) => table);
    const other = allEntities().find(({ table }) => !targets.includes(table));
    const strange = [unknownId(), ...(other ? [app.here.rows[other.table]![0]!.id] : [])];
    for (const id of strange) {
      const values = { ...valuesFor(entity, app.here, nextNumber()), [attribute.name]: id };
      const refusals = [
        await app.root().rest('POST', `${path}/`, bodyOf(entity, values)),
        await app.root().rest('PATCH', `${path}/${object.id}`, { [`${attribute.column}_random`]: id }),
      ];
      for (const { status, meta } of refusals)
        expect({ status, meta }).toMatchObject({
          status: 400,
          meta: { success: false, status_message: expect.stringContaining(id) },
        });
      expect((await graph.create(app.root(), entity, values)).code).toBe('DATABASE_CONSTRAINT');
      expect((await graph.update(app.root(), entity, object.id, { [attribute.name]: id })).code).toBe(
        'DATABASE_CONSTRAINT',
      );
    }
    for (const id of [
      '17',
      'x',
      'a'.repeat(23),
      'äöüäöüäöüäöü',
      "1' OR '1'='1",
      17,
      true,
      { id: 1 },
      ['a'],
    ]) {
      const answer = await app.root().rest('PATCH', `${path}/${object.id}`, { [attribute.column]: id });
      expect({ id, status: answer.status, details: answer.meta?.details }).toEqual({
        id,
        status: 400,
        details: { [attribute.column]: expect.any(String) },
      });
    }
    for (const id of ['17', 'äöüäöüäöüäöü', "1' OR '1'='1"])
      expect((await graph.update(app.root(), entity, object.id, { [attribute.name]: id })).code).toBe(
        'DATABASE_CONSTRAINT',
      );
    expect(await app.countRows(entity.table)).toBe(rows);
    expect(await app.rowOf(entity.table, object.id)).toEqual(row);
  },
);

describe.each(taken)('$name is taken from another reference', ({ entity, attribute }) => {
  const via = entity.attributes.get(attribute.ref!.through!)!;

  test('when it is not given, or given as null', async () => {
    for (const given of [undefined, null]) {
      const values = valuesFor(entity, app.here, nextNumber());
      const made = await make(entity, { ...values, [attribute.name]: given });
      expect(made[attribute.name]).toBe(values[attribute.name]);
    }
    const values = valuesFor(entity, app.here, nextNumber());
    const rest = await app.root().rest('POST', `/v3/crud/${entity.table}/`, {
      ...bodyOf(entity, values),
      [attribute.column]: null,
    });
    expect(rest).toMatchObject({ status: 200, data: { [attribute.column]: values[attribute.name] } });
  });

  test('and may not contradict it', async () => {
    const made = await make(entity);
    const other = app.here.rows[attribute.ref!.type]!.find(({ id }) => id !== made[attribute.name])!;
    const before = await app.rowOf(entity.table, made.id);
    for (const sent of [
      { [attribute.name]: other.id },
      { [attribute.name]: null },
      { [attribute.name]: other.id, [via.name]: made[via.name] },
    ]) {
      const { errors } = await graph.update(app.root(), entity, made.id, sent);
      expect({ sent, refused: errors !== undefined }).toEqual({
        sent,
        refused: sent[attribute.name] !== null,
      });
      expect((await app.rowOf(entity.table, made.id))![attribute.column]).toBe(before![attribute.column]);
    }
    const { code } = await graph.create(app.root(), entity, {
      ...valuesFor(entity, app.here, nextNumber()),
      [attribute.name]: other.id,
      [via.name]: made[via.name],
      ...(via.any && { [via.any.typeAttribute]: made[via.any.typeAttribute] }),
    });
    expect(code).toBe('VALIDATION');
  });
});

const several = references.filter(({ attribute }) => attribute.any);

test.each(several)(
  'the type that $name points to changes only together with it',
  async ({ entity, attribute }) => {
    const made = await make(entity);
    const typeName = attribute.any!.typeAttribute;
    const type = entity.attributes.get(typeName)!;
    const before = await app.rowOf(entity.table, made.id);
    const other = targetsOf(attribute).find(({ table }) => table !== made[typeName])!;
    expect((await graph.update(app.root(), entity, made.id, { [typeName]: other.table })).code).toBe(
      'VALIDATION',
    );
    const rest = await app
      .root()
      .rest('PATCH', `/v3/crud/${entity.table}/${made.id}`, { [type.column]: other.table });
    expect(rest).toMatchObject({ status: 400, data: false });
    for (const name of ['no_such_type', '__proto__', 'constructor', '']) {
      const refused = await app
        .root()
        .rest('PATCH', `/v3/crud/${entity.table}/${made.id}`, { [type.column]: name });
      expect({ name, status: refused.status }).toEqual({ name, status: 400 });
    }
    expect(await app.rowOf(entity.table, made.id)).toEqual(before);
    // The same again is no change.
    const same = await graph.update(app.root(), entity, made.id, { [typeName]: made[typeName] });
    expect(same.errors).toBeUndefined();
  },
);

test('what lies below a session follows it to another event', async () => {
  const [event, other] = app.here.rows.event!;
  const session = await make(entityOf('event_session'), {
    ...valuesFor(entityOf('event_session'), app.here, nextNumber()),
    eventId: event!.id,
  });
  const presentation = await make(entityOf('event_presentation'), { name: 'p', eventSessionId: session.id });
  const presenter = await make(entityOf('event_presenter'), {
    name: 'q',
    eventPresentationId: presentation.id,
  });
  const file = await make(entityOf('event_file'), {
    forType: 'event_presenter',
    forId: presenter.id,
    filename: 'https://example.org/a',
  });
  await app.staff().call('PATCH', `/v3/crud/event_session/${session.id}`, { event_id: other!.id });
  for (const [type, { id }] of Object.entries({
    event_presentation: presentation,
    event_presenter: presenter,
    event_file: file,
  }))
    expect((await app.root().call('GET', `/v3/crud/${type}/${id}`)).data).toMatchObject({
      event_id: other!.id,
      event_session_id: session.id,
    });
});
