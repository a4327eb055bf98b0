import { allEntities, entityOf } from '../../src/kernel/entity';
import { operatorsOf } from '../../src/kernel/input-types';
import { toManys, toOnes, targetsOf } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import type { Values } from '../support/factory';
import { comparable, operandsOf } from '../support/questions';
import { matching, readWorld, type World } from '../support/reference';

const app = useApp({ rows: 20 });
const types = allEntities().map(({ table }) => table);

let world: World;
beforeAll(async () => {
  world = await readWorld(app);
});

/** Asks many filters of one type at once; answers the ids that each finds. */
async function ask(type: string, filters: Values[]): Promise<string[][]> {
  const { name, plural } = entityOf(type);
  const found: string[][] = [];
  for (let start = 0; start < filters.length; start += 90) {
    const some = filters.slice(start, start + 90);
    const variables = Object.fromEntries(some.map((filter, i) => [`f${String(i)}`, filter]));
    const data = await app.root().ask(
      `query (${some.map((_, i) => `$f${String(i)}: ${name}Filter`).join()}) {
        ${some.map((_, i) => `f${String(i)}: ${plural}(first: 1000, enabled: ALL, hidden: ALL, filter: $f${String(i)}) { nodes { id } }`).join('\n')} }`,
      variables,
    );
    for (const [i] of some.entries())
      found.push(data[`f${String(i)}`].nodes.map(({ id }: Values) => id).sort());
  }
  return found;
}

async function expectAsReference(type: string, filters: Values[]): Promise<void> {
  const found = await ask(type, filters);
  const different = filters.flatMap((filter, i) => {
    const expected = matching(world, entityOf(type), filter).sort();
    return JSON.stringify(expected) === JSON.stringify(found[i])
      ? []
      : [{ filter, found: found[i], expected }];
  });
  expect(different).toEqual([]);
}

describe.each(types)('%s', (type) => {
  const entity = entityOf(type);

  test('every operator finds what it says, for every attribute', async () => {
    const filters = comparable(entity).flatMap((attribute, i) =>
      operatorsOf(attribute).flatMap((operator, k) =>
        operandsOf(entity, attribute, operator, world)
          // Of many operands each attribute gets some; all of a kind get all.
          .filter((_, j, all) => all.length <= 4 || (i + j + k) % 4 === 0)
          .map((operand, j) => {
            const filter = { [attribute.name]: { [operator]: operand } };
            return (i + j + k) % 3 === 0 ? { not: filter } : filter;
          }),
      ),
    );
    expect(filters.length).toBeGreaterThan(50);
    await expectAsReference(type, filters);
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
    await expectAsReference(type, filters);
  });
});
