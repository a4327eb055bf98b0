import fc from 'fast-check';
import { openDatabase } from '../../src/database/open';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { levels } from '../../src/kernel/levels';
import { tablesOf, toManys, toOnes } from '../../src/kernel/registry';
import { definitions } from '../database/support';
import { phrasesOf } from '../../src/kernel/search-words';
import { useApp } from '../support/app';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { graph } from '../support/graph';
import { target } from '../support/jest-target';
import { keptByOldTables, makeOldTables, oldTablesOf } from '../support/old-tables';
import { filtersOf, orderBy, ordersOf, seed } from '../support/questions';
import { expectAsReference, readWorld, type World } from '../support/reference';
import { bodyOf, leakedKeys, recordOf, sentBack } from '../support/rest';

/* The whole application on tables that another program made. */

const tables = oldTablesOf(tablesOf());
const names = tables.map(({ name }) => name);
const dialect = target === 'mariadb' ? 'mariadb' : 'sqlite';
const keeps = (entity: Entity, values: Values) => keptByOldTables(tables, dialect, entity, values);
const columnsOf = (type: string): string[] | undefined => {
  const table = tables.find(({ name }) => name === type);
  return table && Object.keys(table.columns).map((column) => column.toLowerCase());
};

let before: string[];
const app = useApp({
  rows: 12,
  keeps,
  through: async (place) => {
    const database = await openDatabase({ url: place.databaseUrl, dataDir: place.dataDir, poolMax: 2 });
    await makeOldTables(database, tables);
    before = await definitions(database, ...names);
    await database.close();
    return place;
  },
});

let world: World;
beforeAll(async () => {
  // Nothing where we would not have it.
  for (const { name, columns } of tables) {
    const emptied = Object.entries(columns)
      .filter(
        ([column, { nullable }]) => nullable && /^(enable|hide|priority|sort|created_on|name)$/i.test(column),
      )
      .map(([column]) => `\`${column}\` = NULL`);
    // A key that is not enabled opens nothing.
    if (emptied.length > 0 && name !== 'api_key')
      await app.services.database.sequelize.query(
        `UPDATE ${dialect === 'mariadb' ? 'IGNORE' : ''} \`${name}\` SET ${emptied.join()} WHERE id % 3 = 0`,
      );
  }
  world = await readWorld(app);
});

const idsOf = (list: Values[]) => list.map(({ id }) => id);

describe.each(allEntities().map(({ table }) => table))('%s', (type) => {
  const entity = entityOf(type);
  const path = `/v3/crud/${type}`;
  const writable = [...entity.attributes.values()].filter(isWritable);
  const missing = writable.filter(({ column }) => columnsOf(type)?.includes(column) === false);
  const kept = (): Values => keeps(entity, valuesFor(entity, app.here, nextNumber()));

  test("is listed, sorted and walked completely, with what has no public id where that is everybody's", async () => {
    await fc.assert(
      fc.asyncProperty(ordersOf(entity), fc.integer({ min: 4, max: 9 }), async (steps, size) => {
        const order = { orderBy: orderBy(steps) };
        const all = await graph.list(
          app.root(),
          entity,
          { ...order, first: 1000 },
          'nodes { id } totalCount',
        );
        expect(all.errors).toBeUndefined();
        const ids = idsOf(all.data.list.nodes);
        const nameless = ids.filter((id) => String(id).startsWith('corrupt-'));
        expect(nameless).toHaveLength(entity.tenant === 'shared' && columnsOf(type) ? 1 : 0);
        expect(ids.filter((id) => !nameless.includes(id)).sort()).toEqual(
          app.here.rows[type]!.map(({ id }) => id).sort(),
        );
        expect(all.data.list.totalCount).toBe(ids.length);
        const walked: unknown[] = [];
        for (let after: string | undefined, more = true; more;) {
          const page = await graph.list(
            app.root(),
            entity,
            { ...order, first: size, after },
            'nodes { id } pageInfo { hasNextPage endCursor }',
          );
          expect(page.errors).toBeUndefined();
          const { nodes, pageInfo } = page.data.list;
          walked.push(...idsOf(nodes));
          [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
        }
        expect(walked).toEqual(ids);
      }),
      { numRuns: 4, seed },
    );
  });

  test('is filtered by every operator of every attribute', async () => {
    // Whether nothing is stored of a switch, its answer does not tell.
    const untold = [...entity.attributes.values()]
      .filter(({ kind, nullable }) => kind === 'bool' && !nullable)
      .flatMap(({ name }) => [`{"${name}":{"isNull"`, `{"${name}":{"isNotNull"`, `:null}}`]);
    const filters = filtersOf(entity, world).filter(
      (filter) => !untold.some((text) => JSON.stringify(filter).includes(text)),
    );
    await expectAsReference(app, world, entity, filters);
  });

  test('answers records alike in REST and the graph, searches too', async () => {
    const query = 'enabled=all&hidden=all&limit=1000&order_by_li={"id":"ASC"}';
    const { data } = await graph.list(app.root(), entity, { first: 1000, orderBy: [{ field: 'ID' }] });
    const rest = await app.root().call('GET', `${path}/?${query}`);
    expect(rest.data).toEqual(data.list.nodes.map((node: Values) => recordOf(entity, node)));
    expect(leakedKeys(rest.body)).toEqual([]);
    for (const id of idsOf(data.list.nodes).slice(0, 3)) {
      const one = await app.root().call('GET', `${path}/${String(id)}`);
      expect(one.data).toEqual(rest.data.find((record: Values) => record.id === id));
    }
    if (!entity.attributes.has('defaultQryStr')) return;
    for (const q of ['open', 'Zürich', '日本語', '😀', "o'brien break"]) {
      const expected = world[type]!.filter(
        ({ defaultQryStr: text }) =>
          text !== null &&
          phrasesOf(q).every((phrase) => ` ${String(text).toLowerCase()}`.includes(` ${phrase}`)) &&
          phrasesOf(q).length > 0,
      );
      const found = await app.root().call('POST', `${path}/search?enabled=all&hidden=all`, { q });
      expect({ q, ids: idsOf(found.data).sort() }).toEqual({ q, ids: idsOf(expected).sort() });
    }
  });

  test('leads to all that it is related to, for callers of every level', async () => {
    const ones = toOnes(entity).map(({ field }) => `${field} { id }`);
    const manys = toManys(entity).map(({ field }) => `${field}(first: 3) { totalCount nodes { id } }`);
    const selection = ['id', ...ones, ...manys].join(' ');
    const { errors } = await app.root().graphql(`{ ${entity.plural}(first: 30) { nodes { ${selection} } } }`);
    expect(errors).toBeUndefined();
    for (const level of levels) {
      const { status } = await app.as(level).rest('GET', `${path}/`);
      expect([200, 403]).toContain(status);
    }
  });

  if (entity.access.create === 'never') return;

  test('is created, changed, sent back and removed', async () => {
    const values = kept();
    const made = await app.root().rest('POST', `${path}/`, bodyOf(entity, values));
    expect({ status: made.status, details: made.meta.details }).toMatchObject({ status: 200 });
    const id = String(made.data.id);
    const read = async () => {
      const { data, errors } = await graph.read(app.root(), entity, id);
      expect(errors).toBeUndefined();
      return data.object as Values;
    };
    const readable = (given: Values) =>
      Object.fromEntries(
        Object.entries(given).filter(([name]) => entity.attributes.get(name)?.read !== 'never'),
      );
    const first = await read();
    expect(first).toMatchObject(readable(values));
    expect(made.data).toEqual(recordOf(entity, first));

    const again = await app.root().rest('PATCH', `${path}/${id}`, sentBack(entity, made.data));
    expect({ status: again.status, details: again.meta.details }).toMatchObject({ status: 200 });
    expect({ ...again.data, updated_on: null }).toEqual({ ...made.data, updated_on: null });

    const settled = writable.filter(({ once, ref }) => once || ref?.through).map(({ name }) => name);
    const changes = Object.fromEntries(Object.entries(kept()).filter(([name]) => !settled.includes(name)));
    const changed = await graph.update(app.root(), entity, id, changes);
    expect(changed.errors).toBeUndefined();
    expect(changed.data.payload.object).toMatchObject(readable(changes));

    for (const [method, column] of [
      ['HIDE', 'hide'],
      ['DISABLE', 'enable'],
    ] as const) {
      const { code, data } = await graph.remove(app.root(), entity, id, method);
      const can = entity.attributes.has(column) && columnsOf(type)?.includes(column) !== false;
      expect({ method, code }).toEqual({ method, code: can ? undefined : 'BAD_REQUEST' });
      if (can) expect(data.payload.object[column]).toBe(column === 'hide');
    }
    expect((await graph.remove(app.root(), entity, id, 'DELETE')).errors).toBeUndefined();
    expect((await app.root().rest('GET', `${path}/${id}`)).status).toBe(404);
  });

  test('takes no value for what the table does not have, and nothing is no value', async () => {
    const count = await app.countRows(type);
    for (const { name, column, kind, ref, any, default: fallback } of missing) {
      const full = valuesFor(entity, app.here, nextNumber());
      const value = kind === 'bool' ? fallback !== true : full[name];
      // There may be none to refer to.
      if (value == null || (kind === 'bool' && !value)) continue;
      const sent = {
        ...keeps(entity, full),
        [name]: value,
        ...(any && { [any.typeAttribute]: full[any.typeAttribute] }),
      };
      const created = await graph.create(app.root(), entity, sent);
      expect({ name, code: created.code }).toEqual({ name, code: 'VALIDATION' });
      expect(created.errors![0]!.extensions.fields).toHaveProperty(name);
      const posted = await app.root().rest('POST', `${path}/`, bodyOf(entity, sent));
      expect({ column, status: posted.status }).toEqual({ column, status: 400 });
      expect(posted.meta.details).toHaveProperty(column);
      if (ref) continue;
      const [there] = app.here.rows[type]!;
      const patched = await app
        .root()
        .rest('PATCH', `${path}/${there!.id}`, { [column]: bodyOf(entity, { [name]: value })[column] });
      expect({ column, status: patched.status }).toEqual({ column, status: 400 });
      await app.root().call('PATCH', `${path}/${there!.id}`, { [column]: null });
    }
    expect(await app.countRows(type)).toBe(count);
  });
});

test('and after all this every table is as it was', async () => {
  expect(await definitions(app.services.database, ...names)).toEqual(before);
});
