import { allEntities, entityOf } from '../../src/kernel/entity';
import { atLeast, levels } from '../../src/kernel/levels';
import { isComparable, isWritable } from '../../src/kernel/input-types';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { answered, graph, orderField, selectionOf } from '../support/graph';
import { bodyOf } from '../support/rest';

const app = useApp();
const types = allEntities().map(({ table }) => table);
const everything = 'enabled=all&hidden=all&limit=999999';

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);
  const path = `/v3/crud/${type}`;
  const { access } = entity;
  const { list: listed = access.read } = access;
  const first = () => app.here.rows[type]![0]!.id;
  const newValues = () => bodyOf(entity, valuesFor(entity, app.here, nextNumber()));

  // What no caller may do, the graph does not have.
  const refusal = access.create === 'never' ? 'GRAPHQL_VALIDATION_FAILED' : 'FORBIDDEN';

  /** Every call that would read or write such an object must be refused so, and leave the table as it was. */
  async function expectNoWrites(
    caller: Caller,
    calls: ('POST' | 'PATCH' | 'DELETE')[],
    refused = refusal,
  ): Promise<void> {
    const [count, row] = [await app.countRows(type), await app.rowOf(type, first())];
    for (const call of calls) {
      const answer =
        call === 'POST'
          ? await caller.rest('POST', `${path}/`, newValues())
          : await caller.rest(
              call,
              `${path}/${first()}${call === 'DELETE' ? '?method=delete' : ''}`,
              call === 'PATCH' ? {} : undefined,
            );
      expect({
        call,
        status: answer.status,
        data: answer.data,
        category: answer.meta?.details?.category,
      }).toEqual({
        call,
        status: 403,
        data: false,
        category: 'forbidden',
      });
      const { code } =
        call === 'POST'
          ? await graph.create(caller, entity, valuesFor(entity, app.here, nextNumber()))
          : call === 'PATCH'
            ? await graph.update(caller, entity, first(), {})
            : await graph.remove(caller, entity, first(), 'DELETE');
      expect({ call, code }).toEqual({ call, code: refused });
    }
    expect(await app.countRows(type)).toBe(count);
    expect(await app.rowOf(type, first())).toEqual(row);
  }

  test('is for nobody without a key', async () => {
    for (const [method, url, body] of [
      ['GET', `${path}/`],
      ['GET', `${path}/${first()}`],
      ['POST', `${path}/search`, {}],
    ] as const) {
      const answer = await app.nobody().with({ 'x-account-id': app.here.account }).rest(method, url, body);
      expect(answer).toMatchObject({
        status: 403,
        data: false,
        meta: { success: false, details: { category: 'forbidden' } },
      });
    }
    const { status, code, data } = await graph.list(app.nobody(), entity);
    expect({ status, code, data: data ?? null }).toEqual({ status: 403, code: 'FORBIDDEN', data: null });
    await expectNoWrites(app.nobody(), ['POST', 'PATCH', 'DELETE'], 'FORBIDDEN');
  });

  test('is read from its level on, and not below', async () => {
    for (const level of levels) {
      const may = atLeast(level, listed);
      const caller = app.as(level);
      const list = await caller.rest('GET', `${path}/?${everything}`);
      expect({ level, status: list.status }).toEqual({ level, status: may ? 200 : 403 });
      const search = await caller.rest('POST', `${path}/search`, {});
      expect({ level, status: search.status }).toEqual({ level, status: may ? 200 : 403 });
      const { code } = await graph.list(caller, entity, {}, 'nodes { id }');
      expect({ level, code }).toEqual({ level, code: may ? undefined : 'FORBIDDEN' });
      if (atLeast(level, access.read)) continue;
      expect((await caller.rest('GET', `${path}/${first()}`)).status).toBe(403);
      expect((await graph.read(caller, entity, first())).code).toBe('FORBIDDEN');
      expect((await caller.graphql(`{ node(id: "${first()}", type: ${type}) { id } }`)).code).toBe(
        'FORBIDDEN',
      );
    }
  });

  test('is written by no guest, and by nobody below its levels', async () => {
    await expectNoWrites(app.guest(), ['POST', 'PATCH', 'DELETE']);
    for (const level of levels) {
      const calls = [
        ...(atLeast(level, access.create) ? [] : ['POST' as const]),
        ...(atLeast(level, access.update) ? [] : ['PATCH' as const]),
        ...(atLeast(level, access.remove) ? [] : ['DELETE' as const]),
      ];
      await expectNoWrites(app.as(level), calls);
    }
  });

  test('shows each of its values from the level of that value on, and hides or masks it below', async () => {
    const { data: whole } = await graph.list(app.root(), entity, { first: 1000 });
    const byId = new Map<string, Values>(whole.list.nodes.map((node: Values) => [node.id, node]));
    for (const level of levels.filter((each) => atLeast(each, listed))) {
      const { data } = await graph.list(app.as(level), entity, { first: 1000 });
      for (const node of data.list.nodes as Values[])
        for (const { name, read, mask } of answered(entity)) {
          const value = byId.get(String(node.id))![name];
          const open = read === undefined || (read !== 'never' && atLeast(level, read));
          const shown =
            open || value === null
              ? value
              : mask
                ? mask(value as never, { services: app.services, viewer: { level } } as never)
                : null;
          expect({ level, name, value: node[name] }).toEqual({ level, name, value: shown });
        }
    }
  });

  test('is not filtered or sorted by what the caller may not read', async () => {
    const secrets = [...entity.attributes.values()].filter(({ read }) => read !== undefined);
    for (const attribute of secrets) {
      const { name, read, column } = attribute;
      if (!isComparable(attribute)) {
        const search = await app
          .root()
          .rest('POST', `${path}/search`, { and: [{ field: column, op: 'is_null' }] });
        expect(search).toMatchObject({
          status: 400,
          meta: { details: { category: 'database_schema', code: 1054 } },
        });
        const ordered = await app.root().call('GET', `${path}/?order_by_li={"${column}":"ASC"}`);
        expect(ordered.meta.warnings).toEqual([expect.stringContaining(column)]);
        const { code } = await app
          .root()
          .graphql(`{ list: ${entity.plural}(first: 1000) { nodes { ${name} } } }`);
        expect(code).toBe('GRAPHQL_VALIDATION_FAILED');
        continue;
      }
      for (const level of levels.filter((each) => atLeast(each, listed) && !atLeast(each, read as 'super'))) {
        const caller = app.as(level);
        const filter = { [name]: { isNull: true } };
        expect((await graph.list(caller, entity, { filter }, 'nodes { id }')).code).toBe('FORBIDDEN');
        const hidden = { not: { or: [{ and: [filter] }] } };
        expect((await graph.list(caller, entity, { filter: hidden }, 'totalCount')).code).toBe('FORBIDDEN');
        const orderBy = [{ field: orderField(attribute) }];
        expect((await graph.list(caller, entity, { orderBy }, 'nodes { id }')).code).toBe('FORBIDDEN');
        const search = await caller.rest('POST', `${path}/search`, { not: { field: column, op: 'is_null' } });
        expect({ level, column, status: search.status }).toEqual({ level, column, status: 403 });
        const ordered = await caller.rest('GET', `${path}/?order_by_li={"${column}":"DESC"}`);
        expect({ level, column, status: ordered.status }).toEqual({ level, column, status: 403 });
      }
    }
  });

  test('cannot be asked about through an object that is open to guests', async () => {
    if (atLeast('anonymous', access.read)) return;
    for (const other of allEntities().filter(({ access: { read, list = read } }) => list === 'anonymous'))
      for (const attribute of other.attributes.values()) {
        if (attribute.ref?.type !== type || !isWritable(attribute)) continue;
        const field = attribute.name.replace(/Id$/, '');
        const filter = { [field]: { id: { isNotNull: true } } };
        const { code, data } = await graph.list(app.guest(), other, { filter }, 'nodes { id } totalCount');
        expect({ other: other.name, field, code, data: data?.list ?? null }).toEqual({
          other: other.name,
          field,
          code: 'FORBIDDEN',
          data: null,
        });
        const read = await app
          .guest()
          .graphql(
            `{ list: ${other.plural}(first: 1000) { nodes { id ${field} { ${selectionOf(entity)} } } } }`,
          );
        for (const node of read.data.list.nodes) expect(node[field]).toBeNull();
      }
  });
});
