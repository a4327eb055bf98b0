import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { targetsOf, toManys } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import type { GraphqlAnswer, RestAnswer } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { graph } from '../support/graph';
import { bodyOf } from '../support/rest';

const app = useApp();
const types = allEntities().map(({ table }) => table);

const idsOf = (type: string, tenant = app.here) => tenant.rows[type]!.map(({ id }) => id);
const idsIn = (list: { id: string }[]) => list.map(({ id }) => id).sort();
const sorted = (ids: string[]) => [...ids].sort();

function expectForbidden(answer: RestAnswer): void {
  expect(answer).toMatchObject({
    status: 403,
    body: { data: false, meta: { success: false, status_code: 403, details: { category: 'forbidden' } } },
  });
}

function expectRefused({ code, data }: GraphqlAnswer, reason = 'FORBIDDEN'): void {
  expect(code).toBe(reason);
  for (const value of Object.values(data ?? {})) expect(value).toBeNull();
}

describe.each(types)('%s of another account', (type) => {
  const entity = entityOf(type);
  const path = `/v3/crud/${type}`;
  const everything = 'enabled=all&hidden=all&limit=999999';
  const isWritten = entity.access.create !== 'never';

  test('is refused by its id', async () => {
    for (const id of idsOf(type)) {
      expectForbidden(await app.otherAccount().rest('GET', `${path}/${id}`));
      expectRefused(await graph.read(app.otherAccount(), entity, id));
    }
  });

  test('is in no list, and in no count', async () => {
    const own = sorted(idsOf(type, app.there));
    const rest = await app.otherAccount().call('GET', `${path}/?${everything}`);
    expect(idsIn(rest.data)).toEqual(own);
    expect(rest.meta).toMatchObject({ count: own.length, total: own.length });
    const { data } = await graph.list(app.otherAccount(), entity);
    expect(idsIn(data.list.nodes)).toEqual(own);
    expect(data.list.totalCount).toBe(own.length);
    const counted = await graph.list(app.otherAccount(), entity, { first: 0 }, 'nodes { id } totalCount');
    expect(counted.data.list).toEqual({ nodes: [], totalCount: own.length });
  });

  test('is found by no filter', async () => {
    const foreign = idsOf(type);
    const own = sorted(idsOf(type, app.there));
    const all = [...foreign, ...own];
    const questions: [filter: Values, found: string[]][] = [
      [{ id: { eq: foreign[0] } }, []],
      [{ id: { in: all } }, own],
      [{ or: [{ id: { in: foreign } }, { id: { isNotNull: true } }] }, own],
      [{ not: { id: { in: own } } }, []],
      [{ not: { not: { id: { in: foreign } } } }, []],
      [{ createdOn: { lte: '2099-01-01T00:00:00.000Z' } }, own],
    ];
    for (const [filter, found] of questions) {
      const { data } = await graph.list(app.otherAccount(), entity, { filter }, 'nodes { id } totalCount');
      expect({ filter, ids: idsIn(data.list.nodes), total: data.list.totalCount }).toEqual({
        filter,
        ids: found,
        total: found.length,
      });
    }
    const search = await app.otherAccount().call('POST', `${path}/search?${everything}`, {
      or: [
        { field: 'id', op: 'in', value: all },
        { field: 'id', op: 'is_not_null' },
      ],
    });
    expect(idsIn(search.data)).toEqual(own);
    expect(search.meta.total).toBe(own.length);
  });

  test('is found by no search of words', async () => {
    const searched = [...entity.attributes.values()].find(
      (attribute) => attribute.search && isWritable(attribute),
    );
    if (!searched || !isWritten) return;
    const word = `only${type.replaceAll('_', '')}here`;
    const { errors } = await graph.update(app.root(), entity, idsOf(type)[0]!, { [searched.name]: word });
    expect(errors).toBeUndefined();
    const found = await app.manager().call('GET', `${path}/?${everything}&q=${word}`);
    expect(idsIn(found.data)).toEqual([idsOf(type)[0]]);
    const foreign = await app.otherAccount().call('POST', `${path}/search?${everything}`, { q: word });
    expect([foreign.data, foreign.meta.total]).toEqual([[], 0]);
    const { data } = await graph.list(app.otherAccount(), entity, { q: word }, 'nodes { id } totalCount');
    expect(data.list).toEqual({ nodes: [], totalCount: 0 });
  });

  test('is no node', async () => {
    const [foreign] = idsOf(type);
    const [own] = idsOf(type, app.there);
    const one = await app.otherAccount().graphql(`{ node(id: "${foreign!}", type: ${type}) { id } }`);
    expectRefused(one);
    const many = await app
      .otherAccount()
      .graphql(`{ nodes(ids: ["${foreign!}", "${own!}", "no-such-id-1"], type: ${type}) { __typename id } }`);
    expect(many.data.nodes).toEqual([null, { __typename: entity.name, id: own }, null]);
  });

  test('is not changed, and not removed', async () => {
    const id = idsOf(type).at(-1)!;
    const before = await app.rowOf(type, id);
    const change = entity.attributes.has('name') ? { name: 'taken over' } : {};
    expectForbidden(await app.otherAccount().rest('PATCH', `${path}/${id}`, change));
    // What no caller may do, the graph does not have.
    const reason = isWritten ? 'FORBIDDEN' : 'GRAPHQL_VALIDATION_FAILED';
    expectRefused(await graph.update(app.otherAccount(), entity, id, change), reason);
    for (const method of ['HIDE', 'DISABLE', 'DELETE'] as const) {
      expectForbidden(
        await app.otherAccount().rest('DELETE', `${path}/${id}?method=${method.toLowerCase()}`),
      );
      expectRefused(await graph.remove(app.otherAccount(), entity, id, method), reason);
    }
    expect(await app.rowOf(type, id)).toEqual(before);
  });

  test('cannot be referred to by a new or a changed object, and nothing is written', async () => {
    if (!isWritten) return;
    const caller = app.otherAccount();
    const references = [...entity.attributes.values()].filter(
      (attribute) => isWritable(attribute) && (attribute.ref ?? attribute.any),
    );
    const own = app.there.rows[type]!.at(-1)!.id;
    for (const attribute of references) {
      for (const target of targetsOf(attribute)) {
        const foreign = app.here.rows[target.table]![0]!.id;
        const reference: Values = {
          [attribute.name]: foreign,
          ...(attribute.any && { [attribute.any.typeAttribute]: target.table }),
        };
        const values = { ...valuesFor(entity, app.there, nextNumber()), ...reference };
        const [rows, row] = [await app.countRows(type), await app.rowOf(type, own)];
        expectForbidden(await caller.rest('POST', `${path}/`, bodyOf(entity, values, { older: true })));
        expectRefused(await graph.create(caller, entity, values));
        expectForbidden(await caller.rest('PATCH', `${path}/${own}`, bodyOf(entity, reference)));
        expectRefused(await graph.update(caller, entity, own, reference));
        expect(await app.countRows(type)).toBe(rows);
        expect(await app.rowOf(type, own)).toEqual(row);
      }
    }
  });

  test('shows nothing of what is below it', async () => {
    const [parent] = idsOf(type);
    for (const { child, field } of toManys(entity)) {
      const nested = `${path}/${parent!}/${child.table}`;
      const rows = await app.countRows(child.table);
      const [childId] = idsOf(child.table);
      for (const answer of [
        await app.otherAccount().rest('GET', `${nested}/?${everything}`),
        await app.otherAccount().rest('POST', `${nested}/search`, {}),
        await app
          .otherAccount()
          .rest('POST', `${nested}/`, bodyOf(child, valuesFor(child, app.there, nextNumber()))),
        await app.otherAccount().rest('GET', `${nested}/${childId!}`),
        await app.otherAccount().rest('PATCH', `${nested}/${childId!}`, {}),
        await app.otherAccount().rest('DELETE', `${nested}/${childId!}`),
      ])
        expect({ field, status: answer.status, data: answer.data }).toEqual({
          field,
          status: 403,
          data: false,
        });
      expect(await app.countRows(child.table)).toBe(rows);

      const flat = await app
        .otherAccount()
        .rest('GET', `/v3/crud/${child.table}/?for_obj_type=${type}&for_obj_id=${parent!}&${everything}`);
      expect({ field, status: flat.status, data: flat.data, total: flat.meta.total }).toEqual({
        field,
        status: 200,
        data: [],
        total: 0,
      });
    }
  });

  test('without an account there is nothing of any account', async () => {
    const caller = app.as('manager', null).with({ 'x-no-account-id': 'bypass' });
    const [id] = idsOf(type);
    const named = await caller.rest('GET', `${path}/${id!}`);
    // How a program that knows one object, and not its account, finds that.
    if (entity.access.withoutAccount) expect(named.data.account_id).toBe(app.here.account);
    else expectForbidden(named);
    expectForbidden(await app.as('manager', null).rest('GET', `${path}/${id!}`));
    expectForbidden(await caller.rest('PATCH', `${path}/${id!}`, {}));
    const list = await caller.rest('GET', `${path}/?${everything}`);
    expect(list).toMatchObject({ status: 200, data: [], meta: { total: 0 } });
    const { data } = await graph.list(caller, entity, {}, 'nodes { id } totalCount');
    expect(data.list).toEqual({ nodes: [], totalCount: 0 });
    const before = await app.countRows(type);
    const values = bodyOf(entity, valuesFor(entity, app.here, nextNumber()));
    expectForbidden(await caller.rest('POST', `${path}/`, values));
    expect(await app.countRows(type)).toBe(before);
  });
});

/*
 * References that point into another account should not be there; where the database has one all the same, nobody sees across it.
 */
describe('a reference into another account', () => {
  const relations = allEntities().flatMap((parent) =>
    toManys(parent).map((relation) => [`${parent.table}.${relation.field}`, relation] as const),
  );

  test.each(relations)('%s', async (_name, { parent, child, attribute, field }) => {
    const parentHere = app.here.rows[parent.table]![0]!.id;
    const own = (type: Entity, name: string) => type.attributes.get(name)!.column;
    const stray = app.there.rows[child.table]!.at(-1)!.id;
    const before = await app.rowOf(child.table, stray);
    const typeColumn = attribute.any && own(child, attribute.any.typeAttribute);
    const { pk } = { pk: (await app.rowOf(parent.table, parentHere))!.id as number };
    if (attribute.name === 'accountId') return;
    await setColumns(child.table, stray, {
      [attribute.column]: pk,
      ...(typeColumn && { [typeColumn]: parent.table }),
    });
    try {
      const everyone = '(first: 1000, enabled: ALL, hidden: ALL)';
      const below = await app
        .manager()
        .ask(
          `{ parent: ${parent.single}(id: "${parentHere}") { list: ${field}${everyone} { nodes { id } totalCount } } }`,
        );
      expect(below.parent.list.nodes.map(({ id }: Values) => id)).not.toContain(stray);
      expect(below.parent.list.totalCount).toBe(below.parent.list.nodes.length);

      const nested = await app
        .manager()
        .rest('GET', `/v3/crud/${parent.table}/${parentHere}/${child.table}/${stray}`);
      expect(nested.status).toBe(404);

      const finds = async (filter: string): Promise<string[]> =>
        (
          await app
            .manager()
            .ask(
              `{ list: ${parent.plural}(first: 1000, enabled: ALL, hidden: ALL, filter: ${filter}) { nodes { id } } }`,
            )
        ).list.nodes.map(({ id }: Values) => id);
      const matchesStray = `{ ${field}: { some: { id: { eq: "${stray}" } } } }`;
      expect(await finds(matchesStray)).toEqual([]);
      expect(await finds(`{ not: ${matchesStray} }`)).toContain(parentHere);
      expect(await finds(`{ ${field}: { none: { id: { eq: "${stray}" } } } }`)).toContain(parentHere);
      expect(await finds(`{ ${field}: { every: { id: { ne: "${stray}" } } } }`)).toContain(parentHere);

      // The other way: the stray itself shows nothing of what it points to.
      const to = attribute.name.replace(/Id$/, '');
      const read = await app.otherAccount().ask(`{ one: ${child.single}(id: "${stray}") { ${to} { id } } }`);
      expect(read.one[to]).toBeNull();
      if (attribute.ref) {
        const through = await app
          .otherAccount()
          .ask(
            `{ list: ${child.plural}(first: 1000, enabled: ALL, hidden: ALL, filter: { ${to}: { id: { eq: "${parentHere}" } } }) { nodes { id } totalCount } }`,
          );
        expect(through.list).toEqual({ nodes: [], totalCount: 0 });
      }
    } finally {
      await setColumns(child.table, stray, {
        [attribute.column]: before![attribute.column],
        ...(typeColumn && { [typeColumn]: before![typeColumn] }),
      });
    }
  });

  async function setColumns(table: string, id: string, values: Record<string, unknown>): Promise<void> {
    const { sequelize } = app.services.database;
    const sets = Object.keys(values).map((column) => `\`${column}\` = ?`);
    await sequelize.query(`UPDATE \`${table}\` SET ${sets.join()} WHERE id_random = ?`, {
      replacements: [...Object.values(values), id],
    });
  }
});
