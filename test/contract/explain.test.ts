import { allEntities, entityOf } from '../../src/kernel/entity';
import { toManys } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { bodyOf } from '../support/rest';

const app = useApp();

const types = allEntities()
  .filter(({ access }) => access.create !== 'never')
  .map(({ table }) => table);

/** The operation that a call becomes, by one of the two ways to ask. */
async function explained(method: string, path: string, body?: unknown) {
  const mark = path.includes('?') ? '&' : '?';
  const { data, meta } = await app.root().call(method, `${path}${mark}explain=graphql`, body);
  const byHeader = await app.root().rest(method, path, body, { 'x-explain': 'graphql' });
  expect(byHeader.data).toEqual(data);
  expect(meta.success).toBe(true);
  expect(data.operation).toMatch(/^(?:query|mutation|\{)/);
  return data as { operation: string; variables: Values };
}

/** What the operation answers, over /graphql. */
async function run({ operation, variables }: { operation: string; variables: Values }) {
  return app.root().ask(operation, variables);
}

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);
  const path = `/v3/crud/${type}`;
  const id = () => app.here.rows[type]![0]!.id;

  test.each(['default', 'enriched', 'detail', 'alt'])(
    'reads of the view %s are told, and answer the same',
    async (view) => {
      const query = `view=${view}&enabled=all&hidden=all&limit=3&offset=1&order_by_li={"updated_on":"DESC"}`;
      // A list of children comes as a connection, and what may be of any type without its id under the name of that type.
      const isExact = view !== 'detail' || ![...entity.attributes.values()].some(({ any }) => any);

      const one = await run(await explained('GET', `${path}/${id()}?view=${view}`));
      const { data } = await app.root().call('GET', `${path}/${id()}?view=${view}`);
      if (isExact) expect(one.data).toEqual(data);
      else expect(data).toMatchObject(one.data);

      const list = await run(await explained('GET', `${path}/?${query}`));
      const listed = await app.root().call('GET', `${path}/?${query}`);
      if (isExact) expect(list.list.nodes).toEqual(listed.data);
      expect(list.list.totalCount).toBe(listed.meta.total);

      const body = {
        and: [{ field: 'updated_on', op: 'is_not_null' }],
        or: [{ field: 'id', op: 'ne', value: id() }],
      };
      const search = await run(await explained('POST', `${path}/search?${query}`, body));
      const found = await app.root().call('POST', `${path}/search?${query}`, body);
      expect(search.list.nodes.map((node: Values) => node.id)).toEqual(
        found.data.map((record: Values) => record.id),
      );
    },
  );

  test('nested reads are told, and answer the same', async () => {
    for (const parent of allEntities())
      for (const { child } of toManys(parent).filter((many) => many.child === entity)) {
        const parentId = app.here.rows[parent.table]![0]!.id;
        const at = `/v3/crud/${parent.table}/${parentId}/${child.table}/?enabled=all&hidden=all&limit=5`;
        const { parent: read } = await run(await explained('GET', at));
        expect(read.list.nodes).toEqual((await app.root().call('GET', at)).data);
      }
  });

  test('writes are told, not done; and do the same when they are', async () => {
    const body = bodyOf(entity, valuesFor(entity, app.here, nextNumber()));
    const rows = await app.countRows(type);
    const create = await explained('POST', `${path}/`, body);
    const valid = await explained('POST', `${path}/validate`, body);
    expect(await app.countRows(type)).toBe(rows);
    expect((await run(valid)).data).toBe(true);
    expect(await app.countRows(type)).toBe(rows);
    const made = (await run(create)).payload.data;
    expect(await app.countRows(type)).toBe(rows + 1);
    const at = `${path}/${made.id as string}`;
    expect((await app.root().call('GET', at)).data).toEqual(made);

    const row = await app.rowOf(type, made.id);
    const update = await explained('PATCH', at, entity.attributes.has('notes') ? { notes: 'explained' } : {});
    const remove = await explained('DELETE', `${at}?method=delete`);
    expect(await app.rowOf(type, made.id)).toEqual(row);
    const patched = (await run(update)).payload.data;
    expect((await app.root().call('GET', at)).data).toEqual(patched);
    expect((await run(remove)).payload.data).toEqual(patched);
    expect((await app.root().rest('GET', at)).status).toBe(404);
  });

  test('the type itself is told as the graph describes it', async () => {
    const { type: told } = await run(await explained('GET', `${path}/schema`));
    const names = told.fields.map(({ name }: { name: string }) => name);
    for (const { name, read } of entity.attributes.values())
      if (read !== 'never') expect(names).toContain(name);
  });
});

test('the search that finds a tenant is told as what it is', async () => {
  const body = {
    and: [
      { field: 'fqdn', op: 'eq', value: 'unknown.example.org' },
      { field: 'access_key', value: 'k' },
    ],
  };
  const told = await explained('POST', '/v3/crud/site_domain/search', body);
  expect(told.variables).toEqual({ fqdn: 'unknown.example.org', accessKey: 'k' });
  expect(await run(told)).toEqual({ found: null });
});

test('a version that is asked for is part of what is told', async () => {
  const at = `/v3/crud/event/${app.here.rows.event![0]!.id}`;
  const { headers, data } = await app.root().call('GET', at);
  const told = await app
    .root()
    .rest('PATCH', at, { name: 'x' }, { 'x-explain': 'graphql', 'if-match': headers.get('etag')! });
  expect(told.data.variables).toEqual({ id: data.id, input: { name: 'x' }, ifUpdatedOn: data.updated_on });
});

test('what cannot be translated is refused as ever, and so is who may not', async () => {
  expect((await app.root().rest('GET', '/v3/crud/event/?limit=x&explain=graphql')).status).toBe(400);
  expect((await app.root().rest('GET', '/v3/crud/nowhere/?explain=graphql')).status).toBe(404);
  expect((await app.nobody().rest('GET', '/v3/crud/event/?explain=graphql')).status).toBe(403);
});

test('every answer of CRUD names what comes after it', async () => {
  const event = app.here.rows.event![0]!.id;
  const link = '</graphql>; rel="successor-version"';
  for (const [method, path, body] of [
    ['GET', '/v3/crud/event/'],
    ['GET', `/v3/crud/event/${event}`],
    ['GET', `/v3/crud/event/${event}/session/`],
    ['POST', '/v3/crud/event/search', {}],
    ['POST', '/v3/crud/event/', { nonsense: 1 }],
    ['PUT', '/v3/crud/event/', {}],
    ['GET', '/v3/crud/nowhere/'],
    ['GET', '/v3/crud/'],
    ['OPTIONS', '/v3/crud/event/'],
  ] as const)
    expect([method, path, (await app.root().rest(method, path, body)).headers.get('link')]).toEqual([
      method,
      path,
      link,
    ]);
  expect((await app.nobody().rest('GET', '/v3/crud/event/')).headers.get('link')).toBe(link);
});
