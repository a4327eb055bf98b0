import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { atLeast, levels } from '../../src/kernel/levels';
import { referencesTo } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import { unknownId, type GraphqlAnswer } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber, seedMore } from '../support/fixture';
import { graph } from '../support/graph';

const app = useApp();
const types = allEntities()
  .filter(({ access }) => access.create !== 'never')
  .map(({ table }) => table);
const idsOf = (nodes: { id: string }[]) => nodes.map(({ id }) => id);
const nothing = { nodes: [], count: 0, affected: [] };

function fresh(entity: Entity): Values {
  const values = valuesFor(entity, app.here, nextNumber());
  return { ...values, ...('enable' in values && { enable: true, hide: false }) };
}

/** A value that the type refuses: a reference to nothing, or a text that is too long. */
function wrong({ attributes }: Entity): { name: string; value: unknown; code: string } {
  const writable = [...attributes.values()].filter(isWritable);
  const reference = writable.find(({ ref }) => ref && !ref.through);
  if (reference) return { name: reference.name, value: unknownId(), code: 'DATABASE_CONSTRAINT' };
  const { name } = writable.find(({ kind }) => kind === 'string')!;
  return { name, value: 'x'.repeat(300), code: 'VALIDATION' };
}

const answer = ({ data, errors }: GraphqlAnswer) => {
  expect(errors).toBeUndefined();
  return data.payload;
};

const make = async (entity: Entity, inputs: Values[]) =>
  answer(await graph.createMany(app.root(), entity, inputs));

describe.each(types)('several of %s', (type) => {
  const entity = entityOf(type);
  const { access } = entity;
  /** An account finds itself alone. */
  const alone = entity.tenant === 'self';
  const some = async (): Promise<string[]> =>
    alone
      ? [app.here.account]
      : idsOf((await make(entity, [fresh(entity), fresh(entity), fresh(entity)])).nodes);
  const these = (ids: string[]) => ({ id: { in: ids } });
  const rowsOf = (ids: string[]) => Promise.all(ids.map((id) => app.rowOf(type, id)));

  /** A change that every row of the type can take; none where rows would come to be the same. */
  const change = (): Values => {
    const values = valuesFor(entity, app.here, nextNumber());
    const attribute = [...entity.attributes.values()].find(
      (each) =>
        isWritable(each) &&
        !each.unique &&
        !each.once &&
        (each.kind === 'text' || each.kind === 'string') &&
        each.name !== 'level' &&
        !entity.indexes.some(({ unique, columns }) => unique && columns.includes(each.column)),
    );
    return attribute ? { [attribute.name]: values[attribute.name] } : {};
  };

  test('are made in the order of their inputs, each as it would be by itself', async () => {
    const inputs = [fresh(entity), fresh(entity), fresh(entity)];
    const { nodes, count, affected, errors } = await make(entity, inputs);
    expect({ count, errors }).toEqual({ count: 3, errors: [] });
    expect(affected).toEqual([{ type, action: 'CREATED', count: 3 }]);
    for (const [index, node] of (nodes as Values[]).entries()) {
      const { data } = await graph.read(app.root(), entity, String(node.id));
      expect(node).toEqual(data.object);
      for (const [name, value] of Object.entries(inputs[index]!))
        if (name in node) expect({ [name]: node[name] }).toEqual({ [name]: value });
    }
  });

  test('are none when one cannot be made, and every one that cannot is named', async () => {
    const bad = wrong(entity);
    const inputs = [0, 1, 2, 3].map((n) => ({
      ...fresh(entity),
      ...(n % 2 === 1 && { [bad.name]: bad.value }),
    }));
    const rows = await app.countRows(type);
    for (const dryRun of [false, true]) {
      const { errors, ...rest } = answer(await graph.createMany(app.root(), entity, inputs, dryRun));
      expect(rest).toEqual(nothing);
      expect(errors).toEqual(
        [1, 3].map((index) => ({
          index,
          id: null,
          code: bad.code,
          message: expect.any(String),
          fields: { [bad.name]: expect.any(String) },
        })),
      );
      expect(await app.countRows(type)).toBe(rows);
    }
    const alone = await graph.create(app.root(), entity, inputs[1]!);
    expect(alone.code).toBe(bad.code);
  });

  test('are not there after a dry run, which says what would be', async () => {
    const rows = await app.countRows(type);
    const inputs = [fresh(entity), fresh(entity)];
    expect(answer(await graph.createMany(app.root(), entity, inputs, true))).toEqual({
      nodes: [],
      count: 2,
      affected: [{ type, action: 'CREATED', count: 2 }],
      errors: [],
    });
    expect(await app.countRows(type)).toBe(rows);
    expect((await make(entity, inputs)).count).toBe(2);
  });

  test('are changed, and those that the filter does not find are not', async () => {
    const ids = await some();
    const others = await rowsOf(app.here.rows[type]!.map(({ id }) => id).filter((id) => !ids.includes(id)));
    const input = change();
    const before = await rowsOf(ids);
    const dry = answer(await graph.updateMany(app.root(), entity, these(ids), input, { dryRun: true }));
    expect(await rowsOf(ids)).toEqual(before);
    const done = answer(await graph.updateMany(app.root(), entity, these(ids), input));
    for (const { nodes, count, affected, errors } of [dry, done]) {
      expect({ count, errors }).toEqual({ count: ids.length, errors: [] });
      expect(idsOf(nodes)).toEqual(ids);
      for (const node of nodes) expect(node).toMatchObject(input);
      const touched = Object.keys(input).length > 0;
      expect(affected).toEqual(touched ? [{ type, action: 'UPDATED', count: ids.length }] : []);
    }
    for (const node of done.nodes)
      expect((await graph.read(app.root(), entity, node.id)).data.object).toEqual(node);
    expect(await rowsOf(app.here.rows[type]!.map(({ id }) => id).filter((id) => !ids.includes(id)))).toEqual(
      others,
    );
  });

  test('stay as they are when one cannot be changed', async () => {
    const ids = await some();
    const bad = wrong(entity);
    const before = await rowsOf(ids);
    const { errors, ...rest } = answer(
      await graph.updateMany(app.root(), entity, these(ids), { ...change(), [bad.name]: bad.value }),
    );
    expect(rest).toEqual(nothing);
    expect(errors.map(({ id, index, code }: Values) => ({ id, index, code }))).toEqual(
      ids.map((id) => ({ id, index: null, code: bad.code })),
    );
    expect(await rowsOf(ids)).toEqual(before);
  });

  test('stay as they are when there are more of them than may be affected', async () => {
    if (alone) return;
    const ids = await some();
    const before = await rowsOf(ids);
    for (const dryRun of [false, true]) {
      const options = { maxAffected: 2, dryRun };
      const updated = await graph.updateMany(app.root(), entity, these(ids), change(), options);
      const removed = await graph.removeMany(app.root(), entity, these(ids), 'DELETE', options);
      for (const { code, errors } of [updated, removed]) {
        expect(code).toBe('LIMIT_EXCEEDED');
        expect(errors![0]!.message).toContain(`finds 3 ${entity.plural}`);
      }
    }
    expect(await rowsOf(ids)).toEqual(before);
  });

  test.each(['HIDE', 'DISABLE', 'DELETE'] as const)('are removed: %s', async (method) => {
    const ids = alone ? [app.here.account] : await some();
    if (alone && method !== 'HIDE') return;
    const [column, value] = method === 'HIDE' ? ['hide', 1] : ['enable', 0];
    const marks = method === 'DELETE' || entity.attributes.has(column);
    const before = await rowsOf(ids);
    for (const dryRun of [true, false]) {
      const { nodes, count, affected, errors } = answer(
        await graph.removeMany(app.root(), entity, these(ids), method, { dryRun }),
      );
      if (!marks) {
        expect(errors.map(({ id, code }: Values) => ({ id, code }))).toEqual(
          ids.map((id) => ({ id, code: 'BAD_REQUEST' })),
        );
        expect(await rowsOf(ids)).toEqual(before);
        continue;
      }
      expect({ count, errors }).toEqual({ count: ids.length, errors: [] });
      expect(idsOf(nodes)).toEqual(ids);
      expect(affected).toEqual([
        { type, action: method === 'DELETE' ? 'REMOVED' : 'UPDATED', count: ids.length },
      ]);
      const after = await rowsOf(ids);
      if (dryRun) expect(after).toEqual(before);
      else if (method === 'DELETE') expect(after).toEqual(ids.map(() => undefined));
      else for (const row of after) expect(row![column]).toBe(value);
    }
    if (alone) await graph.updateMany(app.root(), entity, these(ids), { hide: false });
  });

  test('of another account are found by no filter', async () => {
    const foreign = app.there.rows[type]!.map(({ id }) => id);
    const before = await rowsOf(foreign);
    const caller = app.as('super');
    for (const payload of [
      answer(await graph.updateMany(caller, entity, these(foreign), change())),
      answer(await graph.removeMany(caller, entity, these(foreign), 'DELETE')),
    ])
      expect(payload).toEqual({ ...nothing, errors: [] });
    expect(await rowsOf(foreign)).toEqual(before);
  });

  test('are written by nobody below the levels for one', async () => {
    const id = app.here.rows[type]![0]!.id;
    const [count, row] = [await app.countRows(type), await app.rowOf(type, id)];
    for (const level of levels)
      for (const dryRun of [true, false]) {
        const caller = app.as(level);
        const refused = [
          !atLeast(level, access.create) && (await graph.createMany(caller, entity, [fresh(entity)], dryRun)),
          !atLeast(level, access.update) &&
            (await graph.updateMany(caller, entity, these([id]), change(), { dryRun })),
          !atLeast(level, access.remove) &&
            (await graph.removeMany(caller, entity, these([id]), 'DELETE', { dryRun })),
        ];
        for (const each of refused)
          if (each) expect({ level, code: each.code }).toEqual({ level, code: 'FORBIDDEN' });
      }
    expect(await app.countRows(type)).toBe(count);
    expect(await app.rowOf(type, id)).toEqual(row);
  });
});

const session = entityOf('event_session');

test.each([
  [{}, 'filter'],
  [{ and: [] }, 'filter.and'],
  [{ and: [{}] }, 'filter.and.0'],
  [{ name: {} }, 'filter.name'],
  [{ name: null }, 'filter.name'],
  [{ or: [{ name: { eq: 'a' } }, {}] }, 'filter.or.1'],
  [{ name: { eq: 'a' }, id: {} }, 'filter.id'],
  [{ id: { notIn: [] } }, 'filter.id.notIn'],
  [{ event: { id: {} } }, 'filter.event.id'],
  [{ files: { none: {} } }, 'filter.files.none'],
  [{ not: { or: [] } }, 'filter.not.or'],
])('the filter %j has a part without a condition, and changes nothing', async (filter, part) => {
  const before = await app.services.database.select('SELECT * FROM event_session ORDER BY id');
  for (const { code, errors } of [
    await graph.updateMany(app.root(), session, filter, { code: 'gone' }),
    await graph.removeMany(app.root(), session, filter, 'DELETE'),
  ]) {
    expect(code).toBe('BAD_REQUEST');
    expect(errors![0]!.message).toContain(`${part} holds no condition`);
  }
  expect(await app.services.database.select('SELECT * FROM event_session ORDER BY id')).toEqual(before);
});

test.each([
  [{ name: { eq: null } }],
  [{ id: { in: [] } }],
  [{ eventLocationId: { isNull: false }, startDatetime: { lt: '1999-01-01T00:00:00.000Z' } }],
])('the filter %j says what it means', async (filter) => {
  const { errors } = await graph.updateMany(app.root(), session, filter, {}, { dryRun: true });
  expect(errors).toBeUndefined();
});

test('all objects of a type are changed when that is said', async () => {
  const { count } = answer(
    await graph.updateMany(
      app.root(),
      entityOf('event_location'),
      { id: { isNotNull: true } },
      { floor: '9' },
    ),
  );
  const [all] = await app.services.database.select<{ n: number }>(
    `SELECT COUNT(*) AS n FROM event_location WHERE account_id = (SELECT id FROM account WHERE id_random = ?)`,
    [app.here.account],
  );
  expect(count).toBe(all!.n);
});

test('how many are written at once is limited', async () => {
  const many = [...Array(501).keys()].map((n) => ({ name: `p${String(n)}` }));
  expect((await graph.createMany(app.root(), entityOf('person'), many)).code).toBe('LIMIT_EXCEEDED');
  for (const maxAffected of [0, -1, 1001])
    expect((await graph.updateMany(app.root(), session, { id: { in: [] } }, {}, { maxAffected })).code).toBe(
      'BAD_REQUEST',
    );
  const made = await make(entityOf('person'), many.slice(0, 500));
  expect(made.nodes.map(({ name }: Values) => name)).toEqual(many.slice(0, 500).map(({ name }) => name));
  const filter = { id: { in: idsOf(made.nodes) } };
  const changed = await graph.updateMany(
    app.root(),
    entityOf('person'),
    filter,
    { familyName: 'Same' },
    { maxAffected: 500 },
  );
  expect(answer(changed).count).toBe(500);
  const removed = await graph.removeMany(app.root(), entityOf('person'), filter, 'DELETE', {
    maxAffected: 500,
  });
  expect(answer(removed).affected).toEqual([{ type: 'person', action: 'REMOVED', count: 500 }]);
});

test('two inputs that cannot both be are told of by the later one', async () => {
  const key = entityOf('api_key');
  const [first, second] = [fresh(key), fresh(key)];
  const { errors } = await make(key, [first, second, { ...fresh(key), publicKey: first.publicKey }]);
  expect(errors).toEqual([
    expect.objectContaining({
      index: 2,
      code: 'DATABASE_DUPLICATE',
      fields: { public_key: 'is already taken' },
    }),
  ]);
});

test('what fails is as if it had not been tried for those that come after it', async () => {
  const key = entityOf('api_key');
  const first: Values = { ...fresh(key), level: 'no such level' };
  const { errors } = await make(key, [first, { ...fresh(key), publicKey: first.publicKey }]);
  expect(errors.map(({ index }: Values) => index)).toEqual([0]);
});

test('nobody makes keys beyond their own level, nor raises them, many at once', async () => {
  const key = entityOf('api_key');
  const caller = app.administrator();
  const { errors } = answer(
    await graph.createMany(caller, key, [fresh(key), { ...fresh(key), level: 'super' }]),
  );
  expect(errors).toEqual([expect.objectContaining({ index: 1, code: 'FORBIDDEN' })]);
  const [made] = (await make(key, [fresh(key)])).nodes;
  const raised = answer(await graph.updateMany(caller, key, { id: { eq: made.id } }, { level: 'super' }));
  expect(raised.errors).toEqual([expect.objectContaining({ id: made.id, code: 'FORBIDDEN' })]);
  expect((await app.rowOf('api_key', made.id))!.level).toBe('trusted');
});

test('what is set once is not changed by many either', async () => {
  const event = entityOf('event');
  const { nodes } = await make(event, [{ ...fresh(event), externalPersonId: 'owner' }, { name: 'without' }]);
  const { errors } = answer(
    await graph.updateMany(app.root(), event, { id: { in: idsOf(nodes) } }, { externalPersonId: 'other' }),
  );
  expect(errors).toEqual([
    expect.objectContaining({
      id: nodes[0].id,
      code: 'VALIDATION',
      fields: { externalPersonId: expect.any(String) },
    }),
  ]);
  expect((await app.rowOf('event', nodes[1].id))!.external_person_id).toBeNull();
});

test('people change and remove their own of many, and find no others', async () => {
  const [ann, bea] = app.here.rows.person!;
  const journal = entityOf('journal');
  const rows = await seedMore(
    app.services,
    journal,
    app.here,
    [ann, bea, ann].map((person) => ({ personId: person!.id, hide: false })),
  );
  const caller = await app.signedIn('authenticated', { person: ann!.id });
  const all = { id: { in: idsOf(rows) } };
  const mine = [rows[0]!.id, rows[2]!.id];
  const updated = answer(await graph.updateMany(caller, journal, all, { name: 'Mine' }));
  expect(idsOf(updated.nodes)).toEqual(mine);
  const away = answer(await graph.updateMany(caller, journal, all, { personId: bea!.id }));
  expect(away.errors.map(({ id, code }: Values) => ({ id, code }))).toEqual(
    mine.map((id) => ({ id, code: 'FORBIDDEN' })),
  );
  expect(idsOf(answer(await graph.removeMany(caller, journal, all, 'HIDE')).nodes)).toEqual(mine);
  expect((await app.rowOf('journal', rows[1]!.id))!.hide).toBe(0);
  const made = answer(await graph.createMany(caller, journal, [{ name: 'a' }, { name: 'b' }]));
  expect(made.nodes.map(({ personId }: Values) => personId)).toEqual([ann!.id, ann!.id]);
});

test('what one sees and may not change is named, and nothing is changed', async () => {
  const post = entityOf('post');
  const [author] = await seedMore(app.services, entityOf('person'), app.here, [
    { externalPersonId: 'member-bulk' },
  ]);
  const rows = await seedMore(app.services, post, app.here, [
    { externalPersonId: 'member-bulk', title: 'mine' },
    { externalPersonId: 'somebody else', title: 'theirs' },
  ]);
  const caller = await app.signedIn('authenticated', { person: author!.id });
  const all = { id: { in: idsOf(rows) } };
  for (const payload of [
    answer(await graph.updateMany(caller, post, all, { title: 'taken over' })),
    answer(await graph.removeMany(caller, post, all, 'HIDE')),
  ])
    expect(payload).toMatchObject({ count: 0, errors: [{ id: rows[1]!.id, code: 'FORBIDDEN' }] });
  expect((await app.rowOf('post', rows[0]!.id))!.title).toBe('mine');

  const country = entityOf('lu_country');
  const platform = app.as('super', null).with({ 'x-no-account-id': 'bypass' });
  const shared = await graph.create(platform, country, { name: 'All' });
  const { id } = shared.data.payload.object as { id: string };
  const changed = await graph.updateMany(app.administrator(), country, { id: { eq: id } }, { name: 'Ours' });
  expect(answer(changed).errors).toMatchObject([{ id, code: 'FORBIDDEN' }]);
  expect((await app.rowOf('lu_country', id))!.name).toBe('All');
});

test('objects are answered with the texts that are kept of them, and a dry run leaves none behind', async () => {
  const { nodes } = await make(session, [{ ...fresh(session), name: 'quokka' }]);
  expect(nodes[0]).toEqual((await graph.read(app.root(), session, nodes[0].id)).data.object);
  const presentation = entityOf('event_presentation');
  const find = async (q: string) =>
    idsOf((await graph.list(app.root(), session, { q }, 'nodes { id }')).data.list.nodes);
  await make(presentation, [{ name: 'numbat', eventSessionId: nodes[0].id }]);
  expect(await find('numbat')).toEqual([nodes[0].id]);
  const dry = [{ name: 'bilby', eventSessionId: nodes[0].id }];
  expect(answer(await graph.createMany(app.root(), presentation, dry, true)).count).toBe(1);
  expect(await find('bilby')).toEqual([]);
});

describe('deleting several', () => {
  test('takes along what belongs to them, tells how much, and all of it in a dry run', async () => {
    const event = entityOf('event');
    const { nodes } = await make(event, [fresh(event), fresh(event)]);
    const sessions = await seedMore(
      app.services,
      session,
      app.here,
      [0, 1, 2].map((n) => ({ eventId: nodes[n % 2].id, eventLocationId: null })),
    );
    await seedMore(app.services, entityOf('event_presentation'), app.here, [
      { eventId: nodes[0].id, eventSessionId: sessions[0]!.id },
    ]);
    const filter = { id: { in: idsOf(nodes) } };
    const expected = [
      { type: 'event', action: 'REMOVED', count: 2 },
      { type: 'event_presentation', action: 'REMOVED', count: 1 },
      { type: 'event_session', action: 'REMOVED', count: 3 },
    ];
    for (const dryRun of [true, false]) {
      const { affected, errors } = answer(
        await graph.removeMany(app.root(), event, filter, 'DELETE', { dryRun }),
      );
      expect(errors).toEqual([]);
      expect(affected).toHaveLength(3);
      expect(affected).toEqual(expect.arrayContaining(expected));
      expect((await app.rowOf('event_session', sessions[0]!.id)) !== undefined).toBe(dryRun);
    }
  });

  test('names every one that something must keep', async () => {
    const file = entityOf('hosted_file');
    const kept = referencesTo(file).find(({ attribute }) => attribute.ref?.onRemove === 'restrict')!;
    const { nodes } = await make(file, [fresh(file), fresh(file), fresh(file)]);
    for (const n of [0, 2])
      await make(kept.entity, [{ ...fresh(kept.entity), [kept.attribute.name]: nodes[n].id }]);
    const filter = { id: { in: idsOf(nodes) } };
    const { errors, count } = answer(await graph.removeMany(app.root(), file, filter, 'DELETE'));
    expect(count).toBe(0);
    expect(errors.map(({ id, code }: Values) => ({ id, code }))).toEqual(
      [0, 2].map((n) => ({ id: nodes[n].id, code: 'DATABASE_CONSTRAINT' })),
    );
    expect(await app.rowOf('hosted_file', nodes[1].id)).toBeDefined();
  });
});

test('many who change the same objects at once all succeed, one after the other', async () => {
  const { nodes } = await make(
    entityOf('person'),
    [...Array(20).keys()].map((n) => ({ name: `p${String(n)}` })),
  );
  const filter = { id: { in: idsOf(nodes) } };
  const fields = ['givenName', 'familyName', 'middleName', 'fullName', 'prefix'];
  const answers = await Promise.all(
    [...Array(10).keys()].map((n) =>
      graph.updateMany(app.staff(), entityOf('person'), filter, { [fields[n % 5]!]: `by ${String(n % 5)}` }),
    ),
  );
  for (const each of answers) expect(answer(each).count).toBe(20);
  const { nodes: after } = answer(await graph.updateMany(app.staff(), entityOf('person'), filter, {}));
  for (const person of after)
    expect(fields.map((field) => person[field])).toEqual(fields.map((_, n) => `by ${String(n)}`));
});

test('no type has a way of writing that bulk operations pass by', async () => {
  const { resolvers } = await import('../../src/resolvers');
  for (const { prototype, name } of resolvers) {
    const own = Object.getOwnPropertyNames(prototype);
    const passed = own.filter((method) => /^(create|update|remove)(Many)?$/.test(method));
    expect({ name, passed }).toEqual({ name, passed: [] });
  }
});
