import fc from 'fast-check';
import { allEntities, entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Values } from '../support/factory';
import { graph } from '../support/graph';
import { filterOf, orderBy, orderByLi, ordersOf, questionsOf, searchOf, seed } from '../support/questions';
import { matching, readWorld, type World } from '../support/reference';
import { recordOf } from '../support/rest';

const app = useApp({ rows: 20 });
const types = allEntities().map(({ table }) => table);
/** A thousand questions over all types. */
const runs = Math.ceil(1000 / types.length);

let world: World;
beforeAll(async () => {
  world = await readWorld(app);
});

const idsOf = (list: Values[]) => list.map(({ id }) => id);

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);

  test('REST and the graph answer the same question alike, in the same order', async () => {
    const question = fc.record({
      question: questionsOf(entity, world),
      order: ordersOf(entity),
      enabled: fc.constantFrom('enabled', 'not_enabled', 'all'),
      hidden: fc.constantFrom('not_hidden', 'hidden', 'all'),
      limit: fc.integer({ min: 0, max: 25 }),
      offset: fc.integer({ min: 0, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ question: asked, order, enabled, hidden, limit, offset }) => {
        const query = new URLSearchParams({ enabled, hidden, limit: String(limit), offset: String(offset) });
        if (order.length > 0) query.set('order_by_li', orderByLi(order));
        const rest = await app.root().call('POST', `/v3/crud/${type}/search?${query.toString()}`, {
          and: [searchOf(asked)],
        });
        const { data, errors } = await graph.list(
          app.root(),
          entity,
          {
            filter: filterOf(asked),
            orderBy: orderBy(order),
            enabled: enabled.toUpperCase(),
            hidden: hidden.toUpperCase(),
            first: limit,
            offset,
          },
          'nodes { id } totalCount',
        );
        expect(errors).toBeUndefined();
        expect(idsOf(rest.data)).toEqual(idsOf(data.list.nodes));
        expect(rest.meta).toMatchObject({
          total: data.list.totalCount,
          count: rest.data.length,
          limit,
          offset,
        });
        expect(rest.meta.warnings).toBeUndefined();

        // And both answer it as a plain reading of the question does.
        const found = matching(world, entity, filterOf(asked));
        const all = world[type]!.filter(
          (object) =>
            found.includes(String(object.id)) &&
            (enabled === 'all' || !('enable' in object) || object.enable === (enabled === 'enabled')) &&
            (hidden === 'all' || !('hide' in object) || object.hide === (hidden === 'hidden')),
        );
        expect(data.list.totalCount).toBe(all.length);
        expect(rest.data).toHaveLength(Math.min(limit, Math.max(0, all.length - offset)));
        expect(idsOf(all)).toEqual(expect.arrayContaining(idsOf(rest.data)));
      }),
      { numRuns: runs, seed },
    );
  });

  test('a list of REST holds the records of the graph', async () => {
    const query = 'enabled=all&hidden=all&limit=1000&order_by_li={"created_on":"ASC","id":"DESC"}';
    const rest = await app.root().call('GET', `/v3/crud/${type}?${query}`);
    const { data } = await graph.list(app.root(), entity, {
      first: 1000,
      orderBy: [{ field: 'CREATED_ON' }, { field: 'ID', direction: 'DESC' }],
    });
    expect(rest.data).toEqual(data.list.nodes.map((node: Values) => recordOf(entity, node)));
  });
});
