import { demo, seedDemo } from '../../seeders/demo';
import { allEntities, entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';

const app = useApp({ rows: 1 });
const counts = () => Promise.all(allEntities().map(({ table }) => app.countRows(table)));

beforeAll(() => seedDemo(app.services));

test('the demo is made once, however often it is asked for', async () => {
  const before = await counts();
  await seedDemo(app.services);
  expect(await counts()).toEqual(before);
});

test.each(allEntities().map(({ table }) => table))(
  'both accounts of the demo have rows of %s',
  async (type) => {
    const { plural } = entityOf(type);
    for (const account of [demo.account, demo.otherAccount]) {
      const { list } = await app.as('manager', account).ask(`{ list: ${plural} { nodes { id } } }`);
      expect(list.nodes).not.toEqual([]);
      expect(list.nodes.filter(({ id }: { id: string }) => !id.startsWith('Demo'))).toEqual([]);
    }
  },
);
