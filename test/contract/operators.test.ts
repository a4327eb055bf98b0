import { allEntities, entityOf } from '../../src/kernel/entity';
import { toManys, toOnes, targetsOf } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import { filtersOf } from '../support/questions';
import { expectAsReference, readWorld, type World } from '../support/reference';

const app = useApp({ rows: 20 });
const types = allEntities().map(({ table }) => table);

let world: World;
beforeAll(async () => {
  world = await readWorld(app);
});

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);

  test('every operator finds what it says, for every attribute', async () => {
    const filters = filtersOf(entity, world);
    expect(filters.length).toBeGreaterThan(50);
    await expectAsReference(app, world, entity, filters);
  });

  test('relations are filtered by what holds for their objects', async () => {
    const held = (table: string) => world[table]!.map(({ id }) => id);
    const filters = [
      ...toOnes(entity).flatMap(({ field, attribute }) => {
        const [target] = targetsOf(attribute);
        if (attribute.any || !target) return [];
        const named = { id: { in: held(target.table).slice(0, 5) } };
        return [
          { [field]: {} },
          { [field]: named },
          { not: { [field]: named } },
          { [field]: { not: named } },
        ];
      }),
      ...toManys(entity).flatMap(({ field, child }) => {
        const some = { id: { in: held(child.table).filter((_, i) => i % 2 === 0) } };
        const named = { createdOn: { lt: '2000-01-01T00:00:00.000Z' } };
        return ['some', 'none', 'every'].flatMap((quantifier) => [
          { [field]: { [quantifier]: some } },
          { [field]: { [quantifier]: {} } },
          { [field]: { [quantifier]: named } },
          { not: { [field]: { [quantifier]: some } } },
          { [field]: { [quantifier]: { not: some } } },
        ]);
      }),
    ];
    await expectAsReference(app, world, entity, filters);
  });
});
