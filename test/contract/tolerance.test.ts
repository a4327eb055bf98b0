import type { Bindable } from '../../src/database/database';
import type { Attribute } from '../../src/kernel/attributes';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isRequired, isWritable } from '../../src/kernel/input-types';
import { allToManys, referencesTo, toManys, toOnes } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import type { Values } from '../support/factory';
import { seedMore } from '../support/fixture';
import { answered, graph, orderField, selectionOf } from '../support/graph';
import { corruptions, looseTables, plant } from '../support/loose-tables';
import { leakedKeys, recordOf } from '../support/rest';

const app = useApp({ through: looseTables });
const types = allEntities().map((entity) => ({ type: entity.table, entity }));
const everything = 'enabled=all&hidden=all&limit=999999';
const standIn = expect.stringMatching(/^corrupt-[\w-]{14}$/);

/** Attributes that the table holds, but those that say whose the row is, and which. */
const stored = (entity: Entity): Attribute[] =>
  answered(entity).filter(({ sql, kind, name }) => !sql && kind !== 'id' && name !== 'accountId');

const firstOf = async (entity: Entity): Promise<{ id: string; pk: number; row: Values }> => {
  const { id } = app.here.rows[entity.table]![0]!;
  const row = (await app.rowOf(entity.table, id))!;
  return { id, pk: row.id as number, row };
};

/** Puts the value there while `work` goes on. */
async function whileCorrupt(
  entity: Entity,
  pk: number,
  values: Record<string, Bindable>,
  work: () => Promise<void>,
): Promise<void> {
  const { database } = app.services;
  const [before] = await database.select<Record<string, Bindable>>(
    `SELECT * FROM \`${entity.table}\` WHERE id = ?`,
    [pk],
  );
  try {
    // What is known of a sound id is known for good: nothing corrupts it while the server runs.
    app.services.publicIds.forget(entity.table, pk);
    await plant(database, entity.table, pk, values);
    await work();
  } finally {
    const columns = Object.keys(values).map((column) => [column, before![column] ?? null]);
    await plant(database, entity.table, pk, Object.fromEntries(columns) as typeof values);
  }
}

/** Those that are no part of a reference. */
const plainOf = (entity: Entity): Attribute[] =>
  stored(entity).filter(({ ref, any, kind }) => !ref && !any && kind !== 'anyType');

/** For each of the attributes that can be broken a value that is, another in each turn. */
const brokenBy = (attributes: Attribute[], turn: number): Record<string, Bindable> =>
  Object.fromEntries(
    attributes.flatMap((attribute) => {
      const some = corrupt(attribute);
      return some.length > 0 ? [[attribute.column, some.at(turn % some.length)!]] : [];
    }),
  );

/** So many turns bring every broken value once. */
const turnsOf = (attributes: Attribute[]): number =>
  Math.max(...attributes.map((attribute) => corrupt(attribute).length));

/** The name of a type is answered as it is; what cannot be known by it is the object. */
const knownBy = ({ attributes }: Entity, attribute: Attribute): Attribute =>
  attribute.kind === 'anyType'
    ? [...attributes.values()].find(({ any }) => any?.typeAttribute === attribute.name)!
    : attribute;

const corrupt = (attribute: Attribute) => corruptions(attribute, app.services.database.dialect);

/** What one document asks for at once, with no more than all its warnings told. */
const chunks = (attributes: Attribute[]): Attribute[][] => {
  const sorted = attributes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [...Array(Math.ceil(sorted.length / 12)).keys()].map((n) => sorted.slice(n * 12, n * 12 + 12));
};

/** Attributes of one kind are sorted by the same code. */
const oneOfEachKind = (attributes: Attribute[]): Attribute[] => [
  ...new Map(attributes.map((attribute) => [attribute.kind, attribute])).values(),
];

/** What a value that cannot be read is answered as. */
const nothing = ({ kind, nullable }: Attribute) => (kind === 'bool' && !nullable ? false : null);

describe.each(types)('$type with a value that cannot be read', ({ entity }) => {
  const { table, name, single } = entity;

  test('is answered without it by every door, and a warning names it', async () => {
    const { id, pk } = await firstOf(entity);
    const sound = (await graph.read(app.root(), entity, id)).data.object as Values;
    const { totalCount } = (await graph.list(app.root(), entity, {}, 'totalCount')).data.list;
    // All that is no reference at once, and each part of a reference for itself.
    const plain = plainOf(entity);
    const others = stored(entity).filter((attribute) => !plain.includes(attribute));
    for (const attributes of [plain, ...others.map((attribute) => [attribute])])
      for (let turn = 0; turn < turnsOf(attributes); turn += 1) {
        const values = brokenBy(attributes, turn);
        const broken = attributes
          .filter(({ column }) => column in values)
          .map((attribute) => knownBy(entity, attribute));
        const unchanged = stored(entity).filter(
          (attribute) => !broken.includes(attribute) && !(attribute.column in values),
        );
        const expected = Object.fromEntries([
          ...broken.map((attribute) => [attribute.name, nothing(attribute)]),
          ...unchanged.map(({ name: each }) => [each, sound[each]]),
        ]) as Values;

        await whileCorrupt(entity, pk, values, async () => {
          const one = await graph.read(app.root(), entity, id);
          expect({ values, ...one }).toMatchObject({ values, errors: undefined, data: { object: expected } });
          const list = await graph.list(app.root(), entity);
          expect(list).toMatchObject({ errors: undefined, data: { list: { totalCount } } });
          expect(list.data.list.nodes).toContainEqual(one.data.object);
          const record = await app.root().call('GET', `/v3/crud/${table}/${id}`);
          expect(record.data).toEqual(recordOf(entity, one.data.object));
          expect(leakedKeys(record.body)).toEqual([]);
          const records = await app.root().call('GET', `/v3/crud/${table}/?${everything}`);
          expect(records.meta.total).toBe(totalCount);
          expect(records.data).toContainEqual(record.data);

          for (const some of chunks(broken)) {
            const fields = some.map(({ name: field }) => `${field}: ${single}(id: "${id}") { ${field} }`);
            const each = await app.root().graphql(`{ ${fields.join(' ')} }`);
            expect({ values, ...each }).toMatchObject({
              data: Object.fromEntries(
                some.map((attribute) => [attribute.name, { [attribute.name]: nothing(attribute) }]),
              ),
            });
            expect([...(each.extensions!.warnings as string[])].sort()).toEqual(
              some.map(({ name: field }) => expect.stringContaining(`${name} ${id}: ${field} `)),
            );
          }
          const places = answered(entity).map(({ column }) => `${table} ${id}: ${column} `);
          for (const { warnings } of [record.meta, records.meta]) {
            expect(warnings.length).toBeGreaterThan(0);
            for (const warning of warnings.slice(0, 20))
              expect(places.filter((place) => warning.startsWith(place))).toHaveLength(1);
          }
        });
      }
  });

  test('keeps its place in every order', async () => {
    const { pk } = await firstOf(entity);
    const { data } = await graph.list(app.root(), entity, {}, 'nodes { id }');
    const ids = (data.list.nodes as { id: string }[]).map((node) => node.id).sort();
    const attributes = stored(entity);
    for (const turn of [0, -1])
      await whileCorrupt(entity, pk, brokenBy(attributes, turn), async () => {
        for (const attribute of oneOfEachKind(attributes.filter((each) => corrupt(each).length > 0)))
          for (const direction of ['ASC', 'DESC']) {
            const where = `${attribute.name} ${direction} ${turn}`;
            const orderBy = [{ field: orderField(attribute), direction }];
            const found: string[] = [];
            let after: string | null = null;
            do {
              const { errors, data: page } = await graph.list(
                app.root(),
                entity,
                { first: 3, after, orderBy },
                'nodes { id } pageInfo { hasNextPage endCursor }',
              );
              expect({ where, errors }).toEqual({ where, errors: undefined });
              const { nodes, pageInfo } = page.list;
              found.push(...nodes.map((node: { id: string }) => node.id));
              after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
            } while (after !== null && found.length <= ids.length);
            expect({ where, found: found.sort() }).toEqual({ where, found: ids });
          }
      });
  });

  test('breaks neither its parents nor its children, however much of it is broken', async () => {
    const { id, pk } = await firstOf(entity);
    const { data } = await graph.read(app.root(), entity, id);
    const above = allToManys().flatMap((relation) => {
      const { child, parent, attribute } = relation;
      const parentId = data.object[attribute.name] as string | null;
      const here = child === entity && parentId !== null;
      const ofType = !attribute.any || data.object[attribute.any.typeAttribute] === parent.table;
      return here && ofType ? [{ ...relation, parentId }] : [];
    });
    const plain = plainOf(entity);
    for (const turn of [0, -1])
      await whileCorrupt(entity, pk, brokenBy(plain, turn), async () => {
        for (const { parent, field, parentId } of above) {
          const answer = await app.root().graphql(
            `{ parent: ${parent.single}(id: "${parentId}") {
                 id list: ${field}(enabled: ALL, hidden: ALL) { totalCount nodes { ${selectionOf(entity)} } } } }`,
          );
          expect(answer.errors).toBeUndefined();
          expect(answer.data.parent.list.nodes.map((node: Values) => node.id)).toContain(id);
          const path = `/v3/crud/${parent.table}/${parentId}/${table}`;
          const rest = await app.root().rest('GET', `${path}/?${everything}`);
          expect({ path, status: rest.status, total: rest.meta.total }).toEqual({
            path,
            status: 200,
            total: answer.data.parent.list.totalCount,
          });
        }
        for (const { field, child } of toManys(entity)) {
          const answer = await app
            .root()
            .graphql(
              `{ parent: ${single}(id: "${id}") { list: ${field} { nodes { ${selectionOf(child)} } } } }`,
            );
          expect(answer.errors).toBeUndefined();
        }
        for (const { entity: other, attribute } of referencesTo(entity)) {
          const field = toOnes(other).find((one) => one.attribute === attribute)!.field;
          const answer = await graph.list(
            app.root(),
            other,
            {},
            `nodes { id ${field} { id ... on ${name} { ${selectionOf(entity)} } } }`,
          );
          expect(answer.errors).toBeUndefined();
        }
      });
  });

  test('can be changed and removed all the same', async () => {
    if (entity.access.update === 'never') return;
    const { id, pk } = await firstOf(entity);
    const broken = plainOf(entity).filter((attribute) => attribute.name !== 'name');
    await whileCorrupt(entity, pk, brokenBy(broken, 0), async () => {
      const change = entity.attributes.has('name') ? { name: 'Changed' } : {};
      const changed = await app.root().rest('PATCH', `/v3/crud/${table}/${id}`, change);
      expect({ status: changed.status, data: changed.data }).toMatchObject({ status: 200, data: change });
      if (!entity.attributes.has('hide')) return;
      expect((await app.root().rest('DELETE', `/v3/crud/${table}/${id}`)).status).toBe(200);
      expect((await app.root().rest('PATCH', `/v3/crud/${table}/${id}`, { hide: false })).status).toBe(200);
    });
  });
});

test('nothing in a switch counts as off, and every row is either on or off', async () => {
  for (const { entity, type } of types.filter(({ entity: { attributes } }) => attributes.has('enable'))) {
    const { id, pk } = await firstOf(entity);
    for (const [value, on] of [
      [null, false],
      [0, false],
      [2, true],
    ] as const)
      await whileCorrupt(entity, pk, { enable: value, hide: value, priority: value }, async () => {
        const { data, meta } = await app.root().call('GET', `/v3/crud/${type}/${id}`);
        expect(data).toMatchObject({ enable: on, hide: on, priority: on });
        expect(meta.warnings).toBeUndefined();
        for (const [state, listed] of [
          ['enabled=enabled&hidden=all', on],
          ['enabled=not_enabled&hidden=all', !on],
          ['enabled=all&hidden=hidden', on],
          ['enabled=all&hidden=not_hidden', !on],
        ] as const) {
          const list = await app.root().call('GET', `/v3/crud/${type}/?${state}`);
          const ids = list.data.map((record: Values) => record.id);
          expect({ type, state, value, listed: ids.includes(id) }).toEqual({ type, state, value, listed });
        }
      });
  }
});

const named = types.filter(({ type }) => type !== 'account');

describe.each(named)('$type whose id is no id', ({ entity }) => {
  const { table, name } = entity;
  const idAttribute = entity.attributes.get('id')!;

  test('is answered under one that stands for it, in every door the same, and found by it', async () => {
    const { pk } = await firstOf(entity);
    const total = await graph.list(app.root(), entity, {}, 'totalCount');
    for (const [turn, value] of corrupt(idAttribute).entries())
      await whileCorrupt(entity, pk, { id_random: value }, async () => {
        const list = await graph.list(app.root(), entity);
        expect({ value, errors: list.errors, total: list.data.list.totalCount }).toEqual({
          value,
          errors: undefined,
          total: total.data.list.totalCount,
        });
        const [object, ...others] = (list.data.list.nodes as Values[]).filter((node) =>
          String(node.id).startsWith('corrupt-'),
        );
        expect(others).toEqual([]);
        expect(object).toMatchObject({ id: standIn });
        expect(list.extensions!.warnings).toEqual([
          expect.stringContaining(`${name} ${object!.id as string}: id `),
        ]);
        const id = object!.id as string;

        expect((await graph.read(app.root(), entity, id)).data.object).toEqual(object);
        // It stands for the row, whatever is wrong with the row's own.
        if (turn > 0) return;
        const record = await app.root().call('GET', `/v3/crud/${table}/${id}`);
        expect(record.data).toMatchObject({ id, [`${table}_id`]: id, [`${table}_id_random`]: id });
        expect(record.meta.warnings).toEqual([expect.stringContaining(`${table} ${id}: id `)]);
        const records = await app.root().call('GET', `/v3/crud/${table}/?${everything}`);
        expect(records.data).toContainEqual(record.data);

        for (const [filter, ids] of [
          [{ id: { eq: id } }, [id]],
          [{ id: { in: [id, 'not-there-000'] } }, [id]],
          [{ and: [{ id: { ne: id } }, { id: { eq: id } }] }, []],
          [{ not: { id: { ne: id } } }, [id]],
          [{ id: { eq: 'not-there-000' } }, []],
        ] as const) {
          const { data } = await graph.list(app.root(), entity, { filter }, 'nodes { id }');
          expect({ filter, ids: data.list.nodes.map((node: Values) => node.id) }).toEqual({ filter, ids });
        }
        const rest = await graph.list(
          app.root(),
          entity,
          { filter: { id: { ne: 'not-there-000' } } },
          'totalCount',
        );
        expect(rest.data).toEqual(total.data);

        const node = await app.root().graphql(`{ node(type: ${table}, id: "${id}") { id __typename } }`);
        expect(node.data).toEqual({ node: { id, __typename: name } });
        expect((await app.otherAccount().rest('GET', `/v3/crud/${table}/${id}`)).status).toBe(403);
        const forged = `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`;
        expect((await app.root().rest('GET', `/v3/crud/${table}/${forged}`)).status).toBe(404);
        const otherType = named.find((other) => other.entity !== entity)!.type;
        expect((await app.root().rest('GET', `/v3/crud/${otherType}/${id}`)).status).toBe(404);
      });
  });

  test('is referred to, changed and removed by the id that stands for it', async () => {
    const { pk } = await firstOf(entity);
    const value = corrupt(idAttribute).at(-1)!;
    await whileCorrupt(entity, pk, { id_random: value }, async () => {
      const { data } = await graph.list(app.root(), entity, {}, 'nodes { id }');
      const { id } = data.list.nodes.find((node: Values) => String(node.id).startsWith('corrupt-'));
      if (entity.access.update !== 'never') {
        const change = entity.attributes.has('name') ? { name: 'Changed by its stand-in' } : {};
        const changed = await app.root().call('PATCH', `/v3/crud/${table}/${id}`, change);
        expect(changed.data).toMatchObject({ id, ...change });
      }
      const raw = await app.services.database.select(`SELECT id_random FROM \`${table}\` WHERE id = ?`, [pk]);
      expect(raw).toEqual([{ id_random: value }]);

      for (const { entity: other, attribute } of referencesTo(entity)) {
        if (attribute.name === 'accountId') continue;
        const { field } = toOnes(other).find((one) => one.attribute === attribute)!;
        const list = await graph.list(
          app.root(),
          other,
          {},
          `nodes { id ${attribute.name} ${field} { id } }`,
        );
        expect(list.errors).toBeUndefined();
        for (const node of list.data.list.nodes as Record<string, any>[])
          if (node[field] !== null) expect(node[attribute.name]).toBe(node[field].id);
        const filter = { [attribute.name]: { eq: id } };
        const found = await graph.list(app.root(), other, { filter }, 'nodes { id }');
        expect(found.data.list.nodes.map((node: Values) => node.id)).toEqual(
          list.data.list.nodes
            .filter((node: Values) => node[attribute.name] === id)
            .map((node: Values) => node.id),
        );
        if (!isWritable(attribute) || attribute.any || attribute.ref?.through || isRequired(attribute))
          continue;
        if (other.access.update === 'never') continue;
        const [from] = list.data.list.nodes as { id: string }[];
        const before = await app.rowOf(other.table, from!.id);
        const linked = await app
          .root()
          .call('PATCH', `/v3/crud/${other.table}/${from!.id}`, { [attribute.column]: id });
        expect(linked.data).toMatchObject({ [attribute.column]: id });
        await plant(app.services.database, other.table, before!.id as number, {
          [attribute.column]: before![attribute.column] as Bindable,
        });
      }
      if (entity.attributes.has('hide') && entity.access.update !== 'never') {
        await app.root().call('DELETE', `/v3/crud/${table}/${id}?method=hide`);
        expect((await app.root().call('GET', `/v3/crud/${table}/${id}`)).data.hide).toBe(true);
        await app.root().call('PATCH', `/v3/crud/${table}/${id}`, { hide: false });
      }
    });
  });
});

describe.each(named)('several of $type with one id', ({ entity }) => {
  const { table, name, single } = entity;

  test('are apart in lists: the oldest keeps the id, and does not change by it', async () => {
    const [oldest, second] = await Promise.all(
      app.here.rows[table]!.slice(0, 2).map(async ({ id }) => ({
        id,
        pk: (await app.rowOf(table, id))!.id as number,
      })),
    );
    const { id } = oldest!;
    const sound = await graph.read(app.root(), entity, id);
    const all = await graph.list(app.root(), entity, {}, 'nodes { id }');
    await whileCorrupt(entity, second!.pk, { id_random: id }, async () => {
      const list = await graph.list(app.root(), entity, {}, 'nodes { id }');
      const ids = list.data.list.nodes.map((node: Values) => node.id as string);
      const before = all.data.list.nodes.map((node: Values) => node.id as string);
      expect(ids).toEqual(before.map((each: string) => (each === second!.id ? standIn : each)));
      expect(list.extensions!.warnings).toHaveLength(2);
      expect(list.extensions!.warnings).toEqual(
        expect.arrayContaining([
          expect.stringContaining(`${name} ${id}: id `),
          expect.stringContaining(`${name} corrupt-`),
        ]),
      );
      const other = ids.find((each: string) => each.startsWith('corrupt-'));

      for (let turn = 0; turn < 3; turn += 1) {
        const one = await graph.read(app.root(), entity, id);
        expect(one.data).toEqual(sound.data);
        expect(one.extensions!.warnings).toEqual([expect.stringContaining(`${name} ${id}: id `)]);
      }
      expect((await app.root().call('GET', `/v3/crud/${table}/${other}`)).data.id).toBe(other);
      expect((await graph.read(app.root(), entity, id)).data).toEqual(sound.data);
      const byId = await graph.list(app.root(), entity, { filter: { id: { eq: id } } }, 'nodes { id }');
      expect(byId.data.list.nodes).toEqual([{ id }]);
      const both = await app
        .root()
        .ask(`{ a: ${single}(id: "${id}") { id } b: ${single}(id: "${other}") { id } }`);
      expect(both).toEqual({ a: { id }, b: { id: other } });
      if (entity.access.update === 'never') return;
      const change = entity.attributes.has('name') ? { name: 'Only the second' } : {};
      const refused = await app.root().rest('PATCH', `/v3/crud/${table}/${id}`, change);
      expect({ status: refused.status, text: refused.meta.status_message }).toEqual({
        status: 409,
        text: expect.stringContaining(id),
      });
      expect((await app.root().rest('DELETE', `/v3/crud/${table}/${id}?method=delete`)).status).toBe(409);
      expect((await graph.read(app.root(), entity, id)).data).toEqual(sound.data);
      expect((await app.root().call('PATCH', `/v3/crud/${table}/${other}`, change)).data).toMatchObject(
        change,
      );
    });
  });
});

test('an id that stood for a row goes on naming it when it has got one of its own', async () => {
  const entity = entityOf('event_badge_template');
  const { id, pk } = await firstOf(entity);
  let other = '';
  await whileCorrupt(entity, pk, { id_random: null }, async () => {
    const { data } = await graph.list(app.root(), entity, {}, 'nodes { id }');
    other = data.list.nodes.find((node: Values) => String(node.id).startsWith('corrupt-')).id;
  });
  expect((await app.root().call('GET', `/v3/crud/event_badge_template/${other}`)).data.id).toBe(id);
});

test('compiled operations and long lists warn as others do, and not without end', async () => {
  const entity = entityOf('event_location');
  const made = await seedMore(
    app.services,
    entity,
    app.here,
    Array.from({ length: 1100 }, () => ({ enable: true, hide: false })),
  );
  await app.services.database.unchecked((session) =>
    session.run(
      "UPDATE event_location SET cfg_json = '{broken' WHERE id_random IN (?, ?) OR id_random <> ?",
      [made[0]!.id, made[1]!.id, 'x'],
    ),
  );
  const document = '{ eventLocations(first: 30) { nodes { id cfgJson } } }';
  const answers = [];
  for (let turn = 0; turn < 8; turn += 1) answers.push(await app.root().graphql(document));
  for (const { errors, extensions } of answers) {
    expect(errors).toBeUndefined();
    expect(extensions).toEqual(answers[0]!.extensions);
  }
  expect(answers[0]!.extensions!.warnings).toHaveLength(21);
  expect(answers[0]!.extensions!.warnings.at(-1)).toBe('There are 10 more warnings.');
  const get = await app.root().fetch(`/graphql?query=${encodeURIComponent(document)}`, {
    headers: { 'apollo-require-preflight': '1' },
  });
  expect(((await get.json()) as { extensions: unknown }).extensions).toEqual(answers[0]!.extensions);

  const stream = await app.root().call('GET', `/v3/crud/event_location/?${everything}`);
  expect(stream.data.length).toBeGreaterThan(1100);
  expect(stream.meta.warnings).toHaveLength(21);
  expect(stream.meta.warnings.at(-1)).toBe(`There are ${stream.data.length - 20} more warnings.`);
  expect(stream.meta.warnings[0]).toMatch(/^event_location [\w-]{11,22}: cfg_json /);
});

test('a metric counts what is broken, by type and field', async () => {
  const text = await (await app.nobody().fetch('/metrics')).text();
  expect(text).toMatch(/^aether_corrupt_values_total\{type="event_location",field="cfg_json"\} \d{4,}$/m);
  expect(text).toMatch(/^aether_corrupt_values_total\{type="event_badge_template",field="id_random"\} \d+$/m);
});

test('what is broken in another account is not told', async () => {
  const entity = entityOf('event');
  const { id, pk } = await firstOf(entity);
  await whileCorrupt(entity, pk, { cfg_json: '{broken' }, async () => {
    const answer = await graph.read(app.otherAccount(), entity, id);
    expect(answer.code).toBe('FORBIDDEN');
    expect(answer.extensions!.warnings).toBeUndefined();
  });
});
